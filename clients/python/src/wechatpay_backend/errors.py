"""What a call that did not succeed says."""

from collections.abc import Mapping
from typing import Any


class PaymentsError(Exception):
    """A refusal, or an outcome that is not known.

    `code` is the backend's (docs/api.md, Refusals); `GATEWAY` where API Gateway refused before any function ran, `NO_ANSWER` where
    nobody answered in time, `UNREADABLE` where the answer is none of the backend's. `status` is None where nobody answered.
    `retry_after` is in seconds, where the answer says so. `idempotency_key` is what was sent: with it the same call finds what
    this one did. `request_id` is API Gateway's, for whoever reads the logs.
    """

    def __init__(
        self,
        operation: str,
        code: str,
        message: str,
        *,
        status: int | None = None,
        details: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.code = code
        self.status = status
        self.details = dict(details or {})
        self.retry_after = retry_after
        self.idempotency_key = idempotency_key
        self.request_id = request_id

    @property
    def outcome_unknown(self) -> bool:
        """Whether what was asked for may have been done, or may yet be done.

        Then repeat the same call with the same key, and do not do it another way. False for what was refused: a 4xx, or a 502, is
        a definite word.
        """
        status = self.status
        return status is None or status < 400 or (status >= 500 and status != 502)
