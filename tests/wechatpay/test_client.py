"""The client's limits: how long it waits, how much it reads, and what it believes."""

import socket
import time
import traceback
from typing import Any

import pytest

from tests.kit.identities import IDENTITIES, WECHAT_PAY
from tests.wechatpay.gateway import Server, answering, client, proof
from tests.wechatpay.test_unproven_answers import OPERATIONS, status_of
from wechatpay.errors import KeyFormatError, RefusedError, UnknownOutcomeError
from wechatpay.keys import KeyRing, load_private_key
from wechatpay.signing import MerchantSigner


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


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_request_names_the_public_key_that_its_answer_shall_be_signed_with(
    server: Server, operation: str
) -> None:
    """At the backup host, too: without it WeChat Pay signs with a platform certificate, which this merchant may not have."""
    call, body, _ = OPERATIONS[operation]
    heard: list[bytes] = []
    silent = server(lambda _: None, heard=heard)
    call(client(silent, server(answering(body, proof(body), status_of(operation)), heard=heard)))
    named = f"\r\nWechatpay-Serial: {WECHAT_PAY['public_key_id']}\r\n".encode()
    assert [named in request for request in heard] == [True, True]


@pytest.mark.parametrize(
    "operation", sorted(OPERATIONS.keys() - {"echo", "abnormal refund"})
)  # which name the key that they encrypt for
def test_a_merchant_without_the_public_key_names_none(server: Server, operation: str) -> None:
    call, body, _ = OPERATIONS[operation]
    ring = KeyRing.of(platform_certificates=[IDENTITIES["platform_certificate"]["certificate_pem"]])
    heard: list[bytes] = []
    with pytest.raises(UnknownOutcomeError, match="serial_unknown"):
        call(client(server(answering(body, proof(body), status_of(operation)), heard=heard), keys=ring))
    assert b"wechatpay-serial" not in heard[0].lower()


class Broken(KeyRing):
    """Keys of somebody's own making, with a name that no header can hold."""

    preferred = "PUB_KEY_ID_0000\nsecret: words"


@pytest.mark.parametrize(
    "given",
    [{"nonce": lambda: "secret\nwords"}, {"nonce": lambda: "secret \u4e00"}, {"keys": Broken({})}],
    ids=["a nonce with a line end", "a nonce beyond Latin-1", "a key's name with a line end"],
)
def test_a_header_that_cannot_be_sent_is_not_told_of(server: Server, given: dict[str, Any]) -> None:
    heard: list[bytes] = []
    with pytest.raises(UnknownOutcomeError, match="the request cannot be sent as it is") as told:
        client(server(lambda _: None, heard=heard), **given).query_by_out_trade_no("WX1234")
    written = "".join(traceback.format_exception(told.value))
    assert "WECHATPAY2" not in written
    assert "secret" not in written
    assert heard == []


@pytest.mark.parametrize("spoilt", ["", " ", "1\n", '1",nonce_str="', "1 1", "é", "A" * 65, "null"])
def test_a_signer_has_no_number_that_would_break_its_header(spoilt: str) -> None:
    key = load_private_key(IDENTITIES["merchant"]["private_key_pkcs8_der_base64"])
    with pytest.raises(KeyFormatError, match="serial number"):
        MerchantSigner("1900000109", spoilt, key)
    with pytest.raises(KeyFormatError, match="merchant number"):
        MerchantSigner(spoilt, "A" * 40, key)


def test_a_request_says_this_and_nothing_else(server: Server) -> None:
    """No cookie either, though an answer has set one."""
    heard: list[bytes] = []
    body = b'{"trade_state":"NOTPAY"}'
    gateway = server(answering(body, proof(body) | {"Set-Cookie": "session=1; Path=/"}), heard=heard)
    asking = client(gateway)
    asking.query_by_out_trade_no("WX1234")
    asking.refund(b'{"out_refund_no":"RF1"}')

    get, post = (request.partition(b"\r\n\r\n")[0].decode().split("\r\n") for request in heard)
    assert get[0] == f"GET /v3/pay/transactions/out-trade-no/WX1234?mchid={IDENTITIES['mchid']} HTTP/1.1"
    assert post[0] == "POST /v3/refund/domestic/refunds HTTP/1.1"
    said = {
        "Host",
        "User-Agent",
        "Accept-Encoding",
        "Accept",
        "Connection",
        "Wechatpay-Serial",
        "Authorization",
    }
    assert {line.partition(":")[0] for line in get[1:]} == said
    assert {line.partition(":")[0] for line in post[1:]} == said | {"Content-Type", "Content-Length"}
    values = dict(line.split(": ", 1) for line in get[1:])
    assert (values["Accept"], values["Accept-Encoding"]) == ("application/json", "gzip, deflate")
