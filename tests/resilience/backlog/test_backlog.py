"""A backlog is worked off, fresh orders are not kept waiting by old ones, and the alarm rings for as long as it lasts."""

import pytest

from payments.core.lifecycle import Status
from payments.core.schedule import FIRST_CHECK_SECONDS
from tests.resilience.backlog.functions import Functions
from tests.resilience.backlog.scenarios import BEGIN, HOUR, at_once, outage, steady
from tests.resilience.backlog.simulation import MINUTE, NEVER, Before, Now, Order, Times, orders

pytestmark = pytest.mark.in_turn


def test_the_real_functions_look_as_the_simulation_does() -> None:
    many = 60
    waiting = [
        Order(f"WXWAITS{place}", BEGIN, 2 * HOUR, BEGIN + 5.0 if place % 10 == 0 else NEVER, NEVER)
        for place in range(many)
    ]
    fresh = list(orders(rate=0.2, seconds=120, begin=BEGIN, seed=3))
    with Functions(begin=BEGIN, times=Times(look=4.0)) as functions:
        functions.expect([*waiting, *fresh], first_check=FIRST_CHECK_SECONDS)
        functions.until(BEGIN + 3 * MINUTE)
        lost = [order for order in (*waiting, *fresh) if order.lost and order.paid_at < BEGIN + MINUTE]
        assert {functions.status(order) for order in lost} == {Status.PAID}
        # Sixty looks of four seconds in four places take a minute, and every one of them was needed.
        assert many <= functions.looks <= many + len(fresh)
        assert max(functions.wiring.oldest.values()) < 3 * MINUTE


def test_the_real_functions_close_what_nobody_paid_in_one_look() -> None:
    order = Order("WXABANDONED", BEGIN, 5 * MINUTE, NEVER, NEVER)
    with Functions(begin=BEGIN) as functions:
        functions.expect([order], first_check=FIRST_CHECK_SECONDS)
        functions.until(BEGIN + 10 * MINUTE)
        assert functions.status(order) is Status.CLOSED
        assert (functions.looks, functions.books.closes) == (
            3,
            1,
        )  # after one and three minutes, and at its end


def test_an_order_a_second_is_kept_up_with() -> None:
    before, _ = steady(Before(), rate=1, hours=2.5)
    now, course = steady(Now(4), rate=1, hours=2.5)
    assert before.waiting > 2000  # and more every minute, while its alarm is silent:
    assert before.rang is None
    assert now.waiting < 300
    assert now.half <= 90
    assert now.oldest < 2 * MINUTE
    assert course.stale < course.looks / 20


def test_many_due_at_once_are_found_in_minutes() -> None:
    now = at_once(Now(4), many=2000)
    assert now.found == now.lost == 100
    assert now.last < 5 * MINUTE


@pytest.fixture(scope="module")
def away() -> tuple[object, object]:
    return outage(Before(), before=1.56, after=1, hours=3), outage(Now(4), before=1.56, after=1, hours=3)


def test_after_an_hour_of_silence_everything_is_found_and_fresh_orders_are_found_first(away) -> None:
    before, now = away
    assert now.due > 4000
    assert now.found.found == now.found.lost
    assert now.found.half < 15 * MINUTE
    assert now.closed < 45 * MINUTE
    assert now.fresh.found > 0.95 * now.fresh.lost
    assert now.fresh.most < 20 * MINUTE
    assert before.found.found < before.found.lost


def test_the_alarm_rings_while_wechat_pay_is_away_and_until_the_backlog_is_gone(away) -> None:
    _, now = away
    first, last = now.found.rang
    assert first <= 20
    assert 60 < last < 180
