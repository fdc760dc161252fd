"""The shop's backend sets the price, and a purchase goes through the real gateway."""

import jwt
import pytest

from sandbox.pages.prices import PRODUCTS, yuan


@pytest.mark.parametrize(
    "body",
    [
        b'{"productId": "moon"}',
        b'{"productId": ["poem"]}',
        b"{}",
        b"[]",
        b"no JSON",
        b"[" * 4000,
        b" " * 5000,
    ],
)
def test_what_the_shop_does_not_sell_is_refused(browser, body):
    answer = browser.post("/shop/order", data=body)

    assert answer.status_code == 404
    assert answer.json()["code"] == "PRODUCT_NOT_FOUND"


def test_the_price_is_the_shops_whatever_the_browser_says(sandbox, browser):
    answer = browser.post("/shop/order", json={"productId": "ink", "amount": "0.01", "price": 1}).json()

    assert answer["order"]["amount"] == "99.99"
    quote = jwt.decode(
        answer["order"]["quote"],
        sandbox.tokens.quote_key,
        algorithms=["HS256"],
        options={"verify_iat": False},  # the sandbox's clock may be ahead
    )
    assert (quote["contentId"], quote["amount"]) == ("ink", 9999)


def test_the_buyer_is_the_same_for_the_whole_visit(browser):
    products = browser.get("/shop/products").json()
    token = jwt.decode(browser.vouched("poem")["token"], options={"verify_signature": False})

    assert products["buyer"] == token["sub"]
    assert token["scope"] == "payments:pay"
    assert [each["price"] for each in products["products"]] == [yuan(each.fen) for each in PRODUCTS.values()]


def test_a_made_up_cookie_does_not_choose_the_buyer(browser):
    browser.cookies.set("shop_buyer", "admin", path="/shop")

    assert browser.get("/shop/products").json()["buyer"].startswith("buyer-")


def test_a_changed_amount_is_refused_by_the_api(browser):
    vouched = browser.vouched("ink")
    answer = browser.native(vouched["order"] | {"amount": "0.01"}, vouched["token"], key="cheaper")

    assert answer.status_code == 403
    assert answer.json()["details"]["field"] == "quote"


@pytest.mark.parametrize("product", list(PRODUCTS))
def test_a_whole_purchase(browser, product):
    answer, token = browser.order(product)
    assert answer.status_code == 200, answer.text
    order = answer.json()["data"]
    assert order["qrCode"].startswith("data:image/png;base64,")
    assert order["expiresAt"]
    (listed,) = [
        each
        for each in browser.get("/phone/orders").json()["orders"]
        if each["outTradeNo"] == order["outTradeNo"]
    ]
    assert (listed["state"], listed["amount"]) == ("NOTPAY", yuan(PRODUCTS[product].fen))
    assert listed["description"] == PRODUCTS[product].subject
    assert browser.state(order["outTradeNo"], token, "NOTPAY")

    paid = browser.post("/phone/pay", json={"codeUrl": order["codeUrl"]})

    assert paid.status_code == 200, paid.text
    state = browser.state(order["outTradeNo"], token, "SUCCESS")
    assert state["transactionId"] == paid.json()["transactionId"]


def test_a_retry_with_the_same_key_finds_the_same_order(browser):
    first, _ = browser.order("poem", key="one-wish")
    again, _ = browser.order("poem", key="one-wish")  # with a newer quote, as the page's retry sends

    assert first.json() == again.json()


def test_a_retry_after_payment_names_the_paid_order(browser):
    first, _ = browser.order("poem", key="paid-wish")
    order = first.json()["data"]
    browser.post("/phone/pay", json={"codeUrl": order["codeUrl"]})
    browser.state(order["outTradeNo"], browser.vouched("poem")["token"], "SUCCESS")

    again, _ = browser.order("poem", key="paid-wish")

    assert again.status_code == 409
    assert again.json()["code"] == "ORDERPAID"
    assert again.json()["details"]["outTradeNo"] == order["outTradeNo"]
