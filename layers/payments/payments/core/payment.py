"""A payment as the rest of the product reads it: the order, its money, its refunds, its history."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from payments.core.lifecycle import RefundStatus, Status

CURRENCY = "CNY"


@dataclass(frozen=True)
class Credential:
    """What the buyer pays by: one of the three."""

    code_url: str | None = None
    prepay_id: str | None = None
    h5_url: str | None = None


@dataclass(frozen=True)
class Refund:
    """One refund of a payment. Amounts in fen, times in epoch seconds."""

    out_refund_no: str
    status: RefundStatus
    amount: int
    created_at: int
    reason: str | None = None
    refund_id: str | None = None
    payer_amount: int | None = None  # what the buyer gets of it; None where that is all of it, or not known
    user_received_account: str | None = None  # where WeChat Pay says that the money goes, in its words
    sent_on_at: int | None = None  # when it was last found to be on its way again after having been ABNORMAL
    sent_at: int | None = None  # when its request last went out, or was about to
    claim: str | None = None  # whoever sent it last, by a random name, while it may be sent
    refused: str | None = (
        None  # the code, once this number will never be sent again: WeChat's, CANCELLED, GIVEN_UP
    )
    unsure: bool = False  # …although an earlier send of it may have been taken: what it came to is asked
    doubts: int = 0  # refusals of it that nobody has signed
    missing_since: int | None = None  # since when WeChat Pay says that it has no such refund
    unanswered_by: str | None = (
        None  # the caller (hashed) who asked without a key and has not heard what came of it
    )
    told_at: int | None = None  # when that caller last asked
    wechat_request: str | None = None  # kept until WeChat Pay has it, or never had it
    elsewhere: bool = False  # made in the merchant console or by another system; we only heard of it
    create_time: str | None = None  # when WeChat Pay took it, in its own text; no notification tells
    success_time: str | None = None  # when the money had gone back, in its own text
    fee: int | None = (
        None  # what a bill says that it cost, in hundred-thousandths of a yuan; below nought: given back
    )
    settled_on: str | None = None  # the day of that bill


@dataclass(frozen=True)
class HistoryEntry:
    """One transition: the payment's status before and after, why, when, and the event that tells of it."""

    version: int
    previous: Status | None
    status: Status
    cause: str
    at: int
    event: str | None = None
    out_refund_no: str | None = None
    refund_status: RefundStatus | None = None
    amount: int | None = None  # of what its event tells
    transaction_id: str | None = None
    late: bool = False
    elsewhere: bool = False  # money had gone back already, by somebody else's hand
    to_merchant: bool = False  # a refund that went to the merchant's own account: the buyer has not got it


@dataclass(frozen=True)
class Payment:
    """One payment. Amounts in fen, times in epoch seconds UTC; what is not there yet is None."""

    out_trade_no: str
    payment_id: str
    user_id: str
    content_id: str
    method: str  # native | jsapi | app | h5
    subject: str
    mchid: str
    appid: str
    amount: int
    currency: str
    fingerprint: str
    wechat_request: str
    time_expire: int
    created_at: int
    updated_at: int
    status: Status = Status.CREATING
    version: int = 1
    body: str | None = None
    metadata: str | None = None  # the caller's JSON object, as text
    openid: str | None = None
    return_url: str | None = None  # where the checkout page sends the buyer afterwards
    checkout_id: str | None = None  # the checkout that it is an attempt of
    attempt: int | None = None  # …and the so-manieth
    duplicate_of: str | None = None  # the order that had paid the same checkout before
    code_url: str | None = None
    prepay_id: str | None = None
    h5_url: str | None = None
    credential_expires_at: int | None = None
    refusal: dict[str, str] | None = None
    transaction_id: str | None = None
    trade_state: str | None = None
    payer_openid: str | None = None
    success_time: str | None = None  # as WeChat Pay wrote it, RFC 3339
    payer_total: int | None = None  # what the buyer paid of it, where coupons were used
    promotions: str | None = None  # those coupons, as JSON text: `coupons.promotions`
    fee: int | None = None  # what a bill says that it cost, in hundred-thousandths of a yuan
    settled_on: str | None = None  # the day of that bill
    late_paid: bool = False
    paid: int = 0
    refundable: int = 0
    refunding: int = 0
    refunded: int = 0
    refund_count: int = 0
    refunds: dict[str, Refund] = field(default_factory=dict)
    refunded_elsewhere: bool = False  # WeChat Pay says that money went back, and not how much
    held: tuple[str, ...] = ()  # facts of refunds (JSON) that could not be applied yet
    history: Sequence[HistoryEntry] = ()
    due_at: int | None = None
    due_since: int | None = (
        None  # since when a look has been due, while one is under way or brought no answer
    )
    sent_at: int = 0  # when its request last went out, or was about to; never goes back
    claim: str | None = None  # whoever sends the request now, by a random name
    claimed_until: int | None = None  # when that claim ends by itself, for its holder may have died
    missing_since: int | None = None  # since when WeChat Pay says that it has no such order
    asked_at: int | None = None
    completed_at: int | None = None
