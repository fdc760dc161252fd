"""The secrets' cache: read seldom, re-read once when it matters, and never worse off for a bad change."""

import json
import random
import socket
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from payments.errors import ConfigurationError, TryAgainError
from payments.secrets import Cached, CurrentKeys, Downloaded, Verification
from payments.wiring import Wiring
from sandbox.simulator import Credentials


class Secrets:
    """A Secrets Manager that hands out what it holds, and counts."""

    def __init__(self, held: object) -> None:
        self.held = held
        self.reads = 0

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803  AWS's own word
        self.reads += 1
        if isinstance(self.held, Exception):
            raise self.held
        return {"SecretString": self.held if isinstance(self.held, str) else json.dumps(self.held)}


class Clock:
    """Epoch seconds that the test moves."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def cached(secrets: Secrets, clock: Clock) -> Cached[Any]:
    return Cached(client=secrets, secret_id="s", parse=lambda members: members["key"], clock=clock)


def test_a_secret_is_read_once_in_five_minutes(clock: Clock) -> None:
    secrets = Secrets({"key": 1})
    cache = cached(secrets, clock)
    assert [cache.value() for _ in range(5)] == [1] * 5
    assert secrets.reads == 1
    secrets.held = {"key": 2}
    clock.now += 300
    assert (cache.value(), secrets.reads) == (2, 2)


def test_an_early_look_is_taken_at_most_once_a_minute(clock: Clock) -> None:
    secrets = Secrets({"key": 1})
    cache = cached(secrets, clock)
    cache.value()
    assert [cache.reread() for _ in range(100)] == [False] * 100
    assert secrets.reads == 1
    clock.now += 60
    secrets.held = {"key": 2}
    assert cache.reread()
    assert [cache.reread() for _ in range(100)] == [False] * 100
    assert (cache.value(), secrets.reads) == (2, 2)


TIMEOUT = ReadTimeoutError(endpoint_url="https://secretsmanager")
GONE = ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, "GetSecretValue")


@pytest.mark.parametrize("trouble", ["not JSON", [], {"other": 1}, TIMEOUT, GONE])
def test_the_old_value_stays_in_use_when_the_new_one_is_of_no_use(clock: Clock, trouble: object) -> None:
    secrets = Secrets({"key": 1})
    cache = cached(secrets, clock)
    cache.value()
    clock.now += 301
    secrets.held = trouble
    assert cache.value() == 1
    clock.now += 301
    secrets.held = {"key": 2}
    assert cache.value() == 2


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        ("not JSON", ConfigurationError),
        ({"other": 1}, ConfigurationError),
        (GONE, ConfigurationError),
        (TIMEOUT, TryAgainError),
    ],
)
def test_without_an_old_value_the_trouble_is_named_and_no_content_shown(
    clock: Clock, trouble: object, error: type[Exception]
) -> None:
    cache = cached(Secrets(trouble), clock)
    with pytest.raises(error) as told:
        cache.value()
    assert "not JSON" not in str(told.value) or "is not JSON" in str(told.value)
    assert told.value.__cause__ is None or trouble != "not JSON"


@pytest.mark.parametrize(
    ("member", "value", "rule"),
    [
        ("WECHAT_API_V3_KEY", 12345678901234567890123456789012, "must be text"),
        ("WECHAT_API_V3_KEY_PREVIOUS", ["x" * 32], "must be text"),
        ("WECHAT_PUBLIC_KEY", {"pem": "x"}, "must be text"),
        ("WECHAT_QUOTE_KEY", True, "must be text"),
        ("WECHAT_PLATFORM_CERTIFICATES", "-----BEGIN CERTIFICATE-----", "must be a list of texts"),
        ("WECHAT_PLATFORM_CERTIFICATES", [1], "must be a list of texts"),
    ],
)
def test_a_member_of_another_type_is_named_and_not_shown(
    clock: Clock, member: str, value: object, rule: str
) -> None:
    held = Secrets({"WECHAT_API_V3_KEY": "k" * 32, member: value})
    cache = Cached(client=held, secret_id="verification", parse=Verification, clock=clock)
    with pytest.raises(ConfigurationError) as told:
        cache.value()
    assert str(told.value) == f"the secret verification: {member} {rule}"


@pytest.mark.parametrize("phase", range(7))
def test_random_serials_delay_a_true_change_by_a_minute_at_most(clock: Clock, phase: int) -> None:
    """Somebody asks for a key that is nobody's every second; now and then the secret cannot be read."""
    chance = random.Random(phase)
    secrets = Secrets({"key": 1})
    cache = cached(secrets, clock)
    cache.value()
    for _ in range(60 * 10 + phase * 9):
        clock.now += 1
        secrets.held = TIMEOUT if chance.random() < 0.1 else {"key": 1}
        cache.reread()
        assert cache.value() == 1
    changed = clock.now
    secrets.held = {"key": 2}
    while not (cache.reread() or cache.value() == 2):
        clock.now += 1
    assert clock.now - changed <= 60
    assert cache.value() == 2


def test_a_look_that_failed_is_taken_again_before_wechat_pay_comes_again(clock: Clock) -> None:
    secrets = Secrets({"key": 1})
    cache = cached(secrets, clock)
    cache.value()
    clock.now += 61
    secrets.held = TIMEOUT
    assert not cache.reread()
    secrets.held = {"key": 2}
    clock.now += 15  # WeChat Pay's first retry
    assert cache.reread()
    assert cache.value() == 2


def test_ten_minutes_without_secrets_manager_leave_the_keys_in_use_and_few_calls(clock: Clock) -> None:
    secrets = Secrets({"key": 1})
    cache = cached(secrets, clock)
    cache.value()
    secrets.held, secrets.reads = TIMEOUT, 0
    for _ in range(600):
        clock.now += 1
        assert cache.value() == 1
    assert 20 <= secrets.reads <= 60
    secrets.held = {"key": 2}
    clock.now += 10
    assert cache.value() == 2


def test_a_process_that_starts_without_secrets_manager_asks_again_each_time(clock: Clock) -> None:
    secrets = Secrets(TIMEOUT)
    cache = cached(secrets, clock)
    for _ in range(3):
        with pytest.raises(TryAgainError):
            cache.value()
    secrets.held = {"key": 1}
    assert cache.value() == 1


def test_a_secrets_manager_that_hangs_leaves_notify_time_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "nobody")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment = {"PAYMENTS_TABLE": "payments", "DUE_SHARDS": "4", "VERIFICATION_SECRET": "v"}
        begun = time.monotonic()
        with pytest.raises(TryAgainError):
            Wiring(environment).verification.value()
        assert time.monotonic() - begun < 4.5


MINE = Credentials.create()
APIV3 = {"WECHAT_API_V3_KEY": MINE.api_v3_key}


def keys(verification: Secrets, downloaded: Secrets, clock: Clock) -> CurrentKeys:
    return CurrentKeys(
        Cached(client=verification, secret_id="v", parse=Verification, clock=clock),
        Cached(client=downloaded, secret_id="d", parse=Downloaded, clock=clock, absent="{}"),
    )


def test_a_merchant_on_certificates_knows_what_was_downloaded(clock: Clock) -> None:
    verification = Secrets(APIV3 | {"WECHAT_PLATFORM_CERTIFICATES": [MINE.platform_certificate]})
    downloaded = Secrets(GONE)  # nothing was ever downloaded
    current = keys(verification, downloaded, clock)
    assert current.find(MINE.platform_serial_no) is not None
    assert downloaded.reads == 0
    assert current.find(MINE.platform_serial_no_new) is None
    downloaded.held = {"WECHAT_PLATFORM_CERTIFICATES": [MINE.platform_certificate_new]}
    clock.now += 60
    assert current.find(MINE.platform_serial_no_new) is not None
    reads = verification.reads, downloaded.reads
    assert [current.find(f"{number:040X}") for number in range(1000)] == [None] * 1000
    assert (verification.reads, downloaded.reads) == reads


def test_a_merchant_with_the_public_key_trusts_nothing_that_was_downloaded(clock: Clock) -> None:
    public = {"WECHAT_PUBLIC_KEY_ID": MINE.wechat_public_key_id, "WECHAT_PUBLIC_KEY": MINE.wechat_public_key}
    downloaded = Secrets({"WECHAT_PLATFORM_CERTIFICATES": [MINE.platform_certificate]})
    current = keys(Secrets(APIV3 | public), downloaded, clock)
    assert current.find(MINE.wechat_public_key_id) is not None
    clock.now += 61
    assert current.find(MINE.platform_serial_no) is None
    assert downloaded.reads == 0
