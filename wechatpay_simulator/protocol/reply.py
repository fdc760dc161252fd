"""An answer in the form that leaves: status, bytes, headers."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from starlette.types import Send

from wechatpay_simulator.protocol.signing import Signer

JSON = "application/json; charset=utf-8"
NO_BODY = "application/json"  # of a 204: clients in use fail without one
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Reply:
    """`number` is WeChat Pay's internal error number, the end of the Request-ID, None for an answer that has no such id;
    `signature` the headers of one, or none.

    With a `content_type` of None there is no such header.
    """

    status: int
    body: bytes
    number: int | None
    signature: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = JSON
    is_signed: bool = True

    def signed(self, signer: Signer) -> Self:
        """The answer with its signature; a file has none."""
        return replace(self, signature=signer.headers(self.body)) if self.is_signed else self

    async def send(self, send: Send, *, cut: int = 0) -> None:
        """Send it. With a `cut`, so many bytes fewer than announced: the answer is then not complete."""
        await send({"type": "http.response.start", "status": self.status, "headers": self._headers()})
        await send(
            {
                "type": "http.response.body",
                "body": self.body[: len(self.body) - cut],
                "more_body": cut > 0,
            }
        )

    def _headers(self) -> list[tuple[bytes, bytes]]:
        """Names in WeChat Pay's own spelling: some of its SDKs look them up letter by letter, and ASGI servers keep it.

        The Request-ID that WeChat Pay's responses carry is a hex id, a hyphen and the number.
        """
        headers = dict(self.signature)
        if self.number is not None:
            headers["Request-ID"] = f"08{secrets.token_hex(16).upper()}-{self.number}"
        if self.content_type is not None and (self.body or self.status == 204):
            headers["Content-Type"] = self.content_type if self.body else NO_BODY
        if self.status != 204:
            headers["Content-Length"] = str(len(self.body))
        return [(name.encode(), value.encode()) for name, value in headers.items()]


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """Compact UTF-8, as WeChat Pay writes it."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
