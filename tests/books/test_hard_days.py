"""Days that are not as they should be: a bill that cannot be read, books that lack something, runs that meet, news that comes late."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from payments.core.books.bill_day import LEASE_SECONDS, DayStatus, KeptBill
from payments.core.books.bill_text import BillKind
from payments.core.errors import RefusedUpdate, StorageUnavailableError
from payments.core.lifecycle import RefundStatus
from payments.core.payment import Payment
from payments.use_cases.books.concluding import tidy_up
from tests.books.bills import PAYMENT, trade_bill
from tests.books.days import DAY, Day, fund_rows, paid, payment_row, refund_row, refunded
from tests.books.world import NOW, RUN, World
from tests.kit.dynamodb import MemoryDynamoDB, Operation
from tests.payments.stage import SILENCE

NEXT = "2026-11-29"


@pytest.fixture
def world(db: MemoryDynamoDB) -> World:
    return World(db)


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def a_day(*payments: Payment) -> Day:
    day = Day()
    for payment in payments:
        day.add(payment)
    return day


# ---- a bill that cannot be read ----


def test_a_row_that_cannot_be_read_ends_the_run_and_says_where(world: World) -> None:
    world.wiring.bills.claim(DAY, RUN, now=NOW)
    unreadable = trade_bill(PAYMENT | {"手续费": "0.1234567"})
    world.wiring.bill_files.write(BillKind.TRADE, DAY, [unreadable])
    kept = {"trade": KeptBill(rows=1, parts=1, sha1="00"), "fund": KeptBill()}
    world.begin(world.wiring.bills.keep_bill(DAY, RUN, kept, now=NOW))
    world.deliver()
    day = world.day()
    assert (day.status, day.reason) == (
        DayStatus.FAILED,
        "the trade bill cannot be read: line 2, column 手续费: has more than 5 decimals",
    )
    assert day.is_due(NOW)


# ---- runs that meet ----


def test_the_end_of_a_run_leaves_alone_what_a_newer_one_has_found(world: World) -> None:
    payment = paid()
    world.keep(payment)
    done = world.compare(a_day(payment))
    world.wiring.bills.reopen(DAY, now=NOW)
    world.begin(world.fetched(a_day(payment), run="run-2"))
    world.deliver_one()
    tidy_up(done, world.wiring)  # by the function of the first run, which had not come to it before
    world.deliver()
    assert (world.day().status, world.day().run) == (DayStatus.BALANCED, "run-2")


def test_a_message_of_a_run_that_has_ended_does_not_take_the_day_again(world: World) -> None:
    payment = paid()
    world.keep(payment)
    world.compare(a_day(payment))
    world.wiring.bills.reopen(DAY, now=NOW)
    with pytest.raises(RefusedUpdate):  # its parts are done, of bills that may be others by now
        world.wiring.bills.claim(DAY, RUN, now=NOW)
    assert world.compare(a_day(payment), run="run-2").status is DayStatus.BALANCED


def test_a_run_that_was_silent_for_long_after_fetching_does_not_fetch_again(world: World) -> None:
    payment = paid()
    world.keep(payment)
    world.begin(world.fetched(a_day(payment)))
    with pytest.raises(RefusedUpdate):
        world.wiring.bills.claim(DAY, RUN, now=NOW + LEASE_SECONDS + 1)
    assert world.wiring.bills.claim(DAY, "run-2", now=NOW + LEASE_SECONDS + 1).run == "run-2"


# ---- refunds of which nobody has told when WeChat Pay took them ----


def undated(sent_at: str) -> Payment:
    return refunded(paid(), create_time=None, sent_at=epoch(sent_at))


def told(payment: Payment, create_time: str) -> dict[str, Any]:
    refund = payment.refunds["RF1"]
    return {
        "out_trade_no": payment.out_trade_no,
        "out_refund_no": "RF1",
        "refund_id": refund.refund_id,
        "transaction_id": payment.transaction_id,
        "status": "SUCCESS",
        "amount": {"refund": refund.amount, "total": payment.amount},
        "create_time": create_time,
    }


@pytest.mark.parametrize("sent_at", [f"{DAY}T23:59:59+08:00", f"{DAY}T12:00:00+08:00"])
def test_a_refund_without_a_moment_that_the_bill_lacks_is_asked_about_first(
    world: World, sent_at: str
) -> None:
    payment = undated(sent_at)
    world.keep(payment)
    world.wechat.says("query_refund", told(payment, f"{NEXT}T00:00:01+08:00"))
    day = world.compare(a_day(replace(payment, refunds={})))
    assert (day.status, world.found()) == (DayStatus.BALANCED, set())
    assert world.payment("WX0001").refunds["RF1"].create_time == f"{NEXT}T00:00:01+08:00"
    assert world.wiring.measured["BillDifferences"] == 0


def test_a_refund_without_a_moment_that_wechat_pay_took_on_that_day_differs(world: World) -> None:
    payment = undated(f"{DAY}T12:00:00+08:00")
    world.keep(payment)
    world.wechat.says("query_refund", told(payment, f"{DAY}T12:00:01+08:00"))
    assert world.compare(a_day(replace(payment, refunds={}))).status is DayStatus.DIFFERS
    assert world.found() == {("unknown_there", "refund#WX0001#RF1", False)}


def test_a_refund_without_a_moment_differs_while_wechat_pay_does_not_answer(world: World) -> None:
    payment = undated(f"{DAY}T12:00:00+08:00")
    world.keep(payment)
    world.wechat.says("query_refund", SILENCE)
    world.compare(a_day(replace(payment, refunds={})))
    assert world.found() == {("unknown_there", "refund#WX0001#RF1", False)}


# ---- books that lack something ----


def test_a_day_is_not_balanced_while_the_journal_lacks_what_the_payments_have(world: World) -> None:
    refund: dict[str, Any] = {"sent_at": epoch(f"{DAY}T13:00:00+08:00")}
    world.keep(refunded(paid("WX0001"), **refund), in_journal=False)
    world.keep(paid("WX0002"))
    day = world.compare(a_day(refunded(paid("WX0001")), paid("WX0002")))
    assert day.status is DayStatus.DIFFERS
    (difference,) = world.differences()
    assert (difference.kind.value, difference.about[:12]) == ("sum", "sum#journal#")
    assert difference.ours == (
        "the journal lacks 2 movements of payments that the bill has, of WX0001 for one;"
        " what the bill lacks cannot be told before `make journal`"
    )


def test_what_a_payment_has_become_just_now_need_not_be_in_the_journal(world: World) -> None:
    payment = replace(paid(), updated_at=NOW - 5)
    world.keep(payment, in_journal=False)
    assert world.compare(a_day(payment)).status is DayStatus.BALANCED


# ---- what a neighbouring day brings to light ----


def test_what_the_next_day_lacks_too_is_told_by_an_event_of_its_own(world: World) -> None:
    world.keep(paid(at="23:59:59"))
    world.compare(Day())
    other = paid("WX0002", day=NEXT)
    world.keep(other)
    row = payment_row(other)
    world.compare(Day(trade=[row], fund=fund_rows(row)), bill_date=NEXT, run="r2")
    told_of = [json.loads(entry["Detail"]) for entry in world.bus.entries]
    assert [(each["billDate"], each["kinds"]) for each in told_of] == [
        (DAY, {"other_day": 1}),
        (NEXT, {}),
        (DAY, {"unknown_there": 1}),
    ]
    assert len({each["id"] for each in told_of}) == 3
    assert world.bus.entries[-1]["DetailType"] == "BillDiffers"


# ---- refunds that came to nothing ----


def test_a_refund_of_the_console_that_came_to_nothing_is_no_difference(world: World) -> None:
    failed = refunded(paid(), "console1", status=RefundStatus.CLOSED)
    world.keep(paid())
    day = a_day(paid())
    day.trade.append(refund_row(failed, "console1"))  # no money has moved
    assert world.compare(day).status is DayStatus.BALANCED
    assert world.wechat.asked == []


def test_a_closed_refund_that_the_bill_leaves_out_is_in_no_sum(world: World) -> None:
    payment = refunded(paid(), status=RefundStatus.CLOSED)
    world.keep(payment)
    results = world.compare(a_day(paid())).results
    assert (results["our_refunds"], results["our_refund_amount"], results["differences"]) == (0, 0, 0)


# ---- answers that leave something out ----


def test_payments_that_one_read_leaves_out_are_read_again(world: World) -> None:
    payments = [paid(f"WX{n:04}") for n in range(1, 6)]
    world.keep(*payments)
    happen = world.db.around
    assert happen is not None

    def one_by_one(operation: Operation, run: Callable[[], Any]) -> Any:
        answer = happen(operation, run)
        if (operation.name, operation.table) == ("BatchGetItem", "PaymentsTable"):
            (name,) = answer["Responses"]
            first, *others = answer["Responses"][name]
            left = [{"out_trade_no": each["out_trade_no"]} for each in others]
            answer = {"Responses": {name: [first]}, "UnprocessedKeys": {name: {"Keys": left}} if left else {}}
        return answer

    world.db.around = one_by_one
    assert world.compare(a_day(*payments)).status is DayStatus.BALANCED


def test_a_read_that_brings_nothing_is_not_repeated_for_ever(world: World) -> None:
    world.keep(paid())

    def nothing(operation: Operation, run: Callable[[], Any]) -> Any:
        keys = operation.request["RequestItems"]
        return {"Responses": {name: [] for name in keys}, "UnprocessedKeys": keys}

    world.db.around = nothing
    with pytest.raises(StorageUnavailableError, match="UnprocessedKeys"):
        world.wiring.store.get_all({"WX0001"})


# ---- midnight between a payment and its fee ----


def test_a_fee_that_is_taken_after_midnight_is_of_another_day_on_both(world: World) -> None:
    payment = paid(at="23:59:59")
    world.keep(payment)
    row = payment_row(payment)
    booked, fee = fund_rows(row)
    world.compare(Day(trade=[row], fund=[booked]))
    assert [each.awaits for each in world.differences()] == [NEXT]
    world.compare(Day(fund=[replace(fee, at=f"{NEXT} 00:00:00")]), bill_date=NEXT, run="r2")
    about = f"fund#{payment.transaction_id}"
    assert world.found() == world.found(NEXT) == {("other_day", about, False)}


def test_a_fee_that_is_not_taken_after_midnight_either_is_a_fee_that_differs(world: World) -> None:
    payment, other = paid(at="23:59:59"), paid("WX0002", day=NEXT)
    world.keep(payment, other)
    row = payment_row(payment)
    world.compare(Day(trade=[row], fund=fund_rows(row)[:1]))
    beyond = payment_row(other)
    world.compare(Day(trade=[beyond], fund=fund_rows(beyond)), bill_date=NEXT, run="r2")
    assert world.found() == {("fee", f"fund#{payment.transaction_id}", False)}
