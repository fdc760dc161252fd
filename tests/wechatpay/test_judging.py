"""What an answer of WeChat Pay is taken for: success, a refusal, or nothing that anybody may conclude from."""

import base64
import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.kit.identities import IDENTITIES
from tests.wechatpay.gateway import Server, answering, client, proof
from wechatpay.client import Client
from wechatpay.errors import RefusedError, UnknownOutcomeError

REFUND = b'{"out_refund_no":"RF1"}'
Problem = RefusedError | UnknownOutcomeError


def problem_of(call: Callable[[], Any]) -> Problem:
    with pytest.raises((RefusedError, UnknownOutcomeError)) as raised:
        call()
    assert isinstance(raised.value, RefusedError | UnknownOutcomeError)
    return raised.value


def no(code: object = "NOT_ENOUGH", message: object = "余额不足") -> bytes:
    members = {"code": code, "message": message}
    return json.dumps({name: value for name, value in members.items() if value is not None}).encode()


def refunding(server: Server, status: str, body: bytes, headers: dict[str, str] | None = None) -> Problem:
    headers = proof(body) if headers is None else headers
    return problem_of(
        lambda: client(server(answering(body, headers | {"Request-ID": "R-1"}, status))).refund(REFUND)
    )


@pytest.mark.parametrize("status", ["400 Bad", "401 No", "403 No", "404 No", "409 No", "499 No"])
@pytest.mark.parametrize("signed", [True, False])
def test_a_no_with_a_code_is_a_refusal_and_tells_whether_it_was_signed(
    server: Server, status: str, signed: bool
) -> None:
    refused = refunding(server, status, no(), None if signed else {})
    assert isinstance(refused, RefusedError)
    assert (refused.code, refused.message, refused.http_status) == ("NOT_ENOUGH", "余额不足", int(status[:3]))
    assert (refused.request_id, refused.proven, refused.after_unknown) == ("R-1", signed, False)


@pytest.mark.parametrize("code", ["OPENID_MISMATCH", "OPENIDMISMATCH", "INVALID_TRANSACTIONID"])
def test_two_codes_are_final_though_they_come_under_500(server: Server, code: str) -> None:
    assert isinstance(refunding(server, "500 Error", no(code)), RefusedError)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("500 Error", "SYSTEM_ERROR"),
        ("502 Bad", "BANK_ERROR"),
        ("503 Away", "SYSTEM_ERROR"),
        ("429 Slow", "FREQUENCY_LIMITED"),
        ("302 Found", "FOUND"),
        ("399 What", "WHAT"),
        ("302 Found", "OPENID_MISMATCH"),
        ("429 Slow", "OPENID_MISMATCH"),
    ],
)
def test_trouble_of_theirs_is_no_refusal_and_keeps_its_code(server: Server, status: str, code: str) -> None:
    unknown = refunding(server, status, no(code))
    assert isinstance(unknown, UnknownOutcomeError)
    assert (unknown.code, unknown.message, unknown.http_status) == (code, "余额不足", int(status[:3]))
    assert unknown.request_id == "R-1"
    assert code in unknown.reason


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"<html>",
        no(None),
        no(message=None),
        no(code=5),
        no(message=["x"]),
        b"\xff",
    ],
)
@pytest.mark.parametrize("status", ["403 No", "500 Error", "429 Slow"])
def test_a_no_without_a_code_and_a_message_is_no_refusal(server: Server, status: str, body: bytes) -> None:
    unknown = refunding(server, status, body, {})
    assert isinstance(unknown, UnknownOutcomeError)
    assert (unknown.code, unknown.http_status, unknown.request_id) == (None, int(status[:3]), "R-1")


def test_a_no_whose_signature_does_not_fit_is_no_refusal(server: Server) -> None:
    unknown = refunding(server, "403 No", no(), proof(no() + b" "))
    assert isinstance(unknown, UnknownOutcomeError)
    assert (unknown.reason, unknown.http_status) == ("answer not proven: signature", 403)
    assert unknown.request_id == "R-1"


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff"])
def test_a_yes_that_is_no_object_is_nothing(server: Server, body: bytes) -> None:
    unknown = refunding(server, "200 OK", body)
    assert isinstance(unknown, UnknownOutcomeError)
    assert (unknown.reason, unknown.http_status, unknown.request_id) == ("answer is not JSON", 200, "R-1")


@pytest.mark.parametrize("status", ["200 OK", "202 Accepted"])
def test_only_204_closes_an_order(server: Server, status: str) -> None:
    body = b'{"code":"USER_PAYING","message":"paying"}'
    signed = proof(body) | {"Request-ID": "R-1"}
    problem = problem_of(lambda: client(server(answering(body, signed, status))).close("WX1"))
    assert isinstance(problem, UnknownOutcomeError)
    assert (problem.http_status, problem.request_id) == (int(status[:3]), "R-1")
    client(server(answering(b"", proof(b""), "204 No Content"))).close("WX1")


@pytest.mark.parametrize(
    ("call", "body"),
    [
        *((Client.order_native, body) for body in (b"{}", b'{"code_url":5}', b'{"code_url":"https://x"}')),
        *((Client.order_jsapi, body) for body in (b"{}", b'{"prepay_id":5}', b'{"prepay_id":""}')),
        *(
            (Client.order_h5, body)
            for body in (b"{}", b'{"h5_url":5}', b'{"h5_url":""}', b'{"h5_url":"javascript:alert(1)"}')
        ),
        *((Client.order_app, body) for body in (b"{}", b'{"prepay_id":5}', b'{"prepay_id":""}')),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else value.__name__,
)
def test_an_order_without_what_the_buyer_pays_by_is_nothing(
    server: Server, call: Callable[[Client, bytes], str], body: bytes
) -> None:
    line = client(server(answering(body, proof(body) | {"Request-ID": "R-1"})))
    problem = problem_of(lambda: call(line, b"{}"))
    assert isinstance(problem, UnknownOutcomeError)
    assert (problem.http_status, problem.request_id) == (200, "R-1")


# ---- which host is asked, and how ----


def test_whoever_is_told_to_be_slower_does_not_ask_the_other_host(server: Server) -> None:
    heard: list[bytes] = []
    slow = server(answering(no("RATELIMIT_EXCEEDED"), {}, "429 Slow"))
    other = server(answering(b"{}", proof(b"{}")), heard=heard)
    assert problem_of(lambda: client(slow, other).refund(REFUND)).http_status == 429
    assert heard == []


def test_a_refusal_is_the_answer_and_the_other_host_is_not_asked(server: Server) -> None:
    heard: list[bytes] = []
    other = server(answering(b"{}", proof(b"{}")), heard=heard)
    refused = problem_of(lambda: client(server(answering(no(), proof(no()), "403 No")), other).refund(REFUND))
    assert (isinstance(refused, RefusedError), heard) == (True, [])


def test_the_other_host_is_asked_the_same_when_the_first_leaves_it_open(server: Server) -> None:
    first: list[bytes] = []
    second: list[bytes] = []
    failing = server(answering(no("SYSTEM_ERROR"), {}, "500 Error"), heard=first)
    body = b'{"status":"PROCESSING"}'
    assert client(f"{failing}/", server(answering(body, proof(body)), heard=second)).refund(REFUND) == {
        "status": "PROCESSING"
    }
    (one,), (other,) = first, second
    assert one.split(b"\r\n")[0] == other.split(b"\r\n")[0] == b"POST /v3/refund/domestic/refunds HTTP/1.1"
    assert one.endswith(b"\r\n\r\n" + REFUND)
    assert other.endswith(b"\r\n\r\n" + REFUND)


def test_the_last_host_s_trouble_is_what_is_told(server: Server) -> None:
    hosts = [server(answering(no(code), {}, status)) for code, status in (("A", "500 E"), ("B", "502 E"))]
    problem = problem_of(lambda: client(*hosts).refund(REFUND))
    assert (problem.code, problem.http_status) == ("B", 502)


def test_without_a_host_nobody_is_asked() -> None:
    assert "no gateway is configured" in str(problem_of(lambda: client().refund(REFUND)))


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda c: c.refund(REFUND), "POST /v3/refund/domestic/refunds"),
        (lambda c: c.query_refund("a/b?c"), "GET /v3/refund/domestic/refunds/a%2Fb%3Fc"),
        (lambda c: c.order_native(b"{}"), "POST /v3/pay/transactions/native"),
        (lambda c: c.order_jsapi(b"{}"), "POST /v3/pay/transactions/jsapi"),
        (lambda c: c.order_h5(b"{}"), "POST /v3/pay/transactions/h5"),
        (lambda c: c.order_app(b"{}"), "POST /v3/pay/transactions/app"),
        (lambda c: c.close("a/b"), "POST /v3/pay/transactions/out-trade-no/a%2Fb/close"),
        (
            lambda c: c.query_by_out_trade_no("a/b"),
            f"GET /v3/pay/transactions/out-trade-no/a%2Fb?mchid={IDENTITIES['mchid']}",
        ),
        (
            lambda c: c.query_by_transaction_id("4/2"),
            f"GET /v3/pay/transactions/id/4%2F2?mchid={IDENTITIES['mchid']}",
        ),
        (lambda c: c.certificates([b"k" * 32]), "GET /v3/certificates"),
    ],
)
def test_each_operation_asks_at_its_own_address(
    server: Server, call: Callable[[Client], object], line: str
) -> None:
    heard: list[bytes] = []
    problem_of(lambda: call(client(server(answering(no(), {}, "403 No"), heard=heard))))
    head = heard[0].decode()
    assert head.startswith(f"{line} HTTP/1.1\r\n")
    assert "\r\nAccept: application/json\r\n" in head
    assert "\r\nUser-Agent: wechatpay-serverless\r\n" in head
    assert ("\r\nContent-Type: application/json\r\n" in head) == line.startswith("POST")
    assert re.search(r"\r\nAuthorization: WECHATPAY2-SHA256-RSA2048 mchid=", head)


def test_a_close_names_the_merchant(server: Server) -> None:
    heard: list[bytes] = []
    client(server(answering(b"", proof(b""), "204 No Content"), heard=heard)).close("WX1")
    assert json.loads(heard[0].partition(b"\r\n\r\n")[2]) == {"mchid": IDENTITIES["mchid"]}


def test_every_call_is_told_of_with_its_name_its_time_and_its_trouble(server: Server) -> None:
    told: list[tuple[str, float, Problem | None]] = []
    good = b'{"status":"SUCCESS","code_url":"weixin://x","prepay_id":"p","h5_url":"https://x","data":[]}'
    line = client(
        server(answering(good, proof(good))),
        on_call=lambda *what: told.append(what),
    )
    line.order_native(b"{}")
    line.order_jsapi(b"{}")
    line.order_h5(b"{}")
    line.order_app(b"{}")
    line.refund(REFUND)
    line.query_refund("RF1")
    line.query_by_out_trade_no("WX1")
    line.query_by_transaction_id("42")
    line.certificates([b"k" * 32])
    problem_of(lambda: line.close("WX1"))  # 200 is an answer, and yet not what was asked for
    names = [
        "native",
        "jsapi",
        "h5",
        "app",
        "refund",
        "query_refund",
        "query",
        "query",
        "certificates",
        "close",
    ]
    assert [name for name, _, _ in told] == names
    assert all(0 <= seconds < 5 for _, seconds, _ in told)
    assert {problem for _, _, problem in told} == {None}
    failing = client(server(answering(no(), {}, "403 No")), on_call=lambda *what: told.append(what))
    refused = problem_of(lambda: failing.refund(REFUND))
    assert (told[-1][0], told[-1][2]) == ("refund", refused)
    assert 0 <= told[-1][1] < 5
    broken = client(server(lambda _: None), on_call=lambda *what: told.append(what))
    unknown = problem_of(lambda: broken.refund(REFUND))
    assert (told[-1][0], told[-1][2]) == ("refund", unknown)


@pytest.mark.parametrize(
    "body", [b"{}", b'{"data":5}', b'{"data":[{}]}', b'{"data":[null]}', b'{"data":["x"]}']
)
def test_a_list_of_certificates_that_is_none_is_nothing(server: Server, body: bytes) -> None:
    line = client(server(answering(body, proof(body) | {"Request-ID": "R-1"})))
    problem = problem_of(lambda: line.certificates([b"k" * 32]))
    assert isinstance(problem, UnknownOutcomeError)
    assert (problem.http_status, problem.request_id) == (200, "R-1")


@pytest.mark.parametrize(
    "sealed",
    [
        {"ciphertext": 5, "nonce": "n"},
        {"ciphertext": "AAAA", "nonce": 5},
        {
            "nonce": "n" * 12,
            "ciphertext": base64.b64encode(AESGCM(b"k" * 32).encrypt(b"n" * 12, b"\xff", b"")).decode(),
        },
    ],
    ids=["a ciphertext that is no text", "a nonce that is no text", "no certificate but bytes"],
)
def test_a_certificate_that_is_none_is_nothing(server: Server, sealed: dict[str, object]) -> None:
    body = json.dumps({"data": [{"serial_no": "A", "encrypt_certificate": sealed}]}).encode()
    problem = problem_of(lambda: client(server(answering(body, proof(body)))).certificates([b"k" * 32]))
    assert isinstance(problem, UnknownOutcomeError)


def test_an_answer_may_come_compressed_and_its_signature_is_of_what_is_in_it(server: Server) -> None:
    body = b'{"status":"PROCESSING"}'
    headers = proof(body) | {"Content-Encoding": "gzip"}
    assert client(server(answering(gzip.compress(body), headers))).refund(REFUND) == {"status": "PROCESSING"}


def test_an_answer_of_a_megabyte_is_read_and_one_byte_more_is_not(server: Server) -> None:
    fits = b'{"status":"' + b"x" * ((1 << 20) - 13) + b'"}'
    assert len(fits) == 1 << 20
    assert client(server(answering(fits, proof(fits)))).refund(REFUND)["status"]
    large = fits + b" "
    assert isinstance(
        problem_of(lambda: client(server(answering(large, proof(large)))).refund(REFUND)), UnknownOutcomeError
    )


@pytest.mark.parametrize(("seconds", "asked"), [(0.4, 0), (0.8, 1)])
def test_with_less_than_half_a_second_left_nobody_is_asked(
    server: Server, seconds: float, asked: int
) -> None:
    heard: list[bytes] = []
    host = server(answering(no(), {}, "403 No"), heard=heard)
    problem_of(lambda: client(host, seconds=seconds).refund(REFUND))
    assert len(heard) == asked
