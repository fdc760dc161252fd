"""Sending a refund: the money is set aside first, the request goes out once for each wish, and what is told is what is known."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from payments.core.lifecycle import RefundStatus
from payments.use_cases.evidence import apply_order
from tests.kit.dynamodb import Answer, Operation, Run
from tests.kit.office import DAY, NO_SUCH_REFUND, START, Office, Told, console, taken
from tests.kit.payments import facts_of
from tests.kit.script import SILENCE, missing
from wechatpay.errors import RefusedError, UnknownOutcomeError


def refusal(code: str, status: int = 403, *, proven: bool = True) -> RefusedError:
    return RefusedError(code=code, message="", http_status=status, request_id="R-1", proven=proven)


REFUSED = refusal("USER_ACCOUNT_ABNORMAL")
UNSIGNED = refusal("USER_ACCOUNT_ABNORMAL", proven=False)


# ---- what goes out, and what is told ----


@pytest.mark.parametrize("status", ["PROCESSING", "ABNORMAL", "SUCCESS", "CLOSED"])
def test_a_refund_that_wechat_pay_has_keeps_neither_its_request_nor_who_sent_it(
    office: Office, status: str
) -> None:
    """It is never sent again, whatever becomes of it."""
    number = office.paid()
    office.refund(number, wechat=SILENCE, key="k")
    kept = office.refund_of(number)
    assert kept.wechat_request
    assert kept.claim
    office.wait(2)
    office.refund(number, key="k", wechat=taken(status))
    refund = office.refund_of(number)
    assert (refund.status.word, refund.wechat_request, refund.claim) == (status, None, None)
    sent = len(office.sent)
    for _ in range(3):
        office.wait(DAY)
        office.refund(number, key="k")
        office.look(number)
    assert len(office.sent) == sent


def test_a_repetition_whose_refund_is_paid_out_before_it_is_sent_sends_nothing(office: Office) -> None:
    """The answer to the write by which it took its turn was lost, and meanwhile an earlier send has come to its end."""
    number = office.paid()
    refund = office.refund(number, wechat=SILENCE, key="k").number
    office.wait(2)
    turns = []

    def around(operation: Operation, run: Run) -> Answer:
        if operation.name == "UpdateItem" and operation.table == "PaymentsTable" and not turns:
            turns.append(run())
            news = console(office.stored(number), refund, 300)
            assert office.notify(news).status == 200
        return run()

    office.db.around = around
    told = office.refund(number, key="k")
    assert (told.data["status"], told.data["duplicate"]) == ("SUCCESS", True)
    assert office.sent == [refund]


def test_a_refund_is_sent_as_it_is_kept_and_told_as_wechat_pay_has_it(office: Office) -> None:
    number = office.paid()
    told = office.refund(number, "3.50", refundReason="破损")
    payment = office.stored(number)
    assert office.script.refunds == [
        {
            "transaction_id": payment.transaction_id,
            "out_refund_no": told.number,
            "notify_url": "https://pay.example.com/api/v1/payments/wechat/notify",
            "amount": {"refund": 350, "total": 1000, "currency": "CNY"},
            "reason": "破损",
        }
    ]
    assert told.data == {
        "outTradeNo": number,
        "outRefundNo": told.number,
        "refundId": f"50{told.number}",
        "refundAmount": 3.5,
        "status": "PROCESSING",
    }
    assert (told.number[:2], len(told.number)) == ("RF", 28)
    assert (payment.refundable, payment.refunding) == (650, 350)
    assert office.events(number) == ["RefundRequested"]
    assert [entry.cause for entry in payment.history[-2:]] == ["refund", "refund"]
    assert payment.due_at == office.time() + 60


def test_a_refund_costs_one_read_and_three_writes(office: Office) -> None:
    number = office.paid()
    before = office.db.operations
    office.refund(number)
    assert office.db.operations - before == 4


def test_what_is_sent_again_is_the_same_to_the_letter(office: Office) -> None:
    number = office.paid()
    office.refund(number, wechat=SILENCE, key="k")
    office.wait(2)
    office.refund(number, key="k")
    office.wait(61)
    assert "reason" not in office.script.refunds[0]
    assert office.script.refunds[0] == office.script.refunds[1]


def test_each_send_is_later_than_the_one_before_whatever_the_clock_says(office: Office) -> None:
    """That is how a send is told from an earlier one, and until when nobody may say that it never arrived."""
    number = office.paid()
    office.refund(number, wechat=SILENCE, key="k")
    sent_at = [office.refund_of(number).sent_at]
    for seconds in (0, -100, 50, 61):
        office.wait(seconds)
        office.refund(number, wechat=SILENCE, key="k")
        sent_at.append(office.refund_of(number).sent_at)
    assert sent_at == [START, START + 1, START + 2, START + 3, START + 11]


def test_all_that_is_left_may_be_refunded_and_not_a_fen_more(office: Office) -> None:
    number = office.paid()
    office.refund(number, 4, key="a")
    told = office.refund(number, "6.01", key="b")
    assert (told.status, told.body["code"]) == (422, "REFUND_EXCEEDS")
    assert told.body["details"] == {"field": "refundAmount", "refundable": "6.00"}
    assert office.refund(number, 6, key="c").status == 200
    assert office.stored(number).refundable == 0


def test_an_order_that_is_not_paid_or_wholly_refunded_is_not_refunded(office: Office) -> None:
    unpaid, number = office.unpaid(), office.paid()
    office.refund(number, 10, key="all", wechat=taken("SUCCESS"))
    for each, status in ((unpaid, "pending"), (number, "refunded")):
        told = office.refund(each, 1, key="more")
        assert (told.status, told.body["code"]) == (409, "REFUND_NOT_ALLOWED")
        assert told.body["details"] == {"status": status}
        assert status in told.body["error"]


def test_an_order_takes_fifty_refunds_and_says_so_at_the_next(office: Office) -> None:
    number = office.paid()
    for each in range(50):
        assert office.refund(number, "0.01", key=f"k-{each}").status == 200
    told = office.refund(number, "0.01", key="one-more")
    assert (told.status, told.body["code"]) == (409, "REFUND_NOT_ALLOWED")
    assert "50" in told.body["error"]
    assert len(office.sent) == 50


def test_money_that_went_back_unseen_must_be_confirmed(office: Office) -> None:
    number = office.unpaid()
    apply_order(facts_of(number, trade_state="REFUND"), source="query", wiring=office.wiring)
    for members in ({}, {"confirmRefundedElsewhere": False}, {"confirmRefundedElsewhere": None}):
        told = office.refund(number, **members)
        assert (told.status, told.body["code"]) == (409, "REFUND_NOT_ALLOWED")
        assert told.body["details"] == {"status": "succeeded", "refundedElsewhere": True}
        assert "confirmRefundedElsewhere" in told.body["error"]
    assert office.sent == []
    assert office.refund(number, confirmRefundedElsewhere=True).status == 200
    details = office.details(number)
    assert (details["refundedElsewhere"], details["metadata"]["tradeState"]) == (True, "REFUND")


# ---- an answer that cannot be used ----

UNUSABLE: list[dict[str, object]] = [
    {"refund_id": None},
    {"refund_id": ""},
    {"refund_id": 5},
    {"transaction_id": None},
    {"status": None},
    {"amount": None},
    {"amount": {"refund": 300}},
    {"amount": {"total": 1000}},
    {"amount": {"refund": "300", "total": 1000}},
    {"amount": {"refund": True, "total": 1000}},
    {"out_refund_no": "RFOTHER"},
    {"out_trade_no": "WXOTHER"},
]
CONTRADICTING: list[tuple[dict[str, object], str]] = [
    ({"amount": {"refund": 301, "total": 1000}}, "other_refund_amount"),
    ({"amount": {"refund": 300, "total": 999}}, "other_order"),
    ({"transaction_id": "4200"}, "other_order"),
    ({"status": "VANISHED"}, "unexpected_refund_status"),
]


@pytest.mark.parametrize("changed", UNUSABLE, ids=str)
def test_an_answer_that_cannot_be_used_leaves_the_refund_kept(
    office: Office, changed: dict[str, object]
) -> None:
    number = office.paid()
    told = office.refund(number, wechat=taken(**{"status": "PROCESSING", **changed}))  # type: ignore[arg-type]
    assert told.wait == 2
    assert (office.refund_of(number).status, office.set_aside(number)) == (RefundStatus.REQUESTED, [])
    office.wait(2)
    assert office.refund(number).data["duplicate"] is True
    assert len(set(office.sent)) == 1


@pytest.mark.parametrize(("changed", "reason"), CONTRADICTING, ids=str)
def test_an_answer_that_contradicts_what_was_asked_for_is_kept_for_a_person(
    office: Office, changed: dict[str, object], reason: str
) -> None:
    number = office.paid()
    assert office.refund(number, wechat=taken(**{"status": "PROCESSING", **changed})).wait == 2  # type: ignore[arg-type]
    assert (office.refund_of(number).status, office.set_aside(number)) == (RefundStatus.REQUESTED, [reason])


# ---- a refusal ----


def test_a_last_word_names_its_code_and_stays_the_last_word(office: Office) -> None:
    number = office.paid()
    told = office.refund(number, wechat=REFUSED)
    assert (told.status, told.body["code"]) == (502, "WECHAT_REFUSED")
    first = office.refund_of(number)
    assert told.body["details"] == {
        "wechatCode": "USER_ACCOUNT_ABNORMAL",
        "requestId": "R-1",
        "outRefundNo": first.out_refund_no,
    }
    again = office.refund(number)
    assert (again.status, len(office.sent)) == (502, 1)
    assert again.body["details"] == {
        "wechatCode": "USER_ACCOUNT_ABNORMAL",
        "outRefundNo": first.out_refund_no,
    }
    assert (first.refused, first.unsure, first.unanswered_by) == ("USER_ACCOUNT_ABNORMAL", False, None)
    assert office.stored(number).refundable == 700  # until it is proven that nothing arrived


def test_a_refusal_is_not_the_last_word_once_it_was_sent_again_meanwhile(office: Office) -> None:
    """The first send is slow; a repetition overtakes it, and may have been taken."""
    number = office.paid()

    def slow(_request: dict[str, Any]) -> dict[str, object]:
        office.wait(5)
        assert office.refund(number, wechat=SILENCE, key="k").status == 503
        raise REFUSED

    assert office.refund(number, wechat=slow, key="k").wait == 60
    assert office.refund_of(number).refused is None
    office.wait(60)
    assert office.refund(number, key="k").status == 200


def test_an_unsigned_refusal_that_was_overtaken_is_not_counted(office: Office) -> None:
    number = office.paid()

    def slow(_request: dict[str, Any]) -> dict[str, object]:
        office.wait(5)
        assert office.refund(number, wechat=SILENCE, key="k").status == 503
        raise UNSIGNED

    assert office.refund(number, wechat=slow, key="k").wait == 60
    assert office.refund_of(number).doubts == 0


def test_a_refusal_that_is_overtaken_by_the_news_that_it_was_taken_is_no_refusal(office: Office) -> None:
    number = office.paid()

    def contradicted(request: dict[str, Any]) -> dict[str, object]:
        office.notify(console(office.stored(number), request["out_refund_no"], 300))
        raise REFUSED

    assert office.refund(number, wechat=contradicted, key="k").wait == 60
    told = office.refund(number, key="k")
    assert (told.data["status"], len(office.sent)) == ("SUCCESS", 1)


def test_the_third_unsigned_refusal_is_the_end_of_sending(office: Office) -> None:
    number = office.paid()
    for doubts in (1, 2):
        assert office.refund(number, wechat=UNSIGNED, key="k").wait == 60
        office.wait(60)
        refund = office.refund_of(number)
        assert (refund.doubts, refund.refused) == (doubts, None)
    told = office.refund(number, wechat=UNSIGNED, key="k")
    assert (told.wait, told.body["details"]["wechatCode"]) == (60, "USER_ACCOUNT_ABNORMAL")
    refund = office.refund_of(number)
    assert (refund.refused, refund.unsure, len(office.sent)) == ("USER_ACCOUNT_ABNORMAL", True, 3)
    office.wait(60)
    assert office.refund(number, key="k").wait > 0
    assert len(office.sent) == 3


def test_what_will_not_be_sent_again_is_asked_about_at_each_repetition_until_it_has_ended(
    office: Office,
) -> None:
    number = office.paid()
    office.refund(number, wechat=SILENCE, key="k")
    office.wait(2)
    office.script.refund_query = NO_SUCH_REFUND
    office.refund(number, wechat=REFUSED, key="k")
    sent_at = office.time()
    told: list[tuple[float, int]] = []
    while (answer := office.refund(number, key="k")).status == 503:
        told.append((office.time() - sent_at, answer.wait))
        assert answer.number == office.refund_of(number).out_refund_no
        office.wait(answer.wait)
    assert told == [(0, 60), (60, 120)]
    assert (answer.data["status"], answer.data["duplicate"]) == ("CLOSED", True)
    assert office.events(number) == ["RefundRequested", "RefundClosed"]
    assert office.stored(number).refundable == 1000
    assert len(office.sent) == 2


def test_a_question_that_is_asked_too_early_is_repeated_after_two_seconds_at_least(office: Office) -> None:
    number = office.paid()
    office.refund(number, wechat=SILENCE, key="k")
    office.script.refund_query = NO_SUCH_REFUND
    office.refund(number, wechat=REFUSED, key="k")
    office.wait(59)
    assert office.refund(number, key="k").wait == 2


def test_a_refund_that_was_refused_and_is_there_all_the_same_is_told_as_it_is(office: Office) -> None:
    number = office.paid()
    office.refund(number, wechat=SILENCE, key="k")
    office.script.refund_query = NO_SUCH_REFUND
    office.refund(number, wechat=REFUSED, key="k")
    office.script.refund_query = taken("SUCCESS")
    told = office.refund(number, key="k")
    assert (told.data["status"], told.data["duplicate"]) == ("SUCCESS", True)


@pytest.mark.parametrize(
    "problem",
    [
        missing("RESOURCE_NOT_EXISTS_ELSEWHERE"),
        refusal("NO_AUTH"),
        refusal("RESOURCE_NOT_EXISTS", 404, proven=False),
        SILENCE,
    ],
    ids=str,
)
def test_only_a_signed_no_such_refund_means_that_there_is_none(office: Office, problem: Exception) -> None:
    number = office.paid()
    office.refund(number, wechat=SILENCE, key="k")
    office.script.refund_query = problem
    office.refund(number, wechat=REFUSED, key="k")
    for _ in range(10):
        office.wait(130)
        assert office.refund(number, key="k").status == 503
    refund = office.refund_of(number)
    assert (refund.status, refund.missing_since) == (RefundStatus.REQUESTED, None)


def test_a_refusal_of_the_first_send_whose_number_may_be_known_is_the_last_word_only_if_it_is_not(
    office: Office,
) -> None:
    """INVALID_REQUEST says among other things that the number was used."""
    invalid = refusal("INVALID_REQUEST", 400)
    behind = refusal("INVALID_REQUEST", 400)
    behind.after_unknown = True
    office.script.refund_query = NO_SUCH_REFUND
    assert office.refund(office.paid(), wechat=invalid).status == 502
    assert office.refund(office.paid(), wechat=behind).wait == 60
    office.script.refund_query = taken("ABNORMAL")
    assert office.refund(office.paid(), wechat=invalid).data["status"] == "ABNORMAL"


def test_a_question_whose_answer_proves_nothing_makes_no_last_word_of_a_refusal(office: Office) -> None:
    number = office.paid()
    office.script.refund_query = taken("PROCESSING", amount={"refund": 301, "total": 1000})
    assert office.refund(number, wechat=refusal("INVALID_REQUEST", 400)).wait == 60
    refund = office.refund_of(number)
    assert (refund.status, refund.refused, refund.unsure) == (
        RefundStatus.REQUESTED,
        "INVALID_REQUEST",
        True,
    )


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (refusal("NOT_ENOUGH"), "NOT_ENOUGH"),
        (refusal("RULE_LIMIT"), "RULE_LIMIT"),
        (UnknownOutcomeError("HTTP 429", http_status=429, code="RATE_LIMITED"), "RATE_LIMITED"),
        (UnknownOutcomeError("HTTP 429", http_status=429), "FREQUENCY_LIMITED"),
    ],
)
def test_what_passes_by_itself_is_named_and_kept_for_a_minute(
    office: Office, problem: Exception, code: str
) -> None:
    number = office.paid()
    told = office.refund(number, wechat=problem)
    assert (told.wait, told.body["details"]) == (60, {"outRefundNo": told.number, "wechatCode": code})
    refund = office.refund_of(number)
    assert (refund.refused, refund.doubts) == (None, 0)


def test_a_refund_that_is_not_taken_is_sent_again_for_a_week_and_then_asked_about(office: Office) -> None:
    number = office.paid()
    office.refund(number, wechat=SILENCE)
    office.wait(7 * DAY - 1)
    assert office.refund(number, wechat=refusal("NOT_ENOUGH")).wait == 60
    assert len(office.sent) == 2
    office.wait(1)
    office.script.refund_query = NO_SUCH_REFUND
    assert office.refund(number).wait == 59
    refund = office.refund_of(number)
    assert (len(office.sent), refund.refused, refund.unsure) == (2, "GIVEN_UP", True)
    office.wait(59)
    assert office.refund(number).wait == 120
    office.wait(120)
    assert office.refund(number).data["status"] == "CLOSED"
    assert len(office.sent) == 2


def test_a_week_is_over_for_whoever_finds_it_taken_as_well(office: Office) -> None:
    number = office.paid()
    office.refund(number, wechat=SILENCE)
    office.wait(7 * DAY)
    office.script.refund_query = taken("PROCESSING")
    assert office.refund(number).data["status"] == "PROCESSING"
    assert len(office.sent) == 1


# ---- the table, before and behind the send ----


def twice(operation: Operation, run: Run) -> Answer:
    """The SDK repeats each write, for its first answer was lost."""
    if operation.writes:
        run()
    return run()


def test_a_refund_whose_every_write_was_repeated_is_the_caller_s_first(office: Office) -> None:
    number = office.paid()
    office.db.around = twice
    told = office.refund(number)
    assert "duplicate" not in told.data
    assert (len(office.sent), office.refund_of(number).unanswered_by) == (1, None)
    office.db.around = None
    office.wait(61)
    assert office.refund(number).data["duplicate"] is True


def test_a_first_refusal_that_was_noted_twice_is_told_as_the_last_word_by_the_next_repetition(
    office: Office,
) -> None:
    number = office.paid()
    office.db.around = twice
    assert office.refund(number, wechat=REFUSED).status == 503
    office.db.around = None
    assert office.refund(number, wechat=REFUSED).status == 502


def test_a_repetition_whose_every_write_was_repeated_sends_once(office: Office) -> None:
    number = office.paid()
    office.refund(number, wechat=SILENCE)
    office.db.around = twice
    assert office.refund(number).data["status"] == "PROCESSING"
    assert len(office.sent) == 2


@pytest.mark.parametrize("status", ["PROCESSING", "SUCCESS"])
def test_a_refund_that_wechat_pay_took_is_told_so_though_the_table_did_not_answer(
    office: Office, status: str
) -> None:
    number = office.paid()

    def then_silence(request: dict[str, Any]) -> dict[str, object]:
        office.silent_table(lambda operation: operation.writes)
        return taken(status)(request)

    told = office.refund(number, wechat=then_silence)
    assert (told.data["status"], told.data["refundId"]) == (status, f"50{told.number}")
    office.restored_table()
    assert office.refund_of(number).status is RefundStatus.REQUESTED
    office.script.refund_query = taken("SUCCESS")
    office.wait(60)
    office.look(number)
    assert office.refund_of(number).status is RefundStatus.SUCCEEDED


def test_what_contradicts_us_is_not_told_as_taken_when_the_table_does_not_answer(office: Office) -> None:
    number = office.paid()

    def then_silence(request: dict[str, Any]) -> dict[str, object]:
        office.silent_table(lambda operation: operation.writes)
        return taken("PROCESSING", amount={"refund": 301, "total": 1000})(request)

    assert office.refund(number, wechat=then_silence).status == 503


def test_nothing_is_sent_when_the_table_does_not_take_the_reservation(office: Office) -> None:
    number = office.paid()
    office.silent_table(lambda operation: operation.writes and operation.table == "PaymentsTable")
    assert office.refund(number).status == 503
    assert office.sent == []


def test_a_table_that_cannot_be_read_is_worth_a_repetition(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    number = office.paid()
    office.silent_table(lambda operation: not operation.writes)
    told = office.refund(number)
    assert (told.wait, told.body["code"], office.sent) == (2, "SYSTEMERROR", [])
    assert vars(caplog.records[-1])["cause"] == "ReadTimeoutError"


def test_a_write_that_the_table_turned_down_for_its_own_reasons_is_no_refused_one(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever is refused reads and decides again at once; a throttled table must not be asked again and again."""
    number = office.paid()

    def around(operation: Operation, run: Run) -> Answer:
        if operation.writes and operation.table == "PaymentsTable":
            error = {"Code": "ThrottlingException", "Message": "slower"}
            raise ClientError({"Error": error, "ResponseMetadata": {"RequestId": "x"}}, operation.name)
        return run()

    office.db.around = around
    before = office.db.operations
    assert office.refund(number).status == 503
    assert vars(caplog.records[-1])["cause"] == "ThrottlingException"
    assert (office.db.operations - before, office.sent) == (2, [])  # read, and counted


def test_a_caller_who_cannot_be_written_down_as_answered_is_answered_all_the_same(office: Office) -> None:
    """Evidence has settled the refund while it was being sent; what is left is one write."""
    number = office.paid()

    def told_before(request: dict[str, Any]) -> dict[str, object]:
        office.notify(console(office.stored(number), request["out_refund_no"], 300))
        office.silent_table(lambda operation: operation.writes)
        return taken("SUCCESS")(request)

    assert office.refund(number, wechat=told_before).data["status"] == "SUCCESS"


def test_a_caller_whose_refund_had_been_settled_before_the_answer_came_is_owed_nothing(
    office: Office,
) -> None:
    number = office.paid()

    def told_before(request: dict[str, Any]) -> dict[str, object]:
        office.notify(console(office.stored(number), request["out_refund_no"], 300))
        return taken("SUCCESS")(request)

    assert office.refund(number, wechat=told_before).data["status"] == "SUCCESS"
    assert office.refund_of(number).unanswered_by is None


# ---- how many ----


def counted(office: Office) -> list[int]:
    return [int(item["created"]["N"]) for item in office.db.items("BuyersTable")]


def test_a_caller_has_so_many_refunds_a_day_and_repetitions_are_none(office: Office) -> None:
    office.wiring.settings._environment["REFUNDS_PER_DAY"] = "2"  # type: ignore[index]
    number = office.paid()
    for key in ("a", "a", "b", "b"):
        assert office.refund(number, 1, key=key).status == 200
    told = office.refund(number, 1, key="c")
    assert (told.status, told.body["code"]) == (429, "RATE_LIMITED")
    midnight = 8 * 3600  # from 16:00 in Beijing
    assert told.headers["retry-after"] == str(midnight)
    assert "2 refunds" in told.body["error"]
    assert office.refund(number, 1, key="c", by="somebody else").status == 200
    office.wait(midnight - 1)
    assert office.refund(number, 1, key="c").headers["retry-after"] == "1"
    office.wait(1)
    assert office.refund(number, 1, key="c").status == 200


def test_a_refund_that_found_another_in_its_way_is_counted_once(office: Office) -> None:
    number = office.paid()
    theirs: list[Told] = []
    office.before_the_next_write(lambda: theirs.append(office.refund(number, 1, key="theirs", by="theirs")))
    told = office.refund(number, 2, by="ours")
    assert [each.status for each in theirs] == [200]
    assert (told.status, told.data.get("duplicate")) == (200, None)
    assert counted(office) == [1, 1]
    assert office.stored(number).refunding == 300


def test_whoever_finds_no_place_among_other_refunds_in_six_seconds_is_told_to_come_again(
    office: Office,
) -> None:
    number = office.paid()
    key = {"out_trade_no": {"S": number}}

    def around(operation: Operation, run: Run) -> Answer:
        if operation.table == "PaymentsTable" and operation.writes:
            office.wait(1)
            count = {"0": "1", "1": "0"}[office.db.items("PaymentsTable")[0]["refund_count"]["N"]]
            office.db.call(
                "UpdateItem",
                {
                    "TableName": "PaymentsTable",
                    "Key": key,
                    "UpdateExpression": "SET refund_count = :count",
                    "ExpressionAttributeValues": {":count": {"N": count}},
                },
            )
        return run()

    office.db.around = around
    told: Told = office.refund(number)
    assert (told.wait, "under way" in told.body["error"]) == (2, True)
    assert 6 < office.time() - START < 8
    assert office.sent == []
