"""What the back office may ask for: amounts to the fen, reasons as buyers may see them, keys; all else is named and moves nothing."""

import json
from typing import Any

import pytest

from payments.api.http import endpoint
from tests.http.test_amounts import ACCEPTED, NO_AMOUNTS, OUT_OF_BOUNDS
from tests.kit.functions import function
from tests.kit.office import Office, taken

MILLION = 100_000_000  # fen


def asked(office: Office, number: str, raw: str) -> tuple[int, dict[str, Any]]:
    """A refund's body to the letter."""
    office.script.sends = [None]
    handler = endpoint(function("refund").answer, office.wiring)
    claims = {"sub": "office", "scope": "payments:refund"}
    body = raw.replace("NUMBER", number)
    answer = handler({"body": body, "requestContext": {"authorizer": {"jwt": {"claims": claims}}}}, None)
    return answer["statusCode"], json.loads(answer["body"])


def test_every_way_to_write_an_amount_means_the_same_fen(office: Office) -> None:
    for text, fen in ACCEPTED.items():
        number = office.paid(MILLION)
        status, _ = asked(office, number, f'{{"outTradeNo":"NUMBER","refundAmount":{text}}}')
        assert (status, office.refund_of(number).amount) == (200, fen), text
        assert office.script.refunds[-1]["amount"]["refund"] == fen


def test_what_is_no_amount_is_refused_by_its_name_and_moves_nothing(office: Office) -> None:
    number = office.paid(MILLION)
    for text in (*OUT_OF_BOUNDS, *NO_AMOUNTS):
        status, body = asked(office, number, f'{{"outTradeNo":"NUMBER","refundAmount":{text}}}')
        assert (status, body["code"], body["details"]["field"]) == (400, "PARAM_ERROR", "refundAmount"), text
        assert body["details"]["issue"].startswith("must be ")
    assert (office.sent, office.stored(number).refunds) == ([], {})


@pytest.mark.parametrize("text", ['"1e2"', "1.999", "1e-2"])
def test_what_is_written_otherwise_is_told_how_it_should_be(office: Office, text: str) -> None:
    _, body = asked(office, office.paid(), f'{{"outTradeNo":"NUMBER","refundAmount":{text}}}')
    assert "at most two decimals, like 19.99" in body["details"]["issue"]


FITTING = ["x", "x" * 80, "照" * 26 + "xx", "<b>&\"'\\/", "\u2764\ufe0f", "\ud7ff\ue000\uffee\uffff"]
WRONG = [
    *("", " ", "\u3000", "\u2800", "\ufe0f", "x" * 81, "照" * 27, "é" * 41),
    *("a\x00b", "a\nb", "a\tb", "a\x7f", "a\x80", "a\x9f", "\u202ea", "a\u200bb", "\u00ad", "a\u2028b"),
    *("\U00010000", "\U0001f600", 1, True, ["a"], {"a": "b"}),
]


@pytest.mark.parametrize("reason", FITTING, ids=ascii)
def test_a_reason_that_fits_goes_out_as_it_came(office: Office, reason: str) -> None:
    number = office.paid()
    told = office.refund(number, refundReason=reason)
    assert told.status == 200
    assert (office.refund_of(number).reason, office.script.refunds[0]["reason"]) == (reason, reason)
    assert office.details(number)["refunds"] == [
        {
            "outRefundNo": told.number,
            "amount": "3.00",
            "status": "PROCESSING",
            "reason": reason,
            "createdAt": "2027-01-15T08:00:00Z",
        }
    ]


@pytest.mark.parametrize("reason", WRONG, ids=ascii)
def test_a_reason_that_does_not_is_refused_by_its_name(office: Office, reason: object) -> None:
    number = office.paid()
    told = office.refund(number, refundReason=reason)
    assert (told.status, told.body["code"]) == (400, "PARAM_ERROR")
    assert (told.body["details"]["field"], office.sent) == ("refundReason", [])


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"refundReasons": "x"}, "refundReasons"),
        ({"refund_amount": 1}, "refund_amount"),
        ({"confirmRefundedElsewhere": "true"}, "confirmRefundedElsewhere"),
        ({"confirmRefundedElsewhere": 1}, "confirmRefundedElsewhere"),
        ({"outTradeNo": "WX12"}, "outTradeNo"),
        ({"outTradeNo": "W" * 33}, "outTradeNo"),
        ({"outTradeNo": "WX 1234"}, "outTradeNo"),
        ({"outTradeNo": "WX1234\n"}, "outTradeNo"),
        ({"outTradeNo": 123456}, "outTradeNo"),
    ],
    ids=str,
)
def test_a_member_that_breaks_a_rule_is_named(office: Office, members: dict[str, Any], field: str) -> None:
    number = office.paid()
    told = office.refund(number, **{"outTradeNo": number, **members})
    assert (told.status, told.body["details"].get("field"), office.sent) == (400, field, [])


@pytest.mark.parametrize("number", ["WX1234", "a-_|*9", "W" * 32])
def test_a_number_that_an_order_may_have_is_looked_up(office: Office, number: str) -> None:
    assert office.refund(number).body["code"] == "ORDER_NOT_FOUND"


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "a\x7f", "x" * 256, "\t"])
def test_a_key_that_is_none_is_refused(office: Office, key: str) -> None:
    told = office.refund(office.paid(), key=key)
    assert (told.status, told.body["details"]["field"]) == (400, "Idempotency-Key")
    assert office.sent == []


@pytest.mark.parametrize("key", ["!", "~", "x" * 255, "".join(map(chr, range(33, 127)))])
def test_any_visible_ascii_is_a_key(office: Office, key: str) -> None:
    number = office.paid()
    first = office.refund(number, key=key)
    assert office.refund(number, key=key).number == first.number
    assert office.refund(number, key=key + "x" if len(key) < 255 else key[1:]).number != first.number


def test_only_the_back_office_refunds(office: Office) -> None:
    number = office.paid()
    for scope in ("payments:charge", "payments:pay", "payments:refunds", ""):
        assert office.refund(number, scope=scope).status == 403
    assert office.sent == []
    assert office.refund(number, scope="payments:pay payments:refund").status == 200


def test_what_a_caller_is_shown_of_a_payment_and_its_refunds(office: Office) -> None:
    number = office.paid()
    assert office.details(number)["refunds"] == []
    for amount, status in ((1, "SUCCESS"), (2, "ABNORMAL")):
        office.refund(number, amount, key=str(amount), wechat=taken(status))
        office.wait(1)
    payment, shown = office.stored(number), office.details(number)
    assert [(refund["amount"], refund["status"]) for refund in shown["refunds"]] == [
        ("1.00", "SUCCESS"),
        ("2.00", "ABNORMAL"),
    ]
    del shown["refunds"]
    assert shown == {
        "id": payment.payment_id,
        "userId": "user-1",
        "contentId": "content-1",
        "amount": "10.00",
        "currency": "CNY",
        "paymentMethod": "wechat",
        "status": "partially_refunded",
        "refundedAmount": "1.00",
        "metadata": {
            "outTradeNo": number,
            "transactionId": payment.transaction_id,
            "tradeState": "REFUND",
        },
        "createdAt": "2027-01-15T08:00:00Z",
        "completedAt": "2027-01-15T08:00:00Z",
    }
