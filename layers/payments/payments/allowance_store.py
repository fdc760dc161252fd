"""The table `buyers`: what each buyer has open, and how many refunds each back-office caller has asked for today."""

from typing import Any

from pynamodb.exceptions import DoesNotExist

from payments.allowance import MINUTE, Allowance, OpenOrder
from payments.items import reached, write
from payments.tables import AllowanceItem as A

DAY = 24 * 3600


class AllowanceStore:
    """One stack's allowances. Whatever lies here may be lost without harm to any payment."""

    def __init__(self, *, buyers_table: str) -> None:
        A.Meta.table_name = buyers_table

    def get(self, user_id: str) -> Allowance:
        """What a buyer has used (a consistent read)."""
        try:
            item = reached(lambda: A.get(_orders_of(user_id), consistent_read=True))
        except DoesNotExist:
            return Allowance()
        orders = tuple(OpenOrder(**order) for order in item.orders)
        return Allowance(orders, int(item.minute), int(item.created))

    def begin(self, user_id: str, allowance: Allowance, *, now: int) -> None:
        """Write down a buyer who has nothing open. RefusedUpdate when there may be something."""
        self._put(user_id, allowance, A.allowance_id.does_not_exist() | (A.expires_at < now))

    def change(self, user_id: str, allowance: Allowance, *, seen: Allowance) -> None:
        """Write down what changed since `seen`. RefusedUpdate when somebody else was first."""
        unchanged = A.last == seen.last if seen.orders else A.allowance_id.does_not_exist()
        self._put(user_id, allowance, unchanged)

    def count_refund(self, caller: str, *, most: int, day: int, now: int) -> None:
        """One refund more of this caller on this day. RefusedUpdate when there are `most`."""
        item = A(f"refunds#{day}#{caller}")  # a day is digits alone: nothing in a name can move the border
        few = A.created.does_not_exist() | (A.created < most)
        write(lambda: item.update([A.created.add(1), A.expires_at.set(now + 2 * DAY)], few))

    @staticmethod
    def _put(user_id: str, allowance: Allowance, condition: Any) -> None:
        item = A(
            _orders_of(user_id),
            orders=[vars(order) for order in allowance.orders],
            last=allowance.last,
            minute=allowance.minute,
            created=allowance.created,
            expires_at=max([allowance.minute + MINUTE, *(order.until for order in allowance.orders)]),
        )
        write(lambda: item.save(condition))


def _orders_of(user_id: str) -> str:
    return f"orders#{user_id}"
