"""A day's bills against our records: each thing that can differ is found, exactly it, and nothing else."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.core.books.booking import booked, join, traded
from payments.core.books.comparing import compare, key_of, lacking_there, movement_key, second_row
from payments.core.books.differences import Difference, DifferenceKind
from payments.core.books.rows import TradeRow
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment
from tests.books.days import DAY, Day, fund_row, fund_rows, paid, payment_row, refund_row, refunded

K = DifferenceKind


def kinds(row: TradeRow, payment: Payment | None) -> list[str]:
    return [difference.kind.value for difference in compare(row, payment, DAY)]


def compared(day: Day) -> list[Difference]:
    """All differences of a day, as its stages find them together."""
    found: list[Difference] = []
    billed: set[str] = set()
    for row in day.trade:
        if (key := key_of(row)) in billed:
            found.append(second_row(key, row.line, row.total or 0))
        else:
            found += compare(row, day.payments.get(row.out_trade_no), DAY)
        billed.add(key)
    for movement in day.movements():
        key = movement_key(movement) or ""
        if key and key not in billed and (lacking := lacking_there(movement, key)):
            found.append(lacking)
    bookings = [booking for row in day.fund if (booking := booked(row)) is not None]
    return [*found, *join([traded(row) for row in day.trade], bookings)]


def test_a_payment_and_its_refund_as_the_bill_has_them_do_not_differ() -> None:
    payment = refunded(paid())
    assert kinds(payment_row(payment), payment) == []
    assert kinds(refund_row(payment), payment) == []


def test_a_payment_that_is_not_here_is_unknown_here() -> None:
    (difference,) = compare(payment_row(paid()), None, DAY)
    assert (difference.kind, difference.bill, difference.ours) == (
        K.UNKNOWN_HERE,
        "10.00 CNY at 2026-11-28 12:00:00",
        None,
    )
    assert (difference.out_trade_no, difference.wechat_number, difference.line) == ("WX0001", "42WX0001", 2)


def test_another_payment_under_our_number_is_unknown_here() -> None:
    payment = paid()
    assert kinds(payment_row(payment, transaction_id="4299"), payment) == ["unknown_here"]


@pytest.mark.parametrize("status", [Status.PENDING, Status.CLOSED, Status.FAILED])
def test_a_payment_that_is_paid_there_alone_differs_in_its_state(status: Status) -> None:
    payment = replace(paid(), status=status, transaction_id=None, success_time=None, paid=0)
    assert kinds(payment_row(paid()), payment) == ["state"]


def test_a_payment_that_the_bill_calls_revoked_differs_in_its_state() -> None:
    assert kinds(payment_row(paid(), state="REVOKED"), paid()) == ["state"]


def test_another_amount_or_another_currency_is_a_difference_of_amount() -> None:
    assert kinds(payment_row(paid(), total=999, settlement_total=999), paid()) == ["amount"]
    assert kinds(payment_row(paid(), currency="USD"), paid()) == ["amount"]


def test_a_bill_of_24_columns_is_compared_by_what_is_settled() -> None:
    assert kinds(payment_row(paid(), total=None), paid()) == []
    assert kinds(payment_row(paid(), total=None, settlement_total=900), paid()) == ["amount"]
    with_coupon = paid(payer_total=800)
    assert kinds(payment_row(with_coupon, total=None, settlement_total=900), with_coupon) == []
    assert kinds(payment_row(with_coupon, total=None, settlement_total=700), with_coupon) == ["amount"]
    payment = refunded(paid())
    assert kinds(refund_row(payment, refund_total=None), payment) == []
    assert kinds(refund_row(payment, refund_total=None, refund_settlement=200), payment) == ["amount"]


def test_what_coupons_paid_is_compared() -> None:
    with_coupon = paid(payer_total=800)
    assert kinds(payment_row(with_coupon), with_coupon) == []
    assert kinds(payment_row(with_coupon, coupon=100), with_coupon) == ["coupon"]
    assert kinds(payment_row(paid(), coupon=100), paid()) == ["coupon"]


def test_what_coupons_get_back_of_a_refund_is_compared_where_it_was_told() -> None:
    told = refunded(paid(payer_total=800), payer_amount=240)
    assert kinds(refund_row(told, refund_settlement=300, refund_coupon=60), told) == []
    assert kinds(refund_row(told, refund_settlement=240, refund_coupon=0), told) == []
    assert kinds(refund_row(told), told) == ["coupon"]
    untold = refunded(paid(payer_total=800))
    assert kinds(refund_row(untold, refund_settlement=240), untold) == []


def test_a_refund_of_the_merchant_console_is_a_refund_unknown_here() -> None:
    payment = refunded(paid())
    assert kinds(refund_row(payment, out_refund_no="console1"), payment) == ["refund_unknown_here"]


def test_a_refund_that_another_number_of_wechat_pay_has_is_unknown_here() -> None:
    payment = refunded(paid())
    assert kinds(refund_row(payment, refund_id="5099"), payment) == ["refund_unknown_here"]


@pytest.mark.parametrize(
    ("there", "here", "found"),
    [
        ("SUCCESS", RefundStatus.SUCCEEDED, []),
        ("SUCCESS", RefundStatus.PROCESSING, ["state"]),
        ("SUCCESS", RefundStatus.CLOSED, ["state"]),
        ("PROCESSING", RefundStatus.PROCESSING, []),
        ("PROCESSING", RefundStatus.SUCCEEDED, []),
        ("PROCESSING", RefundStatus.CLOSED, []),
        ("PROCESSING", RefundStatus.REQUESTED, ["state"]),
        ("CHANGE", RefundStatus.ABNORMAL, []),
        ("CHANGE", RefundStatus.SUCCEEDED, []),
        ("FAIL", RefundStatus.CLOSED, []),
        ("FAIL", RefundStatus.SUCCEEDED, ["state"]),
        ("SOMETHING", RefundStatus.SUCCEEDED, ["state"]),
        (None, RefundStatus.SUCCEEDED, ["state"]),
    ],
)
def test_a_refund_may_have_come_farther_than_the_bill_says_and_not_less_far(
    there: str | None, here: RefundStatus, found: list[str]
) -> None:
    payment = refunded(paid(), status=here)
    assert kinds(refund_row(payment, refund_state=there), payment) == found


def test_another_amount_of_a_refund_is_found() -> None:
    payment = refunded(paid())
    assert kinds(refund_row(payment, refund_total=299), payment) == ["amount"]


def test_around_midnight_a_payment_and_a_refund_may_stand_on_the_other_day() -> None:
    payment = refunded(
        paid(at="00:00:00", day="2026-11-29"), create_time="2026-11-29T00:00:01+08:00", at="00:00:01"
    )
    assert kinds(payment_row(payment, at="2026-11-28 23:59:59"), payment) == ["other_day"]
    assert kinds(refund_row(payment, at="2026-11-28 23:59:59"), payment) == ["other_day"]


def test_the_last_tenth_of_a_second_is_still_the_day_and_the_next_is_not() -> None:
    last = paid(success_time="2026-11-28T23:59:59.9+08:00")
    assert kinds(payment_row(last), last) == []
    first = paid(success_time="2026-11-29T00:00:00.0+08:00")
    assert kinds(payment_row(first), first) == ["other_day"]
    elsewhere = paid(success_time="2026-11-28T15:59:59.9Z")
    assert kinds(payment_row(elsewhere, at="2026-11-28 23:59:59"), elsewhere) == []


def test_a_moment_that_is_none_contradicts_no_day() -> None:
    payment = paid(success_time="some time")
    assert kinds(payment_row(payment, at="later"), payment) == []


def test_what_the_bill_lacks_is_unknown_there_and_close_to_midnight_awaits_the_neighbouring_day() -> None:
    for at, kind, neighbour in (
        ("12:00:00", K.UNKNOWN_THERE, None),
        ("00:00:59", K.OTHER_DAY, "2026-11-27"),
        ("00:01:00", K.UNKNOWN_THERE, None),
        ("23:58:59", K.UNKNOWN_THERE, None),
        ("23:59:00", K.OTHER_DAY, "2026-11-29"),
    ):
        day = Day(payments={"WX0001": paid(at=at)})
        (difference,) = compared(day)
        assert (difference.kind, difference.awaits) == (kind, neighbour)
        assert difference.becomes == (None if neighbour is None else K.UNKNOWN_THERE)
        assert difference.ours == f"10.00 CNY at {DAY}T{at}+08:00"


def test_a_closed_refund_may_be_left_out_of_the_bill() -> None:
    payment = refunded(paid(), status=RefundStatus.CLOSED)
    day = Day()
    day.add(payment)
    del day.trade[1], day.fund[2]
    assert compared(day) == []


def test_the_merchants_other_movements_are_no_difference() -> None:
    day = Day()
    day.add(paid())
    day.fund.append(fund_row("W1", "提现", -500, 9))
    assert compared(day) == []


def test_a_fee_of_less_than_a_fen_more_or_less_is_the_same_fee() -> None:
    row = payment_row(paid(amount=101))
    assert row.fee == 606
    assert list(join([traded(row)], [b for r in fund_rows(row) if (b := booked(r))])) == []
    taken = [fund_row(row.transaction_id, "交易", 101), fund_row(row.transaction_id, "扣除交易手续费", -1)]
    assert list(join([traded(row)], [b for r in taken if (b := booked(r))])) == []


def test_a_refunds_fee_may_come_back_by_itself_or_within_the_refund() -> None:
    row = refund_row(refunded(paid(), amount=500))
    by_itself = [fund_row("50RF1", "退款", -500), fund_row("50RF1", "扣除交易手续费", 3)]
    within = [fund_row("50RF1", "退款", -497)]
    for rows in (by_itself, within):
        assert list(join([traded(row)], [b for r in rows if (b := booked(r))])) == []
    (difference,) = join([traded(row)], [b for r in by_itself[:1] if (b := booked(r))])
    assert difference.kind is K.FEE


def test_what_is_booked_or_traded_close_to_midnight_awaits_the_neighbouring_days_other_bill() -> None:
    row = payment_row(paid(at="23:59:58"))
    (without,) = join([traded(row)], [])
    assert (without.kind, without.awaits, without.becomes) == (K.OTHER_DAY, "2026-11-29", K.SUM)
    late = [fund_row(row.transaction_id, "交易", 1000, at="2026-11-29 00:00:02")]
    (beyond,) = join([], [b for r in late if (b := booked(r))])
    assert (beyond.kind, beyond.awaits, beyond.about) == (K.OTHER_DAY, "2026-11-28", without.about)


def test_what_is_neither_paid_nor_costs_anything_need_not_be_booked() -> None:
    free = payment_row(paid(payer_total=0), settlement_total=0, fee=0)
    assert list(join([traded(free)], [])) == []


# Planting: each takes a payment with one refund that was added to a day, and says what must be found for it.
Plant = Callable[[Day, Payment], set[tuple[str, str]]]


def _change(day: Day, number: str, *, refund: bool = False, **members: object) -> None:
    """Alter the rows of one payment in the trade bill, and book what they say then."""
    for place, row in enumerate(day.trade):
        if row.out_trade_no == number and row.is_refund == refund:
            day.trade[place] = replace(row, **members)  # type: ignore[arg-type]


def _rebook(day: Day, *gone: str) -> None:
    day.fund = [row for row in day.fund if row.wechat_number not in gone]
    for row in day.trade:
        number = row.refund_id if row.is_refund else row.transaction_id
        if number in gone:
            day.fund.extend(fund_rows(row, 10_000 + len(day.fund)))


def _unknown_here(day: Day, payment: Payment) -> set[tuple[str, str]]:
    del day.payments[payment.out_trade_no]
    return {
        ("unknown_here", f"paid#{payment.out_trade_no}"),
        ("unknown_here", f"refund#{payment.out_trade_no}#RF1"),
    }


def _unknown_there(day: Day, payment: Payment) -> set[tuple[str, str]]:
    gone = (payment.transaction_id or "", "50RF1" + payment.out_trade_no)
    day.trade = [row for row in day.trade if row.out_trade_no != payment.out_trade_no]
    day.fund = [row for row in day.fund if row.wechat_number not in gone]
    return {
        ("unknown_there", f"paid#{payment.out_trade_no}"),
        ("unknown_there", f"refund#{payment.out_trade_no}#RF1"),
    }


def _amount(day: Day, payment: Payment) -> set[tuple[str, str]]:
    more = payment.amount + 1
    _change(day, payment.out_trade_no, total=more, settlement_total=more)
    _rebook(day, payment.transaction_id or "")
    return {("amount", f"paid#{payment.out_trade_no}")}


def _state(day: Day, payment: Payment) -> set[tuple[str, str]]:
    _change(day, payment.out_trade_no, refund=True, refund_state="FAIL")
    return {("state", f"refund#{payment.out_trade_no}#RF1")}


def _refund_unknown_here(day: Day, payment: Payment) -> set[tuple[str, str]]:
    day.payments[payment.out_trade_no] = replace(payment, refunds={})
    return {("refund_unknown_here", f"refund#{payment.out_trade_no}#RF1")}


def _coupon(day: Day, payment: Payment) -> set[tuple[str, str]]:
    _change(day, payment.out_trade_no, coupon=5)
    return {("coupon", f"paid#{payment.out_trade_no}")}


def _other_day(day: Day, payment: Payment) -> set[tuple[str, str]]:
    day.payments[payment.out_trade_no] = replace(payment, success_time="2026-11-29T00:00:03+08:00")
    return {("other_day", f"paid#{payment.out_trade_no}")}


def _fee(day: Day, payment: Payment) -> set[tuple[str, str]]:
    _change(day, payment.out_trade_no, fee=6 * payment.amount + 2000)
    return {("fee", f"fund#{payment.transaction_id}")}


def _sum(day: Day, payment: Payment) -> set[tuple[str, str]]:
    day.fund = [row for row in day.fund if row.wechat_number != payment.transaction_id]
    return {("sum", f"fund#{payment.transaction_id}")}


def _booked_more(day: Day, payment: Payment) -> set[tuple[str, str]]:
    day.fund.append(fund_row(f"43{payment.out_trade_no}", "交易", 100, 20_000))
    return {("sum", f"fund#43{payment.out_trade_no}")}


def _twice(day: Day, payment: Payment) -> set[tuple[str, str]]:
    row = next(row for row in day.trade if row.out_trade_no == payment.out_trade_no)
    day.trade.append(replace(row, line=30_000))
    return {("unknown_here", f"paid#{payment.out_trade_no}")}


def _nothing(day: Day, payment: Payment) -> set[tuple[str, str]]:
    return set()


PLANTS: tuple[Plant, ...] = (
    *(_unknown_here, _unknown_there, _amount, _state, _refund_unknown_here, _coupon, _other_day, _fee),
    *(_sum, _booked_more, _twice, _nothing, _nothing),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PLANTS), min_size=1, max_size=12), st.integers(0, 2**32))
def test_of_any_mix_of_planted_differences_each_is_found_and_nothing_else(
    plants: list[Plant], seed: int
) -> None:
    chance, day, expected = random.Random(seed), Day(), set()
    payments = []
    for place, _ in enumerate(plants):
        number = f"WX{place:04}"
        amount = 100 * chance.randint(5, 1000)
        payment = refunded(paid(number, amount=amount), amount=amount // 4, refund_id=f"50RF1{number}")
        day.add(payment)
        payments.append(payment)
    for payment, plant in zip(payments, plants, strict=True):
        expected |= plant(day, payment)
    found = compared(day)
    assert {(difference.kind.value, difference.about) for difference in found} == expected
    assert len(found) == len(expected)
    assert len({difference.key for difference in found}) == len(found)
