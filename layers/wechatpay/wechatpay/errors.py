"""What can go wrong with WeChat Pay, told apart by what the caller may conclude from it."""


class WeChatPayError(Exception):
    """Root of everything that this package raises on purpose."""


class KeyFormatError(WeChatPayError):
    """A key, certificate or APIv3 key cannot be read; the message names the field, never the value."""


class CertificateError(WeChatPayError):
    """A certificate is sound, and yet not one that WeChat Pay's messages may be verified with."""


class SignatureError(WeChatPayError):
    """A message is not proven to come from WeChat Pay.

    `reason` is one of `header_missing`, `header_malformed`, `signature_type`, `timestamp`, `serial_unknown`,
    `signature`, `probe`. A probe is WeChat Pay's deliberate wrong signature: refused like any other, told apart
    for counting only.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class DecryptionError(WeChatPayError):
    """A resource could not be decrypted: wrong APIv3 key, or altered nonce, associated data or ciphertext."""


class EnvelopeError(WeChatPayError):
    """A correctly signed message is not a notification of the kind that it says."""


class UnprovenBillError(WeChatPayError):
    """A file that was downloaded is not the one that WeChat Pay has signed the hash of."""


class RefusedError(WeChatPayError):
    """WeChat Pay said no: the operation did not happen.

    `code` is WeChat's own, `message` its text (Chinese), `http_status` and `request_id` as it answered. `proven` tells
    whether the answer carried WeChat Pay's signature. `after_unknown` tells that an earlier try of the same call had
    an unknown outcome: that one may have happened.
    """

    after_unknown = False

    def __init__(
        self, *, code: str, message: str, http_status: int, request_id: str | None, proven: bool = True
    ) -> None:
        super().__init__(f"WeChat Pay refused: HTTP {http_status} {code} (Request-ID {request_id})")
        self.code = code
        self.message = message
        self.http_status = http_status
        self.request_id = request_id
        self.proven = proven

    def is_code(self, *codes: str) -> bool:
        """Whether WeChat's code is one of `codes`, whichever spelling it used (ORDERPAID and ORDER_PAID are one)."""
        return _plain(self.code) in {_plain(code) for code in codes}


class UnknownOutcomeError(WeChatPayError):
    """Whether the operation happened is not known: timeout, broken connection, 429, 5xx, unproven or garbled answer.

    The same request may be sent again unchanged; another number must not be used. `code`, `http_status` and
    `request_id` are there when an answer was.
    """

    def __init__(
        self,
        reason: str,
        *,
        code: str | None = None,
        message: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"outcome at WeChat Pay unknown: {reason}")
        self.reason = reason
        self.code = code
        self.message = message
        self.http_status = http_status
        self.request_id = request_id


def _plain(code: str) -> str:
    return code.replace("_", "").upper()
