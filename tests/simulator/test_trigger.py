"""`trigger`: a notification of any kind without an order, and the receiver's answer judged, by two readers that verify."""

import contextlib
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType

from tests.kit.serving import Answering, serving
from tests.notifications.kinds import LISTED
from wechatpay.errors import WeChatPayError
from wechatpay.keys import KeyRing
from wechatpay.notification import receive
from wechatpay_simulator import Credentials
from wechatpay_simulator.__main__ import main
from wechatpay_simulator.triggering.kinds import KINDS
from wechatpay_simulator.triggering.tampering import TAMPERS
from wechatpay_simulator.triggering.trigger import parser, sent

ORDER, AMOUNT = "T1217752501201407", 250
Reader = Callable[[dict[str, str], bytes], dict[str, Any]]


class NotBelievedError(Exception):
    """What a reader says of what is not WeChat Pay's."""


def ours(credentials: dict[str, str]) -> Reader:
    """The crypto layer of the product."""
    keys = KeyRing.of(
        public_key_id=credentials["wechatPublicKeyId"], public_key=credentials["wechatPublicKey"]
    )

    def read(headers: dict[str, str], body: bytes) -> dict[str, Any]:
        try:
            return dict(
                receive(headers, body, keys=keys, now=time.time()).open([credentials["apiV3Key"].encode()])
            )
        except WeChatPayError as problem:
            raise NotBelievedError(str(problem)) from problem

    return read


def of_wechatpayv3(credentials: dict[str, str]) -> Reader:
    """A client that nobody here wrote."""
    client = WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=credentials["mchid"],
        private_key=credentials["merchantPrivateKey"],
        cert_serial_no=credentials["merchantSerialNo"],
        appid=credentials["appid"],
        apiv3_key=credentials["apiV3Key"],
        notify_url="http://127.0.0.1:9/notify",
        public_key=credentials["wechatPublicKey"],
        public_key_id=credentials["wechatPublicKeyId"],
        timeout=(1, 1),
        logger=logging.getLogger("wechatpayv3"),
    )
    client._core._gate_way = "http://127.0.0.1:9"

    def read(headers: dict[str, str], body: bytes) -> dict[str, Any]:
        try:
            found = client.callback(headers, body)
        except Exception as problem:
            raise NotBelievedError(str(problem)) from problem
        if not found:
            raise NotBelievedError("no result")
        return dict(found["resource"])

    return read


READERS = {"ours": ours, "wechatpayv3": of_wechatpayv3}


@dataclass
class Backend:
    """A merchant's: it believes what its reader does, and credits what its order costs. `answer` overrules that."""

    read: Reader
    url: str = ""
    answer: tuple[int, bytes] | None = None
    credited: list[str] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    waits: float = 0

    def take(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        self.bodies.append(body)
        self.signatures.append(headers.get("Wechatpay-Signature", ""))
        try:
            facts = self.read(headers, body)
        except NotBelievedError:
            return 401, b'{"code":"FAIL","message":"not WeChat Pay\'s"}'
        self.told.append(facts)
        if facts.get("trade_state") == "SUCCESS" and facts["amount"]["total"] == AMOUNT:
            number = facts["out_trade_no"]
            self.credited += [] if number in self.credited else [number]
        return 200, b'{"code":"SUCCESS"}'


@pytest.fixture(params=READERS)
def backend(request: pytest.FixtureRequest, credentials_file: Path) -> Iterator[Backend]:
    yield from served(READERS[request.param](json.loads(credentials_file.read_text())))


@pytest.fixture
def our_backend(credentials_file: Path) -> Iterator[Backend]:
    yield from served(ours(json.loads(credentials_file.read_text())))


def served(reader: Reader) -> Iterator[Backend]:
    merchant = Backend(reader)

    class Handler(Answering):
        def do_POST(self) -> None:
            body = self.body()
            time.sleep(merchant.waits)
            status, said = merchant.take(dict(self.headers), body)
            if merchant.answer is not None:
                status, said = merchant.answer
            self.answer(status, said)

    with serving(Handler) as origin:
        merchant.url = f"{origin}/notify"
        yield merchant


@pytest.fixture
def trigger(
    credentials_file: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[str]]]:
    """Its exit status and its lines."""

    def call(kind: str, to: str, *more: str) -> tuple[int, list[str]]:
        try:
            status = main(["trigger", kind, "--to", to, "--credentials", str(credentials_file), *more])
        except SystemExit as end:
            status = int(str(end.code))
        captured = capsys.readouterr()
        return status, (captured.out + captured.err).splitlines()

    return call


ASKED = ("--out-trade-no", ORDER, "--amount", str(AMOUNT))


def test_a_payment_is_believed_and_credited_once_however_often_it_is_told(backend, trigger):
    status, (first, *others) = trigger("payment.succeeded", backend.url, *ASKED, "--times", "3")
    assert status == 0
    assert first.startswith("TRANSACTION.SUCCESS ")
    assert first.endswith(f" to {backend.url}")
    assert [line.partition(" s: ")[2] for line in others] == ["accepted"] * 3
    assert len(set(backend.bodies)) == 1
    assert len(set(backend.signatures)) == 3
    assert backend.credited == [ORDER]
    facts = backend.told[0]
    assert (facts["out_trade_no"], facts["trade_state"], facts["trade_type"]) == (ORDER, "SUCCESS", "NATIVE")
    assert facts["amount"] == {
        "total": AMOUNT,
        "payer_total": AMOUNT,
        "currency": "CNY",
        "payer_currency": "CNY",
    }


@pytest.mark.parametrize("end", ["success", "abnormal", "closed"])
def test_a_refund_is_told_with_its_numbers_and_its_amount(backend, trigger, end):
    status, _ = trigger(f"refund.{end}", backend.url, *ASKED, "--out-refund-no", "R1")
    assert status == 0
    [facts] = backend.told
    assert (facts["out_refund_no"], facts["refund_status"]) == ("R1", end.upper())
    assert facts["amount"]["refund"] == AMOUNT
    assert ("success_time" in facts) == (end == "success")


def test_echo_and_complaint_say_what_their_documents_have(backend, trigger):
    assert trigger("echo", backend.url)[0] == 0
    assert trigger("complaint.created", backend.url)[0] == 0
    echo, complaint = backend.told
    assert echo.keys() == {"echo_message"}
    assert complaint.keys() == {"complaint_id", "action_type"}
    kinds = [json.loads(body)["event_type"] for body in backend.bodies]
    assert kinds == ["SECURITY_ECHO.SUCCESS", "COMPLAINT.CREATE"]


def test_the_kinds_are_those_that_the_documents_list():
    assert {(kind.event_type, kind.original_type) for kind in KINDS} == set(LISTED)
    assert len(KINDS) == len(LISTED) == 106


def test_every_kind_can_be_triggered_and_is_read(backend, credentials_file):
    credentials = Credentials.load_or_create(credentials_file)  # once: that takes longer than all the rest
    for kind in KINDS:
        name = "payment.shared" if kind.original_type == "profitsharing" else kind.event_type.lower()
        asked = parser().parse_args([name, "--to", backend.url, "--credentials", str(credentials_file)])
        assert sent(asked, credentials)
        envelope = json.loads(backend.bodies[-1])
        assert envelope["event_type"] == kind.event_type
        assert envelope["resource"].get("original_type") == kind.original_type
    assert len(backend.told) == len(KINDS)


def test_what_is_encrypted_can_be_ones_own(backend, trigger):
    assert trigger("coupon.use", backend.url, "--plaintext", '{"coupon_id": "1"}')[0] == 0
    assert backend.told == [{"coupon_id": "1"}]


@pytest.mark.parametrize("tamper", sorted(TAMPERS.keys() - {"amount", "stale"}))
def test_what_was_tampered_with_is_refused_by_both_readers(backend, trigger, tamper):
    status, lines = trigger("payment.succeeded", backend.url, *ASKED, "--tamper", tamper)
    assert (status, backend.credited, backend.told) == (0, [], [])
    assert lines[1] == f"  {TAMPERS[tamper].what}"
    assert lines[2].endswith(": refused, as it should be (FAIL)")
    assert lines[2].startswith("  ✓ 401 after ")


def test_another_amount_is_genuine_and_credits_nothing_with_who_compares_it(backend, trigger):
    status, lines = trigger("payment.succeeded", backend.url, *ASKED, "--tamper", "amount")
    assert (status, backend.credited) == (0, [])
    assert backend.told[0]["amount"]["total"] == AMOUNT - 1
    assert lines[2].endswith("See to it that nothing was credited, for the amount is not the order's")
    backend.answer = (400, b'{"code":"FAIL","message":"amount"}')
    assert trigger("payment.succeeded", backend.url, *ASKED, "--tamper", "amount")[0] == 0


def test_an_old_one_is_refused_by_ours_and_who_takes_it_is_told_what_is_missing(
    our_backend, trigger, credentials_file
):
    stale = ("payment.succeeded", our_backend.url, *ASKED, "--tamper", "stale")
    assert trigger(*stale)[0] == 0
    assert our_backend.credited == []
    our_backend.read = of_wechatpayv3(json.loads(credentials_file.read_text()))  # which looks at no clock
    status, lines = trigger(*stale)
    assert (status, our_backend.credited) == (1, [ORDER])
    assert lines[2].startswith("  ✗ 200 after ")
    assert lines[2].endswith(
        "accepted, and should be refused: the timestamp is not held against the clock: five minutes are allowed"
    )


@pytest.mark.parametrize("tamper", sorted(TAMPERS.keys() - {"amount"}))
def test_who_believes_everything_fails_on_each(our_backend, trigger, tamper):
    our_backend.answer = (200, b"")
    status, lines = trigger("payment.succeeded", our_backend.url, *ASKED, "--tamper", tamper)
    assert status == 1
    assert f"accepted, and should be refused: {TAMPERS[tamper].accepted_means}" in lines[2]


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ((200, b""), 0, "accepted"),
        ((204, b""), 0, "accepted"),
        ((200, b'{"code": "SUCCESS", "message": "OK"}'), 0, "accepted"),
        (
            (200, b'{"code": "FAIL"}'),
            1,
            "wrong body: it does not say SUCCESS, but WeChat Pay goes by the status",
        ),
        (
            (200, b"<html>welcome</html>"),
            1,
            "wrong body: it is not JSON, but WeChat Pay goes by the status alone",
        ),
        ((200, b"success"), 1, "wrong body: it is not JSON"),
        ((201, b""), 1, "wrong status: of success only 200 and 204 are taken"),
        ((302, b""), 1, "wrong status: a redirect is not followed"),
        ((404, b""), 1, "wrong status: refused, so it is sent again"),
        ((500, b'{"code":"FAIL","message":"m"}'), 1, "wrong status: refused, so it is sent again (FAIL)"),
    ],
)
def test_an_answer_to_a_genuine_one_is_judged(our_backend, trigger, answer, status, said):
    our_backend.answer = answer
    exit_status, lines = trigger("payment.succeeded", our_backend.url)
    assert exit_status == status
    assert lines[1].startswith(f"  {'✗' if status else '✓'} {answer[0]} after ")
    assert lines[1].partition(" s: ")[2].startswith(said)


@pytest.mark.parametrize("body", [b"", b"no", b'{"code":"SUCCESS","message":"m"}', b'{"code":"FAIL"}'])
def test_a_refusal_wants_its_code_and_message(our_backend, trigger, body):
    our_backend.answer = (401, body)
    status, lines = trigger("echo", our_backend.url, "--tamper", "signature")
    assert status == 1
    assert "wrong body: refused, as it should be, but a refusal has a code and a message in JSON" in lines[2]


def test_more_than_five_seconds_are_too_slow(our_backend, trigger):
    our_backend.waits = 5.3
    status, lines = trigger("echo", our_backend.url)
    assert status == 1
    assert lines[1].startswith("  ✗ no answer after 5.")
    assert lines[1].endswith("too slow: no answer within 5 s is a failure, and it is sent again")


def test_who_sends_a_byte_now_and_then_has_five_seconds_all_the_same(trigger):
    def dribble() -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            for number in range(40):
                connection.sendall(f"X-Late-{number}: 1\r\n".encode())
                time.sleep(0.3)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=dribble, daemon=True)
        thread.start()
        status, lines = trigger("echo", f"http://127.0.0.1:{server.getsockname()[1]}/notify")
        thread.join(timeout=15)
    assert status == 1
    assert lines[1].startswith("  ✗ no answer after 5.")


def test_nobody_there_is_told(trigger):
    status, lines = trigger("echo", "http://127.0.0.1:1/notify")
    assert (status, lines[1].partition(" s: ")[2]) == (1, "nobody answers there, or not in HTTP")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("echoes", "http://127.0.0.1:1/"), "there is no kind 'echoes'"),
        (("echo", "http://192.0.2.1/notify"), "its host is not this machine: allow it by --notify-host"),
        (("echo", "http://127.0.0.1.example/"), "its host is not this machine"),
        (("echo", "http://127.0.0.1@192.0.2.1/"), "its host is not this machine"),
        (("echo", "ftp://127.0.0.1/"), "a URL begins with http:// or https://"),
        (("echo", "http://127.0.0.1:99999/"), "a URL begins with http:// or https://"),
        (("echo", "http://127.0.0.1:1/", "--amount", "0"), "a whole number of fen, 1 or more"),
        (("echo", "http://127.0.0.1:1/", "--amount", "9.99"), "a whole number of fen, 1 or more"),
        (("echo", "http://127.0.0.1:1/", "--times", "0"), "a whole number from 1 to 1000"),
        (("echo", "http://127.0.0.1:1/", "--tamper", "amount"), "amount is for payments and refunds"),
        (("echo", "http://127.0.0.1:1/", "--plaintext", "[]"), "argument --plaintext: a JSON object"),
        (("echo", "http://127.0.0.1:1/", "--credentials", "/nowhere.json"), "there is no such file"),
    ],
)
def test_what_cannot_be_tried_is_said(trigger, words, said):
    status, lines = trigger(*words)
    assert status == 2
    assert said in lines[-1]


def test_another_host_is_called_only_when_it_is_named(our_backend, trigger):
    """`0.0.0.0` is this machine under a name that is not a loopback name."""
    url = our_backend.url.replace("127.0.0.1", "0.0.0.0")
    assert trigger("echo", url)[0] == 2
    assert our_backend.bodies == []
    assert trigger("echo", url, "--notify-host", "another.example")[0] == 2
    assert trigger("echo", url, "--notify-host", "another.example", "--notify-host", "0.0.0.0")[0] == 0


def test_it_runs_as_a_program_and_tells_nothing_secret(our_backend, credentials_file):
    command = [sys.executable, "-m", "wechatpay_simulator", "trigger", "payment.succeeded"]
    url = our_backend.url.replace("://", "://user:canary@") + "?token=canary"
    done = subprocess.run(
        [*command, "--to", url, "--credentials", str(credentials_file)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "canary" not in done.stdout
    assert json.loads(credentials_file.read_text())["apiV3Key"] not in done.stdout
