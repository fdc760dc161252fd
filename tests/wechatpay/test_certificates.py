"""Platform certificates downloaded from the simulator, by the client, in each mode that has them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.kit.keys import merchant
from wechatpay.certificates import DAY, Certificate, check_platform
from wechatpay.client import Client
from wechatpay.decryption import apiv3_key
from wechatpay.errors import CertificateError, DecryptionError, RefusedError, UnknownOutcomeError
from wechatpay.keys import KeyRing, load_private_key
from wechatpay.signing import MerchantSigner
from wechatpay_simulator import Clock, Simulator

CREDENTIALS = merchant()
Start = Callable[[str], str]


@pytest.fixture
def simulator() -> Iterator[Start]:
    """Starts a simulator in a mode; gives its address."""
    started: list[Simulator] = []

    def start(mode: str) -> str:
        started.append(Simulator(CREDENTIALS, clock=Clock(), mode=mode))
        return started[-1].start()

    yield start
    for running in started:
        running.stop()


def client(gateway: str, ring: KeyRing) -> Client:
    key = load_private_key(CREDENTIALS.merchant_private_key)
    signer = MerchantSigner(CREDENTIALS.mchid, CREDENTIALS.merchant_serial_no, key)
    return Client(
        signer=lambda: signer,
        keys=ring,
        gateways=[gateway],
        clock=time.time,
        nonce=lambda: f"{time.time_ns():032d}",
    )


def trusted() -> KeyRing:
    return KeyRing.of(
        platform_certificates=[CREDENTIALS.platform_certificate, CREDENTIALS.platform_certificate_new]
    )


@pytest.mark.parametrize(("mode", "count"), [("cert", 1), ("two-certs", 2)])
def test_the_certificates_that_sign_are_downloaded(simulator: Start, mode: str, count: int) -> None:
    found = client(simulator(mode), trusted()).certificates([apiv3_key(CREDENTIALS.api_v3_key)])
    assert len(found) == count
    assert found[CREDENTIALS.platform_serial_no].strip() == CREDENTIALS.platform_certificate.strip()


def test_certificates_that_no_trusted_key_has_signed_are_not_believed(simulator: Start) -> None:
    with pytest.raises(UnknownOutcomeError, match="serial_unknown"):
        client(simulator("cert"), KeyRing({})).certificates([apiv3_key(CREDENTIALS.api_v3_key)])


def test_certificates_that_our_apiv3_key_does_not_open_are_not_believed(simulator: Start) -> None:
    with pytest.raises(DecryptionError):
        client(simulator("cert"), trusted()).certificates([b"x" * 32])


def test_a_merchant_with_the_public_key_has_none(simulator: Start) -> None:
    ring = KeyRing.of(
        public_key_id=CREDENTIALS.wechat_public_key_id, public_key=CREDENTIALS.wechat_public_key
    )
    with pytest.raises(RefusedError) as refused:
        client(simulator("pubkey"), ring).certificates([apiv3_key(CREDENTIALS.api_v3_key)])
    assert refused.value.is_code("RESOURCE_NOT_EXISTS")


PLATFORM = Certificate.of(CREDENTIALS.platform_certificate)


def test_a_certificate_tells_its_serial_its_names_and_its_days() -> None:
    assert PLATFORM.serial == CREDENTIALS.platform_serial_no
    assert "CN=Tenpay.com sign" in PLATFORM.subject
    assert PLATFORM.days_left(PLATFORM.ends - 3 * DAY) == pytest.approx(3)
    assert PLATFORM.days_left(PLATFORM.ends + DAY) == pytest.approx(-1)
    assert 5 * 365 - 1 < PLATFORM.days_left(time.time()) <= 5 * 365
    assert CREDENTIALS.platform_certificate[40:80] not in repr(PLATFORM)


def test_a_platform_certificate_of_now_is_accepted() -> None:
    check_platform(PLATFORM, now=time.time())


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (replace(PLATFORM, ends=time.time() - 1), "it has ended"),
        (replace(PLATFORM, begins=time.time() + 2 * DAY), "it begins more than a day from now"),
        (replace(PLATFORM, key_size=1024), "fewer than 2048 bits"),
        (replace(PLATFORM, issuer="CN=Somebody"), "Tenpay.com"),
        (Certificate.of(CREDENTIALS.merchant_certificate), "Tenpay.com"),
    ],
)
def test_what_cannot_be_a_platform_certificate_of_now_is_told(certificate: Certificate, reason: str) -> None:
    with pytest.raises(CertificateError, match=reason):
        check_platform(certificate, now=time.time())
