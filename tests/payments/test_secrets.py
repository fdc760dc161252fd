"""The secrets' cache: read seldom, re-read once when it matters, and never worse off for a bad change."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from payments.errors import ConfigurationError, TryAgainError
from payments.secrets import Cached


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
