"""One link within WeChat, end to end: who the buyer is, their own order, the cashier, paid."""

from typing import Any

import requests

from tests.kit.shop import Shop

CHECKOUT = {"contentId": "content-1", "amount": "8.80", "subject": "A photograph"}


def seen(browser: requests.Session, address: str) -> dict[str, Any]:
    answer = browser.get(address, headers={"accept": "application/json"}, timeout=60)
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


def opened(browser: requests.Session, address: str, **members: object) -> dict[str, Any]:
    answer = browser.post(f"{address}/open", json=members, timeout=60)
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


def test_a_buyer_within_wechat_pays_without_saying_who_they_are(shop: Shop) -> None:
    kept = shop.call("POST", "/checkout", CHECKOUT).json()["data"]
    address = kept["checkoutUrl"]
    browser = shop.within_wechat(address)
    assert seen(browser, address)["status"] == "ready"

    view = opened(browser, address)
    assert (view["status"], view["kind"]) == ("waiting", "jsapi")
    paid = shop.control("pay", {"payment": view["paymentParams"]})
    assert (paid.status_code, paid.json()["trade_type"]) == (200, "JSAPI"), paid.text
    number = paid.json()["out_trade_no"]
    shop.sandbox.wait_until(lambda: seen(browser, address)["status"] == "paid")
    found = shop.query(number)
    assert found["payer"]["openid"].startswith("o")
    assert len(found["payer"]["openid"]) == 28


def test_somebody_else_within_wechat_is_somebody_else(shop: Shop) -> None:
    address = shop.call("POST", "/checkout", CHECKOUT | {"contentId": "content-2"}).json()["data"][
        "checkoutUrl"
    ]
    first, second = (shop.within_wechat(address) for _ in range(2))
    assert opened(first, address)["status"] == "waiting"
    assert seen(second, address)["status"] == "elsewhere"
    stranger = requests.Session()
    stranger.headers["user-agent"] = first.headers["user-agent"]
    assert seen(stranger, address)["status"] == "elsewhere"


def test_what_only_looks_is_sent_nowhere(shop: Shop) -> None:
    address = shop.call("POST", "/checkout", CHECKOUT | {"contentId": "content-3"}).json()["data"][
        "checkoutUrl"
    ]
    for look in (requests.get, requests.head):
        answer = look(f"{address}/wechat", allow_redirects=False, timeout=60)
        assert "connect/oauth2" not in answer.headers.get("location", "")
        assert "set-cookie" not in answer.headers
