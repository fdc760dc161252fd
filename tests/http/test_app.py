"""POST …/app at the port: what the app calls WeChat up with is what WeChat's cashier opens for, and nothing else."""

import secrets

import requests

ORDER = {"contentId": "content-1", "amount": "8.80", "subject": "A photograph"}


def called_up(shop, payment):
    """The buyer confirms in WeChat, which the app has called up."""
    return requests.post(f"{shop.sandbox.simulator}/_sandbox/pay", json={"payment": payment}, timeout=10)


def test_the_cashier_opens_for_what_the_app_was_given(shop):
    data = shop.post("app", ORDER).data
    assert data.keys() == {
        *("paymentId", "outTradeNo", "amount", "currency", "expiresAt"),
        *("prepayId", "paymentParams"),
    }
    params = data["paymentParams"]
    mine = shop.sandbox.credentials
    assert (params["appId"], params["partnerId"]) == (mine.appid, mine.mchid)
    assert (params["prepayId"], params["packageValue"]) == (data["prepayId"], "Sign=WXPay")

    tampered = called_up(shop, params | {"nonceStr": "another"})
    assert (tampered.status_code, tampered.json()["code"]) == (403, "CALL_UP_SIGNATURE")
    paid = called_up(shop, params)
    assert (paid.status_code, paid.json()["out_trade_no"]) == (200, data["outTradeNo"])
    assert paid.json()["trade_type"] == "APP"
    number = data["outTradeNo"]
    assert shop.read("query", number).data["tradeState"] == "SUCCESS"


def test_the_same_wish_is_the_same_order_with_parameters_of_its_own(shop):
    key = secrets.token_hex(8)
    first, second = (shop.post("app", ORDER, key=key).data for _ in range(2))
    assert (first["outTradeNo"], first["prepayId"]) == (second["outTradeNo"], second["prepayId"])
    assert first["paymentParams"]["nonceStr"] != second["paymentParams"]["nonceStr"]
    assert shop.post("app", ORDER | {"amount": "8.81"}, key=key).refusal[:2] == (422, "IDEMPOTENCY_MISMATCH")


def test_the_same_key_is_another_order_by_another_way(shop):
    key = secrets.token_hex(8)
    numbers = {shop.post(way, ORDER, key=key).data["outTradeNo"] for way in ("app", "native")}
    assert len(numbers) == 2


def test_the_orders_own_app_is_what_is_signed_for_checked_and_paid(shop):
    mine = shop.sandbox.credentials
    data = shop.post("app", ORDER | {"app": "mobile"}).data
    params = data["paymentParams"]
    assert params["appId"] == mine.mobile_appid
    other = called_up(shop, params | {"appId": mine.appid})
    assert (other.status_code, other.json()["code"]) == (403, "CALL_UP_APPID")
    paid = called_up(shop, params)
    assert (paid.status_code, paid.json()["appid"]) == (200, mine.mobile_appid)
    assert shop.read("query", data["outTradeNo"]).data["tradeState"] == "SUCCESS"


def test_a_mini_program_pays_for_an_order_of_its_own(shop):
    mine = shop.sandbox.credentials
    order = ORDER | {"app": "mini", "openid": f"o{secrets.token_hex(13)}"}
    data = shop.post("jsapi", order).data
    params = data["paymentParams"]
    assert params["appId"] == mine.mini_program_appid
    assert called_up(shop, params).status_code == 200
    assert shop.read("query", data["outTradeNo"]).data["tradeState"] == "SUCCESS"


def test_an_app_that_the_stack_does_not_list_is_refused_by_its_name(shop):
    refusal = shop.post("app", ORDER | {"app": "tablet"})
    assert refusal.refusal[:2] == (400, "PARAM_ERROR")
    assert refusal.json["details"] == {"field": "app", "issue": "must be one of mini, mobile, shop"}
