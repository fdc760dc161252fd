"""AWS and WeChat Pay on one TLS port: what they answered once is written down, and then answered again and again.

Only what was recorded is answered: anything else is refused and kept in `refused`, so that no figure is of calls that went
wrong. Answers of WeChat Pay are signed anew, for signatures grow old.
"""

import contextlib
import http.client
import json
import re
import secrets
import socket
import ssl
import threading
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import IO, Protocol, Self
from urllib.parse import urlsplit

from tests.kit.wechat_pay import WeChatPay
from wechatpay_simulator import Credentials

AWS_HOSTS = tuple(f"{service}.us-east-1.amazonaws.com" for service in ("dynamodb", "secretsmanager"))
WECHAT_HOSTS = ("api.mch.weixin.qq.com", "api2.mch.weixin.qq.com")
HOSTS = (*AWS_HOSTS, *WECHAT_HOSTS)
_NOT_KEPT = {"content-length", "connection", "transfer-encoding", "keep-alive"}


@dataclass(frozen=True)
class Asked:
    """One request: `host` in small letters, header names too."""

    host: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def is_wechat(self) -> bool:
        """Whether it is for WeChat Pay; else it is for AWS."""
        return self.host in WECHAT_HOSTS

    @property
    def name(self) -> str:
        """What it asks for, of what: the nth answer to a name is the recorded nth one."""
        if self.is_wechat:
            return f"{self.method} {self.path}"
        members = json.loads(self.body)
        what = members.get("TableName") or members.get("SecretId") or members.get("SecretIdList") or ""
        return f"{self.headers.get('x-amz-target', self.path)} {what}"


@dataclass(frozen=True)
class Answered:
    """One answer, without what belongs to the connection that it came by."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def with_body(self, body: bytes) -> Self:
        """The same with another body, and its checksum where DynamoDB gave one."""
        headers = tuple(
            (name, str(zlib.crc32(body)) if name.lower() == "x-amz-crc32" else value)
            for name, value in self.headers
        )
        return replace(self, headers=headers, body=body)


@dataclass
class Script:
    """What was answered to each name, in order, and begun again at its end."""

    answers: dict[str, list[Answered]] = field(default_factory=lambda: defaultdict(list))
    order: list[str] = field(default_factory=list)
    _next: Counter[str] = field(default_factory=Counter)

    def add(self, asked: Asked, answered: Answered) -> None:
        """Write down."""
        self.answers[asked.name].append(answered)
        self.order.append(asked.name)

    def answer(self, asked: Asked) -> Answered | None:
        """What comes next for this name; None where it was never asked for."""
        recorded = self.answers.get(asked.name)
        if not recorded:
            return None
        place = self._next[asked.name] % len(recorded)
        self._next[asked.name] += 1
        return recorded[place]

    def restart(self) -> None:
        """Another process begins."""
        self._next.clear()


class Source(Protocol):
    """Where answers come from."""

    def answer(self, asked: Asked) -> Answered | None:
        """None refuses."""


@dataclass
class Forwarding:
    """The real ones, which is to say moto and the simulator, at these base URLs; what they say goes into `script`."""

    aws: str
    wechat: str
    script: Script | None = None

    def answer(self, asked: Asked) -> Answered:
        """Asks there."""
        origin = urlsplit(self.wechat if asked.is_wechat else self.aws)
        connection = http.client.HTTPConnection(str(origin.hostname), origin.port, timeout=30)
        with contextlib.closing(connection):
            headers = {
                name: value for name, value in asked.headers.items() if name not in {"host", *_NOT_KEPT}
            }
            connection.request(asked.method, asked.path, asked.body, headers)
            response = connection.getresponse()
            kept = tuple(
                (name, value) for name, value in response.getheaders() if name.lower() not in _NOT_KEPT
            )
            answered = Answered(response.status, kept, response.read())
        if self.script is not None:
            self.script.add(asked, answered)
        return answered


class Replaying:
    """The script's answers; those of WeChat Pay signed within the last minute.

    Where `number` is an order's, another number with the same beginning is answered as that one, in its own name.
    """

    def __init__(self, script: Script, credentials: Credentials, number: str | None = None) -> None:
        self._script = script
        self._number = (number or "").encode()
        self._others = re.compile(re.escape(self._number[:-6]) + rb"[0-9]{6}") if number else None
        self._signer = WeChatPay(credentials, time)
        self._signer.headers(
            b""
        )  # its key is read now, 37 ms, and not while whoever is measured waits for an answer
        self._signed: dict[tuple[bytes, int], dict[str, str]] = {}
        script.restart()

    def answer(self, asked: Asked) -> Answered | None:
        """The next recorded one."""
        other = self._others and self._others.search(asked.path.encode() + asked.body)
        if other:
            path = asked.path.replace(other[0].decode(), self._number.decode())
            asked = replace(asked, path=path)
        answered = self._script.answer(asked)
        if answered is not None and other:
            answered = answered.with_body(answered.body.replace(self._number, other[0]))
        if answered is None or not asked.is_wechat:
            return answered
        when = (answered.body, int(time.time() / 60))
        if when not in self._signed:
            self._signed[when] = self._signer.headers(answered.body, nonce=secrets.token_hex(16))
        others = tuple(
            (name, value) for name, value in answered.headers if not name.lower().startswith("wechatpay-")
        )
        return Answered(answered.status, (*others, *self._signed[when].items()), answered.body)


class Canned:
    """Serves until closed. `source` may be exchanged between calls; with `one_each` a connection is good for one answer."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.source: Source | None = None
        self.one_each = False
        self.asked: Counter[str] = Counter()
        """How many requests came, `aws` and `wechat`."""
        self.names: Counter[str] = Counter()
        self.connections = 0
        self.refused: list[str] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """Count from nought."""
        self.asked, self.names, self.connections, self.refused = Counter(), Counter(), 0, []

    def close(self) -> None:
        """Take no more connections."""
        self._closed = True
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()

    def _accept(self) -> None:
        with self._listener:
            while True:
                connection, _ = self._listener.accept()
                if self._closed:
                    connection.close()
                    return
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        # Whoever is killed in the middle of a call leaves its connections as they are.
        with contextlib.suppress(OSError, ValueError), raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._tls.wrap_socket(raw, server_side=True) as connection:
                self.connections += 1
                with connection.makefile("rb") as reader:
                    for asked in requests_of(reader):
                        connection.sendall(self._answered(asked))
                        if self.one_each:
                            return

    def _answered(self, asked: Asked) -> bytes:
        self.asked["wechat" if asked.is_wechat else "aws"] += 1
        self.names[asked.name] += 1
        answered = self.source.answer(asked) if self.source is not None else None
        if answered is None:
            self.refused.append(f"{asked.host} {asked.name}")
            body = json.dumps({"__type": "NotRecorded", "message": f"{asked.name} was not recorded"}).encode()
            answered = Answered(400, (("Content-Type", "application/x-amz-json-1.0"),), body)
        lines = [f"HTTP/1.1 {answered.status} {http.client.responses.get(answered.status, 'Answer')}"]
        lines += [f"{name}: {value}" for name, value in answered.headers]
        if answered.status != 204:
            lines.append(f"Content-Length: {len(answered.body)}")
        if self.one_each:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + answered.body


def requests_of(reader: IO[bytes]) -> Iterator[Asked]:
    """The requests of one connection; bodies by length only. Raises ValueError for what is no HTTP."""
    while line := reader.readline():
        method, path, _ = line.decode("latin-1").split(" ", 2)
        headers: dict[str, str] = {}
        while header := reader.readline().strip():
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = reader.read(int(headers.get("content-length", 0)))
        yield Asked(headers["host"].partition(":")[0].lower(), method, path, headers, body)
