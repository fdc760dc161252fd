"""What the stack's secrets hold, and a Secrets Manager in this process."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError

QUOTE_KEY = "q" * 32
CHECKOUT = {"CHECKOUT_KEY": "c" * 64}


class Verifying(Protocol):
    """A merchant's means to verify and decrypt what WeChat Pay sends."""

    @property
    def api_v3_key(self) -> str: ...
    @property
    def wechat_public_key_id(self) -> str: ...
    @property
    def wechat_public_key(self) -> str: ...


class Signing(Protocol):
    """A merchant's means to sign."""

    @property
    def merchant_private_key(self) -> str: ...
    @property
    def merchant_serial_no(self) -> str: ...


def signing(merchant: Signing) -> dict[str, Any]:
    """What signs for this merchant."""
    return {
        "WECHAT_PRIVATE_KEY": merchant.merchant_private_key,
        "WECHAT_CERT_SERIAL_NO": merchant.merchant_serial_no,
    }


def verification(merchant: Verifying, **more: Any) -> dict[str, Any]:
    """What verifies WeChat Pay for this merchant, and `more` members."""
    return {
        "WECHAT_API_V3_KEY": merchant.api_v3_key,
        "WECHAT_PUBLIC_KEY_ID": merchant.wechat_public_key_id,
        "WECHAT_PUBLIC_KEY": merchant.wechat_public_key,
    } | more


class SecretsManager:
    """Answers as AWS does: `contents` are members by a secret's id; one that is not there has no version."""

    def __init__(self, contents: Mapping[str, Mapping[str, Any]]) -> None:
        self._texts = {secret: json.dumps(content) for secret, content in contents.items()}
        self.reads: Counter[str] = Counter()

    def put(self, secret: str, content: Mapping[str, Any]) -> None:
        """What an operator writes."""
        self._texts[secret] = json.dumps(content)

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803  AWS's name
        """As AWS answers it."""
        self.reads[SecretId] += 1
        if SecretId not in self._texts:
            error = {"Error": {"Code": "ResourceNotFoundException", "Message": "no AWSCURRENT"}}
            raise ClientError(error, "GetSecretValue")
        return {"SecretString": self._texts[SecretId], "VersionId": "1"}
