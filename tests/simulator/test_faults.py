"""Faults on requests: what the caller sees on the wire, and whether the effect is in the ledger."""

import base64
import contextlib
import http.client
import json
import re
import socket
import threading
import time

import pytest
from cryptography.exceptions import InvalidSignature

SIGNATURE = {
    "wechatpay-timestamp",
    "wechatpay-nonce",
    "wechatpay-signature",
    "wechatpay-serial",
    "wechatpay-signature-type",
}


@pytest.fixture
def merchant(shared_merchant):
    """Faults are cleared before and after; orders are looked at one by one."""
    shared_merchant.control("DELETE", "faults")
    yield shared_merchant
    shared_merchant.control("DELETE", "faults")


def fault(merchant, **rule):
    response = merchant.control("POST", "faults", {"rules": [{"on": "native", **rule}]})
    assert response.status == 200, response.body


def in_ledger(merchant, order):
    merchant.control("DELETE", "faults")
    return merchant.query(order["out_trade_no"]).status == 200


@pytest.mark.parametrize(("effect", "done"), [("reset_before", False), ("reset_after", True)])
def test_a_reset_is_one_and_its_effect_is_certain(merchant, effect, done):
    fault(merchant, effect=effect)
    order = merchant.order()
    with pytest.raises(ConnectionResetError):
        merchant.native(order)
    assert in_ledger(merchant, order) is done


def test_a_reset_is_a_tcp_reset_without_a_byte_of_an_answer(merchant):
    fault(merchant, effect="reset_after")
    body = json.dumps(merchant.order()).encode()
    target = "/v3/pay/transactions/native"
    head = (
        f"POST {target} HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nUser-Agent: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nAuthorization: {merchant.authorization('POST', target, body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(merchant.url.rpartition(":")[2])), 5) as connection:
        connection.sendall(head.encode() + body)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_other_connections_live_on_beside_a_reset(merchant):
    merchant.control(
        "POST", "faults", {"rules": [{"on": "query", "effect": "reset_before", "probability": 0.5}]}
    )
    order = merchant.placed()
    outcomes = []

    def ask():
        with contextlib.suppress(ConnectionResetError):
            outcomes.append(merchant.query(order["out_trade_no"]).status)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [rule] = merchant.control("GET", "faults").json["rules"]
    assert len(outcomes) == 20 - rule["happened"]
    assert set(outcomes) <= {200}


def test_a_truncated_answer_ends_before_its_length(merchant):
    fault(merchant, effect="truncate")
    order = merchant.order()
    with pytest.raises(http.client.IncompleteRead) as cut:
        merchant.native(order)
    assert cut.value.partial.startswith(b'{"code_url"')
    assert cut.value.expected == 7
    assert in_ledger(merchant, order)


def test_an_answer_without_a_body_is_truncated_to_nothing(merchant):
    fault(merchant, on="close", effect="truncate")
    order = merchant.placed()
    with pytest.raises(http.client.RemoteDisconnected):
        merchant.close(order["out_trade_no"])
    assert merchant.query(order["out_trade_no"]).json["trade_state"] == "CLOSED"


def test_latency_is_real_time_after_the_effect(merchant):
    fault(merchant, effect="latency", seconds=0.4)
    order = merchant.order()
    answers = []
    begun = time.monotonic()
    thread = threading.Thread(target=lambda: answers.append(merchant.native(order)))
    thread.start()
    time.sleep(0.2)
    assert merchant.query(order["out_trade_no"]).status == 200
    assert not answers
    thread.join()
    assert 0.4 <= time.monotonic() - begun < 2
    merchant.verify(answers[0].headers, answers[0].body)


def test_a_status_is_a_json_error_that_leaves_no_effect(merchant):
    fault(merchant, effect="status", status=500, code="SYSTEM_ERROR")
    order = merchant.order()
    response = merchant.native(order)
    assert (response.status, response.code) == (500, "SYSTEM_ERROR")
    assert response.json["message"]
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.error_number != 0
    merchant.verify(response.headers, response.body)
    assert not in_ledger(merchant, order)


def test_a_status_may_come_after_the_effect(merchant):
    fault(merchant, effect="status", status=500, code="SYSTEM_ERROR", message="系统错误", after=True)
    order = merchant.order()
    assert merchant.native(order).json == {"code": "SYSTEM_ERROR", "message": "系统错误"}
    assert in_ledger(merchant, order)


@pytest.mark.parametrize(
    ("status", "more", "signed"),
    [
        (403, {}, True),
        (429, {}, True),
        (429, {"signed": False}, False),
        (401, {}, False),
        (500, {}, True),
        (502, {}, False),
        (503, {}, False),
        (503, {"signed": True}, True),
        (500, {"empty": True}, False),
    ],
)
def test_what_stands_before_wechat_pay_does_not_sign(merchant, status, more, signed):
    fault(merchant, effect="status", status=status, code="ANY", **more)
    response = merchant.native(merchant.order())
    assert response.status == status
    if signed:
        merchant.verify(response.headers, response.body)
    else:
        assert not SIGNATURE & response.headers.keys()


def test_an_error_may_be_empty(merchant):
    fault(merchant, effect="status", status=503, empty=True)
    response = merchant.native(merchant.order())
    assert (response.status, response.body, response.headers["content-length"]) == (503, b"", "0")
    assert "content-type" not in response.headers


@pytest.mark.parametrize("after", [False, True])
def test_a_proxy_answers_with_a_page(merchant, after):
    fault(merchant, effect="html", status=502, after=after)
    order = merchant.order()
    response = merchant.native(order)
    assert response.status == 502
    assert response.body.startswith(b"<html>")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert not SIGNATURE & response.headers.keys()
    assert in_ledger(merchant, order) is after


def spoiled(merchant, effect):
    fault(merchant, effect=effect)
    order = merchant.order()
    response = merchant.native(order)
    assert response.status == 200
    assert response.json["code_url"]
    assert in_ledger(merchant, order)
    return response


def test_a_bad_signature_is_wellformed_and_wrong(merchant):
    response = spoiled(merchant, "bad_signature")
    assert len(base64.b64decode(response.headers["wechatpay-signature"], validate=True)) == 256
    with pytest.raises(InvalidSignature):
        merchant.verify(response.headers, response.body)


def test_a_probe_has_a_wrong_signature_behind_its_prefix(merchant):
    response = spoiled(merchant, "probe_signature")
    signature = response.headers["wechatpay-signature"]
    assert signature.startswith("WECHATPAY/SIGNTEST/")
    plain = signature.removeprefix("WECHATPAY/SIGNTEST/")
    assert len(base64.b64decode(plain, validate=True)) == 256
    with pytest.raises(InvalidSignature):
        merchant.verify(response.headers | {"wechatpay-signature": plain}, response.body)


def test_no_signature_is_no_signature_header(merchant):
    assert not SIGNATURE & spoiled(merchant, "no_signature").headers.keys()


def test_a_wrong_serial_names_a_key_that_nobody_has(merchant):
    response = spoiled(merchant, "wrong_serial")
    serial = response.headers["wechatpay-serial"]
    assert re.fullmatch(r"PUB_KEY_ID_[0-9]{34}", serial)
    mine = merchant.credentials.wechat_public_key_id
    assert serial != mine
    merchant.verify(response.headers | {"wechatpay-serial": mine}, response.body)


def test_a_stale_answer_is_signed_well_and_too_old(merchant):
    response = spoiled(merchant, "stale")
    assert 595 < merchant.clock.time() - int(response.headers["wechatpay-timestamp"]) < 605
    with pytest.raises(AssertionError):
        merchant.verify(response.headers, response.body)
    merchant.verify(response.headers, response.body, at=merchant.clock.time() - 600)


def test_faults_are_for_who_is_authentic(merchant):
    fault(merchant, effect="reset_before")
    response = merchant.call(
        "POST", "/v3/pay/transactions/native", b"{}", headers={"Authorization": "nonsense"}
    )
    assert (response.status, response.code) == (401, "SIGN_ERROR")
    assert merchant.control("GET", "faults").json["rules"][0]["happened"] == 0


def test_a_fault_spoils_refusals_too(merchant):
    fault(merchant, on="query", effect="bad_signature")
    response = merchant.query("NOBODY-KNOWS")
    assert (response.status, response.code) == (404, "ORDER_NOT_EXIST")
    with pytest.raises(InvalidSignature):
        merchant.verify(response.headers, response.body)


def test_a_fault_is_on_its_own_operation(merchant):
    fault(merchant, effect="status", status=500, code="SYSTEM_ERROR")
    assert merchant.query("NOBODY-KNOWS").status == 404
    assert merchant.native(merchant.order()).status == 500
