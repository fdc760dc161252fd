"""GET /v3/certificates: what is listed in each mode, encrypted for the merchant and signed."""

import base64
import contextlib
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wechatpay_simulator import Clock, Simulator


@pytest.fixture
def merchant_in(credentials, merchant_of):
    with contextlib.ExitStack() as stack:

        def start(mode):
            clock = Clock()
            simulator = Simulator(credentials, clock=clock, mode=mode)
            stack.callback(simulator.stop)
            simulator.start()
            return merchant_of(simulator, clock)

        yield start


def download(merchant, query="", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return merchant.call("GET", f"/v3/certificates{query}", headers=named)


def opened(merchant, entry):
    """The certificate of one entry."""
    sealed = entry["encrypt_certificate"]
    assert (sealed["algorithm"], sealed["associated_data"]) == ("AEAD_AES_256_GCM", "certificate")
    assert len(sealed["nonce"]) == 12
    pem = AESGCM(merchant.credentials.api_v3_key.encode()).decrypt(
        sealed["nonce"].encode(), base64.b64decode(sealed["ciphertext"], validate=True), b"certificate"
    )
    assert pem.startswith(b"-----BEGIN CERTIFICATE-----\n")
    return x509.load_pem_x509_certificate(pem)


@pytest.mark.parametrize("mode", ["cert", "two-certs", "mixed"])
def test_a_first_download_can_be_verified_by_what_it_brings(merchant_in, mode):
    merchant = merchant_in(mode)
    mine = merchant.credentials
    expected = [mine.platform_serial_no, mine.platform_serial_no_new][: 2 if mode == "two-certs" else 1]
    for _ in range(4):
        response = download(merchant)
        assert response.status == 200
        assert [each["serial_no"] for each in response.json["data"]] == expected
        keys = {each["serial_no"]: opened(merchant, each).public_key() for each in response.json["data"]}
        serial = response.headers["wechatpay-serial"]
        merchant.verify(response.headers, response.body, key=keys[serial])


def test_an_entry_agrees_with_its_certificate(merchant_in):
    merchant = merchant_in("two-certs")
    old, new = download(merchant).json["data"]
    for entry in (old, new):
        assert entry.keys() == {"serial_no", "effective_time", "expire_time", "encrypt_certificate"}
        certificate = opened(merchant, entry)
        assert f"{certificate.serial_number:040X}" == entry["serial_no"]
        assert entry["effective_time"].endswith("+08:00")
        assert datetime.fromisoformat(entry["effective_time"]) == certificate.not_valid_before_utc
        assert datetime.fromisoformat(entry["expire_time"]) == certificate.not_valid_after_utc
        assert datetime.fromisoformat(entry["effective_time"]).timestamp() < merchant.clock.time()
    # SDKs take the one that began last for the newer.
    for when in ("effective_time", "expire_time"):
        days = (datetime.fromisoformat(new[when]) - datetime.fromisoformat(old[when])).days
        assert days >= 1


def test_a_merchant_with_the_public_key_alone_has_none(merchant_in):
    merchant = merchant_in("pubkey")
    response = download(merchant)
    assert (response.status, response.code) == (404, "RESOURCE_NOT_EXISTS")
    assert response.json["message"].startswith("无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。")
    merchant.verify(response.headers, response.body)


def test_in_mixed_mode_the_download_itself_may_be_signed_by_the_public_key(merchant_in):
    merchant = merchant_in("mixed")
    response = download(merchant, Wechatpay_Serial=merchant.credentials.wechat_public_key_id)
    merchant.verify(response.headers, response.body)
    assert len(response.json["data"]) == 1


def test_the_algorithm_may_be_named(merchant_in):
    merchant = merchant_in("cert")
    assert [download(merchant, f"?algorithm_type={each}").status for each in ("RSA", "ALL")] == [200, 200]
    assert download(merchant, "?algorithm_type=SM2").code == "RESOURCE_NOT_EXISTS"
    for query in ("?algorithm_type=rsa", "?algorithm_type=RSA&algorithm_type=RSA", "?mchid=1"):
        response = download(merchant, query)
        assert (response.status, response.code) == (400, "PARAM_ERROR")


def test_only_the_merchant_is_answered(merchant_in):
    response = download(merchant_in("cert"), Authorization=None)
    assert (response.status, response.code) == (401, "SIGN_ERROR")


def test_downloads_fail_as_told(merchant_in):
    merchant = merchant_in("cert")
    rule = {"on": "certificates", "effect": "status", "status": 503, "empty": True, "times": 1}
    assert merchant.control("POST", "faults", {"rules": [rule]}).status == 200
    assert [download(merchant).status for _ in range(2)] == [503, 200]
