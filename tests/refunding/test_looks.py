"""Looking into refunds by ourselves: each is asked about, sent again in its time, and ended only on proof."""

from typing import Any

import pytest

from payments.core.lifecycle import RefundStatus
from payments.core.schedule import SENDS
from tests.kit.office import DAY, HOUR, NO_SUCH_REFUND, START, Office, console, moving, taken
from tests.kit.script import SILENCE
from tests.refunding.test_sending import UNSIGNED, refusal


def unheard(office: Office, number: str, key: str = "k", amount: object = 3) -> str:
    """A refund that went out and was not answered; its number."""
    return office.refund(number, amount, wechat=SILENCE, key=key).number


def shard(office: Office, number: str) -> str:
    (item,) = [item for item in office.db.items("PaymentsTable") if item["out_trade_no"]["S"] == number]
    return str(item["due_shard"]["S"])


def test_a_refund_that_is_there_is_not_sent_again(office: Office) -> None:
    number = office.paid()
    unheard(office, number)
    office.script.refund_query = taken("PROCESSING")
    office.wait(60)
    office.look(number)
    assert (len(office.sent), office.refund_of(number).status) == (1, RefundStatus.PROCESSING)
    office.script.refund_query = taken("SUCCESS")
    office.look_until_nothing_is_due(number)
    assert (len(office.sent), office.stored(number).refunded) == (1, 300)


def test_a_refund_that_never_arrived_is_sent_again_a_minute_later_by_a_look_that_may(office: Office) -> None:
    number = office.paid()
    unheard(office, number)
    office.script.refund_query = NO_SUCH_REFUND
    office.wait(60)
    office.look(number, may_send=False)
    assert len(office.sent) == 1
    payment = office.stored(number)
    assert payment.due_at is not None
    assert office.time() <= payment.due_at <= office.time() + 1  # WeChat Pay asks for a minute between two
    office.wait(1)
    office.look(number, may_send=False)
    assert (office.stored(number).due_at, shard(office, number).startswith(SENDS)) == (office.time(), True)
    office.look(number)
    assert (len(set(office.sent)), len(office.sent)) == (1, 2)
    assert office.refund_of(number).status is RefundStatus.PROCESSING


@pytest.mark.parametrize(
    "problem",
    [
        refusal("NO_AUTH"),
        refusal("RESOURCE_NOT_EXISTS", 404, proven=False),
        refusal("ORDER_NOT_EXIST", 404),
        SILENCE,
        taken(refund_id=None),
        taken(out_refund_no="RFOTHER"),
        taken(out_trade_no="WXOTHER"),
    ],
    ids=(
        "refused",
        "not signed",
        "about an order",
        "no answer",
        "without a number of WeChat Pay's",
        "another refund",
        "another order",
    ),
)
def test_a_question_that_nobody_answers_sends_nothing_and_gives_nothing_back(
    office: Office, problem: Any
) -> None:
    number = office.paid()
    unheard(office, number)
    office.script.refund_query = problem
    for _ in range(20):
        office.wait(601)
        office.look(number)
        due_at = office.stored(number).due_at
        assert due_at is not None
        assert due_at > office.time()
    refund = office.refund_of(number)
    assert (len(office.sent), refund.status, refund.missing_since) == (1, RefundStatus.REQUESTED, None)


def test_a_question_about_one_refund_that_is_refused_does_not_hide_the_others(office: Office) -> None:
    number = office.paid()
    one, other = unheard(office, number, "a"), unheard(office, number, "b", 4)

    def answer(request: dict[str, Any]) -> dict[str, object]:
        if request["out_refund_no"] == min(one, other):
            raise refusal("NO_AUTH")
        return taken("SUCCESS")(request)

    office.script.refund_query = answer
    office.wait(61)
    office.look(number)
    assert sorted(office.script.asked) == sorted((one, other))
    refunds = office.stored(number).refunds
    assert refunds[min(one, other)].status is RefundStatus.REQUESTED
    assert refunds[max(one, other)].status is RefundStatus.SUCCEEDED


def test_one_that_was_settled_meanwhile_is_not_asked_about(office: Office) -> None:
    number = office.paid()
    both = {unheard(office, number, "a"), unheard(office, number, "b", 4)}

    def answer(request: dict[str, Any]) -> dict[str, object]:
        (other,) = both - {request["out_refund_no"]}
        payment = office.stored(number)
        assert office.notify(console(payment, other, payment.refunds[other].amount)).status == 200
        return taken("SUCCESS")(request)

    office.script.refund_query = answer
    office.wait(60)
    office.look(number)
    assert (len(office.script.asked), office.stored(number).refunded) == (1, 700)


def test_one_that_its_caller_sends_at_the_same_moment_is_not_sent_twice(office: Office) -> None:
    number = office.paid()
    unheard(office, number)

    def answer(_request: dict[str, Any]) -> dict[str, object]:
        assert office.refund(number, key="k", wechat=SILENCE).status == 503
        raise NO_SUCH_REFUND

    office.script.refund_query = answer
    office.wait(61)
    office.look(number)
    assert len(office.sent) == 2
    assert office.refund_of(number).status is RefundStatus.REQUESTED


def doomed(office: Office) -> str:
    """An order with a refund that will never be sent again, and was last sent just now."""
    number = office.paid()
    unheard(office, number)
    office.wait(2)
    office.script.refund_query = NO_SUCH_REFUND
    assert office.refund(number, key="k", wechat=refusal("USER_ACCOUNT_ABNORMAL")).status == 503
    return number


def test_a_refund_is_given_up_once_it_was_missing_twice_two_minutes_apart(office: Office) -> None:
    number = doomed(office)
    office.wait(60)
    office.look(number)
    assert office.refund_of(number).missing_since == office.time()
    office.wait(119)
    office.look(number)
    assert office.refund_of(number).status is RefundStatus.REQUESTED
    office.wait(1)
    office.look(number)
    assert office.refund_of(number).status is RefundStatus.CLOSED
    assert office.stored(number).history[-1].cause == "missing"


def test_a_refund_that_may_still_be_on_its_way_is_not_missing(office: Office) -> None:
    number = doomed(office)
    office.wait(59)
    office.look(number)
    assert (office.refund_of(number).missing_since, office.stored(number).due_at) == (None, office.time() + 1)


def test_a_refund_that_is_sent_again_was_never_missing(office: Office) -> None:
    """A week is over, it was missing once; then an operator's clock goes back, or another function's is behind."""
    number = office.paid()
    unheard(office, number)
    office.wait(7 * DAY)
    office.script.refund_query = NO_SUCH_REFUND
    payment = office.stored(number)
    (refund,) = payment.refunds.values()
    payment = office.wiring.refunds.mark_missing(payment, refund.out_refund_no, now=int(office.time()))
    office.wiring.refunds.claim_resend(payment, refund.out_refund_no, claim="C", now=int(office.time()))
    office.wait(130)
    office.look(number)
    assert office.refund_of(number).status is RefundStatus.REQUESTED
    assert office.refund_of(number).missing_since == office.time()


def test_what_is_found_after_it_was_missing_once_goes_on(office: Office) -> None:
    number = doomed(office)
    office.wait(60)
    office.look(number)
    office.script.refund_query = taken("SUCCESS")
    office.wait(120)
    office.look(number)
    assert office.stored(number).refunded == 300


def test_a_refund_that_is_not_taken_for_a_week_is_given_up_and_then_missing_twice(office: Office) -> None:
    number = office.paid()
    unheard(office, number)
    office.script.refund_query = NO_SUCH_REFUND
    office.look_until_nothing_is_due(number, refusal("NOT_ENOUGH"))
    refund = office.refund_of(number)
    assert (refund.status, refund.refused, refund.unsure) == (RefundStatus.CLOSED, "GIVEN_UP", True)
    assert 7 * DAY < office.time() - START < 7 * DAY + 7 * HOUR
    assert 20 < len(office.sent) < 50
    assert office.events(number) == ["RefundRequested", "RefundClosed"]
    assert office.stored(number).refundable == 1000


def test_the_third_unsigned_refusal_ends_the_sending_of_looks_as_well(office: Office) -> None:
    number = office.paid()
    office.refund(number, wechat=UNSIGNED, key="k")
    office.script.refund_query = NO_SUCH_REFUND
    office.look_until_nothing_is_due(number, UNSIGNED)
    refund = office.refund_of(number)
    assert (refund.status, refund.refused, len(office.sent)) == (
        RefundStatus.CLOSED,
        "USER_ACCOUNT_ABNORMAL",
        3,
    )


def test_a_signed_refusal_of_a_look_s_send_is_no_last_word(office: Office) -> None:
    number = office.paid()
    unheard(office, number)
    office.script.refund_query = NO_SUCH_REFUND
    office.wait(61)
    office.look(number, refusal("USER_ACCOUNT_ABNORMAL"))
    refund = office.refund_of(number)
    assert (refund.refused, refund.unsure) == ("USER_ACCOUNT_ABNORMAL", True)
    assert office.refund(number, key="k").status == 503


def test_refused_sends_are_a_while_apart(office: Office) -> None:
    """WeChat Pay takes so many refused refunds a second, of all orders together."""
    number = office.paid()
    unheard(office, number)
    office.script.refund_query = NO_SUCH_REFUND
    office.wait(61)
    before = office.time()
    office.look(number, refusal("NOT_ENOUGH"))
    assert office.time() > before


def test_a_look_takes_ten_seconds_and_the_next_begins_with_another_refund(office: Office) -> None:
    number = office.paid()
    numbers = sorted(unheard(office, number, key, 1) for key in "abcde")

    def slow(request: dict[str, Any]) -> dict[str, object]:
        office.wait(4)
        return taken("PROCESSING")(request)

    office.script.refund_query = slow
    office.wait(60)
    asked = []
    for _ in range(5):
        office.script.asked.clear()
        office.wait(60 - office.time() % 60)
        office.look(number)
        asked.append(list(office.script.asked))
    assert {len(each) for each in asked} == {3}
    firsts = [each[0] for each in asked]
    assert sorted(firsts) == numbers
    for each in asked:
        first = numbers.index(each[0])
        assert each == (numbers[first:] + numbers[:first])[:3]


def test_what_is_there_and_cannot_be_written_down_is_neither_missing_nor_sent_again(office: Office) -> None:
    number = doomed(office)
    office.script.refund_query = taken("SUCCESS")
    office.wait(200)
    office.db.around = moving(office, number)
    office.look(number)
    office.db.around = None
    found = office.wiring.store.get(number)
    assert found is not None
    (refund,) = found.refunds.values()
    assert (refund.status, refund.missing_since, len(office.sent)) == (RefundStatus.REQUESTED, None, 2)
    assert found.due_at is not None


def test_news_that_come_while_a_refund_is_being_given_up_are_what_counts(office: Office) -> None:
    number = doomed(office)
    office.wait(60)
    office.look(number)

    def meanwhile(request: dict[str, Any]) -> dict[str, object]:
        news = console(office.stored(number), request["out_refund_no"], 300)
        assert office.notify(news).status == 200
        raise NO_SUCH_REFUND

    office.script.refund_query = meanwhile
    office.wait(120)
    office.look(number)
    payment = office.stored(number)
    assert (payment.refunded, payment.due_at) == (300, None)


def test_news_of_one_that_is_being_given_up_leave_the_others_their_look(office: Office) -> None:
    number = doomed(office)
    other = unheard(office, number, "other", 4)
    office.wait(60)

    def answer(request: dict[str, Any]) -> dict[str, object]:
        if request["out_refund_no"] == other:
            return taken("PROCESSING")(request)
        payment = office.stored(number)
        if payment.refunds[request["out_refund_no"]].status is RefundStatus.REQUESTED:
            assert office.notify(console(payment, request["out_refund_no"], 300)).status == 200
        raise NO_SUCH_REFUND

    office.script.refund_query = answer
    office.look(number)
    payment = office.stored(number)
    assert (payment.refunded, payment.refunds[other].status) == (300, RefundStatus.PROCESSING)
    assert payment.due_at is not None


def test_a_look_that_finds_the_end_of_a_refund_costs_one_read_and_one_write(office: Office) -> None:
    number = office.paid()
    unheard(office, number)
    office.script.refund_query = taken("SUCCESS")
    office.wait(60)
    before = office.db.operations
    office.look(number)
    assert office.db.operations - before == 2
    assert office.stored(number).history[-1].cause == "query"


def test_a_message_of_another_look_asks_nobody(office: Office) -> None:
    number = office.paid()
    unheard(office, number)
    due_at = office.stored(number).due_at
    assert due_at is not None
    office.look(number, lease=due_at + 1)
    office.look("WXNOBODY")
    assert office.script.asked == []
    office.look(number, lease=due_at)
    assert len(office.script.asked) == 1


def test_a_payment_of_which_nothing_is_open_any_more_is_due_no_more(office: Office) -> None:
    number = office.paid()
    unheard(office, number)
    office.script.refund_query = taken("CLOSED")
    office.wait(60)
    office.look(number)
    assert office.stored(number).due_at is None
    asked = len(office.script.asked)
    office.look(number)
    assert len(office.script.asked) == asked
