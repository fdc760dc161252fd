"""The log: a line for each request and notification, in words, with nothing secret, and only where it is asked for."""

import io
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.kit.program import Program
from tests.simulator.merchant import Merchant
from tests.simulator.receiver import Receiver
from wechatpay_simulator import Clock, Credentials, Simulator

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00"
CANARY = "canary-that-nobody-shall-read"


@pytest.fixture
def text() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def logged(credentials: Credentials, text: io.StringIO) -> Iterator[Merchant]:
    clock = Clock()
    simulator = Simulator(credentials, clock=clock, log=text)
    url = simulator.start()
    yield Merchant(url, credentials, clock, open_platform_url=simulator.open_platform_url)
    simulator.stop()


def lines(text: io.StringIO, count: int) -> list[str]:
    """What was written, without its times, once it is `count` lines."""
    end = time.monotonic() + 5
    while len(found := text.getvalue().splitlines()) < count and time.monotonic() < end:
        time.sleep(0.01)
    assert all(re.match(TIME + " ", line) for line in found)
    return [line.partition(" ")[2] for line in found]


def test_a_payment_reads_as_three_lines(logged: Merchant, text: io.StringIO, receiver: Receiver) -> None:
    order = logged.placed(notify_url=receiver.url)
    logged.pay(outTradeNo=order["out_trade_no"])
    first, *others = lines(text, 3)
    assert first == "POST /v3/pay/transactions/native 200"
    [told] = [line for line in others if line.startswith("notification ")]
    assert re.fullmatch(
        rf"notification TRANSACTION\.SUCCESS [0-9a-f-]{{36}} to {receiver.url} 200: accepted", told
    )
    assert set(others) - {told} == {"POST /_sandbox/pay 200"}


def test_a_refusal_names_the_member_and_the_rule_and_not_what_was_in_it(
    logged: Merchant, text: io.StringIO
) -> None:
    logged.native(logged.order(attach=CANARY * 10))
    logged.native(logged.order(amount={"total": "100"}))
    logged.query("NOBODY-KNOWS")
    logged.call("GET", "/v3/pay/nothing")
    logged.call("GET", "/v3/certificates", headers={"Accept": None})
    assert lines(text, 5) == [
        "POST /v3/pay/transactions/native 400: PARAM_ERROR: body /attach: too long",
        "POST /v3/pay/transactions/native 400: PARAM_ERROR: body /amount/total: wrong type",
        "GET /v3/pay/transactions/out-trade-no/NOBODY-KNOWS?mchid=… 404: ORDER_NOT_EXIST: 订单不存在",
        "GET /v3/pay/nothing 404: NOT_FOUND: uri: this simulator does not know the path: GET /_sandbox/coverage lists those that it knows",
        "GET /v3/certificates 400: INVALID_REQUEST: Http头缺少Accept或User-Agent",
    ]


def test_what_becomes_of_a_notification_is_said(
    logged: Merchant, text: io.StringIO, receiver: Receiver
) -> None:
    receiver.statuses = [500]
    for url in (receiver.url, "http://127.0.0.1:1/notify", "http://198.51.100.1/notify"):
        said = {"eventType": "A.B", "plaintext": {}, "url": url}
        logged.control("POST", "notify", said)
    logged.control("POST", "faults", {"rules": [{"on": "notification", "effect": "drop"}]})
    logged.control("POST", "notify", {"eventType": "A.B", "plaintext": {}, "url": receiver.url})
    found = {line.partition(" to ")[2] for line in lines(text, 9) if line.startswith("notification A.B ")}
    assert found == {
        f"{receiver.url} 500: not accepted: 200 and 204 are",
        "http://127.0.0.1:1/notify nobody answers there",
        "http://198.51.100.1/notify not_sent: notify_url is not on this machine (--notify-host allows others)",
        f"{receiver.url} lost on the way; fault rule drop",
    }


def test_a_fault_of_a_notification_is_named(logged: Merchant, text: io.StringIO, receiver: Receiver) -> None:
    rule = {"on": "notification", "effect": "bad_signature", "times": 1}
    logged.control("POST", "faults", {"rules": [rule]})
    logged.control("POST", "notify", {"eventType": "A.B", "plaintext": {}, "url": receiver.url})
    logged.control("POST", "notify", {"eventType": "A.B", "plaintext": {}, "url": receiver.url})
    ends = sorted(line.partition(" to ")[2] for line in lines(text, 5) if line.startswith("notification "))
    assert ends == [
        f"{receiver.url} 200: accepted",
        f"{receiver.url} 200: accepted; fault rule bad_signature",
    ]


def test_a_fault_is_named(logged: Merchant, text: io.StringIO) -> None:
    rules = [
        {"on": "query", "effect": "reset_after"},
        {"on": "native", "effect": "status", "status": 503, "code": "X"},
    ]
    logged.control("POST", "faults", {"rules": rules})
    logged.native(logged.order())
    with pytest.raises(ConnectionError):
        logged.query("T-NOBODY-KNOWS")
    _, native, query = lines(text, 3)
    assert native == "POST /v3/pay/transactions/native 503: fault rule status"
    assert query == (
        "GET /v3/pay/transactions/out-trade-no/T-NOBODY-KNOWS?mchid=… no answer: "
        "fault rule reset_after; ORDER_NOT_EXIST: 订单不存在"
    )


def test_nothing_secret_is_in_it(logged: Merchant, text: io.StringIO, credentials: Credentials) -> None:
    url = f"http://user:{CANARY}@127.0.0.1:1/notify?token={CANARY}&{CANARY}"
    logged.control("POST", "keys", {"apiV3Key": "K" * 32})
    logged.control("POST", "notify", {"eventType": "A.B", "plaintext": {"a": CANARY}, "url": url})
    logged.native(logged.order(attach=CANARY, description=CANARY))
    bad = logged.authorization(
        "GET", "/v3/certificates", b"", signature=CANARY, mchid=CANARY, serial_no=CANARY
    )
    logged.call("GET", f"/v3/certificates?{CANARY}", headers={"Authorization": bad})
    logged.asked("/sns/oauth2/access_token", appid=credentials.appid, secret=CANARY, code=CANARY)
    shown = "\n".join(lines(text, 6))
    assert CANARY not in shown
    assert "K" * 32 not in shown
    for secret in (credentials.api_v3_key, credentials.app_secret, "BEGIN", "Signature"):
        assert secret not in shown
    assert "GET /sns/oauth2/access_token?appid=…&secret=…&code=… 200: errcode 40002" in shown


def test_one_request_is_one_line_whatever_is_in_it(logged: Merchant, text: io.StringIO) -> None:
    logged.native(logged.order(**{"a\nb\u2028c\x1b[31m": 1}))
    logged.call("GET", "/v3/%0Aforged?%0Aline=1")
    first, second = lines(text, 2)
    assert first.endswith(r"400: PARAM_ERROR: body /a\nb\u2028c\x1b[31m: illegal extra parameter")
    assert second.startswith("GET /v3/%0Aforged?… 404: ")


def test_without_being_asked_nothing_is_written(
    merchant: Merchant, capfd: pytest.CaptureFixture[str]
) -> None:
    merchant.native(merchant.order(amount=...))
    merchant.call("GET", "/v3/certificates", headers={"Authorization": "none"})
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_log_that_cannot_be_written_harms_no_request(credentials: Credentials) -> None:
    closed = io.StringIO()
    closed.close()
    clock = Clock()
    simulator = Simulator(credentials, clock=clock, log=closed)
    merchant = Merchant(simulator.start(), credentials, clock)
    try:
        assert merchant.native(merchant.order()).status == 200
    finally:
        simulator.stop()


@pytest.mark.parametrize("to_file", [False, True])
def test_the_program_writes_it_to_stderr_or_to_a_file(credentials_file, tmp_path, to_file) -> None:
    file = tmp_path / "wechat.log"
    command = [sys.executable, "-m", "wechatpay_simulator", "--credentials", str(credentials_file), "--log"]
    with Program(
        [*command, *([str(file)] if to_file else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/_sandbox/orders", timeout=5) as answer:
            assert json.load(answer) == {"orders": []}
        process.terminate()
        _, errors = process.communicate(timeout=10)
    written = file.read_text() if to_file else errors
    assert re.fullmatch(rf"{TIME} GET /_sandbox/orders 200\n", written)
    assert process.returncode == 0
