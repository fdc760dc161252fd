"""One checkout as an item of its table, and back. Only the stores of this folder use it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pynamodb.attributes import BooleanAttribute, MapAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from payments.core import history
from payments.core.checkouts.checkout import Checkout, Hold, Visit
from payments.core.errors import RefusedUpdate
from payments.storage.items import RawItem, read
from payments.storage.sdk.table import RawTable
from payments.storage.tables import IntAttribute, TableSettings


class CheckoutItem(RawTable):
    """One item per checkout. It has no end of its own: money may come late."""

    class Meta(TableSettings):
        table_name = "checkouts"  # the store sets the real name

    checkout_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    content_id = UnicodeAttribute()
    appid = UnicodeAttribute()
    amount = IntAttribute()
    currency = UnicodeAttribute()
    subject = UnicodeAttribute()
    return_url = UnicodeAttribute(null=True)
    asked = UnicodeAttribute()
    fingerprint = UnicodeAttribute()
    created_at = IntAttribute()
    expires_at = IntAttribute()
    attempt = IntAttribute()
    attempted_at = IntAttribute(null=True)
    current: MapAttribute[Any, Any] = MapAttribute(null=True)  # type: ignore[no-untyped-call]  # pynamodb leaves it untyped
    paid_by = UnicodeAttribute(null=True)
    frozen = BooleanAttribute(null=True)
    visits: MapAttribute[Any, Any] = MapAttribute()  # type: ignore[no-untyped-call]


C = CheckoutItem


def get(checkout_id: str) -> Checkout | None:
    """The checkout as of now (a consistent read), or None."""
    try:
        return checkout_of(read(lambda: C.get(checkout_id, consistent_read=True)).raw)
    except DoesNotExist:
        return None


def checkout_of(raw: RawItem) -> Checkout:
    """The checkout that an item is, in DynamoDB's own JSON; members that are not a checkout's are passed over."""
    values = {name: history.plain(raw[name]) for name in _MEMBERS if name in raw}
    hold = values.get("current")
    return Checkout(
        **{
            **values,
            "current": _only(Hold, hold) if hold else None,
            "visits": {device: _only(Visit, visit) for device, visit in values["visits"].items()},
        }
    )


def refused(raw: RawItem) -> RefusedUpdate:
    """The refusal of a write that has met this item."""
    return RefusedUpdate(checkout=checkout_of(raw))


def present(record: object) -> dict[str, object]:
    """The members of a Hold or a Visit that there are, as they are kept."""
    return {name: value for name, value in vars(record).items() if value is not None}


def _only(kind: type[Any], members: Mapping[str, Any]) -> Any:
    known = {f.name for f in fields(kind)}
    return kind(**{name: value for name, value in members.items() if name in known})


_MEMBERS = tuple(f.name for f in fields(Checkout))
