"""The refunds of a payment: money is set aside before anything is sent, and settled once."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from payments.due import shard
from payments.items import NOT_DUE, P, append, status_in, update
from payments.lifecycle import (
    MAX_REFUNDS,
    REFUND_RELEASED,
    REFUND_RESERVED,
    REFUND_SUCCEEDED,
    REFUNDABLE,
    RefundEdge,
    RefundStatus,
    Status,
)
from payments.payment import Payment, Refund


class RefundStore:
    """Writes refunds into their payment's item. Amounts in fen, times in epoch seconds.

    `seen` is the payment as the caller read it. Every method returns the payment as it is afterwards, or raises
    RefusedUpdate when it is not what the caller saw.
    """

    def __init__(self, *, due_shards: int) -> None:
        self._due_shards = due_shards

    def reserve(
        self,
        seen: Payment,
        refund: Refund,
        *,
        cause: str,
        due_at: int,
        now: int,
        same_version: bool = False,
    ) -> Payment:
        """Set money aside for one refund and write the refund down, before anything is sent.

        RefusedUpdate when there is less to refund than `refund.amount`, another refund was reserved since `seen`, or
        fifty were. `same_version` also asks that nothing else has moved, for refunds that were made elsewhere.
        """
        record = P.refunds[refund.out_refund_no]
        condition = (
            record.does_not_exist()
            & (P.refundable >= refund.amount)
            & (P.refund_count == seen.refund_count)
            & (P.refund_count < MAX_REFUNDS)
            & status_in(REFUNDABLE)
        )
        # The history names the status that the payment keeps, so that status must still be the one that was seen.
        condition &= P.version == seen.version if same_version else P.status == seen.status.value
        actions = [
            record.set(_stored(refund)),
            P.refundable.set(P.refundable - refund.amount),
            P.refunding.set(P.refunding + refund.amount),
            P.refund_count.set(P.refund_count + 1),
            P.due_at.set(due_at),
            P.due_shard.set(shard(seen.out_trade_no, self._due_shards)),
        ]
        return _append(
            seen, refund, REFUND_RESERVED, actions, condition, status=seen.status, cause=cause, now=now
        )

    def moved(
        self,
        seen: Payment,
        out_refund_no: str,
        edge: RefundEdge,
        *,
        refund_id: str | None,
        cause: str,
        now: int,
    ) -> Payment:
        """A refund on its way: accepted by WeChat Pay, or stuck at the bank. The money stays set aside."""
        refund = seen.refunds[out_refund_no]
        actions = _record(refund, edge, refund_id)
        condition = _still(refund, edge) & (P.status == seen.status.value)
        return _append(seen, refund, edge, actions, condition, status=seen.status, cause=cause, now=now)

    def sending_again(self, seen: Payment, out_refund_no: str, *, now: int) -> Payment:
        """Be the one who sends the frozen request again; from here on nobody may release the money."""
        record = P.refunds[out_refund_no]
        actions = [record["sent_at"].set(now), record["refused"].remove()]
        return update(seen.out_trade_no, actions, _not_sent_since(seen.refunds[out_refund_no]))

    def refused(self, seen: Payment, out_refund_no: str, *, code: str) -> Payment:
        """WeChat Pay has definitely refused this number; the money stays set aside until no send can be on its way."""
        condition = _not_sent_since(seen.refunds[out_refund_no])
        return update(seen.out_trade_no, [P.refunds[out_refund_no]["refused"].set(code)], condition)

    def succeeded(
        self, seen: Payment, out_refund_no: str, *, refund_id: str | None, cause: str, now: int
    ) -> Payment:
        """The money has gone out; what the payment becomes depends on what was seen, so nothing may have moved."""
        refund = seen.refunds[out_refund_no]
        refunded = seen.refunded + refund.amount
        status = Status.REFUNDED if refunded == seen.paid else Status.PARTIALLY_REFUNDED
        actions = [
            P.status.set(status.value),
            P.refunded.set(P.refunded + refund.amount),
            *_settlement(seen, refund, REFUND_SUCCEEDED, refund_id, now=now),
        ]
        condition = _still(refund, REFUND_SUCCEEDED) & (P.version == seen.version)
        return _append(
            seen, refund, REFUND_SUCCEEDED, actions, condition, status=status, cause=cause, now=now
        )

    def released(
        self, seen: Payment, out_refund_no: str, *, refund_id: str | None, cause: str, now: int
    ) -> Payment:
        """The refund will not happen; the money may be refunded again under another number."""
        refund = seen.refunds[out_refund_no]
        actions = [
            P.refundable.set(P.refundable + refund.amount),
            *_settlement(seen, refund, REFUND_RELEASED, refund_id, now=now),
        ]
        condition = _still(refund, REFUND_RELEASED) & (P.version == seen.version)
        if refund.sent_at is not None:
            condition &= P.refunds[out_refund_no]["sent_at"] == refund.sent_at
        return _append(
            seen, refund, REFUND_RELEASED, actions, condition, status=seen.status, cause=cause, now=now
        )


def _append(
    seen: Payment, refund: Refund, edge: RefundEdge, actions: Sequence[Any], condition: Any, **step: Any
) -> Payment:
    return append(
        seen.out_trade_no,
        actions,
        condition,
        event=edge.event,
        out_refund_no=refund.out_refund_no,
        refund_status=edge.target,
        amount=refund.amount,
        **step,
    )


def _still(refund: Refund, edge: RefundEdge) -> Any:
    record = P.refunds[refund.out_refund_no]
    allowed = record["status"].is_in(*[source.value for source in edge.sources])
    return allowed & (record["amount"] == refund.amount)


def _not_sent_since(refund: Refund) -> Any:
    record = P.refunds[refund.out_refund_no]
    requested = record["status"] == RefundStatus.REQUESTED.value
    if refund.sent_at is None:
        return requested & record["sent_at"].does_not_exist()
    return requested & (record["sent_at"] == refund.sent_at)


def _record(refund: Refund, edge: RefundEdge, refund_id: str | None) -> list[Any]:
    record = P.refunds[refund.out_refund_no]
    actions = [record["status"].set(edge.target.value)]
    return [*actions, record["refund_id"].set(refund_id)] if refund_id else actions


def _settlement(
    seen: Payment, refund: Refund, edge: RefundEdge, refund_id: str | None, *, now: int
) -> list[Any]:
    record = P.refunds[refund.out_refund_no]
    actions = [
        *_record(refund, edge, refund_id),
        record["settled_at"].set(now),
        record["wechat_request"].remove(),
        P.refunding.set(P.refunding - refund.amount),
    ]
    others = [other for other in seen.refunds.values() if other.out_refund_no != refund.out_refund_no]
    return [*actions, *NOT_DUE] if all(other.status.is_final for other in others) else actions


def _stored(refund: Refund) -> dict[str, object]:
    values = {f.name: getattr(refund, f.name) for f in fields(refund) if f.name != "out_refund_no"}
    values["status"] = refund.status.value
    return {name: value for name, value in values.items() if value is not None and value is not False}
