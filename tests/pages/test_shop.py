"""The shop's backend sets the price, orders at the payment API, and its buyers pay at the checkout."""

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


def test_the_price_is_the_shops_whatever_the_browser_says(browser):
    view = browser.view(browser.order("ink", amount="0.01", price=1))

    assert view["amount"] == "99.99"
    assert view["subject"] == PRODUCTS["ink"].subject


def test_the_buyer_is_the_same_for_the_whole_visit(browser):
    first = browser.get("/shop/products").json()
    again = browser.get("/shop/products").json()

    assert first["buyer"] == again["buyer"]
    assert [each["price"] for each in first["products"]] == [yuan(each.fen) for each in PRODUCTS.values()]


def test_a_made_up_cookie_does_not_choose_the_buyer(browser):
    browser.cookies.set("shop_buyer", "admin", path="/shop")

    assert browser.get("/shop/products").json()["buyer"].startswith("buyer-")


@pytest.mark.parametrize("product", list(PRODUCTS))
def test_a_whole_purchase(browser, product):
    view = browser.view(checkout := browser.order(product))
    listed = browser.get("/phone/orders").json()["orders"][0]
    assert (listed["state"], listed["amount"]) == ("NOTPAY", yuan(PRODUCTS[product].fen))
    reference = view["returnUrl"].partition("order=")[2]
    assert browser.get(f"/shop/orders/{reference}").json()["status"] == "pending"

    paid = browser.post("/phone/pay", json={"codeUrl": view["codeUrl"]})

    assert paid.status_code == 200, paid.text
    assert browser.view(checkout, until="paid")["returnUrl"] == view["returnUrl"]
    order = browser.get(f"/shop/orders/{reference}").json()
    assert (order["status"], order["outTradeNo"]) == ("succeeded", listed["outTradeNo"])
    assert order["product"]["id"] == product


def test_a_second_click_is_the_same_order_and_after_payment_a_new_one(browser):
    first = browser.order("poem")
    assert browser.order("poem") == first

    browser.post("/phone/pay", json={"codeUrl": browser.view(first)["codeUrl"]})
    browser.view(first, until="paid")

    assert browser.view(browser.order("poem"))["status"] == "waiting"


def test_an_order_of_somebody_else_is_not_told_of(sandbox, browser):
    reference = browser.view(browser.order("guqin"))["returnUrl"].partition("order=")[2]
    browser.cookies.clear()

    assert browser.get(f"/shop/orders/{reference}").status_code == 404
    assert browser.get("/shop/orders/none").status_code == 404
