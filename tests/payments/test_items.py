"""Items as a table has them, in DynamoDB's own JSON: what is read from them, those of before included."""

import json
from typing import Any

import pytest

from payments.core.events import entries_of
from payments.core.history import since
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import HistoryEntry, Payment, Refund
from payments.storage.items import payment_of

FROZEN = (
    '{"transaction_id":"4200","out_refund_no":"RFC","amount":{"refund":300,"total":1000,"currency":"CNY"}}'
)
ITEM: dict[str, Any] = json.loads("""{
  "out_trade_no": {"S": "WX1"}, "payment_id": {"S": "PAY1"}, "user_id": {"S": "user-1"}, "content_id": {"S": "content-1"},
  "method": {"S": "jsapi"}, "subject": {"S": "一年的杂志"}, "metadata": {"S": "{\\"cart\\":1}"}, "openid": {"S": "o-1"},
  "body": {"NULL": true}, "mchid": {"S": "1900000109"}, "appid": {"S": "wx8888888888888888"}, "amount": {"N": "1000"},
  "currency": {"S": "CNY"}, "fingerprint": {"S": "F"}, "wechat_request": {"S": "{}"}, "prepay_id": {"S": "wx01"},
  "credential_expires_at": {"N": "1800007200"}, "time_expire": {"N": "1800007200"}, "status": {"S": "PARTIALLY_REFUNDED"},
  "version": {"N": "9"}, "transaction_id": {"S": "4200"}, "trade_state": {"S": "SUCCESS"}, "payer_openid": {"S": "o-1"},
  "success_time": {"S": "2027-01-15T16:00:00+08:00"}, "late_paid": {"BOOL": true}, "paid": {"N": "1000"},
  "refundable": {"N": "600"}, "refunding": {"N": "300"}, "refunded": {"N": "100"}, "refund_count": {"N": "3"},
  "refunds": {"M": {
    "RFA": {"M": {"status": {"S": "SUCCEEDED"}, "amount": {"N": "100"}, "created_at": {"N": "1800000100"},
      "reason": {"S": "缺货"}, "sent_at": {"N": "1800000100"}, "claim": {"S": "20a51874aa16dc5ee81b38e05b353859"},
      "refund_id": {"S": "50A"}, "user_received_account": {"S": "招商银行信用卡0403"}, "settled_at": {"N": "1800000170"}}},
    "elsewhere[0].1": {"M": {"status": {"S": "CLOSED"}, "amount": {"N": "200"}, "created_at": {"N": "1800000200"},
      "elsewhere": {"BOOL": true}, "settled_at": {"N": "1800000201"}}},
    "RFC": {"M": {"status": {"S": "PROCESSING"}, "amount": {"N": "300"}, "created_at": {"N": "1800000300"},
      "sent_at": {"N": "1800000300"}, "claim": {"S": "b31c"}, "refund_id": {"S": "50C"}, "unanswered_by": {"S": "CALLER"},
      "told_at": {"N": "1800000301"}, "sent_on_at": {"N": "1800000302"}, "doubts": {"N": "1"}, "unsure": {"BOOL": true},
      "refused": {"S": "NOT_ENOUGH"}, "missing_since": {"N": "1800000303"}, "wechat_request": {"S": "…"}}}}},
  "held": {"L": [{"S": "{\\"amount\\": 1}"}]},
  "history": {"L": [
    {"M": {"to": {"S": "CREATING"}, "cause": {"S": "create"}, "at": {"N": "1800000000"}}},
    {"M": {"to": {"S": "PENDING"}, "cause": {"S": "created"}, "at": {"N": "1800000001"}, "event": {"S": "PaymentCreated"}}},
    {"M": {"to": {"S": "PAID"}, "cause": {"S": "query"}, "at": {"N": "1800000002"}, "event": {"S": "PaymentSucceeded"},
      "amount": {"N": "1000"}, "transaction_id": {"S": "4200"}, "late": {"BOOL": true}}},
    {"M": {"to": {"S": "PAID"}, "cause": {"S": "refund"}, "at": {"N": "1800000100"}, "event": {"S": "RefundRequested"},
      "out_refund_no": {"S": "RFA"}, "refund_status": {"S": "REQUESTED"}, "amount": {"N": "100"}}},
    {"M": {"to": {"S": "PAID"}, "cause": {"S": "refund"}, "at": {"N": "1800000100"}, "out_refund_no": {"S": "RFA"},
      "refund_status": {"S": "PROCESSING"}, "amount": {"N": "100"}}},
    {"M": {"to": {"S": "PARTIALLY_REFUNDED"}, "cause": {"S": "notification"}, "at": {"N": "1800000170"},
      "event": {"S": "RefundSucceeded"}, "out_refund_no": {"S": "RFA"}, "refund_status": {"S": "SUCCEEDED"},
      "amount": {"N": "100"}, "to_merchant": {"BOOL": true}}}]},
  "due_at": {"N": "1800000360"}, "due_shard": {"S": "money#3"}, "sent_at": {"N": "1800000000"},
  "created_at": {"N": "1800000000"}, "updated_at": {"N": "1800000300"}, "completed_at": {"N": "1800000002"},
  "restored": {"M": {"scope": {"S": "prod"}, "at": {"N": "1800000400"}}}
}""")
ITEM["refunds"]["M"]["RFC"]["M"]["wechat_request"]["S"] = FROZEN

PAYMENT = Payment(
    out_trade_no="WX1",
    payment_id="PAY1",
    user_id="user-1",
    content_id="content-1",
    method="jsapi",
    subject="一年的杂志",
    metadata='{"cart":1}',
    openid="o-1",
    mchid="1900000109",
    appid="wx8888888888888888",
    amount=1000,
    currency="CNY",
    fingerprint="F",
    wechat_request="{}",
    prepay_id="wx01",
    credential_expires_at=1800007200,
    time_expire=1800007200,
    status=Status.PARTIALLY_REFUNDED,
    version=9,
    transaction_id="4200",
    trade_state="SUCCESS",
    payer_openid="o-1",
    success_time="2027-01-15T16:00:00+08:00",
    late_paid=True,
    paid=1000,
    refundable=600,
    refunding=300,
    refunded=100,
    refund_count=3,
    refunds={
        "RFA": Refund(
            "RFA",
            RefundStatus.SUCCEEDED,
            100,
            1800000100,
            reason="缺货",
            refund_id="50A",
            user_received_account="招商银行信用卡0403",
            sent_at=1800000100,
            claim="20a51874aa16dc5ee81b38e05b353859",
        ),
        "elsewhere[0].1": Refund("elsewhere[0].1", RefundStatus.CLOSED, 200, 1800000200, elsewhere=True),
        "RFC": Refund(
            "RFC",
            RefundStatus.PROCESSING,
            300,
            1800000300,
            refund_id="50C",
            sent_on_at=1800000302,
            sent_at=1800000300,
            claim="b31c",
            refused="NOT_ENOUGH",
            unsure=True,
            doubts=1,
            missing_since=1800000303,
            unanswered_by="CALLER",
            told_at=1800000301,
            wechat_request=FROZEN,
        ),
    },
    held=('{"amount": 1}',),
    history=(
        HistoryEntry(1, None, Status.CREATING, "create", 1800000000),
        HistoryEntry(2, Status.CREATING, Status.PENDING, "created", 1800000001, "PaymentCreated"),
        HistoryEntry(
            3,
            Status.PENDING,
            Status.PAID,
            "query",
            1800000002,
            "PaymentSucceeded",
            amount=1000,
            transaction_id="4200",
            late=True,
        ),
        HistoryEntry(
            *(4, Status.PAID, Status.PAID, "refund", 1800000100, "RefundRequested"),
            *("RFA", RefundStatus.REQUESTED, 100),
        ),
        HistoryEntry(
            *(5, Status.PAID, Status.PAID, "refund", 1800000100, None),
            *("RFA", RefundStatus.PROCESSING, 100),
        ),
        HistoryEntry(
            *(6, Status.PAID, Status.PARTIALLY_REFUNDED, "notification", 1800000170, "RefundSucceeded"),
            *("RFA", RefundStatus.SUCCEEDED, 100),
            to_merchant=True,
        ),
    ),
    due_at=1800000360,
    sent_at=1800000000,
    created_at=1800000000,
    updated_at=1800000300,
    completed_at=1800000002,
)


def test_an_item_of_before_is_read_as_it_is() -> None:
    assert payment_of(ITEM) == PAYMENT
    assert [entry_id for entry_id, _ in entries_of(None, ITEM, bus="bus")] == [
        *("WX1#2", "WX1#3", "WX1#4", "WX1#6"),
    ]


def test_what_a_refund_s_event_says_need_not_be_written_down_again() -> None:
    entries = [dict(entry["M"]) for entry in ITEM["history"]["L"]]
    del entries[3]["refund_status"], entries[4]["refund_status"]
    slim = ITEM | {"history": {"L": [{"M": entry} for entry in entries]}}
    assert payment_of(slim).history == PAYMENT.history
    assert list(entries_of(None, slim, bus="bus")) == list(entries_of(None, ITEM, bus="bus"))


def test_what_is_new_is_told_alone_whatever_has_gone_before() -> None:
    entries = ITEM["history"]["L"]
    for known in range(len(entries) + 2):
        assert since(entries, known) == tuple(PAYMENT.history)[known:]
    old = ITEM | {"history": {"L": entries[:5]}}
    new = ITEM | {"refunds": {"M": {}}, "history": {"L": [{"M": {}}] * 4 + entries[4:]}}
    told = list(entries_of(old, new, bus="bus"))
    assert [entry_id for entry_id, _ in told] == ["WX1#6"]
    assert told == list(entries_of(old, ITEM, bus="bus"))
    assert json.loads(told[0][1]["Detail"])["previousStatus"] == "succeeded"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"amount": {"S": "1000"}}, "amount is not of the kind N"),
        ({"refunds": {"L": []}}, "refunds is not of the kind M"),
        ({"history": {"S": "none"}}, "history is not of the kind L"),
        ({"late_paid": {"S": "yes"}}, "late_paid is not of the kind BOOL"),
        ({"amount": {"N": "1.5"}}, "invalid literal"),
        ({"amount": {"N": "1E+2"}}, "invalid literal"),
        ({"refundable": {"N": "NaN"}}, "invalid literal"),
        ({"status": {"S": "PARKED"}}, "PARKED"),
        ({"refunds": {"M": {"RFA": {"M": {"status": {"S": "LOST"}}}}}}, "LOST"),
        ({"refunds": {"M": {"RFA": {"M": {"status": {"S": "CLOSED"}}}}}}, "amount"),
        ({"amount": {"NULL": True}}, "amount"),
    ],
)
def test_an_item_that_is_not_ours_is_no_payment(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises((TypeError, ValueError), match=problem):
        payment_of(ITEM | changed)


def test_an_attribute_that_is_missing_is_named() -> None:
    with pytest.raises(TypeError, match="mchid"):
        payment_of({name: value for name, value in ITEM.items() if name != "mchid"})


def test_a_history_is_a_sequence_like_any_other_and_is_read_when_somebody_looks() -> None:
    found = payment_of(ITEM).history
    assert (len(found), found[-1].event, found[1:3]) == (6, "RefundSucceeded", PAYMENT.history[1:3])
    assert (found == PAYMENT.history, found == ()) == (True, False)
    assert repr(found) == repr(PAYMENT.history)
    broken = payment_of(ITEM | {"history": {"L": [{"M": {"to": {"S": "PARKED"}}}]}})
    assert (broken.amount, len(broken.history)) == (1000, 1)
    with pytest.raises(ValueError, match="PARKED"):
        broken.history[0]
