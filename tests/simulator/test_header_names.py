"""Header names on the wire are spelled as WeChat Pay spells them: some SDKs look them up letter by letter."""

import json
import socket
import threading
from urllib.parse import urlsplit

import pytest

SIGNED = {
    "Wechatpay-Timestamp",
    "Wechatpay-Nonce",
    "Wechatpay-Signature",
    "Wechatpay-Serial",
    "Wechatpay-Signature-Type",
}
SERVERS_OWN = {"date", "server"}


def until_the_end(connection):
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def answered(merchant, method, target, body=b"", signed=True):
    """Status line, header lines as they were sent, and body, of one request on a socket."""
    parts = urlsplit(merchant.url)
    authorization = merchant.authorization(method, target, body) if signed else "none"
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\nUser-Agent: t\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        f"Authorization: {authorization}\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(head.encode() + body)
        return taken_apart(until_the_end(connection))


def taken_apart(message):
    head, _, body = message.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    assert len(dict(headers)) == len(headers)
    return first, dict(headers), body


def names(headers):
    return headers.keys() - SERVERS_OWN - {"Connection"}


def test_of_an_answer(shared_merchant):
    body = json.dumps(shared_merchant.order()).encode()
    first, headers, answer = answered(shared_merchant, "POST", "/v3/pay/transactions/native", body)
    assert first == "HTTP/1.1 200 OK"
    assert names(headers) == SIGNED | {"Request-ID", "Content-Type", "Content-Length"}
    assert int(headers["Content-Length"]) == len(answer)
    shared_merchant.verify(headers, answer)


def test_of_a_refusal(shared_merchant):
    target = f"/v3/pay/transactions/out-trade-no/NOBODY?mchid={shared_merchant.credentials.mchid}"
    first, headers, answer = answered(shared_merchant, "GET", target)
    assert first.split()[1] == "404"
    assert names(headers) == SIGNED | {"Request-ID", "Content-Type", "Content-Length"}
    shared_merchant.verify(headers, answer)


@pytest.mark.parametrize("target", ["/v3/certificates", "/v3/nothing"])
def test_of_what_is_not_signed(shared_merchant, target):
    _, headers, _ = answered(shared_merchant, "GET", target, signed=False)
    assert names(headers) == {"Request-ID", "Content-Type", "Content-Length"}


def test_of_an_answer_without_a_body(shared_merchant):
    target = f"/v3/pay/transactions/out-trade-no/{shared_merchant.placed()['out_trade_no']}/close"
    body = json.dumps({"mchid": shared_merchant.credentials.mchid}).encode()
    first, headers, answer = answered(shared_merchant, "POST", target, body)
    assert (first, answer) == ("HTTP/1.1 204 No Content", b"")
    # Clients in use take a missing Content-Type for an answer that is not WeChat Pay's, or fail on it.
    assert names(headers) == SIGNED | {"Request-ID", "Content-Type"}
    assert headers["Content-Type"] == "application/json"
    shared_merchant.verify(headers, b"")


@pytest.mark.parametrize("effect", ["bad_signature", "probe_signature", "wrong_serial", "stale"])
def test_of_an_answer_that_is_signed_wrongly(merchant, effect):
    merchant.control("POST", "faults", {"rules": [{"on": "certificates", "effect": effect}]})
    _, headers, _ = answered(merchant, "GET", "/v3/certificates")
    assert names(headers) == SIGNED | {"Request-ID", "Content-Type", "Content-Length"}


def test_a_rule_leaves_the_content_type_out(merchant):
    merchant.control("POST", "faults", {"rules": [{"on": "close", "effect": "no_content_type", "times": 1}]})
    body = json.dumps({"mchid": merchant.credentials.mchid}).encode()
    target = "/v3/pay/transactions/out-trade-no/{}/close"
    first, second = (
        answered(merchant, "POST", target.format(merchant.placed()["out_trade_no"]), body) for _ in range(2)
    )
    assert first[0] == second[0] == "HTTP/1.1 204 No Content"
    assert names(first[1]) == SIGNED | {"Request-ID"}
    assert names(second[1]) == SIGNED | {"Request-ID", "Content-Type"}
    merchant.verify(first[1], b"")


def test_a_rule_leaves_the_content_type_out_of_an_answer_with_a_body(merchant):
    merchant.control("POST", "faults", {"rules": [{"on": "native", "effect": "no_content_type"}]})
    body = json.dumps(merchant.order()).encode()
    first, headers, answer = answered(merchant, "POST", "/v3/pay/transactions/native", body)
    assert first == "HTTP/1.1 200 OK"
    assert names(headers) == SIGNED | {"Request-ID", "Content-Length"}
    merchant.verify(headers, answer)


def test_of_a_notification(merchant):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        heard = []

        def hear():
            connection, _ = listening.accept()
            with connection:
                received = b""
                while b"\r\n\r\n" not in received:
                    received += connection.recv(65536)
                head, _, body = received.partition(b"\r\n\r\n")
                length = int(dict(taken_apart(head)[1])["Content-Length"])
                while len(body) < length:
                    body += connection.recv(65536)
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                heard.append(taken_apart(head + b"\r\n\r\n" + body))

        thread = threading.Thread(target=hear)
        thread.start()
        order = merchant.placed(notify_url=f"http://127.0.0.1:{listening.getsockname()[1]}/notify")
        merchant.pay(codeUrl=order["code_url"])
        thread.join(timeout=10)
    [(first, headers, body)] = heard
    assert first == "POST /notify HTTP/1.1"
    assert names(headers) == SIGNED | {
        "Host",
        "Accept",
        "Accept-Encoding",
        "User-Agent",
        "Content-Type",
        "Content-Length",
    }
    assert headers["Content-Type"] == "application/json"
    merchant.verify(headers, body)


def as_the_java_sdk_reads(headers):
    """wechatpay-java keeps the names as they come and asks for them letter by letter."""
    return [
        headers.get(name) for name in ("Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature")
    ] + [
        headers.get("Wechatpay-Serial"),
        headers.get("Request-ID"),
    ]


def as_wxjava_reads(headers):
    """WxJava takes the media type before it verifies, of a 204 as well; without one it fails."""
    return headers["Content-Type"].partition(";")[0]


def test_java_sdks_find_what_they_look_for(shared_merchant):
    order = shared_merchant.placed()
    close = f"/v3/pay/transactions/out-trade-no/{order['out_trade_no']}/close"
    mchid = json.dumps({"mchid": shared_merchant.credentials.mchid}).encode()
    query = (
        f"/v3/pay/transactions/out-trade-no/{order['out_trade_no']}?mchid={shared_merchant.credentials.mchid}"
    )
    for _, headers, _ in (
        answered(shared_merchant, "GET", query),
        answered(shared_merchant, "POST", close, mchid),
    ):
        assert all(as_the_java_sdk_reads(headers))
        assert as_wxjava_reads(headers) == "application/json"
