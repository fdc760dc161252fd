"""Sends botocore's requests over connections of our own, which share one TLS context.

botocore reads the file of root certificates anew for each connection, 20 ms of processor time, and has no setting that
gives it a context. Whoever answers its event `before-send` has sent the request, and what is raised there counts as if
botocore had raised it: it repeats what may be repeated.
"""

import functools
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from botocore.utils import get_environ_proxies
from urllib3 import Retry, Timeout
from urllib3 import exceptions as urllib3

from payments.storage.sdk.connections import HttpPool, HttpsPool

_ONCE = Retry(total=False)


class Sender:
    """Sends to any host, for any number of clients. `tls` gives what verifies servers, and is asked when it is needed first.

    What goes through a proxy of the environment (HTTPS_PROXY, NO_PROXY …) is left to botocore.
    """

    rehearsed: tuple[int, bytes] | None = None
    """Status and body that every request is answered with, instead of being sent; None but while calls are rehearsed."""

    def __init__(self, tls: Callable[[], ssl.SSLContext]) -> None:
        self._tls = tls
        self._pools: dict[tuple[str, str], Any] = {}  # by scheme and authority; None where there is a proxy

    def send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        """For the event `before-send`: the answer, or None for botocore to send. Raises as botocore's own sending does."""
        url, where = request.url, urlsplit(request.url)
        config, read = (
            request.context["client_config"],
            request.context.get("read_timeout"),
        )  # of this request alone
        try:
            pool = self._pool(where.scheme, where.netloc, config.max_pool_connections)
            if self.rehearsed is not None:
                status, body = self.rehearsed
                return AWSResponse(url, status, {}, _Whole(body))
            if pool is None:
                return None
            target = where.path or "/"
            answer = pool.urlopen(
                method=request.method,
                url=f"{target}?{where.query}" if where.query else target,
                body=request.body,
                headers=dict(request.headers.items()),
                retries=_ONCE,
                timeout=_timeout(config.connect_timeout, config.read_timeout if read is None else read),
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
                chunked=request.headers.get("Transfer-Encoding", b"") in ("chunked", b"chunked"),
                enforce_content_length=False,
            )
            response = AWSResponse(url, answer.status, answer.headers, answer)
            if not request.stream_output:
                _demand_whole(request, response)  # all of it is read now, while what goes wrong can be told
        except urllib3.SSLError as problem:
            raise SSLError(endpoint_url=url, error=problem) from problem
        except (urllib3.NewConnectionError, socket.gaierror) as problem:
            raise EndpointConnectionError(endpoint_url=url, error=problem) from problem
        except urllib3.ConnectTimeoutError as problem:
            raise ConnectTimeoutError(endpoint_url=url, error=problem) from problem
        except urllib3.ReadTimeoutError as problem:
            raise ReadTimeoutError(endpoint_url=url, error=problem) from problem
        except urllib3.ProtocolError as problem:
            raise ConnectionClosedError(error=problem, request=request, endpoint_url=url) from problem
        except Exception as problem:
            raise HTTPClientError(error=problem) from problem
        return response

    def _pool(self, scheme: str, authority: str, size: int) -> Any:
        key = scheme, authority
        if key not in self._pools:
            self._pools.setdefault(key, self._made(scheme, authority, size))
        return self._pools[key]

    def _made(self, scheme: str, authority: str, size: int) -> Any:
        where = urlsplit(f"{scheme}://{authority}")
        if get_environ_proxies(where.geturl()).get(scheme):
            return None
        if scheme == "https":
            return HttpsPool(where.hostname, where.port, maxsize=size, ssl_context=self._tls())
        return HttpPool(where.hostname, where.port, maxsize=size)


class _Whole:
    """A body that is there, as urllib3 would hand it over."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        """All of it."""
        yield self._body


def _demand_whole(request: AWSPreparedRequest, response: AWSResponse) -> None:
    """Raise for an answer of DynamoDB that its checksum contradicts, or that is no JSON object though it is a 200.

    botocore repeats such a call, and takes the last answer as it is: a page of HTML would mean that there is no such item.
    """
    content, checksum = response.content, response.headers.get("x-amz-crc32")
    if checksum is not None and checksum != str(zlib.crc32(content)):
        raise ValueError("the checksum of the answer is wrong")
    is_dynamodb = b"DynamoDB" in _bytes(request.headers.get("X-Amz-Target", b""))
    if is_dynamodb and response.status_code == 200 and not (content[:1] == b"{" and content[-1:] == b"}"):
        raise ValueError("the answer is no JSON object")


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


@functools.cache
def _timeout(connect: float, read: float) -> Timeout:
    return Timeout(connect=connect, read=read)
