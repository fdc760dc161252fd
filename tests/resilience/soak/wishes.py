"""What the people of a window want, how they mostly are, and what they were told."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Mood:
    """What people mostly do, in shares of those who could."""

    pays: int = 78
    abandons: int = 12
    closes: int = 5
    both: int = 5  # closes, and pays at about the same moment
    again: float = 0.3  # of those who close: repeats its create while the order is being closed
    keyless: float = 0.3  # of refunds
    away: float = 0.05  # of those who are asked to repeat: comes hours later instead
    console: float = 0.02  # of payments: paid back in the merchant console …
    console_first: float = 0.5  # … of those, before we have heard of the payment
    refunds: float = 0.3  # for each order
    lost: float = 0.05  # of notifications: never arrive
    console_lost: bool = (
        False  # nor does any of the console's refunds; only where WeChat Pay tells of them in another way
    )
    every: float = 2.0  # virtual seconds from one order to the next
    quiet: bool = False  # nothing goes wrong at all
    fresh: int = (
        0  # of the orders: paid in silence after all others have expired, just before somebody looks again
    )


@dataclass(frozen=True)
class Reply:
    """What the API answered."""

    status: int
    members: dict[str, Any]
    retry_after: float | None

    @property
    def data(self) -> dict[str, Any]:
        """The members of `data`."""
        data: dict[str, Any] = self.members["data"]
        return data

    @property
    def sent(self) -> bool:
        """Whether it tells of a request that went to WeChat Pay and whose sending is over."""
        return "WeChat Pay" in str(self.members.get("error"))

    @property
    def being_sent(self) -> bool:
        """Whether it tells of one whose sending goes on."""
        return "being sent" in str(self.members.get("error"))

    @property
    def word(self) -> str:
        """Status and code: `502 WECHAT_REFUSED`."""
        return f"{self.status} {self.members.get('code', '')}".strip()


@dataclass
class Order:
    """One wish for an order: who pays, and what was told of it."""

    name: str
    fate: str  # pays | abandons | closes | both
    told: list[Reply] = field(default_factory=list)  # definite answers to the create
    close_told: list[Reply] = field(default_factory=list)
    states: list[str] = field(default_factory=list)  # definite states that a query or the payment told
    number: str | None = None
    paid: bool = False  # at WeChat Pay
    unheard: bool = False  # an answer to its create never came
    callers: int = 0  # who ask for it at the same time
    paid_at: float = 0.0  # epoch seconds
    closing: bool = False  # somebody has asked for its end
    console: bool = False  # somebody pays it back by another way


@dataclass
class RefundWish:
    """One wish for a refund, and what was told of it. Its name is the reason that goes with it."""

    name: str
    order: Order
    amount: int  # fen
    key: str | None
    told: list[Reply] = field(default_factory=list)
    unheard: bool = False  # an answer never came
