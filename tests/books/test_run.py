"""A run over a whole day: what differs is listed, what a signed answer explains is repaired, and a death anywhere changes nothing."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from payments.core.books.bill_day import DayStatus
from payments.core.books.differences import DifferenceKind
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from tests.books.days import DAY, Day, fund_row, fund_rows, paid, payment_row, refunded
from tests.books.test_comparing import PLANTS
from tests.books.world import DiedError, World
from tests.kit.dynamodb import MemoryDynamoDB
from tests.payments.stage import SILENCE
from tests.thorough import many

pytestmark = pytest.mark.in_turn


@pytest.fixture
def world(db: MemoryDynamoDB) -> World:
    return World(db)


def unpaid(payment: Payment) -> Payment:
    """The payment as we know it before anybody has told us that it is paid."""
    return replace(
        payment, status=Status.PENDING, transaction_id=None, success_time=None, paid=0, refundable=0
    )


def order_told(payment: Payment) -> dict[str, Any]:
    """What a query of WeChat Pay's says of the payment."""
    return {
        "out_trade_no": payment.out_trade_no,
        "mchid": payment.mchid,
        "appid": payment.appid,
        "trade_state": "SUCCESS",
        "transaction_id": payment.transaction_id,
        "amount": {"total": payment.amount, "payer_total": payment.amount, "currency": "CNY"},
        "success_time": payment.success_time,
    }


def refund_told(payment: Payment, number: str) -> dict[str, Any]:
    """What a query of WeChat Pay's says of one of its refunds."""
    refund = payment.refunds[number]
    return {
        "out_trade_no": payment.out_trade_no,
        "out_refund_no": number,
        "refund_id": refund.refund_id,
        "transaction_id": payment.transaction_id,
        "status": "SUCCESS",
        "amount": {"refund": refund.amount, "total": payment.amount},
        "create_time": refund.create_time,
    }


def a_day(*payments: Payment) -> Day:
    day = Day()
    for payment in payments:
        day.add(payment)
    return day


def test_a_day_that_agrees_is_balanced_and_its_sums_are_the_same_on_all_sides(world: World) -> None:
    payments = [refunded(paid(f"WX{n:04}"), amount=500, refund_id=f"50RF{n}") for n in range(1, 8)]
    world.keep(*payments)
    day = world.compare(a_day(*payments))
    assert (day.status, world.found()) == (DayStatus.BALANCED, set())
    numbers = day.results
    assert (
        (numbers["orders"], numbers["amount"]) == (numbers["our_orders"], numbers["our_amount"]) == (7, 7000)
    )
    assert (numbers["refunds"], numbers["refund_amount"]) == (7, 3500)
    assert (numbers["our_refunds"], numbers["our_refund_amount"]) == (7, 3500)
    assert numbers["fee"] == 7 * (6000 - 3000)
    balance = numbers["income"] - numbers["expense"]
    assert balance == numbers["amount"] - numbers["refund_amount"] - numbers["fee"] // 1000
    assert world.wiring.measured["BillDifferences"] == 0
    assert world.wiring.measured["BillFee"] == 21
    (entry,) = world.bus.entries
    assert entry["DetailType"] == "BillBalanced"
    detail = json.loads(entry["Detail"])
    assert detail["id"] == f"{DAY}#run-1"
    assert (detail["amount"], detail["fee"]) == (7000, "0.21")


def test_fees_and_the_day_are_kept_with_payments_and_refunds_without_a_transition(world: World) -> None:
    payment = refunded(paid())
    world.keep(payment)
    world.compare(a_day(payment))
    now = world.payment("WX0001")
    assert (now.fee, now.settled_on, now.version) == (6000, DAY, payment.version)
    assert (now.refunds["RF1"].fee, now.refunds["RF1"].settled_on) == (-1800, DAY)
    assert len(now.history) == 1


def test_fees_that_are_kept_already_are_not_written_again(world: World) -> None:
    payment = refunded(paid())
    world.keep(payment)
    world.compare(a_day(payment))
    world.wiring.bills.reopen(DAY, now=1)
    before = world.db.items("PaymentsTable")
    world.db.records.clear()
    assert world.compare(a_day(payment), run="run-2").status is DayStatus.BALANCED
    assert world.db.items("PaymentsTable") == before
    assert world.db.records == []


def test_a_payment_that_only_the_bill_knows_as_paid_is_asked_about_and_credited(world: World) -> None:
    payment = paid()
    world.keep(unpaid(payment))
    world.wechat.says("query", order_told(payment))
    day = world.compare(a_day(payment))
    assert world.found() == {("state", "paid#WX0001", True)}
    assert (day.status, day.results["repaired"], day.results["differences"]) == (DayStatus.BALANCED, 1, 0)
    now = world.payment("WX0001")
    assert (now.status, now.transaction_id, now.fee) == (Status.PAID, payment.transaction_id, 6000)
    assert now.history[-1].cause == "query"


def test_nothing_is_credited_on_the_bills_word_alone(world: World) -> None:
    payment = paid()
    world.keep(unpaid(payment))
    world.wechat.says("query", {**order_told(payment), "trade_state": "NOTPAY"})
    day = world.compare(a_day(payment))
    assert (day.status, world.found()) == (DayStatus.DIFFERS, {("state", "paid#WX0001", False)})
    now = world.payment("WX0001")
    assert (now.status, now.paid, now.fee) == (Status.PENDING, 0, None)


def test_a_refund_of_the_merchant_console_becomes_an_ordinary_refund_of_ours(world: World) -> None:
    theirs = refunded(paid(), "console1")
    world.keep(replace(theirs, refunds={}))
    world.wechat.says("query_refund", refund_told(theirs, "console1"))
    day = world.compare(a_day(theirs))
    assert world.found() == {("refund_unknown_here", "refund#WX0001#console1", True)}
    assert day.status is DayStatus.BALANCED
    now = world.payment("WX0001")
    refund = now.refunds["console1"]
    assert (refund.amount, refund.elsewhere, refund.fee, now.refunded) == (300, True, -1800, 300)
    assert [entry.event for entry in now.history][1:] == ["RefundRequested", "RefundSucceeded"]


def test_what_differs_is_listed_with_both_sides_words(world: World) -> None:
    day = a_day(paid("WX0001"), paid("WX0002"))
    world.keep(paid("WX0002"), paid("WX0003"))
    assert world.compare(day).status is DayStatus.DIFFERS
    here, there = world.differences()
    assert (here.kind, here.bill, here.ours, here.line) == (
        DifferenceKind.UNKNOWN_HERE,
        f"10.00 CNY at {DAY} 12:00:00",
        None,
        2,
    )
    assert (there.kind, there.bill, there.ours) == (
        DifferenceKind.UNKNOWN_THERE,
        None,
        f"10.00 CNY at {DAY}T12:00:00+08:00",
    )
    (entry,) = world.bus.entries
    assert entry["DetailType"] == "BillDiffers"
    assert json.loads(entry["Detail"])["kinds"] == {"unknown_here": 1, "unknown_there": 1}


def test_a_row_of_the_journal_that_its_payment_does_not_bear_out_is_no_difference(world: World) -> None:
    world.keep(paid("WX0001"))
    world.keep(replace(paid("WX0001"), success_time="2026-11-27T12:00:00+08:00"), in_journal=False)
    assert world.compare(Day()).status is DayStatus.EMPTY


def test_a_day_without_bills_of_which_the_journal_knows_money_differs(world: World) -> None:
    world.keep(paid("WX0001"))
    assert world.compare(Day()).status is DayStatus.DIFFERS
    assert world.found() == {("unknown_there", "paid#WX0001", False)}


def test_bills_whose_sums_are_not_those_of_their_rows_differ_in_their_sums(world: World) -> None:
    payment = paid()
    world.keep(payment)
    day = world.fetched(a_day(payment))
    for name, body in world.bucket.objects.items():
        if name.endswith("index.json"):
            document = json.loads(body)
            document["sums_line"][1] = document["sums_line"][1].replace("10.00", "10.01")
            world.bucket.objects[name] = json.dumps(document).encode()
    world.begin(day)
    world.deliver()
    assert world.found() == {
        ("sum", "sum#fund#income", False),
        ("sum", "sum#trade#settlement_total", False),
        ("sum", "sum#trade#total", False),
    }


def test_the_merchants_other_movements_are_told_with_the_result(world: World) -> None:
    payment = paid()
    world.keep(payment)
    day = a_day(payment)
    day.fund += [fund_row("W1", "提现", -300, 9), fund_row("W2", "提现", -200, 10)]
    results = world.compare(day).results
    assert (results["other_rows:提现"], results["other_amount:提现"]) == (2, -500)
    assert results["differences"] == 0


# ---- around midnight ----

NEXT = "2026-11-29"


def moved(rows: list[Any], day: str) -> list[Any]:
    return [replace(row, at=f"{day} 00:00:00") for row in rows]


def test_what_the_next_days_bill_has_is_of_another_day_once_that_is_compared(world: World) -> None:
    payment = paid(at="23:59:59")
    world.keep(payment)
    first = world.compare(Day())
    assert first.status is DayStatus.DIFFERS
    (waiting,) = world.differences()
    assert (waiting.kind, waiting.awaits) == (DifferenceKind.OTHER_DAY, NEXT)
    late = moved([payment_row(payment)], NEXT)
    beyond = Day(trade=late, fund=moved(fund_rows(late[0]), NEXT))
    world.compare(beyond, bill_date=NEXT, run="run-2")
    assert world.found() == {("other_day", "paid#WX0001", False)}
    assert world.found(NEXT) == {("other_day", "paid#WX0001", False)}
    assert [each.awaits for each in (*world.differences(), *world.differences(NEXT))] == [None, None]


def test_what_the_next_days_bill_has_neither_is_unknown_there(world: World) -> None:
    world.keep(paid(at="23:59:59"))
    world.compare(Day())
    other = paid("WX0002", day=NEXT)
    world.keep(other)
    world.compare(
        Day(trade=[payment_row(other)], fund=fund_rows(payment_row(other))), bill_date=NEXT, run="r2"
    )
    assert world.found() == {("unknown_there", "paid#WX0001", False)}
    assert world.day().results["differences"] == 1


def test_days_may_be_compared_in_any_order(world: World) -> None:
    payment = paid(at="23:59:59")
    world.keep(payment)
    late = moved([payment_row(payment)], NEXT)
    world.compare(Day(trade=late, fund=moved(fund_rows(late[0]), NEXT)), bill_date=NEXT, run="r2")
    world.compare(Day())
    assert world.found() == {("other_day", "paid#WX0001", False)}
    assert [each.awaits for each in world.differences()] == [None]


def test_what_is_booked_after_midnight_is_of_another_day_on_both(world: World) -> None:
    payment = paid(at="23:59:59")
    world.keep(payment)
    row = payment_row(payment)
    world.compare(Day(trade=[row]))
    world.compare(Day(fund=moved(fund_rows(row), NEXT)), bill_date=NEXT, run="r2")
    about = f"fund#{payment.transaction_id}"
    assert world.found() == world.found(NEXT) == {("other_day", about, False)}


def test_what_is_booked_after_midnight_by_another_amount_is_not_only_of_another_day(world: World) -> None:
    payment = paid(at="23:59:59")
    world.keep(payment)
    row = payment_row(payment)
    world.compare(Day(trade=[row]))
    money, fee = moved(fund_rows(row), NEXT)
    world.compare(Day(fund=[replace(money, amount=money.amount - 900), fee]), bill_date=NEXT, run="r2")
    about = f"fund#{payment.transaction_id}"
    assert world.found() == world.found(NEXT) == {("sum", about, False)}


# ---- again, twice, and after deaths ----


def test_another_run_leaves_nothing_of_the_one_before(world: World) -> None:
    world.keep(paid("WX0002"))
    world.compare(a_day(paid("WX0001")))
    world.wiring.bills.reopen(DAY, now=1)
    world.compare(a_day(paid("WX0002")), run="run-2")
    assert world.found() == set()
    rows = [item["part"]["S"] for item in world.db.items("BillsTable")]
    assert not [row for row in rows if "run-1" in row]


def test_messages_of_a_run_that_has_lost_the_day_do_nothing(world: World) -> None:
    world.keep(paid())
    world.begin(world.fetched(a_day(paid())))
    world.wiring.bills.put_off(DAY, "run-1", DayStatus.PENDING, "taken away", now=1)
    world.wiring.bills.claim(DAY, "run-2", now=2)
    before = world.db.items("BillsTable")
    world.deliver()
    assert world.db.items("BillsTable") == before


def a_mixed_day(world: World) -> Day:
    """Something to repair, something to list, something that agrees, something that waits for midnight."""
    asked, console = paid("WX0001"), refunded(paid("WX0002"), "console1")
    agrees, midnight = refunded(paid("WX0003")), paid("WX0004", at="23:59:59")
    world.keep(unpaid(asked), replace(console, refunds={}), agrees, midnight, paid("WX0006"))
    answers: dict[str, Any] = {"WX0001": order_told(asked), "console1": refund_told(console, "console1")}
    world.wechat.query_by_out_trade_no = answers.__getitem__  # type: ignore[assignment,method-assign]
    world.wechat.query_refund = answers.__getitem__  # type: ignore[assignment,method-assign]
    return a_day(asked, console, agrees, paid("WX0005"))


PAIRS = many(60, instead=8)
EXPECTED = {
    ("state", "paid#WX0001", True),
    ("refund_unknown_here", "refund#WX0002#console1", True),
    ("unknown_here", "paid#WX0005", False),
    ("unknown_there", "paid#WX0006", False),
    ("other_day", "paid#WX0004", False),
}


def outcome(world: World) -> tuple[Any, ...]:
    """All that a run leaves."""
    day = world.day()
    payments = sorted(world.db.items("PaymentsTable"), key=lambda item: item["out_trade_no"]["S"])
    return day.status, day.results, world.differences(), payments


def test_every_message_may_come_twice(world: World) -> None:
    world.begin(world.fetched(a_mixed_day(world)))
    world.deliver(times=2)
    assert world.found() == EXPECTED
    assert len({entry["Detail"] for entry in world.bus.entries}) == 1


@pytest.fixture(scope="module")
def undisturbed() -> tuple[tuple[Any, ...], int]:
    with MemoryDynamoDB.from_template() as db:
        world = World(db)
        world.fetched(a_mixed_day(world))
        before = world.effects.count
        world.begin(world.day())
        world.deliver()
        assert world.found() == EXPECTED
        return outcome(world), world.effects.count - before


def comes_to_the_same(world: World, expected: Any, deaths: dict[int, str]) -> None:
    """A run that dies so often, each time taken up again by whoever gets the message next."""
    world.fetched(a_mixed_day(world))
    world.effects.deaths = {world.effects.count + place: how for place, how in deaths.items()}
    for work in (lambda: world.begin(world.day()), world.deliver):
        for _ in range(len(deaths) + 1):
            try:
                work()
                break
            except DiedError:
                continue
    assert outcome(world) == expected, f"died at {deaths}"
    assert len({json.loads(entry["Detail"])["id"] for entry in world.bus.entries}) == 1


@pytest.mark.parametrize("how", ["before", "after"])
def test_wherever_a_run_dies_it_comes_to_the_same(undisturbed: Any, db: MemoryDynamoDB, how: str) -> None:
    expected, effects = undisturbed
    assert effects > 40
    for place in range(1, effects + 1):
        db.clear()
        comes_to_the_same(World(db), expected, {place: how})


@pytest.mark.parametrize("seed", range(10))
def test_a_run_may_die_twice_and_comes_to_the_same(undisturbed: Any, db: MemoryDynamoDB, seed: int) -> None:
    expected, effects = undisturbed
    chance = random.Random(seed)
    for _ in range(PAIRS):
        db.clear()
        places = sorted(chance.sample(range(1, effects + 3), 2))
        comes_to_the_same(
            World(db), expected, {place: chance.choice(("before", "after")) for place in places}
        )


@pytest.mark.parametrize("seed", range(20))
def test_of_a_large_day_with_planted_differences_exactly_those_are_listed(world: World, seed: int) -> None:
    chance, day, expected = random.Random(seed), Day(), set()
    payments = []
    for place in range(60):
        amount = 100 * chance.randint(5, 1000)
        number = f"WX{place:04}"
        payment = refunded(paid(number, amount=amount), amount=amount // 4, refund_id=f"50RF1{number}")
        day.add(payment)
        payments.append(payment)
    for payment in chance.sample(payments, 20):
        plant = chance.choice(PLANTS)
        for kind, about in plant(day, payment):
            expected.add((kind, about, False))
    world.keep(*day.payments.values())
    world.wechat.says("query_refund", *[SILENCE] * 20)  # so nothing is explained
    result = world.compare(day)
    assert world.found() == expected
    assert result.results["differences"] == len(expected)
