"""Names of a `.env` file that nothing reads, and which was meant: a variable misspelt is a variable that is not there."""

import difflib
import os
import re
from functools import cache
from pathlib import Path

from operations.checks.findings import Finding, Findings, fault, note, warning
from operations.configuration import IN_FILE, KNOWN, Configuration
from sandbox.cloudformation.template import parameters_of

_TEMPLATE = Path(__file__).parents[2] / "template.yaml"
_OURS = ("WECHAT", "WX")
_OTHERS = ("ALIPAY", "PAYPAL", "STRIPE", "UNIONPAY")  # whose keys have the same words for names
# Without them there is no payment, under whatever name they stand.
_NEEDED = {
    *("WECHAT_APP_ID", "WECHAT_MCH_ID", "WECHAT_PRIVATE_KEY", "WECHAT_CERT_SERIAL_NO", "WECHAT_API_V3_KEY"),
    *("WECHAT_PUBLIC_KEY_ID", "WECHAT_PUBLIC_KEY", "WECHAT_QUOTE_KEY", "JWT_ISSUER", "JWT_AUDIENCE"),
}
_SHELLS = {
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
}
_CLOSE = 0.75  # of difflib's ratio
# Anything else may be a piece of a key that went astray.
_PLAIN = re.compile(r"[A-Z][A-Z0-9]{0,23}|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_PREFIX = re.compile(r"^(?:WECHATPAY|WXPAY|WECHAT|WX)+")


def check_names(configuration: Configuration) -> Findings:
    """A finding for every name that nothing reads: a fault where what was meant is missing, a note where it may be another program's."""
    for name in sorted(configuration.names - KNOWN - {*configuration.app_secrets}):
        yield _unknown(name, configuration)


def _unknown(name: str, configuration: Configuration) -> Finding:
    ours = name.startswith(_OURS)
    if name in _SHELLS:
        return _of_the_shell(name, configuration.text(name))
    if variable := meant(name):
        said = f"{name} is not read by anything here: did you mean {variable}?"
        if variable in configuration.names:
            return (warning if ours else note)(
                said, f"{variable} is there as well: take {name} out, or leave it"
            )
        return (fault if ours or variable in _NEEDED else note)(
            said, f"rename it to {variable}, if that is meant"
        )
    if parameter := _parameters().get(_squeezed(name)):
        said = f"{name} is not read from a .env file; {parameter} is a parameter of the template"
        return (fault if name == parameter else note)(said, f'make deploy … PARAMETERS="{parameter}=…"')
    shown = name if _PLAIN.fullmatch(name) else f"a name of {len(name)} characters"
    fix = "take it out, or see .env.example for what is read"
    return (warning if ours else note)(f"{shown} is not read by anything here", fix)


def _of_the_shell(name: str, value: str) -> Finding:
    said = f"{name} is read from the shell, not from this file"
    if os.environ.get(name) == value:
        return note(said, "it says the same there")
    return fault(said, f"export {name} in the shell, and take it out of the file")


def meant(name: str) -> str:
    """The variable whose name is nearest to one that is none; empty where none is near. Case, bars and prefixes count for nothing."""
    if name.upper().startswith(_OTHERS):
        return ""
    near = {known: _nearness(_forms(name), forms) for known, forms in _variables().items()}
    best = max(sorted(near), key=lambda known: near[known])
    return best if near[best] >= _CLOSE else ""


def _nearness(some: set[str], others: set[str]) -> float:
    pairs = ((one, other) for one in some for other in others)
    return max((difflib.SequenceMatcher(None, *pair).ratio() for pair in pairs), default=0)


@cache
def _variables() -> dict[str, set[str]]:
    # JWT_ISSUER is meant by ISSUER, too; but JWT_SECRET is no other secret.
    return {name: _forms(name) | {_squeezed(IN_FILE.get(name, name).removeprefix("Jwt"))} for name in KNOWN}


@cache
def _parameters() -> dict[str, str]:
    return {_squeezed(name): name for name in parameters_of(_TEMPLATE) if name not in IN_FILE.values()}


def _forms(name: str) -> set[str]:
    """MERCHANT_PRIVATE_KEY as MCHPRIVATEKEY and PRIVATEKEY."""
    whole = _squeezed(name).replace("MERCHANT", "MCH")
    bare = _PREFIX.sub("", whole)
    return {form for form in (whole, bare, bare.removeprefix("MCH")) if len(form) > 3}


def _squeezed(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name.upper())
