"""Requests of this very process to the local AWS, handed over without a socket between."""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
"""An application as PEP 3333 has it."""


class _Body(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        """As urllib3's responses have it."""
        yield self.read()


def handed_to(app: WsgiApp) -> Callable[..., AWSResponse | None]:
    """What botocore's event `before-send` must call to have `app` answer; what is no plain body goes out as ever."""

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        if not isinstance(body, bytes | bytearray):
            return None
        started: list[Any] = []
        content = b"".join(app(_environ(request, bytes(body)), lambda *what: started.extend(what)))
        status, headers = started
        return AWSResponse(request.url, int(status.split()[0]), dict(headers), _Body(content))

    return answer


def _environ(request: AWSPreparedRequest, body: bytes) -> dict[str, Any]:
    """The request as WSGI has it (PEP 3333)."""
    url = urlsplit(request.url)
    headers = {
        name.upper().replace("-", "_"): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    return {
        **{f"HTTP_{name}": value for name, value in headers.items()},
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote(url.path, "latin-1"),
        "RAW_URI": url.path,
        "QUERY_STRING": url.query,
        "CONTENT_TYPE": headers.get("CONTENT_TYPE", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": url.netloc,
        "SERVER_NAME": url.hostname or "",
        "SERVER_PORT": str(url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
    }
