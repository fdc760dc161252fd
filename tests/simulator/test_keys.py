"""Which key signs, and which of the merchant's is accepted: modes, shares, and changes while it runs."""

import base64
import dataclasses
import json
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.simulator.merchant import served


@pytest.fixture(scope="module")
def own_merchant(credentials):
    """Whose simulator repeats no other test's notification: each one draws a key."""
    with served(credentials) as merchant:
        yield merchant


@pytest.fixture
def merchant(own_merchant):
    yield own_merchant
    mine = own_merchant.credentials
    usual = {"merchantCertificates": "old", "apiV3Key": mine.api_v3_key}
    own_merchant.control("POST", "keys", {"mode": "pubkey", "percentage": 50, **usual})


def keys(merchant, **change):
    response = merchant.control("POST", "keys", change)
    assert response.status == 200, response.body
    return response.json


def signed_by(merchant, headers, body):
    """Whose key it was: the signature is verified with the key that Wechatpay-Serial names."""
    mine = merchant.credentials
    known = {
        mine.wechat_public_key_id: ("public", load_pem_public_key(mine.wechat_public_key.encode())),
        mine.platform_serial_no: ("old", public_key(mine.platform_certificate)),
        mine.platform_serial_no_new: ("new", public_key(mine.platform_certificate_new)),
    }
    name, key = known[{name.lower(): value for name, value in headers.items()}["wechatpay-serial"]]
    merchant.verify(headers, body, key=key)
    return name


def public_key(certificate):
    return x509.load_pem_x509_certificate(certificate.encode()).public_key()


def asked(merchant, **headers):
    response = merchant.call(
        "GET",
        f"/v3/pay/transactions/out-trade-no/NOBODY?mchid={merchant.credentials.mchid}",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    return signed_by(merchant, response.headers, response.body)


def notified(merchant, receiver, count):
    """Who signed the next so many notifications."""
    before = len(receiver.received)
    for number in range(1, count + 1):
        order = merchant.placed(notify_url=receiver.url)
        assert merchant.pay(codeUrl=order["code_url"]).status == 200
        receiver.wait(before + number)
    return [signed_by(merchant, each.headers, each.body) for each in receiver.received[before:]]


@pytest.mark.parametrize(("mode", "key"), [("pubkey", "public"), ("cert", "old")])
def test_one_key_signs_everything(merchant, receiver, mode, key):
    keys(merchant, mode=mode)
    mine = merchant.credentials
    for serial in (None, mine.wechat_public_key_id, mine.platform_serial_no, "nonsense"):
        assert asked(merchant, Wechatpay_Serial=serial) == key
    assert notified(merchant, receiver, 2) == [key, key]


def test_in_mixed_mode_the_request_says_which_key_it_wants(merchant):
    keys(merchant, mode="mixed", percentage=50)
    mine = merchant.credentials
    for _ in range(3):
        assert asked(merchant, Wechatpay_Serial=mine.wechat_public_key_id) == "public"
        assert asked(merchant) == "old"
        assert asked(merchant, Wechatpay_Serial=mine.platform_serial_no) == "old"
        assert asked(merchant, Wechatpay_Serial="PUB_KEY_ID_0") == "old"


def test_in_mixed_mode_a_share_of_the_notifications_is_by_the_public_key(merchant, receiver):
    keys(merchant, mode="mixed", percentage=0)
    assert notified(merchant, receiver, 3) == ["old"] * 3
    keys(merchant, percentage=100)
    assert notified(merchant, receiver, 3) == ["public"] * 3
    seen = []
    for seed in (4, 4, 5):
        keys(merchant, percentage=50, seed=seed)
        seen.append(notified(merchant, receiver, 12))
    assert seen[0] == seen[1] != seen[2]
    assert set(seen[0]) == {"old", "public"}


def test_the_newer_certificate_signs_its_share(merchant, receiver):
    keys(merchant, mode="two-certs", percentage=0)
    assert {asked(merchant) for _ in range(5)} == {"old"}
    keys(merchant, percentage=100)
    assert {asked(merchant) for _ in range(5)} == {"new"}
    assert notified(merchant, receiver, 2) == ["new", "new"]
    keys(merchant, percentage=30, seed=1)
    first = [asked(merchant) for _ in range(40)]
    assert 4 <= first.count("new") <= 24
    order = merchant.placed(notify_url=receiver.url)
    before = len(receiver.received)
    keys(merchant, seed=1)
    assert merchant.pay(codeUrl=order["code_url"]).status == 200
    receiver.wait(before + 1)  # when a notification goes out is a matter of time: it draws apart
    assert [asked(merchant) for _ in range(40)] == first


def test_the_control_shows_what_can_be_verified_with(merchant):
    mine = merchant.credentials
    one, both = [mine.platform_serial_no], [mine.platform_serial_no, mine.platform_serial_no_new]
    for mode, public, certificates in (
        ("pubkey", mine.wechat_public_key_id, []),
        ("cert", None, one),
        ("two-certs", None, both),
        ("mixed", mine.wechat_public_key_id, one),
    ):
        shown = keys(merchant, mode=mode, seed=9)
        assert shown == {
            "mode": mode,
            "percentage": 50,
            "seed": 9,
            "publicKeyId": public,
            "certificates": certificates,
            "merchantCertificates": [mine.merchant_serial_no],
        }
        assert merchant.control("GET", "keys").json == shown


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"mode": "certs"}, "mode is one of pubkey, cert, two-certs, mixed."),
        ({"mode": ["cert"]}, "mode is one of"),
        ({"percentage": 101}, "percentage is a number from 0 to 100."),
        ({"percentage": True}, "percentage is"),
        ({"percentage": "50"}, "percentage is"),
        ({"seed": 1.5}, "seed is a whole number."),
        ({"merchantCertificates": "newer"}, "merchantCertificates is one of old, both, new."),
        ({"merchantCertificates": ["both"]}, "merchantCertificates is one of"),
        ({"apiV3Key": "k" * 31}, "apiV3Key is a string of 32 letters and digits."),
        ({"apiV3Key": 32}, "apiV3Key is a string"),
        ({"share": 1}, "'share'"),
        ([], "not a JSON object"),
    ],
)
def test_what_is_no_change_of_keys_is_a_400(merchant, change, sentence):
    response = merchant.control("POST", "keys", change)
    assert (response.status, response.code) == (400, "BAD_CONTROL")
    assert sentence in response.json["error"]
    assert merchant.control("GET", "keys").json["mode"] == "pubkey"


@pytest.mark.parametrize(("mode", "form"), [("cert", r"[0-9A-F]{40}"), ("pubkey", r"PUB_KEY_ID_[0-9]{34}")])
def test_a_wrong_serial_looks_like_one_of_the_mode(merchant, mode, form):
    keys(merchant, mode=mode)
    rule = {"on": "query", "effect": "wrong_serial", "times": 1}
    merchant.control("POST", "faults", {"rules": [rule]})
    serial = merchant.query("NOBODY").headers["wechatpay-serial"]
    merchant.control("DELETE", "faults")
    mine = merchant.credentials
    assert serial not in {mine.platform_serial_no, mine.platform_serial_no_new, mine.wechat_public_key_id}
    assert re.fullmatch(form, serial)


def test_a_request_is_let_in_by_the_certificates_that_are_accepted_now(merchant):
    old = merchant.credentials
    new = dataclasses.replace(
        old,
        merchant_private_key=old.merchant_private_key_new,
        merchant_serial_no=old.merchant_serial_no_new,
    )
    both = (merchant, type(merchant)(merchant.url, new, merchant.clock))
    for accepted, statuses in (("old", (404, 401)), ("both", (404, 404)), ("new", (401, 404))):
        shown = keys(merchant, merchantCertificates=accepted)["merchantCertificates"]
        assert [each.query("NOBODY").status for each in both] == list(statuses)
        assert [each.credentials.merchant_serial_no in shown for each in both] == [
            status == 404 for status in statuses
        ]


def test_a_new_apiv3_key_encrypts_at_once(merchant, receiver):
    changed = "n" * 32
    keys(merchant, apiV3Key=changed)
    order = merchant.placed(notify_url=receiver.url)
    assert merchant.pay(codeUrl=order["code_url"]).status == 200
    (received,) = receiver.wait(1)[:1]
    sealed = json.loads(received.body)["resource"]
    plaintext = AESGCM(changed.encode()).decrypt(
        sealed["nonce"].encode(),
        base64.b64decode(sealed["ciphertext"]),
        sealed["associated_data"].encode(),
    )
    assert json.loads(plaintext)["out_trade_no"] == order["out_trade_no"]
