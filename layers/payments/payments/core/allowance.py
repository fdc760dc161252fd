"""How much one buyer may have open, and ask for in a minute: the rules, on plain values."""

from dataclasses import dataclass, replace

MINUTE = 60  # seconds


@dataclass(frozen=True)
class OpenOrder:
    """One order that a buyer may still pay; `wish` tells apart what is asked for, times are epoch seconds."""

    out_trade_no: str
    wish: str
    opened_at: int
    until: int  # its time_expire


@dataclass(frozen=True)
class Allowance:
    """What one buyer has used: the orders opened, and how many of them since `minute` began."""

    orders: tuple[OpenOrder, ...] = ()
    minute: int = 0  # epoch seconds
    created: int = 0

    @property
    def last(self) -> str:
        """The order that was opened last; it changes with every one, and so tells two states apart."""
        return self.orders[-1].out_trade_no if self.orders else ""

    def created_since(self, now: int) -> int:
        """How many orders were opened in the minute of `now`, or in the one after it.

        Requests that began on either side of a full minute arrive mixed up; those from before it must not begin the
        count of the new minute again.
        """
        return self.created if 0 <= self.minute - _minute(now) <= MINUTE else 0

    def without(self, gone: frozenset[str], now: int) -> "Allowance":
        """Only what may still be paid: no order in `gone`, and none whose time is over."""
        left = tuple(order for order in self.orders if order.until > now and order.out_trade_no not in gone)
        return replace(self, orders=left)

    def has(self, out_trade_no: str) -> bool:
        """Whether this order has been let in."""
        return any(order.out_trade_no == out_trade_no for order in self.orders)

    def alike(self, wish: str) -> list[OpenOrder]:
        """The open orders for the same wish, the youngest first."""
        return [order for order in reversed(self.orders) if order.wish == wish]

    def plus(self, order: OpenOrder) -> "Allowance":
        """One order more."""
        created = self.created_since(order.opened_at)
        minute = self.minute if created else _minute(order.opened_at)
        return Allowance((*self.orders, order), minute, created + 1)


def _minute(now: int) -> int:
    """When the minute of `now` began."""
    return now - now % MINUTE
