"""What callers may send: one Struct per request body, and the rules that a type cannot say."""

from collections.abc import Mapping
from decimal import Decimal
from math import isinf
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from payments.api.json_body import leaves, load, load_one_of, read_as
from payments.api.orders.members import OptionalMembers
from payments.api.orders.texts import BLANKS, check_no_controls, check_printable, check_shown
from payments.core.errors import ParameterError
from payments.core.money import AmountError, fen

MAX_METADATA_BYTES = 4096  # bytes of JSON
# Whether WeChat Pay counts characters or bytes is not documented, so the smaller.
MAX_DESCRIPTION_BYTES = 127

MAX_REASON_BYTES = 80  # WeChat Pay APIv3, "Refund": string(80), characters or bytes is not documented

OrderNumber = Annotated[str, msgspec.Meta(min_length=6, max_length=32, pattern=r"^[0-9A-Za-z_\-|*]+\Z")]
RefundNumber = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_\-|*@]+\Z")]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
LongText = Annotated[str, msgspec.Meta(max_length=2048)]

Order = TypeVar("Order", bound="NewOrder")

JSON = msgspec.json.Encoder(decimal_format="number", enc_hook=Decimal)  # for Exponential


class NewOrder(OptionalMembers, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Body of POST …/native and of POST …/app, as in the specification, with `quote`, `returnUrl` and `app`."""

    content_id: Id
    amount: Any
    subject: Text
    user_id: Id | None = None
    body: LongText | None = None
    metadata: dict[str, Any] | None = None
    quote: Any = None  # any fault of it is a matter of permission: `quotes.check`
    return_url: Annotated[str, msgspec.Meta(min_length=1)] | None = None  # its rules: `return_urls.check`
    app: str | None = None  # which there are, the stack knows: `Settings.apps`

    @property
    def fen(self) -> int:
        """The amount in fen. Raises ParameterError."""
        return _fen("amount", self.amount)

    @property
    def metadata_text(self) -> str | None:
        """The metadata as JSON text, numbers as they were written. Raises ParameterError."""
        if self.metadata is None:
            return None
        # Beyond what a double holds, a reader of our events sees infinity, or stops (RFC 8259, section 6).
        if any(isinstance(leaf, Decimal) and isinf(leaf) for leaf in leaves(self.metadata)):
            raise ParameterError("metadata", "must not have a number beyond 1.797e308")
        text = JSON.encode(self.metadata)
        if len(text) > MAX_METADATA_BYTES:
            raise ParameterError("metadata", f"must not be over {MAX_METADATA_BYTES} bytes of JSON")
        return text.decode()


class NewJsapiOrder(NewOrder, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Body of POST …/jsapi: an order, and who pays it within WeChat."""

    openid: Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[0-9A-Za-z_-]+\Z")]


class NewCheckout(NewOrder, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Body of POST …/checkout: an order of no kind yet; `expiresAt` is a backend's."""

    expires_at: Annotated[str, msgspec.Meta(max_length=25)] | None = None  # its form: `checkouts.intake`


class OpenCheckout(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """Body of POST /checkout/{token}/open: which device the page is on, and whether the buyer has tapped to take over."""

    kind: Literal["native", "jsapi", "h5"] | None = None
    take_over: bool | None = None


class NewH5Order(NewOrder, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Body of POST …/h5: an order, and where it is paid. Both members are about the buyer's browser, not about the order.

    `client_ip` is a backend's to say; its rules are `client_address.checked`'s.
    """

    client_ip: (
        Annotated[str, msgspec.Meta(min_length=2, max_length=45, pattern=r"^[0-9A-Fa-f:.]+\Z")] | None
    ) = None
    h5_type: Literal["iOS", "Android", "Wap"] | None = None


class NewRefund(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """Body of POST …/refund, as in the specification."""

    out_trade_no: OrderNumber
    refund_amount: Any
    refund_reason: Annotated[str, msgspec.Meta(min_length=1, max_length=80)] | None = None
    confirm_refunded_elsewhere: bool | None = None

    @property
    def fen(self) -> int:
        """The amount in fen. Raises ParameterError."""
        return _fen("refundAmount", self.refund_amount)


class AbnormalRefundToCard(
    msgspec.Struct,
    rename="camel",
    forbid_unknown_fields=True,
    frozen=True,
    tag_field="type",
    tag="USER_BANK_CARD",
):
    """Body of POST …/refund/abnormal: which refund, and the buyer's debit card that it is to go to."""

    out_trade_no: OrderNumber
    out_refund_no: RefundNumber
    bank_type: Annotated[str, msgspec.Meta(max_length=16, pattern=r"^[A-Z0-9]+_DEBIT\Z")]
    bank_account: Annotated[str, msgspec.Meta(min_length=8, max_length=30, pattern=r"^[0-9]+\Z")]
    real_name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]

    def __repr__(self) -> str:
        """Without the card: whoever writes this down must not write that."""
        return f"AbnormalRefundToCard({self.out_trade_no}, {self.out_refund_no})"


class AbnormalRefundToMerchant(
    msgspec.Struct,
    rename="camel",
    forbid_unknown_fields=True,
    frozen=True,
    tag_field="type",
    tag="MERCHANT_BANK_CARD",
):
    """Body of POST …/refund/abnormal: which refund is to go back to the merchant's own account."""

    out_trade_no: OrderNumber
    out_refund_no: RefundNumber


class Close(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """Body of POST …/close."""

    out_trade_no: OrderNumber


def load_refund(raw: bytes) -> NewRefund:
    """The body of a refund, all its rules checked. Raises the errors of `json_body.load` and ParameterError."""
    refund = load(raw, NewRefund)
    if refund.refund_reason is not None:
        check_shown("refundReason", refund.refund_reason, most=MAX_REASON_BYTES)
    _ = refund.fen
    return refund


def load_abnormal_refund(raw: bytes) -> AbnormalRefundToCard | AbnormalRefundToMerchant:
    """The body of POST …/refund/abnormal, all its rules checked. Raises the errors of `load_one_of`, ParameterError.

    Source of the words: WeChat Pay APIv3, "Abnormal refund".
    """
    kinds: list[type[AbnormalRefundToCard | AbnormalRefundToMerchant]] = [
        AbnormalRefundToCard,
        AbnormalRefundToMerchant,
    ]
    wanted = load_one_of(raw, kinds)
    if isinstance(wanted, AbnormalRefundToCard):
        check_shown("realName", wanted.real_name)
    return wanted


def order_of_members(members: Mapping[str, object], kind: type[Order]) -> Order:
    """The order that a body's members ask for, all its rules checked. Raises ParameterError."""
    order = read_as(kind, members)
    for field, value in (("contentId", order.content_id), ("userId", order.user_id)):
        if value is not None:
            check_printable(field, value)
    check_shown("subject", order.subject)
    if order.body is not None:
        check_no_controls("body", order.body.translate(dict.fromkeys(map(ord, "\t\r\n"))))
    _ = order.fen, order.metadata_text, order.in_wechats_words
    return order


def description(subject: str) -> str:
    """WeChat's `description`: the subject without leading blanks, cut on a character to 127 UTF-8 bytes."""
    return BLANKS.sub("", subject, count=1).encode()[:MAX_DESCRIPTION_BYTES].decode(errors="ignore")


def idempotency_key(headers: Mapping[str, str]) -> str | None:
    """The Idempotency-Key header, 1 to 255 visible ASCII characters, or None. Raises ParameterError."""
    key = headers.get("idempotency-key")
    if key is not None and not (1 <= len(key) <= 255 and all("!" <= character <= "~" for character in key)):
        raise ParameterError("Idempotency-Key", "must be 1 to 255 visible ASCII characters")
    return key


def _fen(field: str, value: object) -> int:
    try:
        return fen(value)
    except AmountError as problem:
        raise ParameterError(field, str(problem)) from problem
