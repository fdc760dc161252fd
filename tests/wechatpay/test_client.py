"""The client's limits: how long it waits, how much it reads, and what it believes."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wechatpay.client import Client
from wechatpay.errors import RefusedError, UnknownOutcomeError
from wechatpay.keys import KeyRing, load_private_key
from wechatpay.signing import MerchantSigner

IDENTITIES = json.loads((Path(__file__).parent / "vectors/wechatpay-v3-vectors.json").read_text())[
    "identities"
]
Server = Callable[[Callable[[socket.socket], None]], str]


@pytest.fixture
def server() -> Iterator[Server]:
    """Starts a server that does with each connection what the test says; gives its origin."""
    listening: list[socket.socket] = []

    def start(answer: Callable[[socket.socket], None]) -> str:
        sock = socket.create_server(("127.0.0.1", 0))
        listening.append(sock)

        def serve() -> None:
            while True:
                try:
                    connection, _ = sock.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    try:
                        answer(connection)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{sock.getsockname()[1]}"

    yield start
    for sock in listening:
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()


def client(*gateways: str, seconds: float = 60.0) -> Client:
    merchant = IDENTITIES["merchant"]
    key = load_private_key(merchant["private_key_pkcs8_der_base64"])
    signer = MerchantSigner(IDENTITIES["mchid"], merchant["serial_no"], key)
    deadline = time.monotonic() + seconds
    return Client(
        signer=lambda: signer,
        keys=KeyRing({}),
        gateways=gateways,
        clock=time.time,
        nonce=lambda: "n" * 32,
        remaining=lambda: deadline - time.monotonic(),
    )


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.1)


def test_an_answer_that_comes_drop_by_drop_is_not_waited_for(server: Server) -> None:
    began = time.monotonic()
    with pytest.raises(UnknownOutcomeError):
        client(server(drip), seconds=1.5).query_by_out_trade_no("WX1234")
    assert time.monotonic() - began < 3


def test_a_second_host_is_not_asked_when_no_time_is_left(server: Server) -> None:
    asked: list[int] = []

    def count(_connection: socket.socket) -> None:
        asked.append(1)

    with pytest.raises(UnknownOutcomeError, match="no time left"):
        client(server(drip), server(count), seconds=1.0).query_by_out_trade_no("WX1234")
    assert asked == []


def test_an_answer_of_no_end_is_cut_off(server: Server) -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x" * 65536)

    with pytest.raises(UnknownOutcomeError):
        client(server(flood)).query_by_out_trade_no("WX1234")


def test_a_redirect_is_not_followed_with_our_signature(server: Server) -> None:
    asked: list[int] = []

    def elsewhere(_connection: socket.socket) -> None:
        asked.append(1)

    target = server(elsewhere).encode()

    def redirect(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: " + target + b"\r\nContent-Length: 0\r\n\r\n")

    with pytest.raises(UnknownOutcomeError):
        client(server(redirect)).query_by_out_trade_no("WX1234")
    assert asked == []


def test_an_unsigned_refusal_is_told_from_one_that_wechat_pay_signed(server: Server) -> None:
    body = b'{"code":"PARAM_ERROR","message":"no"}'

    def refuse(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with pytest.raises(RefusedError) as refused:
        client(server(refuse)).query_by_out_trade_no("WX1234")
    assert (refused.value.proven, refused.value.after_unknown) == (False, False)


def test_a_refusal_after_a_try_of_unknown_fate_says_so(server: Server) -> None:
    body = b'{"code":"PARAM_ERROR","message":"no"}'

    def refuse(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with pytest.raises(RefusedError) as refused:
        client(server(lambda _: None), server(refuse)).query_by_out_trade_no("WX1234")
    assert refused.value.after_unknown
