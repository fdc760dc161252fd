"""How a payment and its refunds may move: statuses, ranks, edges and events, as data."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where a payment stands. Its rank never falls: money that has come in outranks everything before it."""

    CREATING = "CREATING"
    PENDING = "PENDING"
    CLOSING = "CLOSING"
    FAILED = "FAILED"
    CLOSED = "CLOSED"
    PAID = "PAID"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"

    @property
    def rank(self) -> int:
        """0 to 6; FAILED and CLOSED share 3."""
        return _RANKS[self]

    @property
    def word(self) -> str:
        """The status in the words of the HTTP API and of events."""
        return _WORDS[self]

    @property
    def is_final(self) -> bool:
        """Whether nothing but a refund, or money that arrives late, can still change it."""
        return self.rank >= 3


_RANKS = {
    Status.CREATING: 0,
    Status.PENDING: 1,
    Status.CLOSING: 2,
    Status.FAILED: 3,
    Status.CLOSED: 3,
    Status.PAID: 4,
    Status.PARTIALLY_REFUNDED: 5,
    Status.REFUNDED: 6,
}

_WORDS = {
    Status.CREATING: "pending",
    Status.PENDING: "pending",
    Status.CLOSING: "pending",
    Status.FAILED: "failed",
    Status.CLOSED: "closed",
    Status.PAID: "succeeded",
    Status.PARTIALLY_REFUNDED: "partially_refunded",
    Status.REFUNDED: "refunded",
}


OPEN = tuple(status for status in Status if not status.is_final)


class RefundStatus(StrEnum):
    """Where one refund stands."""

    REQUESTED = "REQUESTED"
    PROCESSING = "PROCESSING"
    ABNORMAL = "ABNORMAL"
    SUCCEEDED = "SUCCEEDED"
    CLOSED = "CLOSED"

    @property
    def word(self) -> str:
        """The status in WeChat Pay's words, which the HTTP API and events use."""
        return {"REQUESTED": "PROCESSING", "SUCCEEDED": "SUCCESS"}.get(self.value, self.value)

    @property
    def is_final(self) -> bool:
        """Whether the money has gone out, or has come back to what may be refunded."""
        return self in (RefundStatus.SUCCEEDED, RefundStatus.CLOSED)


UNSETTLED = (RefundStatus.REQUESTED, RefundStatus.PROCESSING, RefundStatus.ABNORMAL)


@dataclass(frozen=True)
class Edge:
    """One way in which a payment moves: from which statuses, to which, and the event that tells of it."""

    sources: tuple[Status, ...]
    target: Status
    event: str | None


CREDENTIAL_RECEIVED = Edge((Status.CREATING,), Status.PENDING, "PaymentCreated")
CREATION_REFUSED = Edge((Status.CREATING,), Status.FAILED, "PaymentFailed")
CLOSE_WANTED = Edge((Status.CREATING, Status.PENDING), Status.CLOSING, None)
CLOSE_CONFIRMED = Edge((Status.CREATING, Status.PENDING, Status.CLOSING), Status.CLOSED, "PaymentClosed")
MONEY_RECEIVED = Edge((Status.CREATING, Status.PENDING, Status.CLOSING), Status.PAID, "PaymentSucceeded")
MONEY_RECEIVED_LATE = Edge((Status.CLOSED, Status.FAILED), Status.PAID, "PaymentSucceeded")

EDGES = (
    CREDENTIAL_RECEIVED,
    CREATION_REFUSED,
    CLOSE_WANTED,
    CLOSE_CONFIRMED,
    MONEY_RECEIVED,
    MONEY_RECEIVED_LATE,
)


@dataclass(frozen=True)
class RefundEdge:
    """One way in which a refund moves; `()` as sources means that it does not exist yet."""

    sources: tuple[RefundStatus, ...]
    target: RefundStatus
    event: str | None


@dataclass(frozen=True)
class RefundNews:
    """What moves a refund: WeChat Pay's words of it, the `cause` for the history, and `now` in epoch seconds.

    `answering` tells that whoever asked for the refund first is being answered with this.
    """

    cause: str
    now: int
    refund_id: str | None = None
    user_received_account: str | None = None
    payer_amount: int | None = None  # fen that the buyer gets of it
    answering: bool = False
    create_time: str | None = None
    success_time: str | None = None


REFUND_RESERVED = RefundEdge((), RefundStatus.REQUESTED, "RefundRequested")
REFUND_ACCEPTED = RefundEdge((RefundStatus.REQUESTED,), RefundStatus.PROCESSING, None)
REFUND_STUCK = RefundEdge(
    (RefundStatus.REQUESTED, RefundStatus.PROCESSING), RefundStatus.ABNORMAL, "RefundAbnormal"
)
# By the abnormal-refund call, or in the merchant platform: the bank is tried once more.
REFUND_SENT_ON = RefundEdge((RefundStatus.ABNORMAL,), RefundStatus.PROCESSING, None)
REFUND_SUCCEEDED = RefundEdge(UNSETTLED, RefundStatus.SUCCEEDED, "RefundSucceeded")
REFUND_RELEASED = RefundEdge(UNSETTLED, RefundStatus.CLOSED, "RefundClosed")

REFUND_EDGES = (
    REFUND_RESERVED,
    REFUND_ACCEPTED,
    REFUND_STUCK,
    REFUND_SENT_ON,
    REFUND_SUCCEEDED,
    REFUND_RELEASED,
)

PAYMENT_DUPLICATED = "PaymentDuplicated"  # no edge: the payment stays PAID, and its checkout was paid before

EVENTS = (
    *dict.fromkeys(edge.event for edge in (*EDGES, *REFUND_EDGES) if edge.event is not None),
    PAYMENT_DUPLICATED,
)

REFUNDABLE = (Status.PAID, Status.PARTIALLY_REFUNDED)
MAX_REFUNDS = 50  # WeChat Pay APIv3, "Refund": up to 50 partial refunds of one order
