"""One payment item: read whole, put once, and from then on moved by conditional updates alone.

A refused write means that somebody else was first; it raises RefusedUpdate with what there is instead, and the caller
decides again. Where that was not told, the caller reads. Nothing is ever overwritten.
"""

import functools
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from types import SimpleNamespace
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.operand import Path
from pynamodb.models import Model

from payments.core import history
from payments.core.errors import RefusedUpdate, StorageUnavailableError
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund
from payments.storage.tables import PaymentItem

T = TypeVar("T")
RawItem = dict[str, dict[str, Any]]
"""An item in DynamoDB's JSON."""

_CONDITION_FAILED = "ConditionalCheckFailedException"


class _Member(Path):
    """A document path of names alone. pynamodb would read a name like `a[0]` as a place in a list."""

    def __getitem__(self, name: int | str) -> "_Member":
        return _Member([*self.path, str(name)])

    def _serialize_value(self, names: Any, placeholders: dict[str, str], _values: Any) -> str:
        return ".".join(placeholders.setdefault(name, f"#{len(placeholders)}") for name in names)


# Each attribute of a payment, as conditions and actions name it. pynamodb would make it anew each time that it is named.
P: Any = SimpleNamespace(
    **{name: _Member(attribute) for name, attribute in PaymentItem.get_attributes().items()}
)
NOT_DUE = (P.due_at.remove(), P.due_shard.remove(), P.due_since.remove())
_EXISTS, _ABSENT = P.out_trade_no.exists(), P.out_trade_no.does_not_exist()


def refund_record(out_refund_no: str) -> Path:
    """Where a refund lies in its payment's item, whatever characters somebody else's number has."""
    return _Member(["refunds", out_refund_no])


def get(out_trade_no: str) -> Payment | None:
    """The payment as of now (a consistent read), or None."""
    try:
        return payment_of(read(lambda: PaymentItem.get(out_trade_no, consistent_read=True)).raw)
    except DoesNotExist:
        return None


def get_all(out_trade_nos: Collection[str]) -> dict[str, Payment]:
    """Those of these payments, at most a hundred, that there are, as of now (consistent reads, one as a rule), by their numbers."""
    payments: dict[str, Payment] = {}
    left = list(out_trade_nos)
    while left:
        found, unread = _batch(left)
        payments |= {payment.out_trade_no: payment for payment in map(payment_of, found)}
        if len(unread) >= len(left):  # what was left out must not look as if it were not there
            raise StorageUnavailableError("UnprocessedKeys")
        left = unread
    return payments


def _batch(numbers: Sequence[str]) -> tuple[Sequence[RawItem], list[str]]:
    """What one read brings of these, and the numbers that it has left out: many large items at once, or a table that is busy."""
    keys: list[Any] = [{"out_trade_no": number} for number in numbers]
    answer = read(lambda: PaymentItem._get_connection().batch_get_item(keys, consistent_read=True))
    unread = answer.get("UnprocessedKeys", {}).get(PaymentItem.Meta.table_name, {}).get("Keys", ())
    return answer["Responses"].get(PaymentItem.Meta.table_name, ()), [
        key["out_trade_no"]["S"] for key in unread
    ]


def read(call: Callable[[], T]) -> T:
    """One read; raises StorageUnavailableError when it does not come about."""
    try:
        return call()
    except DoesNotExist:
        raise
    except PynamoDBException as problem:
        raise StorageUnavailableError(_code(problem)) from problem


def conditional_write(call: Callable[[], T]) -> T:
    """One write; raises RefusedUpdate when its condition did not hold, StorageUnavailableError when nobody can tell."""
    try:
        return call()
    except PynamoDBException as problem:
        if _code(problem) == _CONDITION_FAILED:
            raise RefusedUpdate from problem
        raise StorageUnavailableError(_code(problem)) from problem


def put(item: Model, key: str, condition: Any, *, refused: Callable[[RawItem], RefusedUpdate]) -> None:
    """Put a whole item, whose hash key is `key`, under `condition`; `refused` makes the refusal of what is there instead."""
    write("PutItem", type(item), key, condition, refused, key="Item", attributes=item.serialize())


def put_new(payment: PaymentItem) -> None:
    """Put a new payment; RefusedUpdate when its number exists."""
    put(payment, payment.out_trade_no, _ABSENT, refused=lambda item: RefusedUpdate(payment=payment_of(item)))


def update(out_trade_no: str, actions: Sequence[Any], condition: Any, *, owner: str | None = None) -> Payment:
    """Apply `actions` to an existing payment under `condition`; returns the payment as it is afterwards.

    `owner` is the user whose payment it must be. Of another's a refusal tells nothing, as if there were none.
    """
    condition = _EXISTS & condition
    if owner is not None:
        condition &= P.user_id == owner

    def refused(item: RawItem) -> RefusedUpdate:
        payment = payment_of(item)
        return RefusedUpdate(payment=payment if owner in (None, payment.user_id) else None)

    given = {"actions": list(actions), "return_values": "ALL_NEW"}
    return payment_of(
        write("UpdateItem", PaymentItem, out_trade_no, condition, refused, **given)["Attributes"]
    )


def write(
    operation: str,
    table: type[Model],
    hash_key: str,
    condition: Any,
    refused: Callable[[RawItem], RefusedUpdate],
    **given: Any,
) -> dict[str, Any]:
    """One write whose refusal tells what is there, which pynamodb's own `save` and `update` cannot ask for."""
    connection = table._get_connection()
    request = connection.get_operation_kwargs(
        hash_key, condition=condition, return_values_on_condition_failure="ALL_OLD", **given
    )
    try:
        return connection.connection.dispatch(operation, request)
    except ClientError as problem:
        code = str(problem.response.get("Error", {}).get("Code"))
        if code != _CONDITION_FAILED:
            raise StorageUnavailableError(code) from problem
        # pynamodb's error leaves the item out, botocore's own has it.
        item = problem.__cause__.response.get("Item") if isinstance(problem.__cause__, ClientError) else None
        raise (refused(item) if item else RefusedUpdate()) from problem
    except BotoCoreError as problem:
        raise StorageUnavailableError(type(problem).__name__) from problem


def append(
    out_trade_no: str,
    actions: Sequence[Any],
    condition: Any,
    *,
    status: Status,
    cause: str,
    now: int,
    owner: str | None = None,
    **entry: Any,
) -> Payment:
    """One transition: `actions`, the next version, and the history entry that tells of it."""
    entries = [history.stored(status=status, cause=cause, at=now, **entry)]
    step = [P.version.set(P.version + 1), P.history.set(P.history.append(entries)), P.updated_at.set(now)]
    return update(out_trade_no, [*actions, *step], condition, owner=owner)


@functools.cache
def status_in(statuses: tuple[Status, ...]) -> Any:
    """The condition that the payment's status is one of these."""
    return functools.reduce(operator.or_, [P.status == status.value for status in statuses])


def unchanged(attribute: Any, seen: int | str | None) -> Any:
    """The condition that an attribute is as it was seen; None for one that was not there."""
    return attribute == seen if seen is not None else attribute.does_not_exist()


def _code(problem: PynamoDBException) -> str:
    # pynamodb's own property fails where the cause is a timeout, whose `response` is None.
    response = getattr(problem.cause, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(problem.cause or problem).__name__)


def payment_of(raw: RawItem) -> Payment:
    """The payment that an item is, in DynamoDB's own JSON.

    Raises TypeError for an attribute of another kind than ours, or one that is missing; ValueError for a number that is not
    whole, and for a status that does not exist. Attributes that are not a payment's, and members that are not a refund's, are passed over.
    """
    values: dict[str, Any] = {}
    for name, (kind, read_value) in _ATTRIBUTES.items():
        value = raw.get(name)
        if value is None or "NULL" in value:
            continue
        if kind not in value:
            raise TypeError(f"{name} is not of the kind {kind}")
        values[name] = read_value(value[kind]) if read_value else value[kind]
    return Payment(**values)


def _refunds(members: Mapping[str, Mapping[str, Any]]) -> dict[str, Refund]:
    refunds = {}
    for number, record in members.items():
        values = {name: history.plain(value) for name, value in record["M"].items() if name in _REFUND}
        values["status"] = RefundStatus(values["status"])
        refunds[number] = Refund(out_refund_no=number, **values)
    return refunds


def _plain_members(members: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: history.plain(value) for name, value in members.items()}


def _plain_list(members: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
    return tuple(map(history.plain, members))


_REFUND = {f.name for f in fields(Refund)}
_READ_BY_NAME: dict[str, Callable[[Any], Any]] = {
    "status": Status,
    "history": history.History,
    "refunds": _refunds,
    "held": _plain_list,
    "refusal": _plain_members,
}
_READ_BY_KIND: dict[str, Callable[[Any], Any]] = {"N": int}
# Of each member of a payment, the kind that the table has it in, and what reads that; None where it is as it should be.
_ATTRIBUTES = {
    f.name: (kind, _READ_BY_NAME.get(f.name) or _READ_BY_KIND.get(kind))
    for f in fields(Payment)
    if (kind := PaymentItem.get_attributes()[f.name].attr_type)
}
