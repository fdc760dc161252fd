"""Which orders a list is of, and where in their order of time it goes on."""

from dataclasses import dataclass

from payments.core.books.period import Period
from payments.core.books.rows import OrderRow
from payments.core.times import beijing_day, beijing_midnight


@dataclass(frozen=True)
class OrderQuery:
    """What is asked for; what is None is not asked about. `status` is a word of the API's (`Status.word`)."""

    period: Period | None = None
    user_id: str | None = None
    content_id: str | None = None
    status: str | None = None
    method: str | None = None

    def matches(self, row: OrderRow) -> bool:
        """Whether it asks for this one, which lies in its period."""
        return (
            self.user_id in (None, row.user_id)
            and self.content_id in (None, row.content_id)
            and self.status in (None, row.status.word)
            and self.method in (None, row.method)
        )

    @property
    def passes_over(self) -> bool:
        """Whether it does not want all that is read for it: of a user, else of a content, else of days."""
        by_both = self.user_id is not None and self.content_id is not None
        return by_both or self.status is not None or self.method is not None


Position = tuple[int, str]
"""A place in the order of time: epoch seconds of creation, and an order's number, or nothing before all of that second."""


def position_of(row: OrderRow) -> Position:
    """The place of an order in the order of time."""
    return row.created_at, row.out_trade_no


def before_day(day: int) -> Position:
    """The place before all orders of this day, and after all of the day before."""
    return beijing_midnight(day), ""


def day_at(position: Position) -> int:
    """The day on which a list goes on from there, when it goes back in time."""
    moment, number = position
    return beijing_day(moment - (0 if number else 1))
