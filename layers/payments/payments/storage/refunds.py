"""The refunds of a payment: their money is set aside before anything is sent, and goes out, or becomes free again, once."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from payments.core.facts import is_merchants_account
from payments.core.lifecycle import (
    MAX_REFUNDS,
    REFUND_RELEASED,
    REFUND_RESERVED,
    REFUND_SENT_ON,
    REFUND_SUCCEEDED,
    REFUNDABLE,
    RefundEdge,
    RefundNews,
    RefundStatus,
    Status,
)
from payments.core.payment import Payment, Refund
from payments.core.schedule import FIRST_CHECK_SECONDS, is_undated, shard
from payments.storage.items import NOT_DUE, P, append, refund_record, status_in, update


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
        record = refund_record(refund.out_refund_no)
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
        news = RefundNews(cause, now)
        return _append(seen, refund, REFUND_RESERVED, news, actions, condition=condition, status=seen.status)

    def advance(self, seen: Payment, out_refund_no: str, edge: RefundEdge, news: RefundNews) -> Payment:
        """A refund on its way: accepted by WeChat Pay, or stuck at the bank. The money stays set aside."""
        refund = seen.refunds[out_refund_no]
        condition = _still(refund, edge) & (P.status == seen.status.value)
        return _append(
            seen, refund, edge, news, _record(refund, edge, news), condition=condition, status=seen.status
        )

    def record_sent_on(self, seen: Payment, out_refund_no: str, news: RefundNews) -> Payment:
        """An ABNORMAL refund is on its way once more, and is asked about as soon as after its first send.

        RefusedUpdate when anything has moved since `seen`: WeChat Pay's answer must be younger than what was read.
        """
        refund = seen.refunds[out_refund_no]
        actions = [
            *_record(refund, REFUND_SENT_ON, news),
            refund_record(out_refund_no)["sent_on_at"].set(news.now),
            P.due_at.set(news.now + FIRST_CHECK_SECONDS),
            P.due_shard.set(shard(seen.out_trade_no, self._due_shards)),
        ]
        condition = _still(refund, REFUND_SENT_ON) & (P.version == seen.version)
        return _append(seen, refund, REFUND_SENT_ON, news, actions, condition=condition, status=seen.status)

    def claim_resend(self, seen: Payment, out_refund_no: str, *, claim: str, now: int) -> Payment:
        """Take the right to send the frozen request again, under the name `claim`; from here on nobody may release the money.

        RefusedUpdate when somebody else has sent it since `seen`, and when it is refused for good.
        """
        refund, record = seen.refunds[out_refund_no], refund_record(out_refund_no)
        sent_at = max(now, (refund.sent_at or 0) + 1)
        actions = [
            record["sent_at"].set(sent_at),
            record["claim"].set(claim),
            record["missing_since"].remove(),
        ]
        return update(
            seen.out_trade_no, actions, _not_sent_since(refund) & record["refused"].does_not_exist()
        )

    def mark_refused(self, seen: Payment, out_refund_no: str, *, code: str, unsure: bool) -> Payment:
        """This number will never be sent again; the money stays set aside until WeChat Pay proves that it has no such refund.

        `unsure` when an earlier send of it may have been taken. Otherwise the caller is being told, for good.
        """
        record = refund_record(out_refund_no)
        actions = [record["refused"].set(code), record["missing_since"].remove()]
        actions.append(record["unsure"].set(True) if unsure else record["unanswered_by"].remove())
        condition = _not_sent_since(seen.refunds[out_refund_no]) & record["refused"].does_not_exist()
        return update(seen.out_trade_no, actions, condition)

    def count_doubt(self, seen: Payment, out_refund_no: str) -> Payment:
        """Count one more refusal that is not signed; nothing else changes."""
        refund = seen.refunds[out_refund_no]
        actions = [refund_record(out_refund_no)["doubts"].set(refund.doubts + 1)]
        return update(seen.out_trade_no, actions, _not_sent_since(refund))

    def mark_missing(self, seen: Payment, out_refund_no: str, *, now: int) -> Payment:
        """WeChat Pay has no such refund, for the first time since it was last sent."""
        record = refund_record(out_refund_no)
        condition = _not_sent_since(seen.refunds[out_refund_no]) & record["missing_since"].does_not_exist()
        return update(seen.out_trade_no, [record["missing_since"].set(now)], condition)

    def record_create_time(self, seen: Payment, out_refund_no: str, create_time: str) -> Payment:
        """WeChat Pay's own moment of a refund that has not moved. RefusedUpdate when it is known."""
        known = refund_record(out_refund_no)["create_time"]
        return update(seen.out_trade_no, [known.set(create_time)], known.does_not_exist())

    def record_repetition(self, seen: Payment, out_refund_no: str, *, caller: str, now: int) -> Payment:
        """Note when a caller without a key, who has not been answered, asked again: the same wish stays this refund for longer."""
        record = refund_record(out_refund_no)
        return update(seen.out_trade_no, [record["told_at"].set(now)], record["unanswered_by"] == caller)

    def mark_answered(self, seen: Payment, out_refund_no: str, *, caller: str) -> Payment:
        """Note that the caller who asked first is answered now, with what was stored already."""
        record = refund_record(out_refund_no)
        return update(
            seen.out_trade_no, [record["unanswered_by"].remove()], record["unanswered_by"] == caller
        )

    def settle_success(self, seen: Payment, out_refund_no: str, news: RefundNews) -> Payment:
        """The money has gone out. RefusedUpdate when anything has moved: what the payment becomes follows from `seen`."""
        refund = seen.refunds[out_refund_no]
        refunded = seen.refunded + refund.amount
        status = Status.REFUNDED if refunded == seen.paid else Status.PARTIALLY_REFUNDED
        actions = [P.status.set(status.value), P.refunded.set(P.refunded + refund.amount)]
        to_merchant = is_merchants_account(news.user_received_account or refund.user_received_account)
        return self._settle(
            seen, refund, REFUND_SUCCEEDED, actions, news, status=status, to_merchant=to_merchant
        )

    def release(self, seen: Payment, out_refund_no: str, news: RefundNews) -> Payment:
        """The refund will not happen; the money may be refunded again under another number."""
        refund = seen.refunds[out_refund_no]
        actions = [P.refundable.set(P.refundable + refund.amount)]
        return self._settle(seen, refund, REFUND_RELEASED, actions, news, status=seen.status)

    @staticmethod
    def _settle(
        seen: Payment,
        refund: Refund,
        edge: RefundEdge,
        actions: Sequence[Any],
        news: RefundNews,
        **step: Any,
    ) -> Payment:
        actions = [
            *actions,
            *_record(refund, edge, news),
            P.refunding.set(P.refunding - refund.amount),
        ]
        condition = _still(refund, edge) & (P.version == seen.version)
        ended = replace(refund, status=edge.target, create_time=refund.create_time or news.create_time)
        refunds = {**seen.refunds, refund.out_refund_no: ended}.values()
        if not seen.held and not any(not each.status.is_final or is_undated(each) for each in refunds):
            actions += NOT_DUE
            condition &= P.held.does_not_exist()
        return _append(seen, refund, edge, news, actions, condition=condition, **step)


def _append(
    seen: Payment,
    refund: Refund,
    edge: RefundEdge,
    news: RefundNews,
    actions: Sequence[Any],
    *,
    condition: Any,
    **step: Any,
) -> Payment:
    return append(
        seen.out_trade_no,
        actions,
        condition,
        cause=news.cause,
        now=news.now,
        event=edge.event,
        out_refund_no=refund.out_refund_no,
        refund_status=edge.target,
        amount=refund.amount,
        **step,
    )


def _still(refund: Refund, edge: RefundEdge) -> Any:
    record = refund_record(refund.out_refund_no)
    allowed = record["status"].is_in(*[source.value for source in edge.sources])
    return allowed & (record["amount"] == refund.amount)


def _not_sent_since(refund: Refund) -> Any:
    record = refund_record(refund.out_refund_no)
    requested = record["status"] == RefundStatus.REQUESTED.value
    if refund.sent_at is None:
        return requested & record["sent_at"].does_not_exist()
    return requested & (record["sent_at"] == refund.sent_at)


def _record(refund: Refund, edge: RefundEdge, news: RefundNews) -> list[Any]:
    record = refund_record(refund.out_refund_no)
    # Whoever knows that WeChat Pay has it sends it no more: neither the request nor who sent it is wanted again.
    actions = [
        record["status"].set(edge.target.value),
        record["wechat_request"].remove(),
        record["claim"].remove(),
    ]
    if news.answering:
        actions.append(record["unanswered_by"].remove())
    for name in ("refund_id", "user_received_account", "payer_amount"):
        if (value := getattr(news, name)) not in (None, ""):
            actions.append(record[name].set(value))
    for name in ("create_time", "success_time"):
        if (moment := getattr(news, name)) is not None:
            actions.append(record[name].set(record[name] | moment))  # never another one
    return actions


def _stored(refund: Refund) -> dict[str, object]:
    values = {f.name: getattr(refund, f.name) for f in fields(refund) if f.name != "out_refund_no"}
    values["status"] = refund.status.value
    return {name: value for name, value in values.items() if value}
