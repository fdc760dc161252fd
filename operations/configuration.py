"""Everything that a stack needs to know of one merchant, under the specification's names, wherever it is kept."""

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from operations.env_file import parse
from operations.findings import Findings, warning
from operations.stack import CannotError, Stack

PARAMETERS = {
    "WECHAT_APP_ID": "WeChatAppId",
    "WECHAT_MCH_ID": "WeChatMchId",
    "WECHAT_NOTIFY_URL": "WeChatNotifyUrl",
    "WECHAT_GATEWAY": "WeChatGateway",
    "WECHAT_BACKUP_GATEWAY": "WeChatBackupGateway",
    "WECHAT_GATEWAYS_ALLOWED": "WeChatGatewaysAllowed",
    "REQUIRE_QUOTE": "RequireQuote",
}
CERTIFICATE = (
    "WECHAT_CERTIFICATE"  # the merchant's own; nothing is signed with it, it tells when the key ends
)
SECRETS = {
    "SigningSecretArn": ("WECHAT_PRIVATE_KEY", "WECHAT_CERT_SERIAL_NO", CERTIFICATE, "WECHAT_API_KEY"),
    "VerificationSecretArn": (
        "WECHAT_API_V3_KEY",
        "WECHAT_API_V3_KEY_PREVIOUS",
        "WECHAT_PUBLIC_KEY_ID",
        "WECHAT_PUBLIC_KEY",
        "WECHAT_PLATFORM_CERTIFICATES",
        "WECHAT_QUOTE_KEY",
        "WECHAT_QUOTE_KEY_PREVIOUS",
    ),
}
DEFAULTS = {
    "WECHAT_GATEWAY": "https://api.mch.weixin.qq.com",
    "WECHAT_BACKUP_GATEWAY": "https://api2.mch.weixin.qq.com",
    "WECHAT_GATEWAYS_ALLOWED": "https://api.mch.weixin.qq.com,https://api2.mch.weixin.qq.com",
    "REQUIRE_QUOTE": "true",
}
KNOWN = {*PARAMETERS, *(name for members in SECRETS.values() for name in members)}
_PEM_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class Configuration:
    """Values by name; what is absent or empty is absent. Its repr shows nothing."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {name: value for name, value in values.items() if value not in (None, "", [])}
        # What is not said about the gateway is what the template would say.
        if "WECHAT_GATEWAY" in self._values and "WECHAT_BACKUP_GATEWAY" not in self._values:
            self._values["WECHAT_BACKUP_GATEWAY"] = (
                self._values["WECHAT_GATEWAY"]
                if self._values["WECHAT_GATEWAY"] != DEFAULTS["WECHAT_GATEWAY"]
                else DEFAULTS["WECHAT_BACKUP_GATEWAY"]
            )

    def text(self, name: str) -> str:
        """One value as text; empty where there is none."""
        value = self._values.get(name, DEFAULTS.get(name, ""))
        return value if isinstance(value, str) else ""

    @property
    def platform_certificates(self) -> list[str]:
        """PEM texts: from a list, or from one text."""
        value = self._values.get("WECHAT_PLATFORM_CERTIFICATES", [])
        if isinstance(value, str):
            value = listed(value)
        return [str(certificate) for certificate in value]

    def members(self, names: tuple[str, ...]) -> dict[str, Any]:
        """What is there of these names, as the secrets keep it."""
        found = {name: self._values[name] for name in names if name in self._values}
        if "WECHAT_PLATFORM_CERTIFICATES" in found:
            found["WECHAT_PLATFORM_CERTIFICATES"] = self.platform_certificates
        return found

    def over(self, other: "Configuration") -> "Configuration":
        """These values, and the other's where there are none here."""
        return Configuration(other._values | self._values)

    def unknown(self) -> Findings:
        """Names that look as if they were meant for us, and that nothing reads."""
        for name in sorted(self._values):
            if name.startswith("WECHAT_") and name not in KNOWN:
                close = difflib.get_close_matches(name, KNOWN, n=1)
                fix = f"rename it to {close[0]} if that is meant" if close else "remove it, or see README.md"
                yield warning(f"{name} is not a name that anything here reads", fix)


def listed(text: str) -> list[str]:
    """Certificates from one text: PEM one after the other, within a JSON list or not, or a single one in base64."""
    return _PEM_CERTIFICATE.findall(text.replace("\\n", "\n")) or [text]


def of_file(path: Path) -> Configuration:
    """What a `.env` file says. Raises CannotError."""
    try:
        return Configuration(parse(path.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
        raise CannotError(f"{path} cannot be read: {reason}") from None


def of_stack(stack: Stack) -> Configuration:
    """What a deployed stack has: its parameters, and its two secrets. Raises CannotError."""
    values: dict[str, Any] = {name: stack.parameter(parameter) for name, parameter in PARAMETERS.items()}
    for output in SECRETS:
        values |= secret(stack, output)
    return Configuration(values)


def secret(stack: Stack, output: str) -> dict[str, Any]:
    """The members of one secret, by the output that names it; none while it has never been written.

    Raises CannotError when it cannot be read, or holds something else than one JSON object.
    """
    arn = stack.output(output)
    try:
        text = stack.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    except ClientError as problem:
        if problem.response["Error"]["Code"] == "ResourceNotFoundException":
            return {}
        raise CannotError(f"{output} cannot be read: {problem.response['Error']['Code']}") from None
    try:
        members = json.loads(text)
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise CannotError(f"{output} does not hold one JSON object: put it right in the console, or empty it")
    return members
