"""`make doctor`'s echo against a running stack: each of the six links broken in turn has its sentence."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from sandbox.stack import Sandbox
from tests.kit.keys import stranger
from tests.kit.serving import Answering, serving
from tests.kit.wechat_pay import WeChatPay
from tests.operations.commands import Command
from tests.operations.test_doctor import private_pem, public_pem
from wechatpay.sensitive import encrypt_sensitive
from wechatpay_simulator import Simulator
from wechatpay_simulator.clock import Clock

pytestmark = [pytest.mark.share(2, of_file=True), pytest.mark.in_turn]

Doctor = Callable[..., tuple[int, str]]
ARRIVED = "ok         WeChat Pay's echo has arrived at WECHAT_NOTIFY_URL, was verified there and decrypted"


@pytest.fixture
def doctor(command: Command) -> Doctor:
    """Its exit status and what it printed. An echo that must be heard is waited for longer, on a busy machine."""

    def run(*arguments: str) -> tuple[int, str]:
        done = command("doctor", "--wait", "3", *arguments)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def cloudwatch(sandbox: Sandbox) -> Iterator[None]:
    """What notify writes reaches CloudWatch Logs, as Lambda brings it there."""
    client, group = sandbox.aws.client("logs"), sandbox.deployed.refs["NotifyLogs"]
    client.create_log_stream(logGroupName=group, logStreamName=(stream := f"{time.time_ns()}"))
    seen, ended = len(sandbox.lambdas.logs("NotifyFunction").splitlines()), threading.Event()

    def carry() -> None:
        nonlocal seen
        while not ended.wait(0.1):
            lines = sandbox.lambdas.logs("NotifyFunction").splitlines()
            entries = [
                {"timestamp": int(time.time() * 1000), "message": line} for line in lines[seen:] if line
            ]
            seen = len(lines)
            if entries:
                client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=entries)

    thread = threading.Thread(target=carry)
    thread.start()
    yield
    ended.set()
    thread.join()


@contextmanager
def secret_with(sandbox: Sandbox, output: str, **members: str) -> Iterator[None]:
    """Another value in one of the stack's secrets."""
    store, arn = sandbox.aws.client("secretsmanager"), sandbox.deployed.outputs[output]
    before = store.get_secret_value(SecretId=arn)["SecretString"]
    store.put_secret_value(SecretId=arn, SecretString=json.dumps(json.loads(before) | members))
    try:
        yield
    finally:
        store.put_secret_value(SecretId=arn, SecretString=before)


@contextmanager
def fault(sandbox: Sandbox, **rule: object) -> Iterator[None]:
    """Something goes wrong at WeChat Pay, or on the way from it."""
    controls = f"{sandbox.simulator}/_sandbox/faults"
    requests.post(controls, json={"rules": [rule]}, timeout=10).raise_for_status()
    try:
        yield
    finally:
        requests.delete(controls, timeout=10)


def assert_named(told: tuple[int, str], sentence: str) -> None:
    """Exactly this is a fault, with its fix."""
    status, printed = told
    assert status == 1, printed
    lines = printed.splitlines()
    faults = [place for place, line in enumerate(lines) if line.startswith("fault")]
    assert [sentence in lines[place] for place in faults] == [True], printed
    assert lines[faults[0] + 1].strip().startswith("-> ")


def test_with_every_link_whole_an_echo_goes_round(doctor: Doctor, sandbox: Sandbox) -> None:
    status, printed = doctor("--wait", "40")
    assert status == 0, printed
    assert ARRIVED in printed
    serial = sandbox.credentials.wechat_public_key_id
    assert f"ok         WeChat Pay says an echo again under {serial}" in printed


def test_offline_nobody_is_asked_for_an_echo(doctor: Doctor, sandbox: Sandbox) -> None:
    def sent() -> int:
        told = requests.get(f"{sandbox.simulator}/_sandbox/notifications", timeout=10).json()
        return len(told["notifications"])

    before = sent()
    status, printed = doctor("--offline")
    assert (status, sent()) == (0, before)
    assert "echo" not in printed


def test_our_signature(doctor: Doctor, sandbox: Sandbox) -> None:
    with secret_with(
        sandbox, "SigningSecretArn", WECHAT_PRIVATE_KEY=private_pem(stranger()), WECHAT_CERTIFICATE=""
    ):
        assert_named(doctor(), "WeChat Pay does not take our signature (SIGN_ERROR)")


def test_their_signature(doctor: Doctor, sandbox: Sandbox) -> None:
    with secret_with(sandbox, "VerificationSecretArn", WECHAT_PUBLIC_KEY=public_pem(stranger())):
        assert_named(doctor(), "WeChat Pay answers with a signature that the configured key does not verify")


@contextmanager
def signing_gateway(
    sandbox: Sandbox, echo: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
) -> Iterator[str]:
    """WeChat Pay's signature on every answer; it has no order, and answers an echo as `echo` says."""
    wechat = WeChatPay(sandbox.credentials, sandbox.clock)

    class Handler(Answering):
        def do_GET(self) -> None:
            self.signed(404, {"code": "ORDER_NOT_EXIST", "message": "no such order"})

        def do_POST(self) -> None:
            self.signed(*echo(json.loads(self.body())))

        def signed(self, status: int, members: dict[str, Any]) -> None:
            body = json.dumps(members).encode()
            self.answer(status, body, wechat.headers(body))

    with serving(Handler) as origin:
        yield origin


def at(gateway: str) -> list[str]:
    names = ("WeChatGateway", "WeChatBackupGateway", "WeChatGatewaysAllowed")
    return [f"--parameter={name}={gateway}" for name in names]


def test_encryption_for_the_merchant(doctor: Doctor, sandbox: Sandbox) -> None:

    def echo(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        sealed = encrypt_sensitive(asked["echo_message"], stranger().public_key())
        return 200, {"echo_message": asked["echo_message"], "encrypted_echo_message": sealed}

    with signing_gateway(sandbox, echo) as gateway:
        assert_named(doctor(*at(gateway)), "cannot be decrypted with WECHAT_PRIVATE_KEY")


def test_encryption_for_wechat_pay(doctor: Doctor, sandbox: Sandbox) -> None:
    def echo(_asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 400, {"code": "PARAM_ERROR", "message": "平台私钥解密失败"}

    serial = sandbox.credentials.wechat_public_key_id
    with signing_gateway(sandbox, echo) as gateway:
        assert_named(
            doctor(*at(gateway)), f"does not take what is encrypted for the key {serial} (PARAM_ERROR)"
        )


def test_delivery(doctor: Doctor, sandbox: Sandbox, cloudwatch: None) -> None:
    with fault(sandbox, on="notification", effect="drop"):
        assert_named(doctor(), "and nothing of it has come to the function notify")


@pytest.mark.parametrize(
    ("effect", "reason"),
    [("bad_signature", "signature"), ("no_signature", "header_missing"), ("wrong_serial", "serial_unknown")],
)
def test_verification(doctor: Doctor, sandbox: Sandbox, cloudwatch: None, effect: str, reason: str) -> None:
    with fault(sandbox, on="notification", effect=effect):
        assert_named(doctor("--wait", "8"), f"whose signature it could not verify ({reason})")


def test_apiv3_key(doctor: Doctor, sandbox: Sandbox, cloudwatch: None) -> None:
    controls = f"{sandbox.simulator}/_sandbox/keys"
    requests.post(controls, json={"apiV3Key": "a" * 32}, timeout=10).raise_for_status()
    try:
        assert_named(doctor("--wait", "8"), "rightly signed, and no APIv3 key of the stack opens it")
    finally:
        before = {"apiV3Key": sandbox.credentials.api_v3_key}
        requests.post(controls, json=before, timeout=10).raise_for_status()


def test_a_merchant_who_may_not_ask_for_echoes_is_warned_and_no_more(
    doctor: Doctor, sandbox: Sandbox
) -> None:
    with signing_gateway(sandbox, lambda _: (403, {"code": "NO_AUTH", "message": "no"})) as gateway:
        status, printed = doctor(*at(gateway))
    assert status == 1
    assert "warning    WeChat Pay refuses the echo itself (NO_AUTH)" in printed
    assert "fault" not in printed.replace("0 faults", "")


def test_a_file_is_tried_without_a_notification_and_each_key_by_itself(
    merchant: dict[str, str], env_file: Callable[[dict[str, str]], str], command: Command, sandbox: Sandbox
) -> None:
    known = sandbox.credentials
    simulator = Simulator(known, clock=Clock(), mode="pubkey")
    gateway = simulator.start()
    try:
        values = merchant | {
            "WECHAT_PLATFORM_CERTIFICATES": known.platform_certificate,
            "WECHAT_GATEWAY": gateway,
            "WECHAT_GATEWAYS_ALLOWED": gateway,
        }
        done = command("doctor", "--file", env_file(values))
        sent = requests.get(f"{gateway}/_sandbox/notifications", timeout=10).json()["notifications"]
    finally:
        simulator.stop()
    assert sent == []
    assert f"ok         WeChat Pay says an echo again under {known.wechat_public_key_id}" in done.stdout
    sentence = f"does not take what is encrypted for the key {known.platform_serial_no}"
    assert f"warning    WeChat Pay {sentence}" in done.stdout
    assert "0 faults, 1 warnings" in done.stdout
