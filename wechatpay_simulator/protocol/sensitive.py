"""Sensitive members of a request: encrypted for the key that Wechatpay-Serial names, and for no other."""

import base64
import binascii

from wechatpay_simulator.protocol.call import Call
from wechatpay_simulator.protocol.fields import Text
from wechatpay_simulator.protocol.keys import Keys
from wechatpay_simulator.protocol.refusals import parameter_error, serial_missing, serial_unknown
from wechatpay_simulator.protocol.signing import Signer


def named_key(call: Call, keys: Keys) -> Signer:
    """The key of WeChat Pay's that the call names.

    Raises the refusals of a call that names none, and of one that names a key which this merchant does not have now: a
    certificate where the public key is in use, the public key's id where certificates are.
    """
    serial = call.headers.get("wechatpay-serial")
    if not serial:
        raise serial_missing()
    key = keys.named(serial)
    if key is None:
        raise serial_unknown()
    return key


def opened(value: str, rule: Text, pointer: str, key: Signer) -> bytes:
    """What the member at `pointer` says. Raises a PARAM_ERROR refusal unless it was encrypted for `key`.

    WeChat Pay APIv3, Encrypting sensitive members: RSA-OAEP, then standard Base64.
    """
    try:
        ciphertext = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise parameter_error(
            f"请确认待处理的消息是否为加密后的密文，字段“{rule.title}”",
            pointer=pointer,
            issue="not Base64",
        ) from None
    try:
        return key.opened(ciphertext)
    except ValueError:
        raise parameter_error(
            f"平台私钥解密失败，字段“{rule.title}”",
            pointer=pointer,
            issue="not encrypted for the key that Wechatpay-Serial names",
        ) from None
