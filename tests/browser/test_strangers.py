"""A page of another port of this machine: the browser itself lets it call the sandbox, and the checkout brings its buyer back."""

import pytest

from sandbox.stack import Sandbox
from tests.browser.chromium import state
from tests.kit.serving import Answering, serving

NAME = "茶舍 {en} <b>Tea</b>"
BUY = """async ([api, thanks]) => {
  const ask = async (path, body, headers = {}) => {
    const answer = await fetch(api + path, {
      method: "POST", headers: {"Content-Type": "application/json", ...headers}, body: JSON.stringify(body),
    });
    return {...(await answer.json()), status: answer.status, again: answer.headers.get("Retry-After")};
  };
  const buyer = {sub: "buyer-1", scope: "payments:pay"};
  const price = {sub: "buyer-1", contentId: "tea", amount: 999};
  const [{token}, {quote}] = [await ask("/_sandbox/token", buyer), await ask("/_sandbox/quote", price)];
  const order = {contentId: "tea", amount: "9.99", subject: "Tea", quote, returnUrl: thanks};
  return ask("/api/v1/payments/wechat/native", order, {"Authorization": `Bearer ${token}`, "Idempotency-Key": thanks});
}"""


class Shop(Answering):
    """A shop's page, on a port of its own."""

    def do_GET(self):
        self.answer(
            200, b"<!doctype html><title>A shop</title><h1>Welcome</h1>", {"content-type": "text/html"}
        )


@pytest.fixture
def elsewhere():
    with serving(Shop) as origin:
        yield origin


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_shop_at_another_port_orders_from_its_page_and_gets_its_buyer_back(
    sandbox, tab, shop, elsewhere, name
):
    origin = elsewhere.replace("127.0.0.1", name)
    page = tab(f"{origin}/")
    opened = page.evaluate(BUY, [sandbox.api, f"{origin}/thanks?order=7"])
    assert opened["status"] == 200, opened
    page.goto(opened["data"]["checkoutUrl"])
    state(page, "scan")
    assert shop.control("pay", {"outTradeNo": opened["data"]["outTradeNo"]}).ok
    page.wait_for_url(f"{origin}/thanks?order=7")


def test_shop_phone_and_thanks_are_called_as_the_merchant_is(tab):
    with Sandbox(parameters={"MerchantName": NAME}) as running:
        page = tab(running.api, locale="en")
        page.locator("header .name", has_text=NAME).wait_for()
        assert page.title() == NAME
        page.locator("#language").click()
        assert page.locator("header .name").inner_text() == NAME
        page.locator("#buy-poem").click()
        page.wait_for_url("**/checkout/**")
        phone = tab(f"{running.api}/phone", locale="en")
        phone.locator("#orders button").first.click()
        assert phone.locator("#merchant").inner_text() == NAME
        phone.locator("#pay").click()
        page.wait_for_url("**/success?order=*")
        page.locator("header .name", has_text=NAME).wait_for()
