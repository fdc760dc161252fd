"""WeChat's cashier, called up by a page, a mini program or an app with parameters that the merchant signed."""

import pytest

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


def of_page(merchant, **changes):
    """A JSAPI order, and what its page hands to WeixinJSBridge."""
    order = merchant.order(payer={"openid": OPENID}, **changes)
    package = f"prepay_id={merchant.jsapi(order).json['prepay_id']}"
    stamp, nonce = str(int(merchant.clock.time())), "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"
    return order, {
        "appId": order["appid"],
        "timeStamp": stamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": merchant.sign(f"{order['appid']}\n{stamp}\n{nonce}\n{package}\n"),
    }


def of_app(merchant):
    """An APP order, and what the app hands to WeChat's SDK."""
    order = merchant.order(appid=merchant.credentials.mobile_appid)
    prepay_id = merchant.app(order).json["prepay_id"]
    stamp, nonce = str(int(merchant.clock.time())), "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"
    return order, {
        "appId": order["appid"],
        "partnerId": order["mchid"],
        "prepayId": prepay_id,
        "packageValue": "Sign=WXPay",
        "nonceStr": nonce,
        "timeStamp": stamp,
        "sign": merchant.sign(f"{order['appid']}\n{stamp}\n{nonce}\n{prepay_id}\n"),
    }


def paid(merchant, order, payment, **more):
    response = merchant.pay(payment=payment, **more)
    assert response.status == 200, response.body
    assert response.json["out_trade_no"] == order["out_trade_no"]


def test_a_page_and_a_mini_program_open_it(shared_merchant):
    order, payment = of_page(shared_merchant)
    paid(shared_merchant, order, payment, openid=OPENID)
    order, payment = of_page(shared_merchant, appid=shared_merchant.credentials.mini_program_appid)
    del payment["appId"]  # wx.requestPayment takes none
    paid(shared_merchant, order, payment)


def test_an_app_opens_it_whichever_way_its_sdk_spells(shared_merchant):
    order, payment = of_app(shared_merchant)
    paid(shared_merchant, order, payment)
    order, payment = of_app(shared_merchant)
    payment["package"] = payment.pop("packageValue")
    paid(shared_merchant, order, {name.lower(): value for name, value in payment.items()})


def refused(merchant, order, payment, code, status=403, **more):
    response = merchant.pay(payment=payment, **more)
    assert (response.status, response.code) == (status, code), response.body
    assert merchant.query(order["out_trade_no"]).json["trade_state"] == "NOTPAY"


@pytest.mark.parametrize("make", [of_page, of_app])
def test_whatever_is_signed_may_not_be_changed(shared_merchant, make):
    order, payment = make(shared_merchant)
    signature = "paySign" if make is of_page else "sign"
    for name, value in (
        ("timeStamp", str(int(payment["timeStamp"]) + 1)),
        ("nonceStr", "another"),
        (signature, shared_merchant.sign("other")),
        (signature, "no base64!"),
        ("nonceStr", "微信"),
        (signature, "微信"),
    ):
        refused(shared_merchant, order, payment | {name: value}, "CALL_UP_SIGNATURE")
    paid(shared_merchant, order, payment)


def test_the_way_that_the_other_kind_is_signed_will_not_do(shared_merchant):
    order, payment = of_app(shared_merchant)
    text = f"{payment['appId']}\n{payment['timeStamp']}\n{payment['nonceStr']}\nprepay_id={payment['prepayId']}\n"
    refused(shared_merchant, order, payment | {"sign": shared_merchant.sign(text)}, "CALL_UP_SIGNATURE")


def test_an_order_is_called_up_by_its_own_kind_and_appid(shared_merchant):
    order, payment = of_page(shared_merchant)
    app_order, app_payment = of_app(shared_merchant)
    prepay_id = payment["package"].removeprefix("prepay_id=")
    refused(shared_merchant, order, app_payment | {"prepayId": prepay_id}, "CALL_UP_KIND")
    package = f"prepay_id={app_payment['prepayId']}"
    refused(shared_merchant, app_order, payment | {"package": package}, "CALL_UP_KIND")
    other = shared_merchant.credentials.mini_program_appid
    refused(shared_merchant, order, payment | {"appId": other}, "CALL_UP_APPID")
    refused(shared_merchant, app_order, app_payment | {"appId": other}, "CALL_UP_APPID")


@pytest.mark.parametrize("make", [of_page, of_app])
def test_every_member_is_a_string_that_is_there(shared_merchant, make):
    order, payment = make(shared_merchant)
    for name in payment.keys() - {"appId" if make is of_page else "", "paySign", "sign"}:
        for value in (None, "", 1735700410):
            refused(shared_merchant, order, payment | {name: value}, "CALL_UP_MEMBER")
    milliseconds = payment | {"timeStamp": payment["timeStamp"] + "000"}
    refused(shared_merchant, order, milliseconds, "CALL_UP_MEMBER")


def test_the_fixed_values_are_fixed(shared_merchant):
    order, payment = of_page(shared_merchant)
    refused(shared_merchant, order, payment | {"signType": "MD5"}, "CALL_UP_MEMBER")
    refused(shared_merchant, order, payment | {"package": payment["package"][10:]}, "CALL_UP_MEMBER")
    order, payment = of_app(shared_merchant)
    refused(shared_merchant, order, payment | {"packageValue": "Sign=WX"}, "CALL_UP_MEMBER")
    refused(shared_merchant, order, payment | {"partnerId": "1999999999"}, "CALL_UP_MEMBER")


def test_only_the_named_buyer_pays(shared_merchant):
    order, payment = of_page(shared_merchant)
    refused(shared_merchant, order, payment, "OPENID_MISMATCH", openid="oSomebodyElse")


def test_parameters_end_with_their_prepay_id(merchant):
    order, payment = of_app(merchant)
    merchant.advance(7201)
    refused(merchant, order, payment, "CODE_EXPIRED", 410)


def test_a_prepay_id_that_nobody_handed_out_opens_nothing(shared_merchant):
    _, payment = of_app(shared_merchant)
    response = shared_merchant.pay(payment=payment | {"prepayId": "wx1"})
    assert (response.status, response.code) == (404, "ORDER_NOT_FOUND")


@pytest.mark.parametrize("body", [{"payment": "x"}, {"payment": None}, {"payment": {}, "prepayId": "wx1"}])
def test_a_payment_is_an_object_and_the_only_name_of_the_order(shared_merchant, body):
    response = shared_merchant.control("POST", "pay", body)
    assert (response.status, response.code) == (400, "BAD_CONTROL")
