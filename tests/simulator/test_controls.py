"""The unsigned controls: paying, the ledger, the clock, and clear sentences for what they do not understand."""

import re
import threading
import time

import pytest


def test_a_buyer_pays_by_code_or_by_number(shared_merchant):
    by_code, by_number = shared_merchant.placed(), shared_merchant.placed()
    for order, body in (
        (by_code, {"codeUrl": by_code["code_url"]}),
        (by_number, {"outTradeNo": by_number["out_trade_no"]}),
    ):
        response = shared_merchant.pay(**body)
        assert response.status == 200
        assert response.json["out_trade_no"] == order["out_trade_no"]
        assert re.fullmatch(r"o[0-9A-Za-z_-]{27}", response.json["payer"]["openid"])


@pytest.mark.parametrize(
    "body",
    [
        {"h5Url": "?prepay_id=\ud83d"},
        {"payment": {"paySign": "\ud83d"}},
        {"outTradeNo": "NUMBER", "coupons": [{"amount": 1, "name": "\ud83d"}]},
        {"outTradeNo": "\udc4d"},
    ],
    ids=["a link", "a payment", "a coupon", "a number"],
)
def test_half_a_character_is_understood_by_no_control(shared_merchant, body):
    if body.get("outTradeNo") == "NUMBER":
        body = body | {"outTradeNo": shared_merchant.placed()["out_trade_no"]}
    response = shared_merchant.control("POST", "pay", body)
    assert (response.status, response.code) == (400, "BAD_CONTROL")


def test_settings_change_together_or_not_at_all(merchant):
    before = merchant.control("GET", "settings").json
    assert before == {
        "refundAfter": 1,
        "minuteBetweenRefunds": False,
        "closeAfter": 0,
        "repostedDifferently": "INVALID_REQUEST",
        "rateLimits": False,
        "h5Domains": ["127.0.0.1", "localhost"],
        "oauthDomains": ["127.0.0.1", "localhost"],
    }
    wrong = merchant.control("POST", "settings", {"closeAfter": 300, "h5Domains": [""]})
    assert (wrong.status, wrong.code) == (400, "BAD_CONTROL")
    assert merchant.control("GET", "settings").json == before
    changed = merchant.control("POST", "settings", {"closeAfter": 300, "h5Domains": ["example.com"]})
    assert changed.json == before | {"closeAfter": 300, "h5Domains": ["example.com"]}


def test_nobody_pays_twice(shared_merchant):
    order = shared_merchant.placed()
    first = shared_merchant.pay(codeUrl=order["code_url"]).json
    for body in ({"codeUrl": order["code_url"]}, {"outTradeNo": order["out_trade_no"]}):
        refusal = shared_merchant.pay(**body)
        assert (refusal.status, refusal.code) == (409, "ORDER_PAID")
        assert refusal.json["error"].endswith(".")
    assert shared_merchant.query(order["out_trade_no"]).json["transaction_id"] == first["transaction_id"]


def test_of_many_buyers_at_once_one_pays(shared_merchant):
    order = shared_merchant.placed()
    statuses = []
    threads = [
        threading.Thread(
            target=lambda: statuses.append(shared_merchant.pay(codeUrl=order["code_url"]).status)
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 7


@pytest.mark.parametrize("body", [{"codeUrl": "weixin://x"}, {"prepayId": "wx1"}, {"outTradeNo": "NOBODY"}])
def test_what_nobody_ordered_cannot_be_paid(shared_merchant, body):
    response = shared_merchant.pay(**body)
    assert (response.status, response.code) == (404, "ORDER_NOT_FOUND")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        [],
        {},
        {"openid": "o"},
        {"codeUrl": 1},
        {"codeUrl": ""},
        {"codeUrl": None},
        {"codeUrl": "a", "outTradeNo": "b"},
        {"codeUrl": "a", "amount": "1"},
        {"codeUrl": "a", "openid": "\ud83d"},
    ],
    ids=repr,
)
def test_a_payment_that_is_not_understood_is_a_400(shared_merchant, body):
    response = shared_merchant.control("POST", "pay", body)
    assert (response.status, response.code) == (400, "BAD_CONTROL")
    assert response.json["error"].endswith(".")


def test_the_ledger_tells_of_every_order(merchant):
    assert merchant.control("GET", "orders").json == {"orders": []}
    order, other = merchant.placed(), merchant.placed(amount={"total": 7})
    transaction_id = merchant.pay(codeUrl=order["code_url"]).json["transaction_id"]
    assert merchant.control("GET", "orders").json == {
        "orders": [
            {
                "out_trade_no": order["out_trade_no"],
                "appid": order["appid"],
                "trade_type": "NATIVE",
                "trade_state": "SUCCESS",
                "transaction_id": transaction_id,
                "amount": {"total": 100},
                "description": order["description"],
                "notify_url": order["notify_url"],
                "refunds": [],
            },
            {
                "out_trade_no": other["out_trade_no"],
                "appid": other["appid"],
                "trade_type": "NATIVE",
                "trade_state": "NOTPAY",
                "amount": {"total": 7},
                "description": other["description"],
                "notify_url": other["notify_url"],
                "refunds": [],
            },
        ]
    }


def test_the_ledger_has_the_latest_link_of_an_h5_order(merchant):
    order = merchant.h5_order()
    merchant.h5(order)
    latest = merchant.h5(order).json["h5_url"]
    [entry] = merchant.control("GET", "orders").json["orders"]
    assert (entry["trade_type"], entry["h5_url"]) == ("MWEB", latest)


def test_the_clock_moves_forward(merchant):
    answer = merchant.control("POST", "clock", {"advance": 3600.5})
    assert abs(answer.json["now"] - time.time() - 3600.5) < 2
    assert abs(merchant.clock.time() - time.time() - 3600.5) < 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        {},
        {"advance": "1"},
        {"advance": True},
        {"advance": -1},
        {"advance": None},
        {"advance": 1e300},
        {"advance": 10**400},
        b'{"advance":NaN}',
    ],
    ids=repr,
)
def test_a_clock_step_that_is_none_is_a_400(shared_merchant, body):
    assert shared_merchant.control("POST", "clock", body).status == 400


def test_the_clock_goes_a_hundred_years_ahead_and_no_further(merchant):
    year = 365 * 86400
    merchant.advance(99 * year)
    order = merchant.placed()
    assert merchant.pay(codeUrl=order["code_url"]).status == 200
    response = merchant.control("POST", "clock", {"advance": 2 * year})
    assert (response.status, response.code) == (400, "BAD_CONTROL")


def test_an_unknown_control_is_a_404(shared_merchant):
    assert shared_merchant.control("GET", "nothing").status == 404
    assert shared_merchant.control("GET", "pay").status == 405
    assert shared_merchant.control("POST", "notifications/nobody").status == 404
