"""Everything that a stack needs to know of one merchant, under the specification's names, wherever it is kept."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from operations.env_file import parse
from operations.stack import CannotError, Stack
from payments.storage.secret_members import (
    APP_SECRET,
    PLATFORM_CERTIFICATES,
    certificate_texts,
    content_of,
    members_of,
)
from wechatpay.errors import KeyFormatError
from wechatpay.keys import bare, checked_public_key_id, checked_serial

PARAMETERS = {
    "WECHAT_APP_ID": "WeChatAppId",
    "WECHAT_APPS": "WeChatApps",
    "WECHAT_MCH_ID": "WeChatMchId",
    "WECHAT_NOTIFY_URL": "WeChatNotifyUrl",
    "WECHAT_GATEWAY": "WeChatGateway",
    "WECHAT_BACKUP_GATEWAY": "WeChatBackupGateway",
    "WECHAT_GATEWAYS_ALLOWED": "WeChatGatewaysAllowed",
    "REQUIRE_QUOTE": "RequireQuote",
    "WECHAT_MINI_PROGRAMS": "WeChatMiniPrograms",
    "WECHAT_OPEN_PLATFORM": "WeChatOpenPlatform",
    "WECHAT_OPEN_PLATFORMS_ALLOWED": "WeChatOpenPlatformsAllowed",
    "CLIENT_ADDRESS_FROM": "ClientAddressFrom",
}
# Taken by the functions without what stands around them; the other parameters as they are.
_TRIMMED = ("WECHAT_APP_ID", "WECHAT_MCH_ID", "WECHAT_NOTIFY_URL")
# The merchant's own; nothing is signed with it, it tells when the key ends.
CERTIFICATE = "WECHAT_CERTIFICATE"
SECRETS = {
    "SigningSecretArn": ("WECHAT_PRIVATE_KEY", "WECHAT_CERT_SERIAL_NO", CERTIFICATE, "WECHAT_API_KEY"),
    "VerificationSecretArn": (
        "WECHAT_API_V3_KEY",
        "WECHAT_API_V3_KEY_PREVIOUS",
        "WECHAT_PUBLIC_KEY_ID",
        "WECHAT_PUBLIC_KEY",
        PLATFORM_CERTIFICATES,
        "WECHAT_QUOTE_KEY",
        "WECHAT_QUOTE_KEY_PREVIOUS",
        "CLOUDFRONT_ORIGIN_KEY",
        "CLOUDFRONT_ORIGIN_KEY_PREVIOUS",
    ),
}
# Of each app that asks the open platform; may stay empty, and older stacks have none.
APPS_SECRET = "AppsSecretArn"  # noqa: S105  a name
DEFAULTS = {
    "WECHAT_GATEWAY": "https://api.mch.weixin.qq.com",
    "WECHAT_BACKUP_GATEWAY": "https://api2.mch.weixin.qq.com",
    "WECHAT_GATEWAYS_ALLOWED": "https://api.mch.weixin.qq.com,https://api2.mch.weixin.qq.com",
    "REQUIRE_QUOTE": "true",
    "CLIENT_ADDRESS_FROM": "gateway",
    "WECHAT_APPS": "",
    "WECHAT_MINI_PROGRAMS": "",
    "WECHAT_OPEN_PLATFORM": "https://api.weixin.qq.com",
    "WECHAT_OPEN_PLATFORMS_ALLOWED": "https://api.weixin.qq.com",
}
# What a file says besides, for `make deploy` alone: who issues the callers' tokens, and the account that it is meant for.
CALLERS = {"JWT_ISSUER": "JwtIssuer", "JWT_AUDIENCE": "JwtAudience"}
ACCOUNT = "AWS_ACCOUNT_ID"
IN_FILE = {**PARAMETERS, **CALLERS}  # every variable that becomes a parameter of the template, and which
KNOWN = {*IN_FILE, ACCOUNT, APP_SECRET, *(name for members in SECRETS.values() for name in members)}
# How a member is written where it stands in several forms. What is not here stays as it is given.
_WRITTEN = {
    "WECHAT_CERT_SERIAL_NO": checked_serial,
    "WECHAT_API_V3_KEY": bare,
    "WECHAT_API_V3_KEY_PREVIOUS": bare,
    "WECHAT_PUBLIC_KEY_ID": checked_public_key_id,
}


class Configuration:
    """Values by name; what is absent or empty is absent. Its repr shows nothing."""

    def __init__(self, values: Mapping[str, Any], names: frozenset[str] | None = None) -> None:
        self._values = {name: value for name, value in values.items() if value not in (None, "", [])}
        self.names = frozenset(self._values) if names is None else names
        """What has a value; of two, one over the other, what has one in the upper."""
        # What is not said about the gateway is what the template would say.
        if "WECHAT_GATEWAY" in self._values and "WECHAT_BACKUP_GATEWAY" not in self._values:
            self._values["WECHAT_BACKUP_GATEWAY"] = (
                self._values["WECHAT_GATEWAY"]
                if self._values["WECHAT_GATEWAY"] != DEFAULTS["WECHAT_GATEWAY"]
                else DEFAULTS["WECHAT_BACKUP_GATEWAY"]
            )

    def text(self, name: str) -> str:
        """One value without what stands around it; empty where there is none, or none of text."""
        value = self._values.get(name, DEFAULTS.get(name, ""))
        if not isinstance(value, str):
            return ""
        if name in PARAMETERS:
            return value.strip() if name in _TRIMMED else value
        return bare(value)

    @property
    def platform_certificates(self) -> tuple[str, ...]:
        """One text each; none where the value is neither a list of texts nor text."""
        with suppress(KeyFormatError):
            return certificate_texts(self._values)
        return ()

    @property
    def app_secrets(self) -> tuple[str, ...]:
        """The names of the apps' own secrets that are there."""
        return tuple(name for name in sorted(self._values) if name.startswith(APP_SECRET))

    def not_text(self) -> list[str]:
        """The names of values that should be text and are not."""
        return [
            name
            for name in sorted({*KNOWN, *self.app_secrets} - {PLATFORM_CERTIFICATES})
            if not isinstance(self._values.get(name, ""), str)
        ]

    def given(self, names: tuple[str, ...]) -> dict[str, Any]:
        """What is there of these names, as it stands."""
        return {name: self._values[name] for name in names if name in self._values}

    def members(self, names: tuple[str, ...]) -> dict[str, Any]:
        """What is there of these names, in the form that `make secret` writes; what cannot be read, as it stands."""
        found = self.given(names)
        with suppress(KeyFormatError):
            if certificates := list(certificate_texts(found)):
                found[PLATFORM_CERTIFICATES] = certificates
        for name, written in _WRITTEN.items():
            if isinstance(found.get(name), str):
                with suppress(KeyFormatError):
                    found[name] = written(found[name])
        return found

    def over(self, other: "Configuration") -> "Configuration":
        """These values, and the other's where there are none here."""
        return Configuration(other._values | self._values, self.names)


def of_file(path: Path) -> Configuration:
    """What a `.env` file says. Raises CannotError."""
    try:
        return Configuration(parse(path.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
        raise CannotError(f"{path} cannot be read: {reason}") from None


def parameters_of(stack: Stack) -> dict[str, str]:
    """What a deployed stack was given. Raises CannotError."""
    return {name: stack.parameter(parameter, DEFAULTS.get(name)) for name, parameter in PARAMETERS.items()}


def of_stack(stack: Stack) -> Configuration:
    """What a deployed stack has: its parameters, and its secrets. Raises CannotError."""
    values: dict[str, Any] = dict(parameters_of(stack))
    for members in secrets_of(stack).values():
        values |= members
    return Configuration(values)


def secrets_of(stack: Stack) -> dict[str, dict[str, Any]]:
    """The members of each secret that is an operator's to fill, by the output that names it. Raises CannotError."""
    there = [*SECRETS, *([APPS_SECRET] if stack.has_output(APPS_SECRET) else [])]
    return {output: secret(stack, output) for output in there}


def secret(stack: Stack, output: str) -> dict[str, Any]:
    """The members of one secret, by the output that names it; none while it has never been written.

    Raises CannotError when it cannot be read, or holds something else than one JSON object.
    """
    arn = stack.output(output)
    try:
        found = stack.client("secretsmanager").get_secret_value(SecretId=arn)
    except ClientError as problem:
        if problem.response["Error"]["Code"] == "ResourceNotFoundException":
            return {}
        raise CannotError(f"{output} cannot be read: {problem.response['Error']['Code']}") from None
    try:
        return members_of(content_of(found))
    except KeyFormatError as problem:
        raise CannotError(f"{output}: {problem}: put it right in the console, or empty it") from None
