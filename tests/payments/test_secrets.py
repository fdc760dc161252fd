"""The secrets' cache: read seldom, re-read once when it matters, and never worse off for a bad change."""

import base64
import contextlib
import json
import random
import socket
import time
from functools import partial
from typing import Any

import jwt
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.api.quotes import check
from payments.core.errors import ConfigurationError, NotAllowedError, TryAgainError
from payments.storage.secret_members import (
    Downloaded,
    Verification,
    checkout_keys,
    merchant_certificate,
    signer,
)
from payments.storage.secrets import Cached, CurrentKeys
from payments.wiring import Wiring
from tests.kit.keys import merchant
from wechatpay.errors import DecryptionError, KeyFormatError
from wechatpay.notification import Sealed


class Secrets:
    """A Secrets Manager that hands out what it holds, and counts."""

    def __init__(self, held: object) -> None:
        self.held = held
        self.reads = 0

    def get_secret_value(self, SecretId: str) -> dict[str, str | bytes]:  # noqa: N803  AWS's own word
        self.reads += 1
        if isinstance(self.held, Exception):
            raise self.held
        if isinstance(self.held, bytes):
            return {"SecretBinary": self.held}
        return {"SecretString": self.held if isinstance(self.held, str) else json.dumps(self.held)}


class Clock:
    """Epoch seconds that the test moves."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def key_of(members: dict[str, Any]) -> int:
    if "key" not in members:
        raise KeyFormatError("key is missing")
    return int(members["key"])


def cached(secrets: Secrets, clock: Clock) -> Cached[Any]:
    return Cached(client=secrets, secret_id="s", parse=key_of, clock=clock)


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
        ("WECHAT_PLATFORM_CERTIFICATES", {"pem": "x"}, "must be a list of texts"),
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
        monkeypatch.delenv("AWS_TIMEOUT_SECONDS")
        environment = {"PAYMENTS_TABLE": "payments", "DUE_SHARDS": "4", "VERIFICATION_SECRET": "v"}
        begun = time.monotonic()
        with pytest.raises(TryAgainError):
            Wiring(environment).secrets.verification.value()
        assert time.monotonic() - begun < 4.5


MINE = merchant()
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


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetSecretValue")


def test_only_a_secret_that_has_no_value_yet_counts_as_absent(clock: Clock) -> None:
    """A right that is missing, or a key of AWS's that is, would leave certificates out that are there."""
    secrets = Secrets(GONE)
    cache = Cached(client=secrets, secret_id="d", parse=Downloaded, clock=clock, absent="{}")
    assert cache.value().platform_certificates == ()

    for code, error in (
        ("AccessDeniedException", ConfigurationError),
        ("DecryptionFailure", TryAgainError),
        ("InvalidRequestException", TryAgainError),  # it is marked for deletion
        ("ThrottlingException", TryAgainError),
    ):
        secrets.held = refusal(code)
        starting = Cached(client=secrets, secret_id="d", parse=Downloaded, clock=clock, absent="{}")
        with pytest.raises(error):
            starting.value()
    secrets.held = TIMEOUT
    with pytest.raises(TryAgainError):
        Cached(client=secrets, secret_id="d", parse=Downloaded, clock=clock, absent="{}").value()


def test_a_merchant_on_certificates_who_may_not_read_what_was_downloaded_is_told_so(clock: Clock) -> None:
    verification = Secrets(APIV3 | {"WECHAT_PLATFORM_CERTIFICATES": [MINE.platform_certificate]})
    current = keys(verification, Secrets(refusal("AccessDeniedException")), clock)
    assert current.find(MINE.platform_serial_no) is not None
    with pytest.raises(ConfigurationError, match="the secret d cannot be read: AccessDeniedException"):
        current.find(MINE.platform_serial_no_new)


def sealed(key: str) -> Sealed:
    """A notification that is encrypted with an APIv3 key."""
    ciphertext = AESGCM(key.encode()).encrypt(b"0" * 12, b'{"trade_state":"SUCCESS"}', b"transaction")
    return Sealed(
        id="1",
        event_type="TRANSACTION.SUCCESS",
        original_type="transaction",
        ciphertext=base64.b64encode(ciphertext).decode(),
        nonce="0" * 12,
        associated_data="transaction",
    )


OPENED = {"trade_state": "SUCCESS"}


def test_what_no_apiv3_key_opens_has_the_secret_read_again_once(clock: Clock) -> None:
    verification = Secrets({"WECHAT_API_V3_KEY": "o" * 32})
    current = keys(verification, Secrets(GONE), clock)
    assert current.open(sealed("o" * 32)) == OPENED

    clock.now += 60
    verification.held = {"WECHAT_API_V3_KEY": "n" * 32, "WECHAT_API_V3_KEY_PREVIOUS": "o" * 32}
    assert current.open(sealed("n" * 32)) == OPENED
    assert current.open(sealed("o" * 32)) == OPENED
    assert verification.reads == 2

    clock.now += 60
    for _ in range(100):
        with pytest.raises(DecryptionError):
            current.open(sealed("x" * 32))
    assert verification.reads == 3


def test_a_key_that_was_read_a_moment_ago_is_not_read_again(clock: Clock) -> None:
    verification = Secrets({"WECHAT_API_V3_KEY": "o" * 32})
    current = keys(verification, Secrets(GONE), clock)
    current.open(sealed("o" * 32))
    verification.held = {"WECHAT_API_V3_KEY": "n" * 32}
    clock.now += 59
    with pytest.raises(DecryptionError):
        current.open(sealed("n" * 32))
    clock.now += 1
    assert current.open(sealed("n" * 32)) == OPENED


def test_an_apiv3_key_that_is_changed_to_nonsense_leaves_the_old_one_in_use(clock: Clock) -> None:
    verification = Secrets({"WECHAT_API_V3_KEY": "o" * 32})
    current = keys(verification, Secrets(GONE), clock)
    current.open(sealed("o" * 32))
    verification.held = {"WECHAT_API_V3_KEY": "n" * 31}
    clock.now += 301
    assert current.open(sealed("o" * 32)) == OPENED
    with pytest.raises(DecryptionError):
        current.open(sealed("n" * 32))


@pytest.mark.parametrize(
    ("given", "good_by"),
    [
        ({"WECHAT_QUOTE_KEY": "q" * 32}, ["q" * 32]),
        ({"WECHAT_QUOTE_KEY": "q" * 32 + "\n"}, ["q" * 32, "q" * 32 + "\n"]),
        ({"WECHAT_QUOTE_KEY": "q" * 32, "WECHAT_QUOTE_KEY_PREVIOUS": "none"}, ["q" * 32]),
        ({"WECHAT_QUOTE_KEY": "q" * 31 + "\n", "WECHAT_QUOTE_KEY_PREVIOUS": "p" * 32}, ["p" * 32]),
        ({"WECHAT_QUOTE_KEY": " " * 40}, []),
        ({"WECHAT_QUOTE_KEY": None}, []),
    ],
)
def test_a_quote_is_good_by_a_key_whether_its_line_end_was_meant_or_not(
    given: dict[str, Any], good_by: list[str]
) -> None:
    """The product's backend may have read its key from the same file with the line end or without it."""
    held = Verification(APIV3 | given).quote_keys
    claims = {"sub": "u", "contentId": "c", "amount": 1, "exp": 1_000_060}
    for key in ("q" * 32, "q" * 32 + "\n", "p" * 32, "q" * 31 + "\n", " " * 40):
        quote = jwt.encode(claims, key, algorithm="HS256")
        if key in good_by:
            check(
                quote,
                keys=held,
                sub="u",
                content_id="c",
                amount=1,
                metadata=None,
                order_fields={},
                now=1_000_000,
            )
        else:
            with pytest.raises(NotAllowedError):
                check(
                    quote,
                    keys=held,
                    sub="u",
                    content_id="c",
                    amount=1,
                    metadata=None,
                    order_fields={},
                    now=1_000_000,
                )


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({}, "CHECKOUT_KEY has fewer than 32 characters"),
        ({"CHECKOUT_KEY": None}, "CHECKOUT_KEY has fewer than 32 characters"),
        ({"CHECKOUT_KEY": ["k" * 64]}, "CHECKOUT_KEY must be text"),
        ({"CHECKOUT_KEY": 10**40}, "CHECKOUT_KEY must be text"),
        ({"CHECKOUT_KEY": " " * 64}, "CHECKOUT_KEY has fewer than 32 characters"),
        ({"CHECKOUT_KEY": "k" * 64, "CHECKOUT_KEY_NEXT": "short\n"}, "CHECKOUT_KEY_NEXT has fewer than 32"),
        ({"CHECKOUT_KEY": "k" * 64, "CHECKOUT_KEY_PREVIOUS": {"k": 1}}, "CHECKOUT_KEY_PREVIOUS must be text"),
    ],
)
def test_a_checkout_key_that_is_none_leaves_the_old_one_in_use(
    clock: Clock, members: dict[str, Any], rule: str
) -> None:
    secrets = Secrets(members)
    cache = Cached(client=secrets, secret_id="checkout", parse=checkout_keys, clock=clock)
    with pytest.raises(ConfigurationError, match=f"the secret checkout: {rule}"):
        cache.value()
    secrets.held = {"CHECKOUT_KEY": "k" * 64}
    assert cache.value() == ("k" * 64,)
    secrets.held = members
    clock.now += 301
    assert cache.value() == ("k" * 64,)


def test_a_secret_that_says_there_is_none_is_read_as_seldom_as_any_other(clock: Clock) -> None:
    """A merchant who keeps no certificate there has no day to be told of, and the job goes on."""
    members = {"WECHAT_CERT_SERIAL_NO": MINE.merchant_serial_no}
    secrets = Secrets(members)
    cache = Cached(client=secrets, secret_id="signing", parse=merchant_certificate, clock=clock)
    assert [cache.value() for _ in range(3)] == [None] * 3
    assert secrets.reads == 1
    secrets.held = TIMEOUT
    clock.now += 301
    assert cache.value() is None
    secrets.held = members | {"WECHAT_CERTIFICATE": MINE.merchant_certificate}
    clock.now += 10
    assert cache.value() == (MINE.merchant_certificate.strip(), MINE.merchant_serial_no)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["[", "[]", "\\n", "serial="]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
NAMES = [
    *("WECHAT_PRIVATE_KEY", "WECHAT_CERT_SERIAL_NO", "WECHAT_CERTIFICATE", "WECHAT_PUBLIC_KEY_ID"),
    *("WECHAT_PUBLIC_KEY", "WECHAT_API_V3_KEY", "WECHAT_API_V3_KEY_PREVIOUS", "WECHAT_QUOTE_KEY"),
    *("WECHAT_PLATFORM_CERTIFICATES", "CHECKOUT_KEY", "CHECKOUT_KEY_NEXT"),
]


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING) | ANYTHING | st.binary())
def test_whatever_a_secret_is_changed_to_a_running_function_goes_on(content: object) -> None:
    """Nonsense is logged, and the value in use stays in use; nothing else may come of it."""
    good = {
        "WECHAT_PRIVATE_KEY": MINE.merchant_private_key,
        "CHECKOUT_KEY": "k" * 64,
        "WECHAT_CERT_SERIAL_NO": MINE.merchant_serial_no,
        **APIV3,
    }
    parsers = [Verification, Downloaded, checkout_keys, merchant_certificate]
    for parse in [*parsers, partial(signer, mchid=MINE.mchid)]:
        clock, secrets = Clock(), Secrets(good)
        cache: Cached[Any] = Cached(client=secrets, secret_id="s", parse=parse, clock=clock)  # type: ignore[arg-type]
        before = cache.value()
        secrets.held = content
        clock.now += 301
        after = cache.value()
        with contextlib.suppress(ConfigurationError):
            starting: Cached[Any] = Cached(client=secrets, secret_id="s", parse=parse, clock=clock)  # type: ignore[arg-type]
            assert type(starting.value()) is type(after)
            continue
        assert after is before


@pytest.mark.parametrize(("trouble", "wait"), [(TIMEOUT, 10), ("not JSON", 300)])
def test_what_the_value_does_not_fit_is_refused_for_good_only_while_it_is_current(
    clock: Clock, trouble: object, wait: int
) -> None:
    secrets = Secrets({"key": 1})
    cache = cached(secrets, clock)
    cache.value()
    cache.require_current()
    clock.now += 300
    secrets.held = trouble
    assert cache.value() == 1
    with pytest.raises(TryAgainError) as refused:
        cache.require_current()
    assert refused.value.retry_after == wait
    secrets.held = {"key": 2}
    clock.now += wait
    assert cache.value() == 2
    cache.require_current()
