"""The PyPI package `wechatpayv3` and our crypto layer take each other's signatures and ciphertexts, byte for byte."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key
from wechatpayv3 import utils

from wechatpay.decryption import apiv3_key, decrypt
from wechatpay.errors import SignatureError
from wechatpay.keys import KeyRing, load_private_key
from wechatpay.signing import MerchantSigner
from wechatpay.verification import verify

IDENTITIES = json.loads((Path(__file__).parent / "vectors/wechatpay-v3-vectors.json").read_text())[
    "identities"
]
MERCHANT = IDENTITIES["merchant"]
WECHAT_PAY = IDENTITIES["wechatpay_public_key"]
BODY = '{"description":"测试商品","amount":{"total":9999}}'


@pytest.fixture(scope="module")
def signer() -> MerchantSigner:
    key = load_private_key(MERCHANT["private_key_pkcs8_der_base64"])
    return MerchantSigner(IDENTITIES["mchid"], MERCHANT["serial_no"], key)


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return KeyRing.of(public_key_id=WECHAT_PAY["public_key_id"], public_key=WECHAT_PAY["public_key_pem"])


def parts(authorization: str) -> dict[str, str]:
    return dict(re.findall(r'(\w+)="([^"]*)"', authorization))


def test_we_write_the_authorization_that_it_writes(signer: MerchantSigner) -> None:
    theirs = utils.build_authorization(
        "/v3/pay/transactions/native",
        "POST",
        IDENTITIES["mchid"],
        MERCHANT["serial_no"],
        signer.private_key,
        data=BODY,
        nonce_str="593BEC0C930BF1AFEB40B4A08C8FB242",
    )
    timestamp = int(parts(theirs)["timestamp"])
    ours = signer.authorization(
        "POST", "/v3/pay/transactions/native", timestamp, "593BEC0C930BF1AFEB40B4A08C8FB242", BODY.encode()
    )
    assert ours == theirs


def test_the_parameters_of_a_cashier_are_signed_as_it_signs_them(signer: MerchantSigner) -> None:
    # The values of WeChat Pay's own example ("Invoking payment", App); its key is not public.
    appid, timestamp, nonce_str = "wx8888888888888888", 1414561699, "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"
    prepay_id = "WX1217752501201407033233368018"
    what: dict[str, Any] = {
        "appid": appid,
        "prepay_id": prepay_id,
        "timestamp": timestamp,
        "nonce_str": nonce_str,
    }
    signed = [appid, str(timestamp), nonce_str]
    by_it = {
        last: utils.rsa_sign(signer.private_key, "\n".join([*signed, last]) + "\n")
        for last in (prepay_id, f"prepay_id={prepay_id}")
    }
    assert signer.app_params(**what)["sign"] == by_it[prepay_id]
    assert signer.jsapi_params(**what)["paySign"] == by_it[f"prepay_id={prepay_id}"]


def test_it_verifies_what_we_sign(signer: MerchantSigner) -> None:
    signature = signer.sign(f"1735700402\nnonce\n{BODY}\n".encode())
    public_key = signer.private_key.public_key()
    assert utils.rsa_verify("1735700402", "nonce", BODY, signature, public_key)
    assert not utils.rsa_verify("1735700403", "nonce", BODY, signature, public_key)


def test_we_verify_what_it_signs(ring: KeyRing) -> None:
    key = load_der_private_key(base64.b64decode(WECHAT_PAY["private_key_pkcs8_der_base64"]), password=None)
    headers = {
        "Wechatpay-Timestamp": "1735700402",
        "Wechatpay-Nonce": "c5ac7061fccab6bf3e254dcf98995b8c",
        "Wechatpay-Serial": WECHAT_PAY["public_key_id"],
        "Wechatpay-Signature": utils.rsa_sign(key, f"1735700402\nc5ac7061fccab6bf3e254dcf98995b8c\n{BODY}\n"),
    }
    verify(headers, BODY.encode(), keys=ring, now=1735700402)
    with pytest.raises(SignatureError):
        verify(headers, BODY.encode() + b" ", keys=ring, now=1735700402)


def test_both_decrypt_the_same() -> None:
    vectors = json.loads((Path(__file__).parent / "vectors/wechatpay-v3-vectors.json").read_text())
    for vector in vectors["notifications"]:
        sealed = (vector["aead_nonce"], vector["ciphertext_base64"], vector["associated_data"])
        theirs = utils.aes_decrypt(*sealed, vector["apiv3_key"])
        ours = decrypt(
            nonce=sealed[0],
            ciphertext=sealed[1],
            associated_data=sealed[2],
            keys=[apiv3_key(vector["apiv3_key"])],
        )
        assert ours.decode() == theirs
