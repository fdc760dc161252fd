"""An order that outlives its code: whoever asks again in time is given a fresh one, and the money finds its order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.kit.running import Running
from tests.kit.shop import Shop

pytestmark = [pytest.mark.share(2, of_file=True), pytest.mark.in_turn]

HOURS = 5


@pytest.fixture(scope="module")
def patient() -> Iterator[Running]:
    """A stack whose orders live for five hours, while WeChat Pay's codes live for two."""
    with Running(parameters={"OrderMinutes": str(60 * HOURS)}) as running:
        yield running


@pytest.fixture
def shop(patient: Running) -> Iterator[Shop]:
    shop = Shop(patient)
    yield shop
    shop.faults()


def test_a_code_that_lives_is_handed_out_again_and_one_that_ends_is_renewed(shop: Shop) -> None:
    first = shop.native(key="wish-1").json()["data"]
    shop.sandbox.clock.advance(3600)
    assert shop.native(key="wish-1").json()["data"] == first

    shop.sandbox.clock.advance(3600 - 240)
    fresh = shop.native(key="wish-1").json()["data"]

    assert fresh["outTradeNo"] == first["outTradeNo"]
    assert fresh["codeUrl"] != first["codeUrl"]
    assert fresh["expiresAt"] > first["expiresAt"]
    assert (
        shop.control("pay", {"codeUrl": first["codeUrl"]}).status_code == 410
    )  # WeChat Pay knows the last one only
    assert shop.control("pay", {"codeUrl": fresh["codeUrl"]}).status_code == 200
    shop.sandbox.wait_until(lambda: shop.details(first["outTradeNo"])["status"] == "succeeded")


def test_many_who_ask_at_once_get_one_fresh_code(shop: Shop) -> None:
    first = shop.jsapi(key="wish-2").json()["data"]
    shop.sandbox.clock.advance(2 * 3600 + 60)  # nobody asked before its end
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda _: shop.jsapi(key="wish-2").json()["data"], range(8)))

    (fresh,) = {answer["prepayId"] for answer in answers}
    assert fresh != first["prepayId"]


def test_a_renewal_without_an_answer_is_tried_again_and_loses_nothing(shop: Shop) -> None:
    first = shop.native(key="wish-3").json()["data"]
    shop.sandbox.clock.advance(2 * 3600)
    shop.faults({"on": "native", "effect": "reset_after"})

    answer = shop.native(key="wish-3")
    assert answer.status_code == 503
    shop.faults()
    shop.sandbox.clock.advance(int(answer.headers["retry-after"]))
    fresh = shop.native(key="wish-3").json()["data"]

    assert shop.control("pay", {"codeUrl": fresh["codeUrl"]}).status_code == 200
    shop.sandbox.wait_until(lambda: shop.details(first["outTradeNo"])["status"] == "succeeded")


def test_an_order_paid_meanwhile_is_not_renewed_but_told(shop: Shop) -> None:
    number = shop.native(key="wish-4").json()["data"]["outTradeNo"]
    shop.faults({"on": "notification", "effect": "drop"})
    shop.sandbox.clock.advance(3600)
    assert shop.control("pay", {"outTradeNo": number}).status_code == 200
    shop.sandbox.clock.advance(3600)

    answer = shop.native(key="wish-4")

    assert (answer.status_code, answer.json()["code"]) == (409, "ORDERPAID")


def test_it_is_closed_when_its_own_time_is_over(shop: Shop) -> None:
    number = shop.native(key="wish-5").json()["data"]["outTradeNo"]
    shop.sandbox.clock.advance(4 * 3600)
    shop.sandbox.minutes(1)
    assert shop.details(number)["status"] == "pending"
    shop.sandbox.clock.advance(3600)
    shop.sandbox.minutes(3)

    assert shop.details(number)["status"] == "closed"


def look(shop: Shop, order: dict[str, Any]) -> dict[str, Any]:
    answer = shop.http.get(order["checkoutUrl"], headers={"Accept": "application/json"}, timeout=30)
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


def test_the_checkout_shows_a_fresh_code_when_the_last_one_ends(shop: Shop) -> None:
    first = shop.native().json()["data"]
    shop.sandbox.clock.advance(2 * 3600 - 240)
    with ThreadPoolExecutor(6) as pages:
        views = list(pages.map(lambda _: look(shop, first), range(6)))

    (code_url,) = {view["codeUrl"] for view in views if "codeUrl" in view}  # some may still be waiting for it
    assert code_url != first["codeUrl"]
    assert shop.control("pay", {"codeUrl": code_url}).status_code == 200
    shop.sandbox.wait_until(lambda: look(shop, first)["status"] == "paid")


def test_the_checkout_shows_no_code_rather_than_one_that_may_be_dead(shop: Shop) -> None:
    first = shop.native().json()["data"]
    shop.sandbox.clock.advance(2 * 3600 - 240)
    shop.faults({"on": "native", "effect": "status", "status": 500, "code": "SYSTEM_ERROR"})
    view = look(shop, first)
    assert view["status"] == "waiting"
    assert not {"codeUrl", "qrCode", "codeExpiresAt"} & set(view)

    shop.faults()
    shop.sandbox.clock.advance(20)
    fresh = look(shop, first)
    assert shop.control("pay", {"codeUrl": fresh["codeUrl"]}).status_code == 200
    shop.sandbox.wait_until(lambda: look(shop, first)["status"] == "paid")


def test_the_checkout_calls_an_order_expired_once_it_is_proven_that_nobody_has_paid(shop: Shop) -> None:
    order = shop.native().json()["data"]
    shop.sandbox.clock.advance(HOURS * 3600 - 60)
    assert look(shop, order)["status"] == "waiting"
    shop.sandbox.clock.advance(61)
    assert look(shop, order)["status"] == "closing"
    shop.sandbox.minutes(3)
    assert shop.details(order["outTradeNo"])["status"] == "closed"
    assert look(shop, order)["status"] == "expired"


def test_a_link_for_a_phones_browser_is_renewed_before_its_last_minute_for_the_same_address(
    shop: Shop,
) -> None:
    first = shop.h5(key="wish-h5").json()["data"]
    shop.sandbox.clock.advance(200)
    assert shop.h5(key="wish-h5").json()["data"] == first

    shop.sandbox.clock.advance(41)  # less than a minute is left of its five
    fresh = shop.h5(key="wish-h5").json()["data"]

    assert fresh["outTradeNo"] == first["outTradeNo"]
    assert fresh["h5Url"] != first["h5Url"]
    assert fresh["expiresAt"] > first["expiresAt"]
    assert fresh["clientIp"] == first["clientIp"]
    shop.sandbox.clock.advance(61)
    assert shop.control("pay", {"h5Url": first["h5Url"]}).status_code == 410
    assert shop.control("pay", {"h5Url": fresh["h5Url"]}).status_code == 200
    shop.sandbox.wait_until(lambda: shop.details(first["outTradeNo"])["status"] == "succeeded")


def test_an_h5_order_without_an_answer_is_finished_for_the_address_that_was_frozen(shop: Shop) -> None:
    shop.faults({"on": "h5", "effect": "reset_after"})
    answer = shop.h5(key="wish-h5-lost")
    assert answer.status_code == 503
    shop.faults()
    shop.sandbox.clock.advance(int(answer.headers["retry-after"]))

    body = {"contentId": "content-1", "amount": "100.00", "subject": "A thing", "clientIp": "203.0.113.10"}
    opened = shop.call("POST", "/h5", body, key="wish-h5-lost").json()["data"]

    assert opened["clientIp"] == "127.0.0.1"
    assert shop.control("pay", {"h5Url": opened["h5Url"], "ip": "127.0.0.1"}).status_code == 200
    shop.sandbox.wait_until(lambda: shop.details(opened["outTradeNo"])["status"] == "succeeded")
