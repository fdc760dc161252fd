"""The tables as pynamodb models. Only the store imports this, and no instance leaves it."""

from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from payments.storage.aws import timeout_seconds
from payments.storage.sdk.table import RawTable, Table


class IntAttribute(NumberAttribute):
    """A whole number. pynamodb's own would store True as `true` and read 1E+2 as a float."""

    def serialize(self, value: object) -> str:
        """The decimal digits. Raises TypeError for anything but an int."""
        if type(value) is not int:
            raise TypeError(f"an int is needed, not {type(value).__name__}")
        return str(value)

    def deserialize(self, value: str) -> int:
        """The int. Raises ValueError for a number with a fraction or an exponent."""
        return int(value)


class TableSettings:
    """Timeouts and repetitions of every table."""

    # The defaults of 15 s and 30 s would outlast WeChat Pay's five seconds and the function itself.
    connect_timeout_seconds = timeout_seconds()
    read_timeout_seconds = timeout_seconds()
    max_retry_attempts = 2


class DueIndex(GlobalSecondaryIndex["PaymentItem"]):  # type: ignore[no-untyped-call]
    """Payments that somebody must still look at, by class, shard and time."""

    class Meta(TableSettings):
        index_name = "due"
        projection = KeysOnlyProjection()

    due_shard = UnicodeAttribute(hash_key=True)
    due_at = IntAttribute(range_key=True)


class PaymentItem(RawTable):
    """One item per payment: the payment, its refunds and its history."""

    class Meta(TableSettings):
        table_name = "payments"  # the store sets the real name

    out_trade_no = UnicodeAttribute(hash_key=True)
    payment_id = UnicodeAttribute()
    user_id = UnicodeAttribute()
    content_id = UnicodeAttribute()
    method = UnicodeAttribute()
    subject = UnicodeAttribute()
    body = UnicodeAttribute(null=True)
    metadata = UnicodeAttribute(null=True)
    openid = UnicodeAttribute(null=True)
    return_url = UnicodeAttribute(null=True)
    checkout_id = UnicodeAttribute(null=True)
    attempt = IntAttribute(null=True)
    duplicate_of = UnicodeAttribute(null=True)
    mchid = UnicodeAttribute()
    appid = UnicodeAttribute()
    amount = IntAttribute()
    currency = UnicodeAttribute()
    fingerprint = UnicodeAttribute()
    wechat_request = UnicodeAttribute()
    code_url = UnicodeAttribute(null=True)
    prepay_id = UnicodeAttribute(null=True)
    h5_url = UnicodeAttribute(null=True)
    credential_expires_at = IntAttribute(null=True)
    time_expire = IntAttribute()
    status = UnicodeAttribute()
    version = IntAttribute()
    refusal: MapAttribute[Any, Any] = MapAttribute(null=True)  # type: ignore[no-untyped-call]  # pynamodb leaves it untyped
    transaction_id = UnicodeAttribute(null=True)
    trade_state = UnicodeAttribute(null=True)
    payer_openid = UnicodeAttribute(null=True)
    success_time = UnicodeAttribute(null=True)
    payer_total = IntAttribute(null=True)
    promotions = UnicodeAttribute(null=True)
    fee = IntAttribute(null=True)
    settled_on = UnicodeAttribute(null=True)
    late_paid = BooleanAttribute(null=True)
    paid = IntAttribute()
    refundable = IntAttribute()
    refunding = IntAttribute()
    refunded = IntAttribute()
    refund_count = IntAttribute()
    refunds: MapAttribute[Any, Any] = MapAttribute()  # type: ignore[no-untyped-call]
    refunded_elsewhere = BooleanAttribute(null=True)
    held: ListAttribute[Any] = ListAttribute(null=True)
    history: ListAttribute[Any] = ListAttribute()
    due_shard = UnicodeAttribute(null=True)
    due_at = IntAttribute(null=True)
    due_since = IntAttribute(null=True)
    sent_at = IntAttribute()
    claim = UnicodeAttribute(null=True)
    claimed_until = IntAttribute(null=True)
    missing_since = IntAttribute(null=True)
    asked_at = IntAttribute(null=True)
    created_at = IntAttribute()
    updated_at = IntAttribute()
    completed_at = IntAttribute(null=True)
    due = DueIndex()


class QuarantineItem(Table):
    """Evidence that contradicts what we know, kept for a person to judge."""

    class Meta(TableSettings):
        table_name = "quarantine"  # the store sets the real name

    evidence_id = UnicodeAttribute(hash_key=True)
    reason = UnicodeAttribute()
    source = UnicodeAttribute()
    out_trade_no = UnicodeAttribute(null=True)
    facts = UnicodeAttribute()  # JSON
    seen_at = IntAttribute()


class NotificationItem(Table):
    """A notification of a kind that nobody handles, as encrypted as it came; gone by itself (TTL)."""

    class Meta(TableSettings):
        table_name = "notifications"  # the store sets the real name

    notification_id = UnicodeAttribute(hash_key=True)
    event_type = UnicodeAttribute()
    original_type = UnicodeAttribute(null=True)
    create_time = UnicodeAttribute(null=True)
    ciphertext = UnicodeAttribute()
    nonce = UnicodeAttribute()
    associated_data = UnicodeAttribute()
    seen_at = IntAttribute()
    expires_at = IntAttribute()


class EchoItem(Table):
    """In the same table: an echo that was asked for, and whether WeChat Pay's notification of it has arrived."""

    class Meta(TableSettings):
        table_name = "notifications"  # the store sets the real name

    notification_id = UnicodeAttribute(hash_key=True)
    serial = UnicodeAttribute()
    sent_at = IntAttribute()
    arrived_at = IntAttribute(null=True)
    expires_at = IntAttribute()


class AllowanceItem(Table):
    """What one buyer has open, or how many refunds one caller has asked for on one day; gone by itself (TTL)."""

    class Meta(TableSettings):
        table_name = "buyers"  # the store sets the real name

    allowance_id = UnicodeAttribute(hash_key=True)
    orders: ListAttribute[Any] = ListAttribute(null=True)
    last = UnicodeAttribute(null=True)
    minute = IntAttribute(null=True)
    created = IntAttribute()
    counted_0 = UnicodeSetAttribute(null=True)
    counted_1 = UnicodeSetAttribute(null=True)
    counted_2 = UnicodeSetAttribute(null=True)
    counted_3 = UnicodeSetAttribute(null=True)
    expires_at = IntAttribute()


class ConnectionIndex(GlobalSecondaryIndex["ConnectionItem"]):  # type: ignore[no-untyped-call]
    """Live connections by their own id; a used ticket whose connection is over is not in it."""

    class Meta(TableSettings):
        index_name = "by_connection"
        projection = KeysOnlyProjection()

    connection_id = UnicodeAttribute(hash_key=True)


class ConnectionItem(Table):
    """One used ticket, and the live connection that it opened for as long as there is one; gone by itself (TTL)."""

    class Meta(TableSettings):
        table_name = "connections"  # the store sets the real name

    out_trade_no = UnicodeAttribute(hash_key=True)
    ticket_id = UnicodeAttribute(range_key=True)
    connection_id = UnicodeAttribute(null=True)
    opened_at = IntAttribute()
    expires_at = IntAttribute()
    by_connection = ConnectionIndex()
