"""Which repetition is the same refund: one wish pays once, two wishes pay twice, whoever asks, whenever."""

import pytest

from payments.core.lifecycle import RefundStatus
from tests.kit.dynamodb import Operation
from tests.kit.office import DAY, HOUR, Office, Told, console, taken
from tests.kit.script import SILENCE, Send


def ended(office: Office, number: str, told: Told, status: str = "SUCCESS") -> None:
    """WeChat Pay tells how the refund ended that an answer was about."""
    refund = office.stored(number).refunds[told.number]
    news = console(office.stored(number), told.number, refund.amount, status, refund_id=f"50{told.number}")
    assert office.notify(news).status == 200


# ---- without a key ----


@pytest.mark.parametrize("status", ["PROCESSING", "ABNORMAL"])
def test_a_refund_that_is_under_way_is_the_same_one_however_late_it_is_asked_for_again(
    office: Office, status: str
) -> None:
    number = office.paid()
    first = office.refund(number, wechat=taken(status))
    assert "duplicate" not in first.data
    office.wait(30 * DAY)
    again = office.refund(number, by="another office")
    assert (again.data["duplicate"], again.data["status"], again.number) == (True, status, first.number)
    assert again.data["createdAt"] == "2027-01-15T08:00:00Z"
    assert "Idempotency-Key" in again.data["note"]
    assert office.sent == [first.number]


@pytest.mark.parametrize("changed", [{"amount": 4}, {"refundReason": "damaged"}])
def test_another_amount_or_another_reason_is_another_refund(
    office: Office, changed: dict[str, object]
) -> None:
    number = office.paid()
    first = office.refund(number)
    second = office.refund(number, **changed)  # type: ignore[arg-type]
    assert "duplicate" not in second.data
    assert office.sent == [first.number, second.number]
    assert first.number != second.number
    assert office.stored(number).refunding == 300 + int(office.script.refunds[1]["amount"]["refund"])


def test_one_that_ended_is_a_double_click_for_a_minute_and_then_another_wish(office: Office) -> None:
    number = office.paid()
    first = office.refund(number)
    ended(office, number, first)
    office.wait(59)
    assert office.refund(number).number == first.number
    office.wait(1)
    second = office.refund(number)
    assert second.number != first.number
    assert "duplicate" not in second.data
    assert office.sent == [first.number, second.number]


def test_one_that_nobody_was_answered_for_is_the_same_until_a_day_after_its_caller_last_asked(
    office: Office,
) -> None:
    number = office.paid()
    first = office.refund(number, wechat=SILENCE)
    ended(office, number, first)
    for _ in range(3):
        office.wait(DAY + 0.9)  # whoever waits a day by their own clock is in time
        again = office.refund(number)
        assert (again.data["duplicate"], again.data["status"]) == (True, "SUCCESS")
    assert office.sent == [first.number]
    office.wait(DAY + 60)
    assert "duplicate" not in office.refund(number).data
    assert len(set(office.sent)) == 2


def test_another_caller_hears_of_it_too_and_does_not_keep_it_open(office: Office) -> None:
    number = office.paid()
    first = office.refund(number, wechat=SILENCE, by="first")
    ended(office, number, first)
    office.wait(DAY)
    assert office.refund(number, by="second").number == first.number
    assert office.stored(number).refunds[first.number].told_at is None
    office.wait(60)
    assert office.refund(number, by="first").number != first.number


def test_the_caller_who_was_answered_at_once_is_owed_nothing(office: Office) -> None:
    number = office.paid()
    assert office.refund(number).status == 200
    assert office.refund_of(number).unanswered_by is None


@pytest.mark.parametrize("wechat", [SILENCE, taken("SUCCESS")])
def test_whoever_sends_a_key_needs_no_such_mark(office: Office, wechat: Send) -> None:
    number = office.paid()
    office.refund(number, wechat=wechat, key="k")
    assert office.refund_of(number).unanswered_by is None
    office.refund(number, wechat=wechat, key="k")
    assert office.refund_of(number).told_at is None


def test_an_answer_to_a_repetition_alone_does_not_end_the_first_caller_s_wish(office: Office) -> None:
    """A `duplicate` may be lost as well, and whoever believes in no answer repeats."""
    number = office.paid()
    first = office.refund(number, wechat=SILENCE)
    office.wait(2)
    assert office.refund(number, wechat=taken("SUCCESS")).data["duplicate"] is True
    office.wait(HOUR)
    assert office.refund(number).number == first.number


def test_one_that_came_to_nothing_is_told_once_and_then_the_wish_may_begin_anew(office: Office) -> None:
    number = office.paid()
    first = office.refund(number, wechat=SILENCE)
    ended(office, number, first, "CLOSED")
    office.wait(HOUR)
    told = office.refund(number)
    assert (told.data["status"], told.data["duplicate"], told.number) == ("CLOSED", True, first.number)
    again = office.refund(number)
    assert "duplicate" not in again.data
    assert office.sent == [first.number, again.number]
    assert first.number != again.number


def test_a_caller_hears_of_their_own_refund_before_anybody_else_s(office: Office) -> None:
    number = office.paid()
    mine = office.refund(number, wechat=SILENCE, by="mine")
    ended(office, number, mine)
    office.wait(HOUR)
    office.refund(number, key="k", by="theirs")
    assert office.refund(number, by="mine").number == mine.number
    assert office.refund(number, by="somebody").number == mine.number  # a key's refund is meant last of all


def test_of_several_alike_the_latest_is_meant(office: Office) -> None:
    number = office.paid()
    for key in "abc":
        latest = office.refund(number, key=key)
        office.wait(1)
    assert office.refund(number).number == latest.number


# ---- with a key ----


def test_a_key_is_one_refund_for_ever(office: Office) -> None:
    number = office.paid()
    first = office.refund(number, key="k", refundReason="damaged")
    ended(office, number, first)
    office.wait(400 * DAY)
    again = office.refund(number, key="k", refundReason="damaged")
    assert (again.number, again.data["duplicate"], again.data["status"]) == (first.number, True, "SUCCESS")
    assert "note" not in again.data  # they know how: they send keys
    assert office.sent == [first.number]


def test_the_same_key_of_another_caller_or_for_another_order_is_another_refund(office: Office) -> None:
    number, another = office.paid(), office.paid()
    told = [
        office.refund(number, key="k", by="one"),
        office.refund(number, key="k", by="two"),
        office.refund(another, key="k", by="one"),
        office.refund(number, key="K", by="one"),
    ]
    assert len({each.number for each in told}) == 4
    assert office.sent == [each.number for each in told]


@pytest.mark.parametrize("changed", [{"amount": 4}, {"refundReason": "broken"}, {"refundReason": None}])
def test_a_key_with_another_amount_or_reason_is_refused_and_nothing_is_sent(
    office: Office, changed: dict[str, object]
) -> None:
    number = office.paid()
    first = office.refund(number, key="k", refundReason="damaged")
    told = office.refund(number, key="k", **{"refundReason": "damaged", **changed})  # type: ignore[arg-type]
    assert (told.status, told.body["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert office.sent == [first.number]


def test_a_keyless_wish_and_the_same_with_a_key_are_two(office: Office) -> None:
    number = office.paid()
    told = [office.refund(number), office.refund(number, key="k")]
    assert "duplicate" not in told[1].data
    assert office.sent == [each.number for each in told]


# ---- by others, and after a restore ----


def test_a_refund_in_the_console_is_nobody_s_wish_here(office: Office) -> None:
    """Neither while it is under way nor just after it: of the same amount, and without a reason as ours."""
    number = office.paid()
    for console_number, status in (("CONSOLE-1", "ABNORMAL"), ("CONSOLE-2", "SUCCESS")):
        assert office.notify(console(office.stored(number), console_number, 300, status)).status == 200
    told = office.refund(number)
    assert "duplicate" not in told.data
    assert office.sent == [told.number]
    assert len(office.stored(number).refunds) == 3


@pytest.mark.parametrize("key", [None, "k"])
def test_a_refund_that_a_restore_made_us_forget_is_the_same_when_it_is_asked_for_again(
    office: Office, key: str | None
) -> None:
    number = office.paid()
    before = office.db.snapshot()
    first = office.refund(number, key=key, refundReason="damaged")
    office.db.restore(before)
    office.wait(HOUR)
    assert office.notify(console(office.stored(number), first.number, 300)).status == 200
    office.wait(30 * DAY)
    told = office.refund(number, key=key, refundReason="damaged")
    assert (told.number, told.data["duplicate"], told.data["status"]) == (first.number, True, "SUCCESS")
    assert office.sent == [first.number]


def test_a_forgotten_refund_that_could_only_half_be_written_down_is_not_sent(office: Office) -> None:
    """It was taken over from WeChat Pay's news, and the table went away before its state followed."""
    number = office.paid()
    before = office.db.snapshot()
    first = office.refund(number, key="k")
    office.db.restore(before)
    writes: list[str] = []

    def second_write(operation: Operation) -> bool:
        writes.extend(["write"] * operation.writes)
        return len(writes) > 1

    office.silent_table(second_write)
    assert office.notify(console(office.stored(number), first.number, 300, "ABNORMAL")).status == 503
    office.restored_table()
    assert office.refund_of(number).status is RefundStatus.REQUESTED
    told = office.refund(number, key="k")
    assert (told.data["duplicate"], told.number, office.sent) == (True, first.number, [first.number])
    office.script.refund_query = taken("SUCCESS")
    office.look_until_nothing_is_due(number)
    assert (office.stored(number).refunded, office.sent) == (300, [first.number])


def test_a_forgotten_refund_under_a_key_is_no_refund_of_another_amount(office: Office) -> None:
    number = office.paid()
    before = office.db.snapshot()
    first = office.refund(number, key="k")
    office.db.restore(before)
    office.notify(console(office.stored(number), first.number, 300))
    assert office.refund(number, 4, key="k").body["code"] == "IDEMPOTENCY_MISMATCH"


def test_a_forgotten_refund_that_nobody_told_us_of_goes_out_under_its_own_number(office: Office) -> None:
    number = office.paid()
    before = office.db.snapshot()
    told = [office.refund(number)]
    office.db.restore(before)
    office.wait(HOUR)
    told.append(office.refund(number))
    assert told[0].number == told[1].number
    assert office.script.refunds[0] == office.script.refunds[1]


def test_of_two_forgotten_refunds_the_later_may_be_heard_of_first(office: Office) -> None:
    number = office.paid()
    before = office.db.snapshot()
    told = []
    for _ in range(2):
        told.append(office.refund(number))
        ended(office, number, told[-1])
        office.wait(61)
    office.db.restore(before)
    assert office.notify(console(office.stored(number), told[1].number, 300)).status == 200
    office.wait(61)
    again = office.refund(number)
    assert (again.number, again.data["duplicate"]) == (told[1].number, True)
    assert office.stored(number).refunds[told[1].number].status is RefundStatus.SUCCEEDED
    assert office.sent == [told[0].number, told[1].number]
