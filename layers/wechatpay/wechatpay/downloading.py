"""A file from WeChat Pay, piece by piece: a signed request, and an answer that nobody signs."""

import time
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from wechatpay import transport
from wechatpay.errors import UnknownOutcomeError

DOWNLOAD_SECONDS = 600.0  # seconds that one file may take
PIECE_BYTES = 1 << 16


def check_link(url: str, *, path: str, gateways: Sequence[str]) -> None:
    """Raise UnknownOutcomeError unless `url` leads to this path of a gateway: only there may a signed request go."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if f"{parts.scheme}://{parts.netloc}" not in gateways or parts.path != path or parts.fragment:
        raise UnknownOutcomeError("the link leads elsewhere than to WeChat Pay's files")


def pieces(start: Callable[[float], requests.Response], patience: float) -> Iterator[bytes]:
    """The file's bytes as they come, all of them within `patience` seconds. UnknownOutcomeError when they do not come.

    `start` sends the request, and hands over an answer whose headers are there; its end must come within the seconds it is given.
    """
    until = time.monotonic() + min(patience, DOWNLOAD_SECONDS)
    try:
        try:
            response = start(until - time.monotonic())
        except transport.KeptConnectionLostError:
            response = start(until - time.monotonic())
        with response:
            if response.status_code != 200:
                raise UnknownOutcomeError(f"HTTP {response.status_code}", http_status=response.status_code)
            while piece := response.raw.read1(PIECE_BYTES, decode_content=False):
                yield piece
    except (requests.RequestException, HTTPError, transport.KeptConnectionLostError) as problem:
        raise UnknownOutcomeError(type(problem).__name__) from problem
