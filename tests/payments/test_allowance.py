"""Limits under attack: requests across a full minute, odd names, what has run out and still lies there, no table."""

import itertools

import pytest

from payments.core.allowance import MINUTE, Allowance, OpenOrder
from payments.core.errors import RefusedUpdate, StorageUnavailableError
from payments.settings import Settings
from payments.wiring import Wiring
from sandbox.aws.aws import Aws
from sandbox.deployed import Deployed
from tests.payments.calls import Calls

NOON = 1_800_000_000 - 1_800_000_000 % MINUTE
NUMBERS = (f"WX{n:026}" for n in itertools.count())
ORDER = {"contentId": "content-1", "amount": 1, "subject": "A thing"}


def order(at: int, wish: str = "w") -> OpenOrder:
    return OpenOrder(next(NUMBERS), wish, at, at + 7200)


# ---- the minute ----


def test_orders_from_before_a_full_minute_do_not_begin_the_new_ones_count_again() -> None:
    """Thirty that began a second before noon and thirty that began at noon, in any order, are never sixty."""
    for times in ([NOON, NOON - 1] * 30, [NOON - 1] * 30 + [NOON] * 30, [NOON] * 30 + [NOON - 1] * 30):
        used, let_in = Allowance(), {NOON - 1: 0, NOON: 0}
        for at in times:
            if used.created_since(at) < 30:
                used = used.plus(order(at))
                let_in[at] += 1
        assert let_in[NOON] <= 30
        assert sum(let_in.values()) <= 60
    mixed = Allowance()
    for at in [NOON, NOON - 1] * 15:
        mixed = mixed.plus(order(at))
    assert mixed.created_since(NOON) >= 29


def test_the_next_minute_is_a_new_one_and_a_minute_far_ahead_binds_nobody() -> None:
    full = Allowance()
    for _ in range(30):
        full = full.plus(order(NOON))
    assert full.created_since(NOON + MINUTE - 1) == 30
    assert full.created_since(NOON + MINUTE) == 0
    assert full.created_since(NOON - 3600) == 0  # written by a clock that was wrong


# ---- names ----


HOSTILE = [
    *("user", "user#1", "#", "##", "orders#user", "refunds#20000#user", "20000#user", "1#20000#user"),
    *("user/../other", "*", " ", "用户", "\U0001f600", "x" * 255, "照" * 255, "O'Brien\"--", "${jndi:x}"),
]


def test_no_name_spends_the_allowance_of_another(wiring: Wiring) -> None:
    now = int(wiring.now())
    for name in HOSTILE:
        wiring.allowances.begin(name, Allowance().plus(order(now, wish=name)), now=now)
    for name in HOSTILE:
        assert [one.wish for one in wiring.allowances.get(name).orders] == [name]
        with pytest.raises(RefusedUpdate):
            wiring.allowances.begin(name, Allowance().plus(order(now)), now=now)


# ---- what has run out ----


def test_what_ran_out_and_still_lies_there_counts_for_nothing(wiring: Wiring) -> None:
    """DynamoDB removes an item up to days after its time."""
    now = int(wiring.now())
    past = now - 10_000
    wiring.allowances.begin("old-buyer", Allowance().plus(order(past)), now=past)

    wiring.allowances.begin("old-buyer", Allowance().plus(order(now, wish="new")), now=now)

    assert [one.wish for one in wiring.allowances.get("old-buyer").orders] == ["new"]


def test_an_item_does_not_grow_beyond_the_limit(calls: Calls, deployed: tuple[Aws, Deployed]) -> None:
    """However often somebody tries; each open order is a hundred bytes."""
    limit = 4
    environment = deployed[1].functions["NativeFunction"].environment
    calls.wiring.settings = Settings({**environment, "OPEN_ORDERS": str(limit)})
    told = [
        calls.as_(
            "grower", "payments:charge", "native", body=ORDER | {"userId": "grower", "contentId": f"c-{n}"}
        )
        for n in range(limit + 3)
    ]

    assert [status for status, _ in told] == [200] * limit + [429] * 3
    assert 7000 < int(calls.headers["retry-after"]) <= 7200  # when the first of them ends
    assert len(calls.wiring.allowances.get("grower").orders) == limit


# ---- no table ----


class Gone:
    """A table of limits that does not answer."""

    def begin(self, *_given: object, **_named: object) -> None:
        raise StorageUnavailableError("ReadTimeoutError")


def test_without_the_table_of_limits_no_buyers_order_is_opened(calls: Calls) -> None:
    """Fail closed: it is the same DynamoDB that holds the payments, 503 is safe to repeat, and a double click stays one."""
    calls.wiring.allowances = Gone()  # type: ignore[assignment]
    for name, body in (("native", ORDER), ("jsapi", ORDER | {"openid": "oBuyer"})):
        status, answer = calls.as_("shop", "payments:charge", name, body=body | {"userId": "somebody"})
        assert (status, answer["code"], calls.headers["retry-after"]) == (503, "SYSTEMERROR", "2")
    assert calls.asked == []
    assert [action for action in calls.used if action.startswith("dynamodb:")] == []

    assert calls.as_("shop", "payments:charge", "native", body=ORDER)[0] == 200  # which no limit is about
