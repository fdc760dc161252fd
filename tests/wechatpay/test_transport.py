"""The line itself: TLS that is verified, one deadline for a whole answer, and nothing taken from the environment."""

import gzip
import itertools
import socket
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certifi
import pytest

from tests.kit.authority import Authority
from tests.wechatpay.gateway import Server, answering, client, proof
from wechatpay import transport
from wechatpay.errors import UnknownOutcomeError
from wechatpay.tls import client_context

BODY = b'{"trade_state":"SUCCESS"}'


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def trusting(authority: Authority) -> Any:
    return transport.session(tls=client_context(str(authority.file)))


def test_a_server_with_a_trusted_certificate_is_heard(server: Server, authority: Authority) -> None:
    heard: list[bytes] = []
    gateway = server(answering(BODY, proof(BODY)), tls=authority.context(), heard=heard)

    found = client(gateway, session=trusting(authority)).query_by_out_trade_no("WX1234")

    assert found == {"trade_state": "SUCCESS"}
    assert len(heard) == 1


@pytest.mark.parametrize(
    "fault",
    [{"host": "api.mch.weixin.qq.com"}, {"host": "127.0.0.2"}, {"ended": True}, {"own": True}],
    ids=str,
)
def test_a_server_with_a_faulty_certificate_is_neither_told_nor_believed_anything(
    server: Server, authority: Authority, fault: dict[str, Any]
) -> None:
    heard: list[bytes] = []
    gateway = server(answering(BODY, proof(BODY)), tls=authority.context(**fault), heard=heard)

    with pytest.raises(UnknownOutcomeError, match="SSLError"):
        client(gateway, session=trusting(authority)).query_by_out_trade_no("WX1234")
    assert heard == []


def test_verification_cannot_be_switched_off_in_a_session(server: Server, authority: Authority) -> None:
    heard: list[bytes] = []
    session = trusting(authority)
    session.verify = False
    with pytest.raises(UnknownOutcomeError, match="SSLError"):
        client(
            server(answering(BODY, proof(BODY)), tls=authority.context(own=True), heard=heard),
            session=session,
        ).query_by_out_trade_no("WX1234")
    assert heard == []


def test_root_certificates_are_read_once_and_not_for_each_connection(
    server: Server, authority: Authority
) -> None:
    began = time.process_time()
    client_context.__wrapped__()
    reading = time.process_time() - began
    gateway = server(answering(BODY, proof(BODY)), tls=authority.context())
    session = transport.session(tls=client_context(str(authority.file)))
    client_context(str(authority.file)).load_verify_locations(certifi.where())
    spent = []
    for _ in range(5):  # each answer ends its connection
        began = time.process_time()
        client(gateway, session=session).query_by_out_trade_no("WX1234")
        spent.append(time.process_time() - began)
    assert min(spent) < reading / 2  # both ends of the connection, and the call


def test_no_variable_adds_an_authority_and_none_switches_verification_off(
    server: Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(authority.file))
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    heard: list[bytes] = []
    gateway = server(answering(BODY, proof(BODY)), tls=authority.context(), heard=heard)

    with pytest.raises(UnknownOutcomeError, match="SSLError"):
        client(gateway).query_by_out_trade_no("WX1234")
    assert heard == []


def test_proxies_and_netrc_have_no_say(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detoured: list[bytes] = []
    proxy = server(answering(b"", {}), heard=detoured)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    heard: list[bytes] = []

    client(server(answering(BODY, proof(BODY)), heard=heard)).query_by_out_trade_no("WX1234")

    assert detoured == []
    assert b"\r\nAuthorization: WECHATPAY2-SHA256-RSA2048 " in heard[0]


@pytest.mark.parametrize("status", ["301 Moved", "303 See Other", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed(server: Server, status: str) -> None:
    elsewhere: list[bytes] = []
    target = server(answering(BODY, proof(BODY)), heard=elsewhere)

    with pytest.raises(UnknownOutcomeError):
        client(server(answering(b"", {"Location": target}, status))).refund(b"{}")
    assert elsewhere == []


# ---- answers that do not end, or are larger than they look ----


def dripping(start: bytes, endless: bytes, pause: float = 0.05) -> Callable[[socket.socket], None]:
    """Sends `start`, then `endless` again and again."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(400):
            connection.sendall(endless)
            time.sleep(pause)

    return answer


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SLOW = {
    "a status line without end": dripping(b"HTTP/1.1 200 ", b"O"),
    "a header without end": dripping(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "a patient hundred": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a size without end": dripping(CHUNKED, b"0"),
    "a chunk's extension without end": dripping(CHUNKED + b"5;", b"x"),
    "chunks of one byte": dripping(CHUNKED, b"1\r\nx\r\n"),
    "silence": dripping(b"", b""),
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW.keys())
def test_an_answer_has_one_deadline_however_it_is_drawn_out(
    server: Server, answer: Callable[[socket.socket], None]
) -> None:
    began = time.monotonic()
    with pytest.raises(UnknownOutcomeError):
        client(server(answer), seconds=0.6).query_by_out_trade_no("WX1234")
    assert time.monotonic() - began < 5  # it would go on for twenty seconds


def bomb(*layers: Callable[[bytes], bytes]) -> Callable[[socket.socket], None]:
    """Answers with 128 MiB of noughts, compressed once and by these besides."""

    def answer(connection: socket.socket) -> None:
        zeros = bytes(1 << 20)
        packer = zlib.compressobj(wbits=31)
        packed = b"".join(packer.compress(zeros) for _ in range(128)) + packer.flush()
        for layer in layers:
            packed = layer(packed)
        coding = ", ".join(["gzip"] * (1 + len(layers)))
        answering(packed, {"Content-Encoding": coding})(connection)

    return answer


LARGE = {
    "a gzip bomb": bomb(),
    "a gzip bomb in a gzip": bomb(gzip.compress),
    "twenty layers": answering(b"x", {"Content-Encoding": ", ".join(["gzip"] * 20)}),
    "no gzip at all": answering(BODY, {"Content-Encoding": "gzip"}),
    "a thousand headers": answering(BODY, [(f"X-{n}", "x") for n in range(1000)]),
    "a header of a megabyte": answering(BODY, {"X-Long": "x" * (1 << 20)}),
    "a body of two megabytes": answering(b" " * (2 << 20), {}),
}


@pytest.mark.parametrize("answer", LARGE.values(), ids=LARGE.keys())
def test_a_large_answer_is_cut_off_and_takes_no_memory(
    server: Server, answer: Callable[[socket.socket], None]
) -> None:
    """The bound leaves room for what other threads of the process take meanwhile."""
    asking = client(server(answer))
    tracemalloc.start()
    try:
        with pytest.raises(UnknownOutcomeError):
            asking.query_by_out_trade_no("WX1234")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 << 20


def test_a_connection_is_used_again_within_a_new_deadline(server: Server) -> None:
    """An answer read to its end leaves the connection as it was: the next request waits its own time, not the rest."""
    served = itertools.count()
    proven = proof(BODY)
    head = "".join(f"{name}: {value}\r\n" for name, value in proven.items())
    whole = f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\n{head}\r\n".encode() + BODY

    def twice(connection: socket.socket) -> None:
        next(served)
        connection.sendall(whole)
        assert connection.recv(65536)
        time.sleep(0.4)
        connection.sendall(whole)

    asking = client(server(twice))
    assert asking.query_by_out_trade_no("WX1234") == asking.query_by_out_trade_no("WX1234")
    assert next(served) == 1
