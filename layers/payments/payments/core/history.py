"""How a history entry is kept in the item, and read back from it.

An update cannot write the version or the status that it finds into a new list member. Each transition appends exactly
one entry, so the entry's place in the list is its version, and the entry before it holds the status it came from.

No entry is ever rewritten, so none may repeat what is known without it: the status that follows from a refund's event, or from
there being none, and the amount where nothing is published of it.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, overload

from payments.core.lifecycle import REFUND_EDGES, REFUND_SUCCEEDED, RefundStatus, Status
from payments.core.payment import HistoryEntry

_STATUS_BY_EVENT = {edge.event: edge.target for edge in REFUND_EDGES}
_PAID_OUT = {"S": REFUND_SUCCEEDED.event}
# What a missing status meant before it could be told by the event is REQUESTED; publishing must not depend on who reads.
_UNWRITTEN = {None: RefundStatus.PROCESSING, "RefundRequested": RefundStatus.REQUESTED}


def stored(
    *,
    status: Status,
    cause: str,
    at: int,
    event: str | None = None,
    out_refund_no: str | None = None,
    refund_status: RefundStatus | None = None,
    amount: int | None = None,
    transaction_id: str | None = None,
    late: bool = False,
    elsewhere: bool = False,
    to_merchant: bool = False,
) -> dict[str, object]:
    """The members that one list entry is kept as; `amount` in fen, `at` in epoch seconds."""
    if refund_status is _UNWRITTEN.get(event):
        refund_status = None
    members: dict[str, object | None] = {
        "to": status.value,
        "cause": cause,
        "at": at,
        "event": event,
        "out_refund_no": out_refund_no,
        "refund_status": refund_status.value if refund_status else None,
        "amount": amount if event else None,
        "transaction_id": transaction_id,
        "late": late or None,
        "elsewhere": elsewhere or None,
        "to_merchant": to_merchant or None,
    }
    return {name: value for name, value in members.items() if value is not None}


def since(stored: Sequence[Mapping[str, Any]], version: int) -> tuple[HistoryEntry, ...]:
    """The entries after this version; `stored` is the item's whole list in DynamoDB's own JSON."""
    left_out = max(version - 1, 0)  # the one before tells the status that the first came from
    return read([plain(entry) for entry in stored[left_out:]], left_out)[version - left_out :]


def refunded(stored: Sequence[Mapping[str, Any]]) -> int:
    """Fen that have gone back by these entries of an item's list, which is in DynamoDB's own JSON."""
    paid_out = (entry["M"] for entry in stored if entry["M"].get("event") == _PAID_OUT)
    return sum(int(entry["amount"]["N"]) for entry in paid_out)


def read(entries: Sequence[Mapping[str, object]], left_out: int = 0) -> tuple[HistoryEntry, ...]:
    """The history with versions and previous statuses filled in, but for so many entries at its beginning."""
    history: list[HistoryEntry] = []
    previous: Status | None = None
    for version, entry in enumerate(entries, start=left_out + 1):
        status = Status(str(entry["to"]))
        event, out_refund_no = _text(entry.get("event")), _text(entry.get("out_refund_no"))
        history.append(
            HistoryEntry(
                version=version,
                previous=previous,
                status=status,
                cause=str(entry["cause"]),
                at=_int(entry["at"]),
                event=event,
                out_refund_no=out_refund_no,
                refund_status=_refund_status(entry, event) if out_refund_no else None,
                amount=_int(entry["amount"]) if "amount" in entry else None,
                transaction_id=_text(entry.get("transaction_id")),
                late=bool(entry.get("late")),
                elsewhere=bool(entry.get("elsewhere")),
                to_merchant=bool(entry.get("to_merchant")),
            )
        )
        previous = status
    return tuple(history)


class History(Sequence[HistoryEntry]):
    """A payment's history, read once somebody looks at it: no request needs it, and it is half of what a payment with refunds is.

    `stored` is the item's list in DynamoDB's own JSON.
    """

    def __init__(self, stored: Sequence[Mapping[str, Any]]) -> None:
        self._stored = stored

    @cached_property
    def _entries(self) -> tuple[HistoryEntry, ...]:
        return since(self._stored, 0)

    @overload
    def __getitem__(self, place: int) -> HistoryEntry: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[HistoryEntry, ...]: ...
    def __getitem__(self, place: int | slice) -> HistoryEntry | tuple[HistoryEntry, ...]:
        return self._entries[place]

    def __len__(self) -> int:
        return len(self._stored)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._entries == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # nor has a payment one, which holds a dict

    def __repr__(self) -> str:
        return repr(self._entries)


def plain(value: Mapping[str, Any]) -> Any:
    """One DynamoDB attribute value as Python has it; numbers in our tables are whole."""
    ((kind, content),) = value.items()
    if kind == "M":
        return {name: plain(member) for name, member in content.items()}
    if kind == "L":
        return [plain(member) for member in content]
    if kind == "N":
        return int(content)
    return None if kind == "NULL" else content


def _refund_status(entry: Mapping[str, object], event: str | None) -> RefundStatus | None:
    written = entry.get("refund_status")
    return RefundStatus(str(written)) if written else _STATUS_BY_EVENT.get(event)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("a whole number is needed in the history")
    return value
