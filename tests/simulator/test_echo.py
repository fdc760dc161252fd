"""POST /v3/security/echo: the message comes back, the secret one for the merchant alone, and the notification after it."""

import base64
import json
from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from wechatpayv3.utils import rsa_decrypt, rsa_encrypt

ECHO = "/v3/security/echo"
PUBLISHED = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)


def public_key(merchant):
    return load_pem_public_key(merchant.credentials.wechat_public_key.encode())


def certified_key(pem):
    return load_pem_x509_certificate(pem.encode()).public_key()


def secret(key, text, padding=PUBLISHED):
    return base64.b64encode(key.encrypt(text.encode(), padding)).decode()


def revealed(merchant, text, private_key=None):
    key = load_pem_private_key((private_key or merchant.credentials.merchant_private_key).encode(), None)
    return key.decrypt(base64.b64decode(text), PUBLISHED).decode()


def echo(merchant, body, *, serial=...):
    named = merchant.credentials.wechat_public_key_id if serial is ... else serial
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return merchant.call("POST", ECHO, data, headers={"Wechatpay-Serial": named})


def use(merchant, **keys):
    assert merchant.control("POST", "keys", keys).status == 200


def test_the_message_comes_back_signed(shared_merchant):
    response = echo(shared_merchant, {"echo_message": "你好, echo"})
    assert (response.status, response.json) == (200, {"echo_message": "你好, echo"})
    shared_merchant.verify(response.headers, response.body)


def test_the_secret_message_comes_back_for_the_merchant_alone(shared_merchant):
    sent = secret(public_key(shared_merchant), "身份证5*")
    answer = echo(shared_merchant, {"echo_message": "hello", "encrypted_echo_message": sent}).json
    assert answer.keys() == {"echo_message", "encrypted_echo_message"}
    assert answer["encrypted_echo_message"] != sent
    assert revealed(shared_merchant, answer["encrypted_echo_message"]) == "身份证5*"


def test_a_clients_own_encryption_is_understood_and_it_understands_the_answer(shared_merchant):
    ours = shared_merchant.credentials
    sent = rsa_encrypt(text="hello", public_key=public_key(shared_merchant))
    answer = echo(shared_merchant, {"echo_message": "a", "encrypted_echo_message": sent}).json
    private = load_pem_private_key(ours.merchant_private_key.encode(), None)
    assert rsa_decrypt(ciphertext=answer["encrypted_echo_message"], private_key=private) == "hello"


def test_a_secret_may_have_as_many_bytes_as_the_padding_leaves(shared_merchant):
    text = "x" * 214
    sent = secret(public_key(shared_merchant), text)
    answer = echo(shared_merchant, {"echo_message": "a", "encrypted_echo_message": sent}).json
    assert revealed(shared_merchant, answer["encrypted_echo_message"]) == text


def test_the_answer_is_for_the_certificate_that_signed_the_call(merchant):
    ours = merchant.credentials
    use(merchant, merchantCertificates="both")
    merchant._key = load_pem_private_key(ours.merchant_private_key_new.encode(), None)
    body = json.dumps(
        {"echo_message": "a", "encrypted_echo_message": secret(public_key(merchant), "s")}
    ).encode()
    signed = merchant.authorization("POST", ECHO, body, serial_no=ours.merchant_serial_no_new)
    headers = {"Authorization": signed, "Wechatpay-Serial": ours.wechat_public_key_id}
    answer = merchant.call("POST", ECHO, body, headers=headers).json
    text = answer["encrypted_echo_message"]
    assert revealed(merchant, text, ours.merchant_private_key_new) == "s"
    with pytest.raises(ValueError, match="failed"):
        revealed(merchant, text)


def test_the_notification_tells_both_messages(merchant, receiver):
    sent = {"echo_message": "hello", "encrypted_echo_message": secret(public_key(merchant), "s")}
    assert echo(merchant, sent | {"notify_url": receiver.url}).status == 200
    [received] = receiver.wait(1)
    merchant.verify(received.headers, received.body)
    envelope = json.loads(received.body)
    assert envelope.keys() == {"id", "create_time", "resource_type", "event_type", "summary", "resource"}
    assert (envelope["event_type"], envelope["resource_type"]) == (
        "SECURITY_ECHO.SUCCESS",
        "encrypt-resource",
    )
    assert envelope["summary"] == "回调通知成功"
    assert envelope["resource"]["original_type"] == "security"
    told = merchant.decrypt(envelope["resource"])
    assert told.keys() == {"echo_message", "encrypt_echo_message"}
    assert told["echo_message"] == "hello"
    assert revealed(merchant, told["encrypt_echo_message"]) == "s"


def test_without_a_secret_the_notification_has_none(merchant, receiver):
    echo(merchant, {"echo_message": "hello", "notify_url": receiver.url})
    [received] = receiver.wait(1)
    assert merchant.decrypt(json.loads(received.body)["resource"]) == {"echo_message": "hello"}


def test_without_a_notify_url_nobody_is_notified(merchant):
    echo(merchant, {"echo_message": "hello"})
    assert merchant.deliveries() == []


def test_a_refused_notification_comes_again_by_the_ladder(merchant, receiver):
    receiver.statuses = [500, 204]
    echo(merchant, {"echo_message": "hello", "notify_url": receiver.url})
    receiver.wait(1)
    merchant.advance(15)
    first, second = receiver.wait(2)
    assert first.body == second.body


def test_a_retry_is_signed_with_a_key_that_is_still_in_use(merchant, receiver):
    receiver.statuses = [500, 204]
    ours = merchant.credentials
    use(merchant, mode="mixed", percentage=0)
    echo(merchant, {"echo_message": "hello", "notify_url": receiver.url})
    receiver.wait(1)
    use(merchant, mode="cert")
    merchant.advance(15)
    serials = [each.headers["Wechatpay-Serial"] for each in receiver.wait(2)]
    assert serials == [ours.wechat_public_key_id, ours.platform_serial_no]


def test_an_echo_is_not_an_order(merchant, receiver):
    echo(merchant, {"echo_message": "hello", "notify_url": receiver.url})
    receiver.wait(1)
    assert merchant.control("GET", "orders").json == {"orders": []}


@pytest.mark.parametrize(
    ("mode", "named"),
    [
        ("pubkey", {"public"}),
        ("cert", {"old"}),
        ("two-certs", {"old", "new"}),
        ("mixed", {"public", "old"}),
    ],
)
def test_only_a_key_that_is_in_use_can_be_named(merchant, receiver, mode, named):
    ours = merchant.credentials
    keys = {
        "public": (ours.wechat_public_key_id, public_key(merchant)),
        "old": (ours.platform_serial_no, certified_key(ours.platform_certificate)),
        "new": (ours.platform_serial_no_new, certified_key(ours.platform_certificate_new)),
    }
    use(merchant, mode=mode, percentage=0)
    count = 0
    for which, (serial, key) in keys.items():
        body = {
            "echo_message": which,
            "notify_url": receiver.url,
            "encrypted_echo_message": secret(key, which),
        }
        response = echo(merchant, body, serial=serial)
        if which not in named:
            assert (response.status, response.code) == (400, "PARAM_ERROR")
            assert response.json["message"] == "平台证书序列号Wechatpay-Serial错误"
            continue
        assert revealed(merchant, response.json["encrypted_echo_message"]) == which
        count += 1
        received = receiver.wait(count)[-1]
        # An echo proves one key: its notification is signed with the one that it named.
        assert received.headers["Wechatpay-Serial"] == serial
        merchant.verify(received.headers, received.body, key=key)
    assert len(receiver.received) == count == len(named)


def test_in_a_change_of_keys_the_answer_is_signed_with_the_named_one(merchant):
    ours = merchant.credentials
    use(merchant, mode="mixed")
    for serial in (ours.wechat_public_key_id, ours.platform_serial_no):
        assert echo(merchant, {"echo_message": "a"}, serial=serial).headers["wechatpay-serial"] == serial


def test_keys_are_not_mixed_in_one_call(merchant, receiver):
    ours = merchant.credentials
    use(merchant, mode="mixed")
    sent = secret(certified_key(ours.platform_certificate), "s")
    body = {"echo_message": "a", "encrypted_echo_message": sent, "notify_url": receiver.url}
    response = echo(merchant, body, serial=ours.wechat_public_key_id)
    assert (response.status, response.code) == (400, "PARAM_ERROR")
    assert response.json["message"].startswith("平台私钥解密失败")
    assert response.json["detail"]["field"] == "/encrypted_echo_message"
    assert merchant.deliveries() == []


def test_a_call_without_the_name_of_a_key_is_refused(shared_merchant):
    response = echo(shared_merchant, {"echo_message": "a"}, serial=None)
    assert (response.status, response.code) == (400, "PARAM_ERROR")
    assert response.json["message"] == "HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"echo_message": ...}, "/echo_message"),
        ({"echo_message": ""}, "/echo_message"),
        ({"echo_message": 1}, "/echo_message"),
        ({"echo_message": "😀"}, "/echo_message"),
        ({"notify_url": "ftp://here/"}, "/notify_url"),
        ({"notify_url": "https://here/?query=1"}, "/notify_url"),
        ({"encrypted_echo_message": "not base64!"}, "/encrypted_echo_message"),
        ({"encrypted_echo_message": "c2hvcnQ="}, "/encrypted_echo_message"),
        ({"encrypted_echo_message": None}, "/encrypted_echo_message"),
        ({"encrypt_echo_message": "a"}, "/encrypt_echo_message"),
        ({"mchid": "1900000109"}, "/mchid"),
    ],
)
def test_a_body_that_will_not_do_is_refused_by_name(shared_merchant, changes, field):
    body = {name: value for name, value in ({"echo_message": "a"} | changes).items() if value is not ...}
    response = echo(shared_merchant, body)
    assert (response.status, response.code) == (400, "PARAM_ERROR")
    assert response.json["detail"]["field"] == field
    shared_merchant.verify(response.headers, response.body)


def test_another_hash_is_not_understood(shared_merchant):
    padding = OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=None)
    sent = secret(public_key(shared_merchant), "s", padding)
    response = echo(shared_merchant, {"echo_message": "a", "encrypted_echo_message": sent})
    assert (response.status, response.code) == (400, "PARAM_ERROR")


def test_an_unsigned_echo_is_refused_and_tells_nobody(merchant, receiver):
    body = json.dumps({"echo_message": "a", "notify_url": receiver.url}).encode()
    response = merchant.call("POST", ECHO, body, headers={"Authorization": "none"})
    assert (response.status, response.code) == (401, "SIGN_ERROR")
    assert merchant.deliveries() == []


def test_a_fault_before_the_echo_tells_nobody_and_one_after_it_does(merchant, receiver):
    body = {"echo_message": "a", "notify_url": receiver.url}
    fault = {"on": "echo", "effect": "status", "status": 500, "code": "SYSTEM_ERROR", "times": 1}
    merchant.control("POST", "faults", {"rules": [fault, fault | {"after": True}]})
    assert [echo(merchant, body).status for _ in range(3)] == [500, 500, 200]
    receiver.wait(2)
    assert len(merchant.deliveries()) == 2


def test_the_apiv3_key_of_the_moment_encrypts_the_notification(merchant, receiver):
    key = "0123456789abcdefghijABCDEFGHIJkl"
    use(merchant, apiV3Key=key)
    echo(merchant, {"echo_message": "hello", "notify_url": receiver.url})
    [received] = receiver.wait(1)
    resource = json.loads(received.body)["resource"]
    with pytest.raises(InvalidTag):
        merchant.decrypt(resource)
    merchant.credentials = replace(merchant.credentials, api_v3_key=key)
    assert merchant.decrypt(resource) == {"echo_message": "hello"}
