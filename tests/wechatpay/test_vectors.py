"""The published vectors: every signature, verification, decryption and client parameter, and those that must fail."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

from wechatpay.decryption import apiv3_key, decrypt
from wechatpay.errors import DecryptionError, SignatureError
from wechatpay.keys import KeyRing, load_certificate, load_private_key
from wechatpay.notification import receive
from wechatpay.signing import MerchantSigner, request_message
from wechatpay.verification import verify

VECTORS = json.loads((Path(__file__).parent / "vectors/wechatpay-v3-vectors.json").read_text())
IDENTITIES = VECTORS["identities"]


def by_name(vectors: list[dict]) -> dict:
    return {"argvalues": vectors, "ids": [vector["name"] for vector in vectors]}


@pytest.fixture(scope="module")
def signer() -> MerchantSigner:
    merchant = IDENTITIES["merchant"]
    key = load_private_key(merchant["private_key_pkcs8_der_base64"])
    return MerchantSigner(IDENTITIES["mchid"], merchant["serial_no"], key)


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return KeyRing.of(
        public_key_id=IDENTITIES["wechatpay_public_key"]["public_key_id"],
        public_key=IDENTITIES["wechatpay_public_key"]["public_key_pem"],
        platform_certificates=[
            IDENTITIES["platform_certificate"]["certificate_pem"],
            IDENTITIES["platform_certificate_new"]["certificate_pem"],
        ],
    )


@pytest.mark.parametrize("vector", **by_name(VECTORS["request_signing"]))
def test_a_request_is_signed_byte_for_byte_as_published(vector: dict, signer: MerchantSigner) -> None:
    parts = (
        vector["method"],
        vector["url_path_and_query"],
        int(vector["timestamp"]),
        vector["nonce_str"],
        vector["body"].encode(),
    )
    message = request_message(*parts)
    assert message == vector["message"].encode()
    assert hashlib.sha256(message).hexdigest() == vector["message_sha256_hex"]
    assert signer.sign(message) == vector["signature"]
    assert signer.authorization(*parts) == vector["authorization"]


@pytest.mark.parametrize("vector", **by_name(VECTORS["response_verification"]))
def test_an_answer_is_accepted_or_refused_as_published(vector: dict, ring: KeyRing) -> None:
    def check() -> None:
        verify(vector["headers"], vector["body"].encode(), keys=ring, now=vector["local_clock_epoch"])

    if vector["expect_accept"]:
        check()
    else:
        with pytest.raises(SignatureError) as refused:
            check()
        expected = {"bad_clock_plus_300s": "timestamp", "probe_signtest": "probe"}
        assert refused.value.reason == expected.get(vector["name"], "signature")


@pytest.mark.parametrize("vector", **by_name(VECTORS["notifications"]))
@pytest.mark.parametrize("signed_by", ["public_key", "platform_certificate"])
def test_a_notification_is_verified_and_decrypted_as_published(
    vector: dict, signed_by: str, ring: KeyRing
) -> None:
    headers = dict(vector["headers"])
    if signed_by == "platform_certificate":
        headers |= vector["signature_if_platform_certificate_used"]
    now = int(headers["Wechatpay-Timestamp"])
    sealed = receive(headers, vector["body"].encode(), keys=ring, now=now)
    assert sealed.open([apiv3_key(vector["apiv3_key"])]) == json.loads(vector["plaintext"])


@pytest.mark.parametrize("vector", **by_name(VECTORS["notifications"]))
def test_a_resource_with_one_altered_part_does_not_decrypt(vector: dict) -> None:
    raw = base64.b64decode(vector["ciphertext_base64"])
    assert raw[-16:].hex() == vector["tag_hex_last_16_bytes"]
    parts = {
        "ciphertext": vector["ciphertext_base64"],
        "nonce": vector["aead_nonce"],
        "associated_data": vector["associated_data"],
        "keys": [apiv3_key(vector["apiv3_key"])],
    }
    assert decrypt(**parts) == vector["plaintext"].encode()
    flipped = base64.b64encode(bytes([raw[0] ^ 1]) + raw[1:]).decode()
    cut_tag = base64.b64encode(raw[:-1]).decode()
    for altered in (
        {"ciphertext": flipped},
        {"ciphertext": cut_tag},
        {"ciphertext": "not base64!"},
        {"nonce": vector["aead_nonce"][:-1] + "~"},
        {"nonce": vector["aead_nonce"] + "x"},
        {"associated_data": vector["associated_data"] + "x"},
        {"keys": [b"x" * 32]},
        {"keys": []},
    ):
        with pytest.raises(DecryptionError):
            decrypt(**(parts | altered))


def test_the_previous_apiv3_key_still_opens_what_it_sealed() -> None:
    vector = VECTORS["notifications"][0]
    plaintext = decrypt(
        ciphertext=vector["ciphertext_base64"],
        nonce=vector["aead_nonce"],
        associated_data=vector["associated_data"],
        keys=[b"n" * 32, apiv3_key(vector["apiv3_key"])],
    )
    assert plaintext == vector["plaintext"].encode()


def test_downloaded_certificates_decrypt_and_verify_the_answer_they_came_in() -> None:
    download = VECTORS["certificates_download"]
    key = apiv3_key(IDENTITIES["apiv3_key"])
    certificates = [
        decrypt(
            ciphertext=entry["encrypt_certificate"]["ciphertext"],
            nonce=entry["encrypt_certificate"]["nonce"],
            associated_data=entry["encrypt_certificate"]["associated_data"],
            keys=[key],
        ).decode()
        for entry in json.loads(download["body"])["data"]
    ]
    assert certificates == download["expect_plaintexts"]
    serials = [load_certificate(certificate)[0] for certificate in certificates]
    assert serials == [entry["serial_no"] for entry in json.loads(download["body"])["data"]]
    ring = KeyRing.of(platform_certificates=certificates)
    now = int(download["headers"]["Wechatpay-Timestamp"])
    verify(download["headers"], download["body"].encode(), keys=ring, now=now)


def test_the_cashier_parameters_are_signed_as_published(signer: MerchantSigner) -> None:
    published = VECTORS["client_pay_params"]["jsapi_or_miniprogram"]["params"]
    params = signer.jsapi_params(
        appid=published["appId"],
        prepay_id=published["package"].removeprefix("prepay_id="),
        timestamp=int(published["timeStamp"]),
        nonce_str=published["nonceStr"],
    )
    assert params == published


def test_the_app_parameters_are_signed_as_published(signer: MerchantSigner) -> None:
    published = VECTORS["client_pay_params"]["app"]["params"]
    params = signer.app_params(
        appid=published["appid"],
        prepay_id=published["prepayid"],
        timestamp=int(published["timestamp"]),
        nonce_str=published["noncestr"],
    )
    # As the older edition of the document spells them; the newer one has the names of PayReq.
    assert {name.lower().removesuffix("value"): value for name, value in params.items()} == published
