"""When WeChat Pay took a refund made elsewhere: no notification tells, so it is asked, once, and for no longer than a week."""

import pytest

from payments.core.books.journal import rows_of
from payments.core.books.rows import Kind, MovementRow
from payments.core.lifecycle import RefundStatus, Status
from tests.kit.office import DAY, ELSEWHERE_AT, Office, console
from tests.kit.script import SILENCE, missing
from tests.refunding.test_news import news

pytestmark = pytest.mark.in_turn


def movements(office: Office, number: str) -> list[tuple[Kind, str]]:
    rows = rows_of(office.stored(number))
    return [(row.kind, row.at) for row in rows if isinstance(row, MovementRow) and row.out_refund_no]


def test_it_is_asked_a_minute_later_and_then_nothing_is_due_any_more(office: Office) -> None:
    number = office.paid()
    assert news(office, number, "CONSOLE", 1000) == 200
    told = office.stored(number)
    assert [kind for kind, _ in movements(office, number)] == [Kind.REFUND_ENDED]
    assert told.due_at == office.time() + 60
    office.wait(60)
    office.look(number)
    payment = office.stored(number)
    assert (payment.due_at, office.script.asked) == (None, ["CONSOLE"])
    assert payment.refunds["CONSOLE"].create_time == ELSEWHERE_AT
    assert movements(office, number)[0] == (Kind.REFUND, ELSEWHERE_AT)
    # It is no transition: nobody hears of it, and the history stays.
    assert (payment.version, payment.history, payment.status) == (told.version, told.history, Status.REFUNDED)


def test_one_of_ours_is_not_asked_about_for_that(office: Office) -> None:
    number = office.paid()
    ours = office.refund(number, wechat=SILENCE).number
    assert office.notify(console(office.stored(number), ours, 300)).status == 200
    payment = office.stored(number)
    assert (payment.due_at, payment.refunds[ours].create_time) == (None, None)
    assert [kind for kind, _ in movements(office, number)] == [Kind.REFUND, Kind.REFUND_ENDED]


def test_one_that_was_asked_about_while_it_was_under_way_is_dated_by_that(office: Office) -> None:
    number = office.paid()
    assert news(office, number, "CONSOLE", 300, "ABNORMAL") == 200
    office.wait(60)
    office.look(number)
    assert office.stored(number).refunds["CONSOLE"].create_time == ELSEWHERE_AT
    assert news(office, number, "CONSOLE", 300, "SUCCESS") == 200
    assert office.stored(number).due_at is None


def test_while_wechat_pay_says_nothing_it_is_asked_again_and_given_up_after_a_week(office: Office) -> None:
    for silence in (missing("RESOURCE_NOT_EXISTS"), SILENCE):
        number = office.paid()
        assert news(office, number, "CONSOLE") == 200
        office.script.elsewhere["CONSOLE"] = silence
        office.script.asked.clear()
        began, before = office.time(), office.stored(number)
        while (due_at := office.stored(number).due_at) is not None:
            office.wait(due_at - office.time())
            office.look(number)
        payment = office.stored(number)
        assert 7 * DAY <= office.time() - began < 8 * DAY
        assert office.script.asked.count("CONSOLE") > 7
        assert (payment.version, payment.refunds["CONSOLE"].status) == (
            before.version,
            RefundStatus.SUCCEEDED,
        )
        assert payment.refunds == before.refunds


def test_a_payment_with_two_stays_due_until_both_are_dated(office: Office) -> None:
    number = office.paid()
    assert news(office, number, "CONSOLE-1") == 200
    assert news(office, number, "CONSOLE-2") == 200
    office.wait(60)
    office.script.elsewhere["CONSOLE-1"] = SILENCE
    office.look(number)
    payment = office.stored(number)
    assert [payment.refunds[each].create_time for each in ("CONSOLE-1", "CONSOLE-2")] == [None, ELSEWHERE_AT]
    assert payment.due_at is not None
    office.script.elsewhere["CONSOLE-1"] = office.script.elsewhere["CONSOLE-2"] | {
        "out_refund_no": "CONSOLE-1",
        "refund_id": "50CONSOLE-1",
    }
    office.look_until_nothing_is_due(number)
    assert office.stored(number).refunds["CONSOLE-1"].create_time == ELSEWHERE_AT
