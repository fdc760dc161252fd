"""What an open checkout hears, and by which way: pushed, polled, late, never of another order."""

import os
import time

import pytest

from tests.browser.chromium import state

PAGES = int(os.environ.get("PAGES", "20"))  # that wait at once; the long form opens 300


def test_a_page_hears_at_once_over_its_socket(sandbox, tab, order, pay):
    opened = order()
    page = tab(opened["checkoutUrl"])
    _connected(sandbox)
    pay(opened)
    started = time.monotonic()
    state(page, "paid")
    assert time.monotonic() - started < 5  # far less than the twenty seconds between two looks of its own


def test_a_refused_socket_costs_at_most_five_seconds(tab, order, pay):
    opened = order()
    page = tab()
    page.route_web_socket("**/*", lambda socket: socket.close(code=1008))
    page.goto(opened["checkoutUrl"])
    page.wait_for_timeout(2000)
    pay(opened)
    state(page, "paid", seconds=5)


def test_a_socket_cut_in_the_middle_costs_at_most_five_seconds_and_is_opened_again(sandbox, tab, order, pay):
    opened = order()
    page = tab(opened["checkoutUrl"])
    before = _connected(sandbox)
    sandbox.websockets.cut()
    pay(opened)
    state(page, "paid", seconds=5)
    assert _connected(sandbox) != before


def test_a_page_that_nobody_sees_rests_and_looks_when_it_is_seen_again(tab, order, pay):
    opened = order()
    page = tab()
    page.route_web_socket("**/*", lambda socket: socket.close())
    page.goto(opened["checkoutUrl"])
    _visible(page, "hidden")
    page.wait_for_timeout(2500)  # a look that was under way has ended
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    pay(opened)
    page.wait_for_timeout(3000)
    assert asked == []
    assert page.locator("main").get_attribute("data-state") == "scan"
    _visible(page, "visible")
    state(page, "paid", seconds=3)


def test_a_page_open_when_its_code_ends_gets_a_fresh_one_that_can_be_paid(sandbox, shop, tab, order):
    opened = order(contentId="renewed")
    page = tab(opened["checkoutUrl"])
    first = page.locator("#code").get_attribute("src")
    sandbox.clock.advance(2 * 3600 - 200)
    sandbox.websockets.cut()
    page.wait_for_function("src => document.getElementById('code').getAttribute('src') !== src", arg=first)
    view = page.evaluate("fetch(location.href, {headers: {Accept: 'application/json'}}).then(a => a.json())")
    assert shop.control("pay", {"codeUrl": opened["codeUrl"]}).status_code == 410
    assert shop.control("pay", {"codeUrl": view["codeUrl"]}).status_code == 200
    state(page, "paid")


def test_while_no_fresh_code_can_be_had_the_page_says_so_and_shows_none(sandbox, shop, tab, order):
    opened = order(contentId="unrenewable")
    page = tab(opened["checkoutUrl"])
    shop.faults({"on": "native", "effect": "status", "status": 500, "code": "SYSTEM_ERROR"})
    sandbox.clock.advance(2 * 3600 - 200)
    sandbox.websockets.cut()
    state(page, "renewing")
    assert not page.locator("#code").is_visible()
    shop.faults()
    sandbox.clock.advance(20)
    state(page, "scan", seconds=20)


def test_a_page_open_when_the_order_ends_says_so_and_late_money_all_the_same(sandbox, shop, tab, order):
    opened = order(contentId="ending")
    page = tab(opened["checkoutUrl"])
    # Nobody hears of the money, and whoever asks gets no answer, until the page has seen the end.
    shop.faults(
        {"on": "notification", "effect": "drop"},
        {"on": "query", "effect": "status", "status": 500, "code": "SYSTEM_ERROR"},
    )
    sandbox.clock.advance(5 * 3600 - 60)
    assert shop.call("GET", f"/payment/{opened['outTradeNo']}").status_code == 200
    fresh = page.evaluate("fetch(location.href, {headers: {Accept: 'application/json'}}).then(a => a.json())")
    assert shop.control("pay", {"codeUrl": fresh["codeUrl"]}).status_code == 200
    sandbox.clock.advance(61)
    sandbox.websockets.cut()
    state(page, "closing")  # nobody is told to order again before it is known whether this one was paid
    assert not page.locator("#code").is_visible()
    shop.faults()
    sandbox.minutes(10)
    state(page, "paid", seconds=20)


def test_a_page_open_when_nobody_has_paid_says_that_the_order_has_expired_once_it_is_closed(
    sandbox, shop, tab, order
):
    opened = order(contentId="unpaid")
    page = tab(opened["checkoutUrl"])
    sandbox.clock.advance(5 * 3600 + 1)
    sandbox.websockets.cut()
    state(page, "closing")
    sandbox.minutes(4)
    state(page, "expired", seconds=20)


def test_a_refund_shows_on_an_open_page(shop, tab, order, pay):
    opened = order(contentId="refunded")
    page = tab(opened["checkoutUrl"])
    pay(opened)
    state(page, "paid")
    refund = shop.refund(opened["outTradeNo"], "19.99").json()["data"]
    shop.control("refund", {"outRefundNo": refund["outRefundNo"], "status": "SUCCESS"})
    state(page, "refunded", seconds=20)
    assert page.locator("#refunded").inner_text() == "19.99"


def test_every_page_hears_of_its_own_payment_and_of_no_other(chromium, shop, order, pay):
    orders = [order(contentId=f"many-{n}", subject=f"Order {n}") for n in range(PAGES)]
    context = chromium.new_context()
    pages = [context.new_page() for _ in orders]
    for page, opened in zip(pages, orders, strict=True):
        page.goto(opened["checkoutUrl"], wait_until="domcontentloaded")
    try:
        half = len(orders) // 2
        for opened in orders[:half]:
            pay(opened)
        _wait_for(lambda: _states(pages[:half]) == ["paid"] * half, lambda: _states(pages))
        assert set(_states(pages[half:])) == {"scan"}
        for opened in orders[half:]:
            pay(opened)
        _wait_for(lambda: set(_states(pages)) == {"paid"}, lambda: _states(pages))
        for n, page in enumerate(pages):
            assert page.evaluate("document.getElementById('subject').textContent") == f"Order {n}"
    finally:
        context.close()


def _states(pages):
    # Asked for, not waited for: a window that is not in front draws nothing that one could wait for.
    return [page.evaluate("document.getElementById('checkout').dataset.state") for page in pages]


def _wait_for(holds, told, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, told()
        time.sleep(0.1)


def _connected(sandbox):
    deadline = time.monotonic() + 10
    while not (now := set(sandbox.websockets.connections)):
        assert time.monotonic() < deadline, "no page has opened a socket"
        time.sleep(0.02)
    return now


def _visible(page, visibility):
    page.evaluate(
        """state => {
          Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
          Object.defineProperty(document, "hidden", { value: state === "hidden", configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        visibility,
    )


@pytest.fixture(autouse=True)
def _nobody_else_is_connected(sandbox):
    sandbox.websockets.cut()
