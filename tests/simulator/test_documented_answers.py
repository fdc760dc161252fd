"""Every answer and every notification: each member that WeChat Pay's documents have, of its type and no longer than they say, and no other."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.simulator.merchant import Merchant, Response, served
from wechatpay_simulator import Credentials

# Member, type and greatest length or values; `?`: may be missing. Of `a.b`, a may be missing only if each of its members may.
UNPAID = """
appid string(32)
mchid string(32)
out_trade_no string(32)
trade_state string(32)
trade_state_desc string(256)
amount.total integer ?
amount.payer_currency string(16) ?
scene_info.device_id string(32) ?
promotion_detail array ?
"""
COUPON = """
promotion_detail[].coupon_id string(32)
promotion_detail[].name string(64)
promotion_detail[].scope GLOBAL|SINGLE
promotion_detail[].type CASH|NOCASH
promotion_detail[].amount integer
promotion_detail[].stock_id string(32)
promotion_detail[].wechatpay_contribute integer
promotion_detail[].merchant_contribute integer
promotion_detail[].other_contribute integer
promotion_detail[].currency string(16)
"""
PAID = f"""
appid string(32)
mchid string(32)
out_trade_no string(32)
transaction_id string(32)
trade_type JSAPI|NATIVE|APP|MWEB
trade_state SUCCESS|REFUND
trade_state_desc string(256)
bank_type string(32)
attach string(128)
success_time string(64)
payer.openid string(128)
amount.total integer
amount.payer_total integer
amount.currency string(16)
amount.payer_currency string(16)
scene_info.device_id string(32) ?
promotion_detail array ?
{COUPON}
"""
REFUND = """
refund_id string(32)
out_refund_no string(64)
transaction_id string(32)
out_trade_no string(32)
channel ORIGINAL|BALANCE|OTHER_BALANCE|OTHER_BANKCARD
user_received_account string(64)
success_time string(64) ?
create_time string(64)
status PROCESSING|SUCCESS|CLOSED|ABNORMAL
funds_account UNSETTLED|AVAILABLE|UNAVAILABLE|OPERATION|BASIC|ECNY_BASIC
amount.total integer
amount.refund integer
amount.payer_total integer
amount.payer_refund integer
amount.settlement_total integer
amount.settlement_refund integer
amount.discount_refund integer
amount.currency string(16)
amount.refund_fee integer ?
amount.from array ?
amount.from[].account AVAILABLE|UNAVAILABLE
amount.from[].amount integer
promotion_detail array ?
promotion_detail[].promotion_id string(32)
promotion_detail[].scope GLOBAL|SINGLE
promotion_detail[].type CASH|NOCASH
promotion_detail[].amount integer
promotion_detail[].refund_amount integer
"""
REFUND_TOLD = """
mchid string(32)
out_trade_no string(32)
transaction_id string(32)
out_refund_no string(64)
refund_id string(32)
refund_status SUCCESS|CLOSED|ABNORMAL
success_time string(64) ?
user_received_account string(64)
amount.total integer
amount.refund integer
amount.payer_total integer
amount.payer_refund integer
"""
ENVELOPE = """
id string(36)
create_time string(32)
event_type string(32)
resource_type encrypt-resource
summary string(64)
resource.original_type string(32)
resource.algorithm AEAD_AES_256_GCM
resource.ciphertext string(1048576)
resource.associated_data string(16) ?
resource.nonce string(16)
"""
LINK = """
hash_type SHA1
hash_value string(1024)
download_url string(2048)
"""
CERTIFICATES = """
data array
data[].serial_no string(40)
data[].effective_time string(32)
data[].expire_time string(32)
data[].encrypt_certificate.algorithm AEAD_AES_256_GCM
data[].encrypt_certificate.nonce string(16)
data[].encrypt_certificate.associated_data string(16)
data[].encrypt_certificate.ciphertext string(1048576)
"""


def found_in(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each member with its path, objects by their members, arrays by themselves and by the members of what is in them."""
    if isinstance(value, dict):
        for member, within in value.items():
            yield from found_in(within, f"{name}.{member}" if name else member)
    elif isinstance(value, list):
        yield name, value
        for each in value:
            yield from found_in(each, f"{name}[]")
    else:
        yield name, value


def has_type(value: Any, wanted: str) -> bool:
    if wanted == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if wanted == "array":
        return isinstance(value, list)
    if length := re.fullmatch(r"string\((\d+)\)", wanted):
        return isinstance(value, str) and len(value.encode()) <= int(length[1])
    return value in wanted.split("|")


def held(document: str, body: Any) -> None:
    """Fails unless `body` has what `document` says, all of it and nothing else."""
    wanted = {line.split()[0]: line.split()[1:] for line in document.splitlines() if line}
    there = list(found_in(body))
    for name, value in there:
        assert name in wanted, f"{name} is in no document"
        assert has_type(value, wanted[name][0]), (name, value, wanted[name])
    names = {name for name, _ in there}
    for name, (_, *optional) in wanted.items():
        within = name.rpartition("[]")[0]  # in an array that is empty or not there, nothing is missing
        is_here = not within or any(each.startswith(f"{within}[]") for each in names)
        assert name in names or optional or not is_here, f"{name} is missing"


@pytest.fixture(scope="module")
def merchant(credentials: Credentials) -> Iterator[Merchant]:
    with served(credentials) as merchant:
        merchant.control("POST", "settings", {"refundAfter": None})
        yield merchant


COUPONS = [
    {"amount": 10, "type": "CASH", "paidBy": "wechatpay"},
    {"amount": 20, "type": "NOCASH", "scope": "SINGLE", "paidBy": "merchant"},
]
ORDER = {"attach": "é微", "scene_info": {"payer_client_ip": "203.0.113.7", "device_id": "013467007045764"}}


def ok(response: Response) -> Any:
    assert response.status == 200, response.body
    return response.json


def test_what_an_order_is_answered(merchant: Merchant) -> None:
    held("code_url string(512)", ok(merchant.native(merchant.order())))
    held("prepay_id string(64)", ok(merchant.app(merchant.order())))
    held("prepay_id string(64)", ok(merchant.jsapi(merchant.order(payer={"openid": "oUpF8uMuAJO"}))))
    held("h5_url string(512)", ok(merchant.h5(merchant.h5_order())))


def test_an_order_that_is_not_paid(merchant: Merchant) -> None:
    for changes in ({}, ORDER):
        held(UNPAID, ok(merchant.query(merchant.placed(**changes)["out_trade_no"])))
    order = merchant.placed()
    merchant.close(order["out_trade_no"])
    held(UNPAID, ok(merchant.query(order["out_trade_no"])))


@pytest.mark.parametrize("coupons", [[], COUPONS])
def test_an_order_that_is_paid_or_refunded_by_either_number_and_in_its_notification(
    merchant: Merchant, coupons: list[dict[str, Any]], eventually: Callable[[Callable[[], bool]], None]
) -> None:
    order = merchant.placed(**ORDER)
    told = ok(merchant.pay(codeUrl=order["code_url"], coupons=coupons))
    held(PAID, ok(merchant.query(order["out_trade_no"])))
    held(PAID, ok(merchant.query_id(told["transaction_id"])))
    eventually(lambda: bool(deliveries(merchant, told["notification_id"])))
    [envelope] = deliveries(merchant, told["notification_id"])
    held(ENVELOPE, envelope)
    held(PAID.replace("SUCCESS|REFUND", "SUCCESS"), merchant.decrypt(envelope["resource"]))
    amount = {"refund": 50, "total": 100, "currency": "CNY"}
    ok(merchant.refund(out_trade_no=order["out_trade_no"], amount=amount))
    held(PAID, ok(merchant.query(order["out_trade_no"])))


def deliveries(merchant: Merchant, notification_id: str) -> list[Any]:
    return [json.loads(each["body"]) for each in merchant.deliveries() if each["id"] == notification_id]


@pytest.mark.parametrize("status", ["SUCCESS", "CLOSED", "ABNORMAL"])
@pytest.mark.parametrize("coupons", [[], COUPONS])
def test_a_refund_until_its_end_and_in_its_notification(
    merchant: Merchant,
    coupons: list[dict[str, Any]],
    status: str,
    eventually: Callable[[Callable[[], bool]], None],
) -> None:
    order = merchant.placed()
    ok(merchant.pay(codeUrl=order["code_url"], coupons=coupons))
    amount = {"refund": 50, "total": 100, "currency": "CNY"}
    amount |= {} if coupons else {"from": [{"account": "AVAILABLE", "amount": 50}]}
    url = "http://127.0.0.1:9/refunded"
    refund = ok(merchant.refund(out_trade_no=order["out_trade_no"], amount=amount, notify_url=url))
    held(REFUND, refund)
    number = refund["out_refund_no"]
    held(REFUND, ok(merchant.control("POST", "refund", {"outRefundNo": number, "status": status})))
    ended = ok(merchant.query_refund(number))
    held(REFUND, ended)
    assert ("success_time" in ended) == (status == "SUCCESS")

    def told() -> list[Any]:
        bodies = [json.loads(each["body"]) for each in merchant.deliveries() if each["url"] == url]
        return [body for body in bodies if merchant.decrypt(body["resource"])["out_refund_no"] == number]

    eventually(lambda: bool(told()))
    held(ENVELOPE, told()[0])
    plaintext = merchant.decrypt(told()[0]["resource"])
    held(REFUND_TOLD, plaintext)
    assert ("success_time" in plaintext) == (status == "SUCCESS")


def test_certificates_bills_and_the_echo(merchant: Merchant) -> None:
    merchant.control("POST", "keys", {"mode": "two-certs"})
    held(CERTIFICATES, ok(merchant.call("GET", "/v3/certificates")))
    merchant.control("POST", "keys", {"mode": "pubkey"})
    serial: dict[str, str | None] = {"Wechatpay-Serial": merchant.credentials.wechat_public_key_id}
    body = json.dumps({"echo_message": "hello"}).encode()
    held("echo_message string(1024)", ok(merchant.call("POST", "/v3/security/echo", body, headers=serial)))
    paid_on = merchant.query(merchant.paid()["out_trade_no"]).json["success_time"][:10]
    merchant.advance(2 * 86400)
    for bill in ("tradebill", "fundflowbill"):
        for tar_type in ("", "&tar_type=GZIP"):
            held(LINK, ok(merchant.call("GET", f"/v3/bill/{bill}?bill_date={paid_on}{tar_type}")))


@pytest.mark.parametrize(
    ("document", "body", "said"),
    [
        ("a string(3)", {"a": "é微"}, "'é微'"),
        ("a string(3)", {"a": 1}, "1"),
        ("a integer", {"a": True}, "True"),
        ("a A|B", {"a": "C"}, "'C'"),
        ("a integer", {}, "a is missing"),
        ("a integer", {"a": 1, "b": 1}, "b is in no document"),
        ("a array\na[].b integer", {"a": [{}, {"c": 1}]}, r"a\[\].c is in no document"),
        ("a array\na[].b integer\na[].c integer", {"a": [{"c": 1}]}, r"a\[\].b is missing"),
    ],
)
def test_what_no_document_has_would_be_noticed(document: str, body: Any, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        held(document, body)
