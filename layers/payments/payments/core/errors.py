"""What an endpoint may answer when it does not succeed, one class per HTTP status and code; and how storage says no."""

from typing import TYPE_CHECKING

from payments.core.allowance import Allowance
from payments.core.payment import Payment

if TYPE_CHECKING:
    from payments.core.checkouts.checkout import Checkout


class ApiError(Exception):
    """Root of all refusals: `{"error": sentence, "code": CODE, "details": {…}}` under an HTTP status.

    `retry_after` is in seconds and becomes the header Retry-After.
    """

    status = 500
    code = "INTERNAL_ERROR"

    def __init__(
        self, sentence: str, *, details: dict[str, object] | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = details or {}
        self.retry_after = retry_after


class ParameterError(ApiError):
    """One field breaks one rule; `details.field` and `details.issue` name them."""

    status = 400
    code = "PARAM_ERROR"

    def __init__(self, field: str, issue: str) -> None:
        super().__init__(f"{field} {issue}.", details={"field": field, "issue": issue})


class InvalidRequestError(ApiError):
    """The body cannot be read at all."""

    status = 400
    code = "INVALID_REQUEST"


class TooLargeError(InvalidRequestError):
    """The body is over the cap."""

    status = 413


class NotAllowedError(ApiError):
    """The caller may not do this."""

    status = 403
    code = "NOAUTH"


class OrderNotFoundError(ApiError):
    """No such order, or not the caller's: the same bytes in both cases."""

    status = 404
    code = "ORDER_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such order.")


class OrderPaidError(ApiError):
    """The order is paid, and what was asked is only possible before."""

    status = 409
    code = "ORDERPAID"


class OrderClosedError(ApiError):
    """The order is closed, being closed, or past its time to pay."""

    status = 409
    code = "ORDERCLOSED"


class RefundNotAllowedError(ApiError):
    """The order's state forbids a refund."""

    status = 409
    code = "REFUND_NOT_ALLOWED"


class RefundNotFoundError(ApiError):
    """The order is there, and no such refund of it."""

    status = 404
    code = "REFUND_NOT_FOUND"


class RefundNotAbnormalError(ApiError):
    """The refund does not wait for anybody to send it on; `details.status` says where it stands."""

    status = 409
    code = "REFUND_NOT_ABNORMAL"


class ExportNotFoundError(ApiError):
    """No such export, or none any more."""

    status = 404
    code = "EXPORT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such export.")


class BillNotFoundError(ApiError):
    """Nobody has looked at the bills of that day yet."""

    status = 404
    code = "BILL_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Nothing is known of that day's bills.")


class BillRunningError(ApiError):
    """The day is being compared; `details.status` says so."""

    status = 409
    code = "BILL_RUNNING"

    def __init__(self) -> None:
        super().__init__("That day is being compared.", details={"status": "running"})


class RefundExceedsError(ApiError):
    """More than what is left to refund."""

    status = 422
    code = "REFUND_EXCEEDS"


class IdempotencyMismatchError(ApiError):
    """The Idempotency-Key was used for another request."""

    status = 422
    code = "IDEMPOTENCY_MISMATCH"


class RateLimitedError(ApiError):
    """One of our limits is reached; `retry_after` says for how long."""

    status = 429
    code = "RATE_LIMITED"

    def __init__(self, sentence: str, *, retry_after: int) -> None:
        super().__init__(sentence, retry_after=retry_after)


class WeChatRefusedError(ApiError):
    """WeChat Pay said no; `details.wechatCode` and `details.requestId` say how."""

    status = 502
    code = "WECHAT_REFUSED"


class TryAgainError(ApiError):
    """Unknown outcome, or something we need is down; safe to repeat unchanged."""

    status = 503
    code = "SYSTEMERROR"

    def __init__(
        self, sentence: str, *, details: dict[str, object] | None = None, retry_after: int | None = 2
    ) -> None:
        super().__init__(sentence, details=details, retry_after=retry_after)


class ConfigurationError(Exception):
    """A setting or secret is missing or unusable; the message names it, never its value."""


class RefusedUpdate(Exception):  # noqa: N818  not an error: somebody else was first
    """The item is not in a state that the update may start from.

    `payment`, a buyer's `allowance` or a `checkout` is what there is instead, as of that very moment, where the database told it.
    """

    def __init__(
        self,
        *,
        payment: Payment | None = None,
        allowance: Allowance | None = None,
        checkout: "Checkout | None" = None,
    ) -> None:
        super().__init__()
        self.payment = payment
        self.allowance = allowance
        self.checkout = checkout


class StorageUnavailableError(Exception):
    """DynamoDB could not be asked, or did not answer; whether a write happened is not known."""
