"""Each endpoint's answer has the specification's fields, types and values, and nothing that it does not explain."""

import base64
import json
import re
from decimal import Decimal
from typing import Any

import png
import pytest
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from tests.kit.shop import Shop

pytestmark = pytest.mark.share(2, of_file=True)


class Grey:
    """Pixels in the form that numpy and zxing hand around."""

    def __init__(self, width: int, height: int, pixels: bytes) -> None:
        self.pixels = pixels
        self.__array_interface__ = {"version": 3, "shape": (height, width), "typestr": "|u1", "data": pixels}


NUMBER = r"WX[A-Z2-7]{26}"
REFUND_NUMBER = r"RF[A-Z2-7]{26}"
TRANSACTION = r"42[0-9]{26}"
UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
BEIJING = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00"


def fits(value: Any, form: Any, path: str = "data") -> None:
    """`form` is a type, a constant, a regex (text), or a dict of forms; every member must be in it."""
    if isinstance(form, dict):
        assert isinstance(value, dict), path
        assert set(value) == set(form), path
        for name, member in form.items():
            fits(value[name], member, f"{path}.{name}")
    elif isinstance(form, re.Pattern):
        assert isinstance(value, str), path
        assert form.fullmatch(value), (path, value)
    elif isinstance(form, type):
        assert type(value) is form, (path, value)
    else:
        assert value == form, path
        assert type(value) is type(form), path


def data_of(answer: Any) -> tuple[dict[str, Any], str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    members = json.loads(answer.text, parse_float=Decimal)
    assert set(members) == {"success", "data"}
    assert members["success"] is True
    return members["data"], answer.text


ORDER = {
    "userId": "user-123",
    "contentId": "content-456",
    "subject": "Premium Content Purchase",
    "body": "Detailed description",
    "metadata": {"custom": "data"},
}


@pytest.fixture
def order(shop: Shop) -> dict[str, Any]:
    return data_of(shop.call("POST", "/native", {**ORDER, "amount": 99.99}))[0]


@pytest.fixture
def paid(shop: Shop, order: dict[str, Any]) -> str:
    number: str = order["outTradeNo"]
    assert shop.control("pay", {"outTradeNo": number, "openid": "user-openid"}).status_code == 200
    shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "succeeded")
    return number


def test_native(shop: Shop) -> None:
    data, text = data_of(shop.call("POST", "/native", {**ORDER, "amount": 99.9}))
    form = {
        "paymentId": re.compile(r"PAY[A-Z2-7]{26}"),
        "codeUrl": re.compile(r"weixin://wxpay/bizpayurl\S+"),
        "outTradeNo": re.compile(NUMBER),
        "amount": Decimal("99.90"),
        "currency": "CNY",
        "qrCode": re.compile(r"data:image/png;base64,[A-Za-z0-9+/=]+"),
        "expiresAt": re.compile(UTC),
        "checkoutUrl": re.compile(r"http://127\.0\.0\.1:[0-9]+/checkout/[A-Za-z0-9._-]+"),
    }
    fits(data, form)
    assert '"amount":99.90' in text


def test_the_picture_is_the_code(order: dict[str, Any]) -> None:
    width, height, rows, form = png.Reader(bytes=base64.b64decode(order["qrCode"].partition(",")[2])).read()
    assert (form["bitdepth"], form["greyscale"]) == (1, True)
    (found,) = zxingcpp.read_barcodes(Grey(width, height, bytes(255 * bit for row in rows for bit in row)))
    assert found.text == order["codeUrl"]


def test_jsapi_and_its_signature(shop: Shop) -> None:
    data, text = data_of(
        shop.call("POST", "/jsapi", {**ORDER, "amount": 88.88, "openid": "user-wechat-openid"})
    )
    form = {
        "paymentId": re.compile(r"PAY[A-Z2-7]{26}"),
        "prepayId": re.compile(r"wx\w+"),
        "paymentParams": {
            "appId": shop.sandbox.credentials.appid,
            "timeStamp": re.compile(r"[0-9]{10}"),
            "nonceStr": re.compile(r"[0-9A-Za-z]{32}"),
            "package": f"prepay_id={data['prepayId']}",
            "signType": "RSA",
            "paySign": re.compile(r"[A-Za-z0-9+/=]{344}"),
        },
        "outTradeNo": re.compile(NUMBER),
        "amount": Decimal("88.88"),
        "currency": "CNY",
        "expiresAt": re.compile(UTC),
        "checkoutUrl": re.compile(r"http://127\.0\.0\.1:[0-9]+/checkout/[A-Za-z0-9._-]+"),
    }
    fits(data, form)
    assert '"amount":88.88' in text
    params = data["paymentParams"]
    message = f"{params['appId']}\n{params['timeStamp']}\n{params['nonceStr']}\n{params['package']}\n"
    certificate = load_pem_x509_certificate(shop.sandbox.credentials.merchant_certificate.encode())
    key: Any = certificate.public_key()
    key.verify(base64.b64decode(params["paySign"]), message.encode(), PKCS1v15(), SHA256())


def test_query_of_an_unpaid_order(shop: Shop, order: dict[str, Any]) -> None:
    data, _ = data_of(shop.call("GET", f"/query/{order['outTradeNo']}"))
    form = {
        "outTradeNo": order["outTradeNo"],
        "tradeState": "NOTPAY",
        "tradeStateDesc": "Not paid yet",
        "amount": {"total": 9999, "currency": "CNY"},
    }
    fits(data, form)


def test_query_of_a_paid_order(shop: Shop, paid: str) -> None:
    data, _ = data_of(shop.call("GET", f"/query/{paid}"))
    form = {
        "outTradeNo": paid,
        "transactionId": re.compile(TRANSACTION),
        "tradeState": "SUCCESS",
        "tradeStateDesc": "Payment successful",
        "amount": {"total": 9999, "currency": "CNY"},
        "payer": {"openid": "user-openid"},
        "successTime": re.compile(BEIJING),
    }
    fits(data, form)


def test_details_of_a_paid_order(shop: Shop, paid: str) -> None:
    data, _ = data_of(shop.call("GET", f"/payment/{paid}"))
    form = {
        "id": re.compile(r"PAY[A-Z2-7]{26}"),
        "userId": "user-123",
        "contentId": "content-456",
        "amount": "99.99",
        "currency": "CNY",
        "paymentMethod": "wechat",
        "status": "succeeded",
        "refundedAmount": "0.00",
        "refunds": [],
        "metadata": {
            "custom": "data",
            "outTradeNo": paid,
            "transactionId": re.compile(TRANSACTION),
            "tradeState": "SUCCESS",
        },
        "createdAt": re.compile(UTC),
        "completedAt": re.compile(UTC),
    }
    fits(data, form)


def test_refund_and_what_details_say_of_it(shop: Shop, paid: str) -> None:
    data, text = data_of(shop.refund(paid, 50.00, reason="User requested refund"))
    form = {
        "outTradeNo": paid,
        "outRefundNo": re.compile(REFUND_NUMBER),
        "refundId": re.compile(r"50[0-9]{27}"),
        "refundAmount": Decimal("50.00"),
        "status": "PROCESSING",
    }
    fits(data, form)
    assert '"refundAmount":50.00' in text
    shop.sandbox.clock.advance(1)
    shop.sandbox.wait_until(lambda: shop.details(paid)["status"] == "partially_refunded")
    details, _ = data_of(shop.call("GET", f"/payment/{paid}"))
    assert (details["refundedAmount"], details["metadata"]["tradeState"]) == ("50.00", "REFUND")
    (refund,) = details["refunds"]
    of_refund = {
        "outRefundNo": data["outRefundNo"],
        "amount": "50.00",
        "status": "SUCCESS",
        "userReceivedAccount": "支付用户零钱",
        "reason": "User requested refund",
        "createdAt": re.compile(UTC),
    }
    fits(refund, of_refund)


def test_close_twice(shop: Shop, order: dict[str, Any]) -> None:
    form = {"outTradeNo": order["outTradeNo"], "closed": True}
    for _ in range(2):
        fits(data_of(shop.close(order["outTradeNo"]))[0], form)
    assert shop.details(order["outTradeNo"])["status"] == "closed"
    assert shop.query(order["outTradeNo"])["tradeState"] == "CLOSED"
