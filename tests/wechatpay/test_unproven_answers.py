"""An answer that WeChat Pay has not provably signed is no answer: on no operation does it count as success."""

import base64
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.identities import IDENTITIES, WECHAT_PAY
from tests.wechatpay.gateway import Server, answering, client, merchant_public_key, proof, signature
from wechatpay.client import Client
from wechatpay.errors import UnknownOutcomeError
from wechatpay.sensitive import encrypt_sensitive
from wechatpay.sensitive_calls import BankCard, apply_abnormal_refund, echo

Headers = dict[str, str]
ORDER = b'{"out_trade_no":"WX1234","amount":{"total":1}}'
REFUND = b'{"out_refund_no":"RF1234","amount":{"refund":1}}'

CARD = BankCard("ICBC_DEBIT", "6222020200112233445", "张三")
ECHO = json.dumps(
    {"echo_message": "hello", "encrypted_echo_message": encrypt_sensitive("hello", merchant_public_key())}
).encode()

# Name → the call, the body that WeChat Pay answers when all is well, and what the call then returns.
OPERATIONS: dict[str, tuple[Callable[[Client], Any], bytes, Any]] = {
    "order native": (lambda c: c.order_native(ORDER), b'{"code_url":"weixin://wxpay/x"}', "weixin://wxpay/x"),
    "order jsapi": (lambda c: c.order_jsapi(ORDER), b'{"prepay_id":"wx201"}', "wx201"),
    "order h5": (
        lambda c: c.order_h5(ORDER),
        b'{"h5_url":"https://wx.tenpay.com/x"}',
        "https://wx.tenpay.com/x",
    ),
    "order app": (lambda c: c.order_app(ORDER), b'{"prepay_id":"wx201"}', "wx201"),
    "query by our number": (
        lambda c: c.query_by_out_trade_no("WX1234"),
        b'{"trade_state":"SUCCESS"}',
        {"trade_state": "SUCCESS"},
    ),
    "query by theirs": (
        lambda c: c.query_by_transaction_id("42000"),
        b'{"trade_state":"SUCCESS"}',
        {"trade_state": "SUCCESS"},
    ),
    "close": (lambda c: c.close("WX1234"), b"", None),
    "refund": (lambda c: c.refund(REFUND), b'{"status":"SUCCESS"}', {"status": "SUCCESS"}),
    "query refund": (lambda c: c.query_refund("RF1234"), b'{"status":"SUCCESS"}', {"status": "SUCCESS"}),
    "echo": (lambda c: echo(c, "hello", serial=WECHAT_PAY["public_key_id"]), ECHO, None),
    "abnormal refund": (
        lambda c: apply_abnormal_refund(
            c, "503", out_refund_no="RF1234", card=CARD, serial=WECHAT_PAY["public_key_id"]
        ),
        b'{"status":"PROCESSING"}',
        {"status": "PROCESSING"},
    ),
    "certificates": (lambda c: c.certificates([b"k" * 32]), b'{"data":[]}', {}),
}
operations = pytest.mark.parametrize("operation", OPERATIONS)


def status_of(operation: str) -> str:
    return "204 No Content" if operation == "close" else "200 OK"


def resigned(
    body: bytes, *, at: int | None = None, owner: str = "wechatpay_public_key", end: str = "\n"
) -> Headers:
    timestamp = str(int(time.time()) if at is None else at)
    message = f"{timestamp}\nnonce\n".encode() + body + end.encode()
    return {**proof(body), "Wechatpay-Timestamp": timestamp, "Wechatpay-Signature": signature(message, owner)}


def now() -> int:
    return int(time.time())


FAULTS: dict[str, Callable[[bytes], Headers | list[tuple[str, str]]]] = {
    "unsigned": lambda _: {},
    **{
        f"without {name}": lambda body, name=name: {k: v for k, v in proof(body).items() if k != name}  # type: ignore[misc]
        for name in proof(b"")
    },
    **{f"empty {name}": lambda body, name=name: {**proof(body), name: ""} for name in proof(b"")},  # type: ignore[misc]
    **{
        f"{name} twice": lambda body, name=name: [*proof(body).items(), (name, proof(body)[name])]  # type: ignore[misc]
        for name in proof(b"")
    },
    "of other bytes": lambda body: proof(body + b" "),
    "without the last line feed": lambda body: resigned(body, end=""),
    "by a platform certificate's key under the public key's id": lambda body: resigned(
        body, owner="platform_certificate"
    ),
    "by the merchant": lambda body: resigned(body, owner="merchant"),
    "by an unknown serial": lambda body: {
        **resigned(body, owner="platform_certificate"),
        "Wechatpay-Serial": IDENTITIES["platform_certificate"]["serial_no"],
    },
    "under the id in small letters": lambda body: {
        **proof(body),
        "Wechatpay-Serial": WECHAT_PAY["public_key_id"].lower(),
    },
    "five minutes old": lambda body: resigned(body, at=now() - 301),
    "five minutes ahead": lambda body: resigned(body, at=now() + 305),
    "a probe": lambda body: {**proof(body), "Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{signature(body)}"},
    "of another type": lambda body: {**proof(body), "Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"},
    "garbled": lambda body: {**proof(body), "Wechatpay-Signature": base64.b64encode(b"x" * 256).decode()},
    "spaced": lambda body: {
        **proof(body),
        "Wechatpay-Signature": proof(body)["Wechatpay-Signature"][:9] + " A",
    },
    "with another nonce": lambda body: {**proof(body), "Wechatpay-Nonce": "other"},
}


@operations
def test_a_proven_answer_is_believed(server: Server, operation: str) -> None:
    call, body, result = OPERATIONS[operation]

    assert call(client(server(answering(body, proof(body), status_of(operation))))) == result


@operations
def test_an_answer_with_a_fault_in_its_signature_is_an_unknown_outcome(
    server: Server, operation: str
) -> None:
    call, body, _ = OPERATIONS[operation]
    at_hand = list(FAULTS)

    def answer(connection: socket.socket) -> None:
        answering(body, FAULTS[at_hand[0]](body), status_of(operation))(connection)

    asking = client(server(answer))
    while at_hand:
        with pytest.raises(UnknownOutcomeError, match="answer not proven"):
            call(asking)
        at_hand.pop(0)


@pytest.mark.share(3)
@operations
@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content", "206 Partial"])
def test_no_unsigned_success_is_one(server: Server, operation: str, status: str) -> None:
    call, body, _ = OPERATIONS[operation]

    with pytest.raises(UnknownOutcomeError):
        call(client(server(answering(body, {}, status))))


@pytest.mark.share(3)
@operations
@pytest.mark.parametrize("status", ["201 Created", "202 Accepted", "206 Partial", "304 Not Modified"])
def test_a_proven_answer_that_is_no_documented_success_is_none_either(
    server: Server, operation: str, status: str
) -> None:
    call, body, _ = OPERATIONS[operation]

    with pytest.raises(UnknownOutcomeError):
        call(client(server(answering(body, proof(body), status))))


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"x"', b"{", b"\xff", b"[" * 100_000, json.dumps({"x": 1}).encode("utf-16")],
)
def test_proven_bytes_that_are_no_order_open_none(server: Server, body: bytes) -> None:
    with pytest.raises(UnknownOutcomeError):
        client(server(answering(body, proof(body)))).order_native(ORDER)
