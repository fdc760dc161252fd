"""Two writers of the downloaded platform certificates, against a real secret with versions and labels."""

import contextlib
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from payments.core.errors import ConfigurationError, TryAgainError
from payments.storage.certificates import CertificateStore, Change
from sandbox.aws.aws import Aws
from sandbox.deployed import Deployed


def adding(*texts: str) -> Change:
    return lambda held: tuple(sorted({*held, *texts}))


@pytest.fixture
def secret(deployed: tuple[Aws, Deployed]) -> tuple[Any, str]:
    """A client, and a fresh secret without a value, as the stack makes it."""
    client = deployed[0].client("secretsmanager")
    return client, client.create_secret(Name=f"certificates-{uuid.uuid4()}")["ARN"]


def kept(secret: tuple[Any, str]) -> list[str]:
    client, arn = secret
    found: list[str] = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])[
        "WECHAT_PLATFORM_CERTIFICATES"
    ]
    return found


def test_the_first_certificates_are_kept_and_the_next_ones_beside_them(secret: tuple[Any, str]) -> None:
    client, arn = secret
    store = CertificateStore(client=client, secret_id=arn)
    assert store.update(adding("a")) == ("a",)
    assert kept(secret) == ["a"]
    assert store.update(adding("b")) == ("a", "b")
    assert kept(secret) == ["a", "b"]


def test_what_does_not_change_is_not_written(secret: tuple[Any, str]) -> None:
    client, arn = secret
    store = CertificateStore(client=client, secret_id=arn)
    store.update(adding("a"))
    version = client.get_secret_value(SecretId=arn)["VersionId"]
    store.update(adding("a"))
    assert client.get_secret_value(SecretId=arn)["VersionId"] == version


@pytest.mark.parametrize("before", [(), ("old",)])
def test_a_writer_that_was_overtaken_loses_nothing_of_the_other(
    secret: tuple[Any, str], before: tuple[str, ...]
) -> None:
    client, arn = secret
    store = CertificateStore(client=client, secret_id=arn)
    if before:
        store.update(adding(*before))
    overtaken = []

    def slowly(held: tuple[str, ...]) -> tuple[str, ...]:
        if not overtaken:  # between our read and our write
            overtaken.append(store.update(adding("theirs")))
        return adding("ours")(held)

    store.update(slowly)
    assert kept(secret) == sorted([*before, "ours", "theirs"])


def test_eight_writers_at_once_lose_nothing(secret: tuple[Any, str]) -> None:
    client, arn = secret

    def write(text: str) -> None:
        for _ in range(8):  # each failure is another one's success
            with contextlib.suppress(TryAgainError):
                CertificateStore(client=client, secret_id=arn).update(adding(text))
                return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, "abcdefgh"))
    assert kept(secret) == list("abcdefgh")


def test_somebody_who_is_always_overtaken_gives_up_and_says_so(secret: tuple[Any, str]) -> None:
    client, arn = secret
    store = CertificateStore(client=client, secret_id=arn)
    store.update(adding("a"))
    rivals = iter(range(100))

    def hopeless(held: tuple[str, ...]) -> tuple[str, ...]:
        store.update(adding(f"rival {next(rivals)}"))
        return adding("ours")(held)

    with pytest.raises(TryAgainError):
        store.update(hopeless)
    assert "ours" not in kept(secret)


def test_what_a_person_has_put_there_as_text_is_kept_one_by_one(secret: tuple[Any, str]) -> None:
    client, arn = secret
    client.put_secret_value(
        SecretId=arn, SecretString=json.dumps({"WECHAT_PLATFORM_CERTIFICATES": '["a", "b"]'})
    )
    assert CertificateStore(client=client, secret_id=arn).update(adding("c")) == ("a", "b", "c")
    client.put_secret_value(SecretId=arn, SecretBinary=b'{"WECHAT_PLATFORM_CERTIFICATES": ["d"]}')
    assert CertificateStore(client=client, secret_id=arn).update(adding("c")) == ("c", "d")
    client.put_secret_value(SecretId=arn, SecretString='{"WECHAT_PLATFORM_CERTIFICATES": null}')
    assert CertificateStore(client=client, secret_id=arn).update(adding("c")) == ("c",)


@pytest.mark.parametrize("content", ["not JSON", "[]", '{"WECHAT_PLATFORM_CERTIFICATES": 1}'])
def test_what_is_something_else_is_not_overwritten(secret: tuple[Any, str], content: str) -> None:
    client, arn = secret
    client.put_secret_value(SecretId=arn, SecretString=content)
    with pytest.raises(ConfigurationError, match=r"the content is not|must be a list of texts"):
        CertificateStore(client=client, secret_id=arn).update(adding("a"))
    assert client.get_secret_value(SecretId=arn)["SecretString"] == content
