"""The looks of settle, through its function: what each asks, what it ends, and when the next one is due."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund
from payments.storage.looks import Due
from tests.payments.stage import SILENCE, START, Between, Lost, Stage, order_object, refusal
from wechatpay.errors import UnknownOutcomeError

GONE = refusal("ORDER_NOT_EXIST", 404)
NO_SUCH_REFUND = refusal("RESOURCE_NOT_EXISTS", 404)
Act = Callable[[Stage, Payment], object]


def unpaid(stage: Stage, payment: Payment) -> None:
    stage.wechat.says("query", order_object(payment, "NOTPAY"))


def reserved(stage: Stage, payment: Payment, *numbers: str, sent_at: int = START) -> Payment:
    """Refunds of 100 fen that were sent and not acknowledged."""
    for number in numbers:
        request = json.dumps({"out_refund_no": number})
        refund = Refund(number, RefundStatus.REQUESTED, 100, sent_at, sent_at=sent_at, wechat_request=request)
        stage.wiring.refunds.reserve(
            stage.stored(payment), refund, cause="refund", due_at=sent_at + 60, now=sent_at
        )
    return stage.stored(payment)


def refund_object(payment: Payment, number: str, status: str) -> dict[str, object]:
    return {
        "out_trade_no": payment.out_trade_no,
        "out_refund_no": number,
        "refund_id": f"50{number}",
        "transaction_id": payment.transaction_id,
        "status": status,
        "amount": {"refund": 100, "total": payment.amount},
    }


# ---- whether there is anything to look into ----


def test_what_is_not_due_or_not_there_asks_nobody(stage: Stage) -> None:
    closed = stage.put(Status.CLOSED)
    assert stage.settle(closed) == []
    assert stage.settle({"out_trade_no": "WXNOBODYS"}) == []
    assert stage.wechat.asked == []


def test_a_message_whose_lease_is_over_asks_nobody(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    assert payment.due_at is not None
    stage.settle({"out_trade_no": payment.out_trade_no, "lease": payment.due_at - 1})
    assert stage.wechat.asked == []
    unpaid(stage, payment)
    stage.settle({"out_trade_no": payment.out_trade_no, "lease": payment.due_at})
    assert stage.wechat.asked == ["query"]


def test_a_look_is_written_down_with_when_the_next_one_is_due(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    for later, following in ((60, 180), (180, 600), (600, 1800), (1800, 7260)):
        stage.wiring.time = START + later
        unpaid(stage, payment)
        assert stage.settle(payment) == []
        after = stage.stored(payment)
        assert (after.due_at, after.due_since, after.status) == (START + following, None, Status.PENDING)


def test_a_look_that_somebody_else_has_overtaken_says_nothing_about_the_next(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)

    def overtaken() -> object:
        stage.somebody_closes(payment)
        return order_object(payment, "NOTPAY")

    stage.wiring.time = START + 30
    stage.wechat.says("query", overtaken)
    assert stage.settle(payment) == []
    assert stage.stored(payment).due_at == START + 90


def test_a_table_that_does_not_answer_has_the_message_delivered_again(stage: Stage) -> None:
    payments = [stage.put(Status.PENDING) for _ in range(2)]
    stage.wiring.looks = Lost(stage.wiring.looks, "set_next_look", "before")
    stage.wechat.says("query", *(order_object(payment, "NOTPAY") for payment in payments))
    assert stage.settle(*payments) == [payments[0].out_trade_no]
    assert stage.wechat.asked == ["query", "query"]


# ---- looks without an answer ----


@pytest.mark.parametrize(
    ("problem", "answered"),
    [
        (SILENCE, False),
        (refusal("SYSTEM_ERROR", 400, proven=False), False),
        (refusal("INVALID_REQUEST", 400), True),
    ],
)
def test_a_payment_stays_due_until_wechat_pay_has_answered_for_it(
    stage: Stage, problem: Exception, answered: bool
) -> None:
    payment = stage.put(Status.CREATING)
    assert payment.due_at is not None
    leased = stage.wiring.looks.lease(
        Due("money#0", payment.out_trade_no, payment.due_at), until=payment.due_at + 180
    )
    stage.wiring.time = payment.due_at + 130
    stage.wechat.says("query", problem)
    assert stage.settle(payment) == []
    after = stage.stored(payment)
    assert after.due_since == (None if answered else payment.due_at)
    assert after.due_at == START + (600 if answered else 320)
    assert leased.due_since == payment.due_at


def test_a_look_that_our_own_table_cuts_short_is_no_answer(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    assert payment.due_at is not None
    stage.wiring.looks.lease(Due("money#0", payment.out_trade_no, payment.due_at), until=START + 190)
    stage.wiring.store = Lost(stage.store, "record_money", "before")
    stage.wechat.says("query", order_object(payment, "SUCCESS"))
    assert stage.settle(payment) == [payment.out_trade_no]
    after = stage.stored(payment)
    assert (after.status, after.due_since) == (Status.PENDING, payment.due_at)


# ---- orders that wechat pay does not have ----


def test_an_order_that_wechat_pay_does_not_have_is_not_given_up_while_a_send_may_be_on_its_way(
    stage: Stage,
) -> None:
    payment = stage.put(Status.CREATING)
    sent = stage.somebody_sends(payment).sent_at
    for later, missing in ((59, None), (60, sent + 60)):
        stage.wiring.time = sent + later
        stage.wechat.says("query", GONE)
        stage.settle(payment)
        assert stage.stored(payment).missing_since == missing


def test_an_order_that_stays_missing_fails_with_the_reason_of_it(stage: Stage) -> None:
    payment = stage.put(Status.CREATING)
    for later in (0, 119, 120):
        stage.wiring.time = START + 60 + later
        stage.wechat.says("query", GONE)
        stage.settle(payment)
    after = stage.stored(payment)
    assert (after.status, after.refusal) == (Status.FAILED, {"wechatCode": "ORDER_NOT_EXIST"})
    assert after.history[-1].cause == "settle"
    assert (after.due_at, after.version) == (None, payment.version + 1)


def test_an_order_that_is_found_after_all_begins_anew_to_be_missing(stage: Stage) -> None:
    payment = stage.put(Status.CREATING)
    answers = [GONE, order_object(payment, "NOTPAY"), GONE, GONE]
    for minutes, (answer, missing) in enumerate(zip(answers, (1, None, 3, 3), strict=True), start=1):
        stage.wiring.time = START + 60 * minutes
        stage.wechat.says("query", answer)
        stage.settle(payment)
        assert stage.stored(payment).missing_since == (missing and START + 60 * missing)
    assert stage.stored(payment).status is Status.CREATING


def missing_once(stage: Stage, status: Status) -> Payment:
    payment = stage.put(status)
    stage.wiring.time = START + 60
    stage.wechat.says("query", GONE)
    stage.wechat.says("close", GONE)
    stage.settle(payment)
    stage.wiring.time = START + 180
    return payment


@pytest.mark.parametrize("verb", ["mark_missing", "fail_creation"])
def test_an_order_that_is_sent_again_in_the_same_moment_is_not_given_up(stage: Stage, verb: str) -> None:
    payment = stage.put(Status.CREATING) if verb == "mark_missing" else missing_once(stage, Status.CREATING)
    stage.wiring.time = max(stage.wiring.time, START + 60)
    stage.wiring.store = Between(stage.store, verb, lambda: stage.somebody_sends(payment))
    stage.wechat.says("query", GONE)
    assert stage.settle(payment) == []
    after = stage.stored(payment)
    assert (after.status, after.missing_since, after.claim) == (Status.CREATING, None, "other")


def test_an_order_that_moves_in_the_same_moment_is_not_called_missing(stage: Stage) -> None:
    payment = stage.put(Status.CREATING)
    stage.wiring.time = START + 60
    stage.wiring.store = Between(stage.store, "mark_missing", lambda: stage.somebody_closes(payment))
    stage.wechat.says("query", GONE, GONE)
    stage.wechat.says("close", GONE)
    assert stage.settle(payment) == []
    assert stage.stored(payment).missing_since is None


def test_an_order_is_missing_since_it_was_missed_first(stage: Stage) -> None:
    payment = stage.put(Status.CREATING)
    seen = stage.stored(payment)
    stage.wiring.time = START + 60
    stage.wiring.store = Between(
        stage.store, "mark_missing", lambda: stage.store.mark_missing(seen, now=START + 50)
    )
    stage.wechat.says("query", GONE)
    assert stage.settle(payment) == []
    assert stage.stored(payment).missing_since == START + 50


@pytest.mark.parametrize("status", [Status.PENDING, Status.CLOSING])
def test_an_order_whose_code_was_handed_out_is_never_missing_while_it_can_be_paid(
    stage: Stage, status: Status
) -> None:
    payment = stage.put(status)
    stage.wechat.says("close", *[GONE] * 9)
    for later in (60, 300, 3600, 7259):
        stage.wiring.time = payment.time_expire - 7200 + later
        stage.wechat.says("query", GONE, GONE)
        stage.settle(payment)
        after = stage.stored(payment)
        assert (after.status, after.missing_since) == (status, None)


def test_an_order_that_is_being_closed_ends_once_it_stays_missing_past_its_time(stage: Stage) -> None:
    payment = stage.put(Status.CLOSING)
    for later in (60, 179, 180):
        stage.wiring.time = payment.time_expire + later
        stage.wechat.says("query", GONE, GONE)
        stage.wechat.says("close", GONE)
        stage.settle(payment)
        assert stage.stored(payment).status is (Status.CLOSED if later == 180 else Status.CLOSING)
    assert stage.stored(payment).history[-1].cause == "settle"


# ---- orders whose time is over ----


@pytest.mark.parametrize(("later", "then"), [(59, Status.PENDING), (60, Status.CLOSED)])
def test_an_order_is_closed_a_minute_past_its_last_moment(stage: Stage, later: int, then: Status) -> None:
    payment = stage.put(Status.PENDING)
    stage.wiring.time = payment.time_expire + later
    unpaid(stage, payment)
    stage.wechat.says("close", None)
    stage.settle(payment)
    after = stage.stored(payment)
    assert (after.status, after.due_at) == (
        then,
        None if then is Status.CLOSED else payment.time_expire + 60,
    )


def test_an_order_past_its_time_that_turns_out_paid_is_not_closed(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    stage.wiring.time = payment.time_expire + 60
    stage.wechat.says("query", order_object(payment, "SUCCESS"))
    stage.settle(payment)
    assert (stage.stored(payment).status, stage.wechat.asked) == (Status.PAID, ["query"])


def test_an_order_that_is_paid_while_it_is_closed_is_settled_as_paid(stage: Stage) -> None:
    payment = stage.put(Status.CLOSING)
    unpaid(stage, payment)
    stage.wechat.says("close", lambda: stage.it_is_paid(payment))
    assert stage.settle(payment) == []
    after = stage.stored(payment)
    assert (after.status, after.due_at) == (Status.PAID, None)


def test_a_close_that_is_not_proven_is_tried_again_after_a_minute(stage: Stage) -> None:
    payment = stage.put(Status.CLOSING)
    stage.wiring.time = payment.updated_at + 10
    stage.wechat.says("query", order_object(payment, "NOTPAY"), order_object(payment, "NOTPAY"))
    stage.wechat.says("close", SILENCE)
    stage.settle(payment)
    assert stage.stored(payment).due_at == payment.updated_at + 60


# ---- refunds ----


def test_a_look_that_may_not_send_leaves_a_refund_for_one_that_may(stage: Stage) -> None:
    payment = reserved(stage, stage.put(Status.PAID), "A")
    stage.wiring.time = START + 300
    stage.wechat.says("query_refund", NO_SUCH_REFUND, NO_SUCH_REFUND)
    stage.settle(payment)
    after = stage.stored(payment)
    assert (after.due_at, stage.wechat.asked) == (START + 300, ["query_refund"])

    stage.wechat.says("refund", lambda: refund_object(payment, "A", "PROCESSING"))
    stage.settle(payment, may_send=True)
    assert stage.stored(payment).refunds["A"].status is RefundStatus.PROCESSING
    assert stage.wechat.asked.count("refund") == 1


def test_a_message_may_send_only_where_it_says_so(stage: Stage) -> None:
    payment = reserved(stage, stage.put(Status.PAID), "A")
    stage.wiring.time = START + 300
    for may_send in (None, 1, "true", False):
        stage.wechat.says("query_refund", NO_SUCH_REFUND)
        stage.settle({"out_trade_no": payment.out_trade_no, "may_send": may_send})
    stage.wechat.says("query_refund", NO_SUCH_REFUND)
    stage.settle({"out_trade_no": payment.out_trade_no})
    assert stage.wechat.asked == ["query_refund"] * 5


def test_of_several_open_refunds_each_minute_begins_with_another(stage: Stage) -> None:
    payment = reserved(stage, stage.put(Status.PAID), "A", "B", "C")
    asked: list[str] = []

    def slow(number: str) -> dict[str, object]:
        asked.append(number)
        stage.wiring.time += 10  # as long as there is for all of them
        return refund_object(payment, number, "PROCESSING")

    stage.wechat.query_refund = slow  # type: ignore[method-assign, assignment]
    for minute in range(3):
        stage.wiring.time = START + 60 * minute
        stage.settle(payment)
    assert sorted(asked) == ["A", "B", "C"]


def test_refunds_are_asked_about_for_ten_seconds_at_most(stage: Stage) -> None:
    payment = reserved(stage, stage.put(Status.PAID), "A", "B", "C", "D")

    def slow(number: str) -> dict[str, object]:
        stage.wechat.asked.append(number)
        stage.wiring.time += 5
        return refund_object(payment, number, "PROCESSING")

    stage.wechat.query_refund = slow  # type: ignore[method-assign, assignment]
    stage.settle(payment)
    assert len(stage.wechat.asked) == 2


def test_one_refund_without_an_answer_leaves_the_payment_due_and_the_others_looked_into(stage: Stage) -> None:
    payment = reserved(stage, stage.put(Status.PAID), "A", "B")
    answers = {"A": SILENCE, "B": refund_object(payment, "B", "SUCCESS")}

    def answer(number: str) -> dict[str, object]:
        found = answers[number]
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[return-value]

    stage.wechat.query_refund = answer  # type: ignore[method-assign, assignment]
    assert payment.due_at is not None
    stage.wiring.looks.lease(Due("money#0", payment.out_trade_no, payment.due_at), until=START + 190)
    stage.wiring.time = START + 10
    stage.settle(payment)
    after = stage.stored(payment)
    assert after.due_since == payment.due_at  # since one of them was last answered for
    assert (after.refunds["A"].status, after.refunds["B"].status) == (
        RefundStatus.REQUESTED,
        RefundStatus.SUCCEEDED,
    )
    assert after.due_at == START + 60


def test_a_refund_that_was_not_taken_holds_its_place_for_a_moment(stage: Stage) -> None:
    payment = reserved(stage, stage.put(Status.PAID), "A")
    stage.wiring.time = START + 300
    stage.wechat.says("query_refund", NO_SUCH_REFUND)
    stage.wechat.says("refund", refusal("NOT_ENOUGH", 403))
    stage.settle(payment, may_send=True)
    assert stage.wiring.time == pytest.approx(START + 300.52)
    assert stage.stored(payment).due_at == START + 600


def test_a_refund_that_its_caller_sends_in_the_same_moment_is_not_sent_twice(stage: Stage) -> None:
    payment = reserved(stage, stage.put(Status.PAID), "A")
    stage.wiring.time = START + 300

    def its_caller() -> Any:
        now = int(stage.wiring.time)
        stage.wiring.refunds.claim_resend(stage.stored(payment), "A", claim="theirs", now=now)
        return NO_SUCH_REFUND

    stage.wechat.says("query_refund", its_caller)
    assert stage.settle(payment, may_send=True) == []
    assert stage.wechat.asked == ["query_refund"]
    assert stage.stored(payment).refunds["A"].claim == "theirs"


# ---- a merchant that wechat pay refuses altogether ----

ABOUT_THE_MERCHANT = ["SIGN_ERROR", "NO_AUTH", "MCH_NOT_EXISTS", "MCHID_NOT_EXIST"]


@pytest.mark.parametrize("code", ABOUT_THE_MERCHANT)
def test_five_refusals_of_the_merchant_in_a_row_leave_wechat_pay_alone_for_five_minutes(
    stage: Stage, code: str
) -> None:
    payments = [stage.put(Status.PENDING) for _ in range(6)]
    stage.wechat.says("query", *[refusal(code, 403)] * 5)
    stage.settle(*payments[:5])
    began = stage.wiring.time
    for later in (0, 150, 299):
        stage.wiring.time = began + later
        assert stage.settle(payments[5]) == []
        assert len(stage.wechat.asked) == 5
        after = stage.stored(payments[5])
        assert after.due_at is not None
        assert stage.wiring.time < after.due_at <= stage.wiring.time + 60
    stage.wiring.time = began + 300
    unpaid(stage, payments[5])
    stage.settle(payments[5])
    assert len(stage.wechat.asked) == 6


@pytest.mark.parametrize("sent", [False, True])
def test_refunds_that_wechat_pay_refuses_for_the_merchants_sake_count_like_orders(
    stage: Stage, sent: bool
) -> None:
    payments = [reserved(stage, stage.put(Status.PAID), "A", "B") for _ in range(6)]
    stage.wiring.time = START + 300
    forbidden = refusal("NO_AUTH", 403)
    stage.wechat.says("query_refund", *[NO_SUCH_REFUND if sent else forbidden] * 12)
    stage.wechat.says("refund", *[forbidden] * 12)
    for payment in payments[:5]:
        stage.settle(payment, may_send=sent)
    asked = len(stage.wechat.asked)
    stage.settle(payments[5], may_send=sent)
    assert len(stage.wechat.asked) == asked


def test_a_merchant_that_is_refused_only_now_and_then_is_asked_about_all_the_same(stage: Stage) -> None:
    payments = [stage.put(Status.PENDING) for _ in range(9)]
    answers: list[object] = [refusal("NO_AUTH", 403)] * 9
    answers[4] = order_object(payments[4], "NOTPAY")
    stage.wechat.says("query", *answers)
    stage.settle(*payments)
    assert len(stage.wechat.asked) == 9


@pytest.mark.parametrize("problem", [SILENCE, refusal("INVALID_REQUEST"), UnknownOutcomeError("HTTP 500")])
def test_trouble_that_is_not_about_the_merchant_stops_nobody(stage: Stage, problem: Exception) -> None:
    payments = [stage.put(Status.PENDING) for _ in range(7)]
    stage.wechat.says("query", *[problem] * 7)
    stage.settle(*payments)
    assert len(stage.wechat.asked) == 7


def test_while_wechat_pay_is_left_alone_a_payment_that_is_gone_is_nobodys_trouble(stage: Stage) -> None:
    payments = [stage.put(Status.PENDING) for _ in range(5)]
    stage.wechat.says("query", *[refusal("NO_AUTH", 403)] * 5)
    stage.settle(*payments)
    assert stage.settle({"out_trade_no": "WXNOBODYS"}, stage.put(Status.CLOSED)) == []
    assert len(stage.wechat.asked) == 5


def test_while_wechat_pay_is_left_alone_a_refund_that_must_be_sent_waits_like_all_others(
    stage: Stage,
) -> None:
    """Due at once, it would be taken from the table again every minute for nothing."""
    payment = reserved(stage, stage.put(Status.PAID), "A")
    stage.wechat.says("query", *[refusal("NO_AUTH", 403)] * 5)
    stage.settle(*(stage.put(Status.PENDING) for _ in range(5)))
    stage.wiring.time = START + 290
    stage.settle(payment, may_send=True)
    assert stage.stored(payment).due_at == START + 350


@pytest.mark.parametrize("problem", [SILENCE, None])
def test_a_look_is_logged_with_the_payment_that_it_was_about(
    stage: Stage, caplog: pytest.LogCaptureFixture, problem: Exception | None
) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("query", problem or order_object(payment, "NOTPAY"))
    caplog.clear()
    stage.settle(payment)
    (line,) = [record for record in caplog.records if "settled" in record.message]
    logged = vars(line)
    assert (logged["out_trade_no"], logged["payment_id"]) == (payment.out_trade_no, payment.payment_id)
    assert ("error" in logged) is (problem is not None)


def test_a_look_has_forty_seconds(stage: Stage) -> None:
    left: list[float] = []
    payment = stage.put(Status.PENDING)

    def how_long() -> object:
        left.append(stage.wiring.remaining())
        return order_object(payment, "NOTPAY")

    stage.wechat.says("query", how_long)
    stage.settle(payment)
    assert left == [pytest.approx(40, abs=0.5)]


def test_the_looks_of_one_payment_are_never_two_in_the_same_second(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    due = []
    for _ in range(8):
        unpaid(stage, payment)
        stage.wechat.says("close", None)
        stage.settle(payment)
        after = stage.stored(payment)
        if after.due_at is None:
            break
        due.append(after.due_at)
        stage.wiring.time = after.due_at
    assert stage.stored(payment).status is Status.CLOSED
    assert all(later > earlier for earlier, later in itertools.pairwise(due))
