"""WeChat Pay's side of a notification: signs and encrypts by cryptography alone, and shares no code with the product."""

import base64
import json
import secrets

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key


class WeChatPay:
    """Signs and encrypts as WeChat Pay would, for the merchant that `credentials` describe."""

    def __init__(self, credentials, clock):
        self.credentials = credentials
        self._clock = clock
        self._keys = {}

    def transaction(self, item, **changes):
        """What WeChat Pay says of a paid order (a row of our table); a change to None leaves the member out."""
        total = int(item["amount"]["N"])
        members = {
            "mchid": item["mchid"]["S"],
            "appid": item["appid"]["S"],
            "out_trade_no": item["out_trade_no"]["S"],
            "transaction_id": "42" + "".join(secrets.choice("0123456789") for _ in range(26)),
            "trade_type": "NATIVE",
            "trade_state": "SUCCESS",
            "trade_state_desc": "支付成功",
            "bank_type": "OTHERS",
            "attach": "",
            "success_time": "2024-01-01T12:00:00+08:00",
            "payer": {"openid": "o" + secrets.token_hex(12)},
            "amount": {"total": total, "payer_total": total, "currency": "CNY", "payer_currency": "CNY"},
        } | changes
        return {name: value for name, value in members.items() if value is not None}

    def envelope(
        self,
        plaintext,
        *,
        event_type="TRANSACTION.SUCCESS",
        original_type="transaction",
        api_v3_key=None,
        resource=None,
        **changes,
    ):
        """A notification's body."""
        raw = (
            plaintext if isinstance(plaintext, bytes) else json.dumps(plaintext, ensure_ascii=False).encode()
        )
        nonce = secrets.token_hex(6)
        key = (api_v3_key or self.credentials.api_v3_key).encode()
        sealed = AESGCM(key).encrypt(nonce.encode(), raw, b"transaction")
        members = {
            "id": f"EV-{secrets.token_hex(12)}",
            "create_time": "2024-01-01T12:00:01+08:00",
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "支付成功",
            "resource": {
                "original_type": original_type,
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(sealed).decode(),
                "associated_data": "transaction",
                "nonce": nonce,
                **(resource or {}),
            },
        } | changes
        return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()

    def headers(self, body, *, key=None, serial=None, timestamp=None, nonce=None):
        """The signature headers of these bytes."""
        timestamp = str(int(self._clock.time()) if timestamp is None else timestamp)
        nonce = nonce or secrets.token_hex(16)
        signature = self._key(key or self.credentials.wechat_private_key).sign(
            f"{timestamp}\n{nonce}\n".encode() + body + b"\n", PKCS1v15(), SHA256()
        )
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": serial or self.credentials.wechat_public_key_id,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }

    def _key(self, pem):
        if pem not in self._keys:
            self._keys[pem] = load_pem_private_key(pem.encode(), password=None)
        return self._keys[pem]
