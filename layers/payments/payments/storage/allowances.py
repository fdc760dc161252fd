"""The table `buyers`: what each buyer has open and has tried, how many refunds each back-office caller has asked for today."""

import functools
import operator
from typing import Any

from pynamodb.exceptions import DoesNotExist

from payments.core import identifiers
from payments.core.allowance import MINUTE, Allowance, OpenOrder
from payments.core.errors import RefusedUpdate
from payments.storage.items import RawItem, conditional_write, put, read
from payments.storage.tables import AllowanceItem as A

DAY = 24 * 3600
ORDERS, CHECKOUTS = "orders", "checkouts"
"""What is counted of a buyer, each in a row of its own."""

_COUNTED = (A.counted_0, A.counted_1, A.counted_2, A.counted_3)
_SPAN_SECONDS = 17
"""Seconds that share one set of counted numbers: longer than the SDK repeats, and no divisor of what a timetable has."""


class AllowanceStore:
    """One stack's allowances. Whatever lies here may be lost without harm to any payment."""

    def __init__(self, *, buyers_table: str) -> None:
        A.Meta.table_name = buyers_table

    def get(self, user_id: str, what: str = ORDERS) -> Allowance:
        """What a buyer has used (a consistent read). `what` is counted each by itself: orders, checkouts."""
        try:
            return _allowance(read(lambda: A.get(f"{what}#{user_id}", consistent_read=True)))
        except DoesNotExist:
            return Allowance()

    def found(self, user_id: str, refused: RefusedUpdate, what: str = ORDERS) -> Allowance:
        """What a refused `begin` or `change` has met; it is read where the refusal does not tell."""
        return refused.allowance or self.get(user_id, what)

    def begin(self, user_id: str, allowance: Allowance, *, now: int, what: str = ORDERS) -> None:
        """Write down a buyer who has nothing open. RefusedUpdate when there may be something."""
        self._put(f"{what}#{user_id}", allowance, A.allowance_id.does_not_exist() | (A.expires_at < now))

    def change(self, user_id: str, allowance: Allowance, *, seen: Allowance, what: str = ORDERS) -> None:
        """Write down what changed since `seen`. RefusedUpdate when somebody else was first."""
        unchanged = A.last == seen.last if seen.orders else A.allowance_id.does_not_exist()
        self._put(f"{what}#{user_id}", allowance, unchanged)

    def use_quote(self, user_id: str, jti: str, out_trade_no: str, *, expires_at: int, now: int) -> None:
        """A quote of this buyer opens this order. RefusedUpdate when it has opened another one.

        `expires_at` is when the quote itself ends: it is refused from then on.
        """
        used = A(
            f"quote#{identifiers.fingerprint({'sub': user_id, 'jti': jti})}",
            last=out_trade_no,
            created=1,
            expires_at=expires_at + DAY,
        )
        unused = A.allowance_id.does_not_exist() | (A.last == out_trade_no) | (A.expires_at < now)
        conditional_write(lambda: used.save(unused))

    def count_refund(self, caller: str, out_refund_no: str, *, most: int, day: int, now: int) -> None:
        """One refund more of this caller on this day. RefusedUpdate when there are `most`.

        The SDK repeats an update whose answer was lost, so the numbers that were counted in the last moments lie beside
        the count, and each counts once. Older ones are dropped: the item stays small, whatever `most` is.
        """
        item = A(f"refunds#{day}#{caller}")  # a day is digits alone: nothing in a name can move the border
        span = now // _SPAN_SECONDS
        # Not the next set, which another caller's clock, or a repetition of this update, may find in use already.
        recent, stale = _COUNTED[span % 4], _COUNTED[(span + 2) % 4]
        counted = functools.reduce(operator.or_, [numbers.contains(out_refund_no) for numbers in _COUNTED])
        few = A.created.does_not_exist() | (A.created < most)
        expiry = A.expires_at.set(now + 2 * DAY)
        actions = [A.created.add(1), recent.add({out_refund_no}), stale.remove(), expiry]
        try:
            conditional_write(lambda: item.update(actions, few & ~counted))
        except RefusedUpdate:
            conditional_write(lambda: item.update([expiry], counted))

    def count_code(self, user_id: str, *, most: int, minute: int) -> None:
        """One code more that this buyer has brought in this minute (of the epoch). RefusedUpdate when there were `most`.

        An update that the SDK repeats counts twice, which does no harm: whoever means well is far from the limit.
        """
        item = A(f"codes#{minute}#{user_id}")
        few = A.created.does_not_exist() | (A.created < most)
        expiry = A.expires_at.set((minute + 2) * MINUTE)
        conditional_write(lambda: item.update([A.created.add(1), expiry], few))

    @staticmethod
    def _put(allowance_id: str, allowance: Allowance, condition: Any) -> None:
        item = A(
            allowance_id,
            orders=[vars(order) for order in allowance.orders],
            last=allowance.last,
            minute=allowance.minute,
            created=allowance.created,
            expires_at=max([allowance.minute + MINUTE, *(order.until for order in allowance.orders)]),
        )
        put(item, allowance_id, condition, refused=_refused)


def _refused(item: RawItem) -> RefusedUpdate:
    return RefusedUpdate(allowance=_allowance(A.from_raw_data(item)))


def _allowance(item: A) -> Allowance:
    orders = tuple(OpenOrder(**order) for order in item.orders)
    return Allowance(orders, int(item.minute), int(item.created))
