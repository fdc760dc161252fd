"""apply-abnormal-refund: to a bank card or back to the merchant, for a refund that is ABNORMAL and for no other."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_public_key

CARD = "6225880137000403"
INVALID, PARAM, NOT_THERE = (400, "INVALID_REQUEST"), (400, "PARAM_ERROR"), (404, "RESOURCE_NOT_EXISTS")


def secret(merchant, text):
    key = load_pem_public_key(merchant.credentials.wechat_public_key.encode())
    padding = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)
    return base64.b64encode(key.encrypt(text.encode(), padding)).decode()


def refunded(merchant, ends="ABNORMAL", **changes):
    """A refund of 30 of 100 fen that has ended so."""
    merchant.control("POST", "settings", {"refundAfter": None})
    amount = {"refund": 30, "total": 100, "currency": "CNY"}
    refund = merchant.refund(out_trade_no=merchant.paid()["out_trade_no"], amount=amount, **changes).json
    body = {"outRefundNo": refund["out_refund_no"], "status": ends}
    assert merchant.control("POST", "refund", body).status == 200
    return refund


def to_user(merchant, refund, **changes):
    body = {
        "out_refund_no": refund["out_refund_no"],
        "type": "USER_BANK_CARD",
        "bank_type": "CMB_DEBIT",
        "bank_account": secret(merchant, CARD),
        "real_name": secret(merchant, "张三"),
    } | changes
    return {name: value for name, value in body.items() if value is not ...}


def to_merchant(refund):
    return {"out_refund_no": refund["out_refund_no"], "type": "MERCHANT_BANK_CARD"}


def apply(merchant, refund_id, body, serial=...):
    named = merchant.credentials.wechat_public_key_id if serial is ... else serial
    target = f"/v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund"
    return merchant.call("POST", target, json.dumps(body).encode(), headers={"Wechatpay-Serial": named})


def test_to_the_buyers_card_it_is_processed_again_and_succeeds(merchant, receiver):
    refund = refunded(merchant, notify_url=receiver.url)
    receiver.wait(1)
    merchant.control("POST", "settings", {"refundAfter": 60})
    response = apply(merchant, refund["refund_id"], to_user(merchant, refund))
    merchant.verify(response.headers, response.body)
    expected = refund | {"channel": "OTHER_BANKCARD", "user_received_account": "招商银行借记卡0403"}
    assert (response.status, response.json) == (200, expected)
    assert response.json["status"] == "PROCESSING"
    merchant.advance(60)
    found = merchant.query_refund(refund["out_refund_no"]).json
    assert found == expected | {"status": "SUCCESS", "success_time": found["success_time"]}
    envelope = json.loads(receiver.wait(2)[1].body)
    assert envelope["event_type"] == "REFUND.SUCCESS"
    told = merchant.decrypt(envelope["resource"])
    assert (told["refund_status"], told["user_received_account"]) == ("SUCCESS", "招商银行借记卡0403")


def test_back_to_the_merchant_nothing_is_secret_and_no_key_is_named(merchant):
    refund = refunded(merchant)
    response = apply(merchant, refund["refund_id"], to_merchant(refund), serial=None)
    assert response.status == 200
    assert (response.json["status"], response.json["user_received_account"]) == (
        "PROCESSING",
        "商户结算银行账户",
    )
    assert "success_time" not in response.json


@pytest.mark.parametrize("status", ["SUCCESS", "CLOSED"])
def test_a_refund_that_is_not_abnormal_is_left_alone(merchant, status):
    refund = refunded(merchant, status)
    before = merchant.query_refund(refund["out_refund_no"]).json
    response = apply(merchant, refund["refund_id"], to_user(merchant, refund))
    assert (response.status, response.code) == INVALID
    assert merchant.query_refund(refund["out_refund_no"]).json == before


def test_while_it_is_processed_a_second_call_is_refused(merchant):
    refund = refunded(merchant)
    first, second = (apply(merchant, refund["refund_id"], to_user(merchant, refund)) for _ in range(2))
    assert (first.status, second.status, second.code) == (200, *INVALID)


def test_it_may_fail_again_and_be_sent_on_again(merchant, receiver):
    refund = refunded(merchant, notify_url=receiver.url)
    merchant.control("POST", "settings", {"refundAfter": 1})
    rule = {"on": "abnormalRefund", "effect": "result", "result": "ABNORMAL", "times": 1}
    assert merchant.control("POST", "faults", {"rules": [rule]}).status == 200
    for status in ("ABNORMAL", "SUCCESS"):
        assert apply(merchant, refund["refund_id"], to_user(merchant, refund)).status == 200
        merchant.advance(1)
        assert merchant.query_refund(refund["out_refund_no"]).json["status"] == status
    events = [json.loads(each.body)["event_type"] for each in receiver.wait(3)]
    assert sorted(events) == ["REFUND.ABNORMAL", "REFUND.ABNORMAL", "REFUND.SUCCESS"]


def test_by_hand_it_can_end_too(merchant):
    refund = refunded(merchant)
    apply(merchant, refund["refund_id"], to_merchant(refund))
    body = {"outRefundNo": refund["out_refund_no"], "status": "SUCCESS"}
    assert merchant.control("POST", "refund", body).json["status"] == "SUCCESS"


def test_its_money_stays_spent(merchant):
    refund = refunded(merchant)
    apply(merchant, refund["refund_id"], to_user(merchant, refund))
    amount = {"refund": 71, "total": 100, "currency": "CNY"}
    assert merchant.refund(out_trade_no=refund["out_trade_no"], amount=amount).status == 400


def test_the_two_numbers_are_of_one_refund(merchant):
    refund, other = refunded(merchant), refunded(merchant)
    response = apply(merchant, refund["refund_id"], to_user(merchant, other))
    assert (response.status, response.code) == INVALID
    for each in (refund, other):
        assert merchant.query_refund(each["out_refund_no"]).json["status"] == "ABNORMAL"


def test_an_unknown_refund_is_a_404(merchant):
    refund = refunded(merchant)
    response = apply(merchant, "5" * 29, to_user(merchant, refund))
    assert (response.status, response.code) == NOT_THERE
    # The merchant's own number is no refund_id.
    response = apply(merchant, refund["out_refund_no"], to_user(merchant, refund))
    assert (response.status, response.code) == NOT_THERE


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"out_refund_no": ...}, "/out_refund_no"),
        ({"type": ...}, "/type"),
        ({"type": "BALANCE"}, "/type"),
        ({"bank_type": ...}, "/bank_type"),
        ({"bank_account": ...}, "/bank_account"),
        ({"real_name": ...}, "/real_name"),
        ({"bank_type": "CMB_CREDIT"}, "/bank_type"),
        ({"bank_type": "OTHERS"}, "/bank_type"),
        ({"bank_account": CARD}, "/bank_account"),
        ({"real_name": "张三"}, "/real_name"),
        ({"sub_mchid": "1900000109"}, "/sub_mchid"),
        ({"refund_id": "5"}, "/refund_id"),
    ],
    ids=repr,
)
def test_a_body_that_will_not_do_is_refused_by_name(merchant, changes, field):
    refund = refunded(merchant)
    response = apply(merchant, refund["refund_id"], to_user(merchant, refund, **changes))
    assert (response.status, response.code) == PARAM
    assert response.json["detail"]["field"] == field
    assert merchant.query_refund(refund["out_refund_no"]).json["status"] == "ABNORMAL"


@pytest.mark.parametrize(("member", "text"), [("bank_account", "not a number"), ("real_name", " ")])
def test_what_was_encrypted_is_looked_at(merchant, member, text):
    refund = refunded(merchant)
    body = to_user(merchant, refund, **{member: secret(merchant, text)})
    response = apply(merchant, refund["refund_id"], body)
    assert (response.status, response.code) == PARAM
    assert response.json["detail"]["field"] == f"/{member}"
    assert text not in response.json["message"]


@pytest.mark.parametrize("serial", [None, "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"])
def test_secrets_need_the_name_of_a_key_in_use(merchant, serial):
    refund = refunded(merchant)
    response = apply(merchant, refund["refund_id"], to_user(merchant, refund), serial=serial)
    assert (response.status, response.code) == PARAM
    assert "Wechatpay-Serial" in response.json["message"]


def test_a_broken_connection_after_it_leaves_it_processed(merchant):
    refund = refunded(merchant)
    merchant.control(
        "POST", "faults", {"rules": [{"on": "abnormalRefund", "effect": "reset_after", "times": 1}]}
    )
    with pytest.raises(ConnectionError):
        apply(merchant, refund["refund_id"], to_user(merchant, refund))
    assert merchant.query_refund(refund["out_refund_no"]).json["status"] == "PROCESSING"
