"""A real Chromium against the whole sandbox. It needs more than the suite does, so it runs only when it is named: `make browser`."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.chromium import SHOTS, launched
from tests.kit.running import Running
from tests.kit.shop import Shop


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    with Running(parameters={"OrderMinutes": "300"}) as running:
        running.warm()
        yield running


@pytest.fixture
def shop(sandbox: Running) -> Iterator[Shop]:
    shop = Shop(sandbox)
    yield shop
    shop.faults()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    SHOTS.mkdir(parents=True, exist_ok=True)
    with launched() as browser:
        yield browser


@pytest.fixture
def tab(chromium):
    """Opens pages, each as if in a browser of its own; what a page complains of fails the test."""
    contexts, complaints = [], []

    def dismissed(dialog):
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def opened(url=None, *, width=1280, height=860, wait=True, **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if "Content Security" in message.text else None,
        )
        page.on("dialog", dismissed)
        if url:
            page.goto(url, wait_until="load" if wait else "commit")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def order(shop):
    """Opens orders through the API: the answer's data."""

    def opened(**members):
        body = {"contentId": "content-1", "amount": "19.99", "subject": "古琴曲《流水》"} | members
        answer = shop.call("POST", "/jsapi" if "openid" in body else "/native", body)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    return opened


@pytest.fixture
def pay(shop):
    """The buyer pays."""

    def paid(order):
        assert shop.control("pay", {"outTradeNo": order["outTradeNo"]}).status_code == 200

    return paid


@pytest.fixture
def checkout(shop, request):
    """Keeps what is to be paid: its address."""

    def kept(**members):
        body = {"contentId": request.node.name[:60], "amount": "19.99", "subject": "古琴曲《流水》"}
        answer = shop.call("POST", "/checkout", body | members)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["checkoutUrl"]

    return kept
