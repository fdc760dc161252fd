"""The echo, and the encryption of sensitive members that it tries out."""

import base64
import json
import time
from collections.abc import Iterator

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from tests.kit.identities import IDENTITIES, WECHAT_PAY
from tests.kit.keys import merchant, stranger
from tests.wechatpay.gateway import Server, answering, client, merchant_public_key, proof
from wechatpay.client import Client
from wechatpay.errors import DecryptionError, KeyFormatError, RefusedError, UnknownOutcomeError
from wechatpay.keys import KeyRing, load_private_key
from wechatpay.sensitive import decrypt_sensitive, encrypt_sensitive
from wechatpay.sensitive_calls import echo
from wechatpay.signing import MerchantSigner
from wechatpay_simulator import Clock, Credentials, Simulator

SERIAL = WECHAT_PAY["public_key_id"]
MERCHANT = load_private_key(IDENTITIES["merchant"]["private_key_pkcs8_der_base64"])


def oaep(digest: HashAlgorithm, mask: HashAlgorithm) -> OAEP:
    return OAEP(mgf=MGF1(algorithm=mask), algorithm=digest, label=None)


def test_what_is_encrypted_is_read_with_sha_1_twice_and_with_nothing_else() -> None:
    raw = base64.b64decode(encrypt_sensitive("张三", merchant_public_key()))
    assert MERCHANT.decrypt(raw, oaep(SHA1(), SHA1())).decode() == "张三"
    for other in (oaep(SHA256(), SHA256()), oaep(SHA256(), SHA1())):
        with pytest.raises(ValueError, match="failed"):
            MERCHANT.decrypt(raw, other)
    back = merchant_public_key().encrypt("张三".encode(), oaep(SHA1(), SHA1()))
    assert decrypt_sensitive(base64.b64encode(back).decode(), MERCHANT) == "张三"


def test_the_same_text_is_encrypted_differently_each_time_on_one_line() -> None:
    two = {encrypt_sensitive("x" * 214, merchant_public_key()) for _ in range(2)}
    assert len(two) == 2
    assert not any("\n" in text for text in two)


@pytest.mark.parametrize("text", ["x" * 215, "张" * 72])
def test_what_does_not_fit_is_not_encrypted(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        encrypt_sensitive(text, merchant_public_key())


@pytest.mark.parametrize("text", ["", "no base64!", "AAAA", "照片"])
def test_what_was_not_encrypted_for_the_merchant_cannot_be_read(text: str) -> None:
    others = encrypt_sensitive("x", stranger().public_key())
    for each in (text, others):
        with pytest.raises(DecryptionError, match="not encrypted for this merchant") as told:
            decrypt_sensitive(each, MERCHANT)
        assert each == "" or each not in str(told.value)


def echoed(message: str, sealed: object) -> bytes:
    return json.dumps({"echo_message": message, "encrypted_echo_message": sealed}).encode()


def test_an_answer_that_says_something_else_is_no_echo(server: Server) -> None:
    right = encrypt_sensitive("hello", merchant_public_key())
    other = encrypt_sensitive("hallo", merchant_public_key())
    for body in (echoed("hallo", right), echoed("hello", other), echoed("hello", None), b"{}"):
        with pytest.raises(UnknownOutcomeError, match="no echo"):
            echo(client(server(answering(body, proof(body)))), "hello", serial=SERIAL)


def test_an_answer_for_another_certificate_is_told_apart(server: Server) -> None:
    body = echoed("hello", encrypt_sensitive("hello", stranger().public_key()))
    with pytest.raises(DecryptionError):
        echo(client(server(answering(body, proof(body)))), "hello", serial=SERIAL)


def test_a_key_that_nobody_has_is_not_asked_with(server: Server) -> None:
    heard: list[bytes] = []
    with pytest.raises(KeyFormatError):
        echo(client(server(lambda _: None, heard=heard)), "hello", serial="A" * 40)
    assert heard == []


@pytest.fixture(scope="module")
def known() -> Credentials:
    return merchant()


@pytest.fixture
def weixin(known: Credentials) -> Iterator[Simulator]:
    simulator = Simulator(known, clock=Clock(), mode="mixed")
    simulator.start()
    yield simulator
    simulator.stop()


def of(simulator: Simulator, known: Credentials) -> Client:
    """The line of a merchant who has the public key and a platform certificate."""
    key = load_private_key(known.merchant_private_key)
    ring = KeyRing.of(
        public_key_id=known.wechat_public_key_id,
        public_key=known.wechat_public_key,
        platform_certificates=[known.platform_certificate],
    )
    return Client(
        signer=lambda: MerchantSigner(known.mchid, known.merchant_serial_no, key),
        keys=ring,
        gateways=[simulator.url],
        clock=time.time,
        nonce=lambda: f"{time.time_ns():032d}",
    )


def test_during_a_change_of_keys_each_key_has_its_echo(weixin: Simulator, known: Credentials) -> None:
    line = of(weixin, known)
    for serial in (known.wechat_public_key_id, known.platform_serial_no):
        echo(line, "hello", serial=serial)


def test_a_key_that_wechat_pay_does_not_use_is_refused(weixin: Simulator, known: Credentials) -> None:
    requests.post(f"{weixin.url}/_sandbox/keys", json={"mode": "pubkey"}, timeout=10).raise_for_status()
    line = of(weixin, known)
    echo(line, "hello", serial=known.wechat_public_key_id)
    with pytest.raises(RefusedError) as refused:
        echo(line, "hello", serial=known.platform_serial_no)
    assert refused.value.http_status == 400
