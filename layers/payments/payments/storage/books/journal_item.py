"""One row of the journal as an item of its table, and back. Only the store of this folder uses it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from payments.core import history
from payments.core.books.journal import Row, RowKey, created_key, key_of
from payments.core.books.rows import Kind, MovementRow, OrderRow
from payments.core.lifecycle import RefundStatus, Status
from payments.storage.items import RawItem
from payments.storage.sdk.table import RawTable
from payments.storage.tables import IntAttribute, TableSettings


class UserIndex(GlobalSecondaryIndex["JournalItem"]):  # type: ignore[no-untyped-call]
    """Orders by user, in order of time."""

    class Meta(TableSettings):
        index_name = "by_user"
        projection = AllProjection()

    user_id = UnicodeAttribute(hash_key=True)
    created = UnicodeAttribute(range_key=True)


class ContentIndex(GlobalSecondaryIndex["JournalItem"]):  # type: ignore[no-untyped-call]
    """Orders by content, in order of time."""

    class Meta(TableSettings):
        index_name = "by_content"
        projection = AllProjection()

    content_id = UnicodeAttribute(hash_key=True)
    created = UnicodeAttribute(range_key=True)


class JournalItem(RawTable):
    """One row. One that is gone has no `kind`."""

    class Meta(TableSettings):
        table_name = "journal"  # the store sets the real name

    day_shard = UnicodeAttribute(hash_key=True)
    row = UnicodeAttribute(range_key=True)
    progress = IntAttribute()
    expires_at = IntAttribute(null=True)
    kind = UnicodeAttribute(null=True)
    created = UnicodeAttribute(null=True)
    out_trade_no = UnicodeAttribute(null=True)
    payment_id = UnicodeAttribute(null=True)
    user_id = UnicodeAttribute(null=True)
    content_id = UnicodeAttribute(null=True)
    method = UnicodeAttribute(null=True)
    subject = UnicodeAttribute(null=True)
    currency = UnicodeAttribute(null=True)
    status = UnicodeAttribute(null=True)
    version = IntAttribute(null=True)
    amount = IntAttribute(null=True)
    paid = IntAttribute(null=True)
    refunding = IntAttribute(null=True)
    refunded = IntAttribute(null=True)
    created_at = IntAttribute(null=True)
    day = UnicodeAttribute(null=True)
    transaction_id = UnicodeAttribute(null=True)
    success_time = UnicodeAttribute(null=True)
    checkout_id = UnicodeAttribute(null=True)
    at = UnicodeAttribute(null=True)
    out_refund_no = UnicodeAttribute(null=True)
    refund_id = UnicodeAttribute(null=True)
    refund_status = UnicodeAttribute(null=True)
    by_user = UserIndex()
    by_content = ContentIndex()


J = JournalItem


def item_of(row: Row, progress: int) -> JournalItem:
    """The item of a row of a payment that had come so far."""
    values: dict[str, Any] = {name: _plain(value) for name, value in vars(row).items() if value is not None}
    if isinstance(row, OrderRow):
        values |= {"kind": Kind.ORDER.value, "created": created_key(row.created_at, row.out_trade_no)}
    return J(**vars(key_of(row)), progress=progress, **values)


def gone(key: RowKey, progress: int, *, expires_at: int) -> JournalItem:
    """The mark that a row is there no more."""
    return J(**vars(key), progress=progress, expires_at=expires_at)


def _plain(value: object) -> object:
    return value.value if isinstance(value, (Kind, Status, RefundStatus)) else value


def row_of(raw: RawItem) -> Row | None:
    """The row that an item is, in DynamoDB's own JSON; None for one that is gone. Unknown attributes are passed over."""
    if "kind" not in raw:
        return None
    return order_of(raw) if raw["kind"]["S"] == Kind.ORDER else movement_of(raw)


def order_of(raw: RawItem) -> OrderRow:
    """The order that an item is."""
    values = _values(raw, OrderRow)
    return OrderRow(**{**values, "status": Status(values["status"])})


def movement_of(raw: RawItem) -> MovementRow:
    """The movement that an item is."""
    values = _values(raw, MovementRow)
    status = values.get("refund_status")
    told = {"kind": Kind(values["kind"]), "refund_status": RefundStatus(status) if status else None}
    return MovementRow(**{**values, **told})


def _values(raw: RawItem, kind: type[Any]) -> Mapping[str, Any]:
    return {f.name: history.plain(raw[f.name]) for f in fields(kind) if f.name in raw}
