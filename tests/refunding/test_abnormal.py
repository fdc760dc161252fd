"""An ABNORMAL refund is sent on: whoever does what the answers say moves the money once, and is told no more than is known."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA1

from payments.core.lifecycle import RefundStatus
from tests.kit.dynamodb import Operation
from tests.kit.office import NO_SUCH_REFUND, Keys, Office, console, taken
from tests.kit.script import SILENCE, Send
from tests.refunding.test_held_back import hold
from wechatpay.errors import RefusedError, UnknownOutcomeError
from wechatpay.keys import load_private_key

CARD = {"bankType": "ICBC_DEBIT", "bankAccount": "6222020200112233445", "realName": "张三"}
TO_CARD = {"type": "USER_BANK_CARD", **CARD}
GOES_ON = taken("PROCESSING", user_received_account="工商银行借记卡3445")


def refusal(code: str, *, proven: bool = True, after_unknown: bool = False) -> RefusedError:
    refused = RefusedError(code=code, message="no", http_status=400, request_id="R1", proven=proven)
    refused.after_unknown = after_unknown
    return refused


@pytest.fixture
def stuck(office: Office) -> tuple[str, str]:
    """The numbers of an order and of its refund of 300 fen, which the bank did not take."""
    number = office.paid()
    refund = office.refund(number).number
    told = office.notify(console(office.stored(number), refund, 300, "ABNORMAL"))
    assert told.status == 200
    return number, refund


def read(sealed: str) -> str:
    key = load_private_key(Keys.wechat_private_key)
    oaep = OAEP(mgf=MGF1(algorithm=SHA1()), algorithm=SHA1(), label=None)
    return key.decrypt(base64.b64decode(sealed), oaep).decode()


def test_a_refund_is_sent_on_to_a_card_that_only_wechat_pay_can_read(
    office: Office, stuck: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    number, refund = stuck
    told = office.send_on(*stuck, wechat=GOES_ON, **TO_CARD)
    assert told.data == {
        "outTradeNo": number,
        "outRefundNo": refund,
        "refundId": f"50{refund}",
        "refundAmount": 3,
        "status": "PROCESSING",
        "userReceivedAccount": "工商银行借记卡3445",
    }
    (sent,) = office.script.sent_on
    assert sent["path"] == f"/v3/refund/domestic/refunds/50{refund}/apply-abnormal-refund"
    assert sent["serial"] == Keys.wechat_public_key_id
    assert (sent["out_refund_no"], sent["type"], sent["bank_type"]) == (
        refund,
        "USER_BANK_CARD",
        "ICBC_DEBIT",
    )
    assert (read(sent["bank_account"]), read(sent["real_name"])) == (CARD["bankAccount"], CARD["realName"])
    tables = ("PaymentsTable", "BuyersTable", "QuarantineTable", "NotificationsTable")
    everything = json.dumps([office.db.items(table) for table in tables], ensure_ascii=False)
    logged = capsys.readouterr()
    for kept in (everything, logged.out, logged.err, repr(office.wiring.measured)):
        assert not any(
            secret in kept for secret in (CARD["bankAccount"], CARD["realName"], sent["real_name"])
        )


def test_a_refund_that_was_sent_on_is_watched_until_its_end(office: Office, stuck: tuple[str, str]) -> None:
    number, refund = stuck
    office.wait(40 * 3600)
    assert office.send_on(*stuck, wechat=taken()).data["status"] == "PROCESSING"
    payment = office.stored(number)
    assert (payment.refunds[refund].status, payment.history[-1].cause) == (
        RefundStatus.PROCESSING,
        "abnormal_refund",
    )
    assert payment.due_at == office.wiring.time + 60
    office.script.refund_query = taken("SUCCESS", user_received_account="商户银行账户")
    office.look_until_nothing_is_due(number)
    assert office.stored(number).refunds[refund].status is RefundStatus.SUCCEEDED
    assert office.stored(number).history[-1].to_merchant  # nobody should tell the buyer that it is there
    assert office.events(number) == ["RefundRequested", "RefundAbnormal", "RefundSucceeded"]


def test_the_end_of_what_went_back_to_the_merchant_says_so_although_its_news_does_not(
    office: Office, stuck: tuple[str, str]
) -> None:
    number, refund = stuck
    office.send_on(*stuck, wechat=taken("PROCESSING", user_received_account="商户结算银行账户"))
    members = console(office.stored(number), refund, 300, user_received_account=None)
    assert office.notify(members).status == 200
    assert office.stored(number).history[-1].to_merchant


def test_a_merchant_takes_it_back_without_a_card(office: Office, stuck: tuple[str, str]) -> None:
    office.send_on(*stuck, wechat=taken())
    (sent,) = office.script.sent_on
    assert set(sent) == {"out_refund_no", "type", "path", "serial"}
    assert sent["type"] == "MERCHANT_BANK_CARD"


@pytest.mark.parametrize(
    ("wechat", "wait"),
    [
        (SILENCE, "2"),
        (UnknownOutcomeError("HTTP 429", code="FREQUENCY_LIMITED", http_status=429), "60"),
        (refusal("NO_AUTH"), "60"),
        (refusal("PARAM_ERROR", proven=False), "2"),
    ],
    ids=["silence", "too many", "no right", "unsigned"],
)
def test_an_answer_that_proves_nothing_is_repeated(
    office: Office, stuck: tuple[str, str], wechat: Send, wait: str
) -> None:
    told = office.send_on(*stuck, wechat=wechat, **TO_CARD)
    assert (told.status, told.headers["retry-after"]) == (503, wait)
    assert "outRefundNo" not in told.body["details"]  # by that word a 503 would say that it is kept
    assert office.refund_of(stuck[0]).status is RefundStatus.ABNORMAL
    assert office.send_on(*stuck, wechat=GOES_ON, **TO_CARD).status == 200


def test_a_repetition_after_a_lost_answer_is_told_that_the_refund_is_on_its_way(
    office: Office, stuck: tuple[str, str]
) -> None:
    assert office.send_on(*stuck, wechat=SILENCE, **TO_CARD).status == 503
    office.script.refund_query = GOES_ON
    told = office.send_on(*stuck, wechat=refusal("INVALID_REQUEST"), **TO_CARD)
    assert (told.status, told.body["code"], told.body["details"]) == (
        409,
        "REFUND_NOT_ABNORMAL",
        {"status": "PROCESSING"},
    )
    assert office.details(stuck[0])["refunds"][0]["userReceivedAccount"] == "工商银行借记卡3445"


@pytest.mark.parametrize("code", ["PARAM_ERROR", "INVALID_REQUEST", "RESOURCE_NOT_EXISTS"])
def test_a_signed_no_is_the_last_word_while_the_refund_is_still_abnormal(
    office: Office, stuck: tuple[str, str], code: str
) -> None:
    office.script.refund_query = taken("ABNORMAL")
    told = office.send_on(*stuck, wechat=refusal(code), **TO_CARD)
    assert (told.status, told.body["code"], told.body["details"]) == (
        502,
        "WECHAT_REFUSED",
        {"wechatCode": code, "requestId": "R1"},
    )
    assert office.refund_of(stuck[0]).status is RefundStatus.ABNORMAL


@pytest.mark.parametrize("found", [taken("ABNORMAL"), SILENCE, NO_SUCH_REFUND])
def test_a_no_behind_a_silent_first_host_is_not_the_last_word(
    office: Office, stuck: tuple[str, str], found: Any
) -> None:
    office.script.refund_query = found
    told = office.send_on(*stuck, wechat=refusal("INVALID_REQUEST", after_unknown=True), **TO_CARD)
    assert told.status == 503


def test_a_refund_that_does_not_wait_for_anybody_is_not_sent_on(office: Office) -> None:
    number = office.paid()
    refund = office.refund(number).number
    office.script.refund_query = taken("PROCESSING")
    under_way = office.send_on(number, refund)
    office.script.refund_query = taken("SUCCESS")
    over = office.send_on(number, refund)
    for told, status in ((under_way, "PROCESSING"), (over, "SUCCESS")):
        assert (told.status, told.body["code"]) == (409, "REFUND_NOT_ABNORMAL")
        assert told.body["details"] == {"status": status}
    assert office.script.sent_on == []


def test_a_refund_whose_news_was_lost_can_be_sent_on(office: Office) -> None:
    number = office.paid()
    refund = office.refund(number).number
    office.script.refund_query = taken("ABNORMAL")
    assert office.send_on(number, refund, wechat=GOES_ON, **TO_CARD).data["status"] == "PROCESSING"
    assert office.events(number) == ["RefundRequested", "RefundAbnormal"]


def test_nothing_is_sent_on_when_nobody_can_tell_where_the_refund_stands(office: Office) -> None:
    number = office.paid()
    refund = office.refund(number).number
    assert office.send_on(number, refund).status == 503
    assert office.script.sent_on == []


def test_a_refund_of_nobody_and_a_strangers_order_are_not_found(
    office: Office, stuck: tuple[str, str]
) -> None:
    told = office.send_on(stuck[0], "RF0")
    assert (told.status, told.body["code"]) == (404, "REFUND_NOT_FOUND")
    told = office.send_on("WX00000000", stuck[1])
    assert (told.status, told.body["code"]) == (404, "ORDER_NOT_FOUND")


def test_nothing_is_sent_on_while_refunds_are_held_back(office: Office, stuck: tuple[str, str]) -> None:
    hold(office, held=True)
    told = office.send_on(*stuck)
    assert (told.status, told.headers["retry-after"], office.script.sent_on) == (503, "600", [])
    hold(office, held=False)
    assert office.send_on(*stuck).status == 200


def test_what_wechat_pay_took_is_told_although_the_table_is_silent(
    office: Office, stuck: tuple[str, str]
) -> None:
    office.silent_table(lambda operation: operation.table == "PaymentsTable" and operation.writes)
    assert office.send_on(*stuck, wechat=GOES_ON, **TO_CARD).data["status"] == "PROCESSING"
    office.restored_table()
    office.script.refund_query = taken("SUCCESS")
    office.look_until_nothing_is_due(stuck[0])
    assert office.refund_of(stuck[0]).status is RefundStatus.SUCCEEDED


def test_a_payment_that_moves_meanwhile_hides_nothing(office: Office, stuck: tuple[str, str]) -> None:
    number, refund = stuck

    def meanwhile(request: dict[str, Any]) -> dict[str, object]:
        assert office.notify(console(office.stored(number), "CONSOLE", 100)).status == 200
        return GOES_ON(request)

    office.script.refund_query = GOES_ON
    assert office.send_on(*stuck, wechat=meanwhile, **TO_CARD).status == 200
    assert office.stored(number).refunds[refund].status is RefundStatus.PROCESSING


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"amount": {"refund": 299, "total": 1000}}, "other_refund_amount"),
        ({"status": "VANISHED"}, "unexpected_refund_status"),
    ],
)
def test_an_answer_that_cannot_be_true_is_left_to_a_person(
    office: Office, stuck: tuple[str, str], changed: dict[str, Any], reason: str, *, silent: bool
) -> None:
    if silent:
        office.silent_table(lambda operation: operation.writes)
    told = office.send_on(*stuck, wechat=taken(**changed))
    office.restored_table()
    assert told.status == 503
    assert office.set_aside(stuck[0]) == ([] if silent else [reason])
    assert office.refund_of(stuck[0]).status is RefundStatus.ABNORMAL


@pytest.mark.parametrize(
    ("members", "field", "issue"),
    [
        ({"type": "BANK_CARD"}, "type", "must be USER_BANK_CARD or MERCHANT_BANK_CARD"),
        ({"type": None}, "type", None),
        ({"type": "MERCHANT_BANK_CARD", **CARD}, "bankType", None),
        *(({**TO_CARD, field: None}, field, "must be a string") for field in CARD),
        ({**CARD, "type": "USER_BANK_CARD", "realName": ...}, "realName", "is required"),
        ({**TO_CARD, "bankType": "CMB_CREDIT"}, "bankType", "has characters that are not allowed"),
        ({**TO_CARD, "bankAccount": "6222 0202"}, "bankAccount", "has characters that are not allowed"),
        ({**TO_CARD, "bankAccount": "622202"}, "bankAccount", "must have at least 8 characters"),
        ({**TO_CARD, "realName": "张" * 65}, "realName", "must have at most 64 characters"),
        ({**TO_CARD, "realName": "\u202e张三"}, "realName", None),
        ({"outRefundNo": "RF 1"}, "outRefundNo", "has characters that are not allowed"),
        ({"card": "1"}, "card", None),
    ],
)
def test_bad_input_is_told_by_field_and_rule_and_never_repeated(
    office: Office, stuck: tuple[str, str], members: dict[str, Any], field: str, issue: str | None
) -> None:
    told = office.send_on(*stuck, **members)
    assert (told.status, told.body["code"]) == (400, "PARAM_ERROR")
    assert told.body["details"]["field"] in (field, "body")
    assert issue is None or told.body["details"]["issue"] == issue
    assert not any(value in json.dumps(told.body) for value in CARD.values() if value != "ICBC_DEBIT")
    assert office.script.sent_on == []


def test_storage_that_is_silent_from_the_start_sends_nothing(office: Office, stuck: tuple[str, str]) -> None:
    def reads(operation: Operation) -> bool:
        return operation.table == "PaymentsTable" and not operation.writes

    office.silent_table(reads)
    assert office.send_on(*stuck).status == 503
    assert office.script.sent_on == []
