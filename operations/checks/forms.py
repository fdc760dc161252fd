"""Whether appids, merchant number, notify URL and gateways have the right form; nobody is asked."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from operations.checks.findings import Findings, fault, good
from operations.configuration import Configuration
from payments.core.errors import ConfigurationError
from payments.settings import NOTIFY_PATH, Settings

_GATEWAYS = ("WECHAT_GATEWAY", "WECHAT_BACKUP_GATEWAY", "WECHAT_GATEWAYS_ALLOWED")
LOOPBACK = "127.0.0.1"  # the sandbox: nothing leaves the machine
_FORMS = {
    "WECHAT_APP_ID": (
        re.compile(r"wx[0-9a-zA-Z]{16}"),
        "an appid: wx and 16 letters or digits",
        "copy the AppID of the official account or mini program that is bound to the merchant number",
    ),
    "WECHAT_MCH_ID": (
        re.compile(r"[0-9]{8,10}"),
        "a merchant number: 8 to 10 digits",
        "copy the number from pay.weixin.qq.com, Account centre, Merchant information",
    ),
}


def check_forms(configuration: Configuration) -> Findings:
    """Check appids, merchant number, notify URL and gateways, each by itself."""
    for name, (form, what, fix) in _FORMS.items():
        value = configuration.text(name)
        if not value:
            yield fault(f"{name} is missing", fix)
        elif form.fullmatch(value) is None:
            yield fault(f"{name} is not {what}", fix)
        else:
            yield good(f"{name} has the form of {what.partition(':')[0]}")
    yield from _apps(configuration)
    yield from _notify_url(configuration)
    for name in _GATEWAYS[:2]:
        yield from _gateway(configuration, name)


def _apps(configuration: Configuration) -> Findings:
    names = ("WECHAT_APP_ID", "WECHAT_APPS")
    values = {name: configuration.text(name) for name in names}
    if not all(values.values()):
        return
    try:
        apps = Settings(values).apps  # the functions' own rule
    except ConfigurationError as problem:
        yield fault(
            str(problem), "give pairs of name and appid, separated by commas, WECHAT_APP_ID's among them"
        )
    else:
        yield good(f"WECHAT_APPS names {', '.join(apps)}; WECHAT_APP_ID is one of them")


def _notify_url(configuration: Configuration) -> Findings:
    name, url = "WECHAT_NOTIFY_URL", configuration.text("WECHAT_NOTIFY_URL")
    parts = _split(url)
    right = f"give https://<your domain>{NOTIFY_PATH}, or the stack's output NotifyUrl"
    if not url:
        yield fault(f"{name} is missing", right)
    elif parts is None or not parts.hostname:
        yield fault(f"{name} is not a web address", right)
    elif _within_sandbox(parts, configuration):
        yield good(f"{name} is a sandbox's")
    elif parts.scheme != "https":
        yield fault(f"{name} is not https", f"WeChat Pay sends to https alone: {right}")
    elif parts.query or parts.fragment:
        yield fault(f"{name} has a query or a fragment", "WeChat Pay refuses both: end it after the path")
    elif parts.port is not None:
        yield fault(f"{name} names a port", "serve it on 443 and leave the port away")
    elif not _public(parts.hostname):
        yield fault(f"{name} leads to {parts.hostname}, which WeChat Pay cannot reach", right)
    elif parts.path != NOTIFY_PATH:
        yield fault(f"{name} does not end in {NOTIFY_PATH}", right)
    elif len(url) > 255:
        yield fault(f"{name} is longer than 255 characters", "use a shorter domain")
    else:
        yield good(f"{name} is https, without query or port, with the right path")


def _gateway(configuration: Configuration, name: str) -> Findings:
    gateway = configuration.text(name)
    parts = _split(gateway)
    if parts is None or not parts.hostname:
        yield fault(f"{name} is not a web address", "give https://api.mch.weixin.qq.com")
        return
    if "sandboxnew" in parts.path:
        yield fault(
            f"{name} leads to /sandboxnew, WeChat Pay's old sandbox of APIv2: APIv3 has none",
            "give https://api.mch.weixin.qq.com; the sandbox of this project is `make demo`",
        )
        return
    if parts.path.strip("/") or parts.query:
        yield fault(f"{name} has a path or query", f"give the origin alone, {parts.scheme}://{parts.netloc}")
        return
    if parts.scheme != "https" and parts.hostname != LOOPBACK:
        yield fault(f"{name} is not https", "give https://api.mch.weixin.qq.com")
        return
    allowed = [origin.strip() for origin in configuration.text("WECHAT_GATEWAYS_ALLOWED").split(",")]
    if gateway.rstrip("/") not in allowed:
        yield fault(
            f"{name} is not on the list of hosts that may get signed requests",
            "give one of WeChat Pay's two hosts, or add yours to WECHAT_GATEWAYS_ALLOWED (parameter WeChatGatewaysAllowed)",
        )
        return
    try:
        Settings({each: configuration.text(each) for each in _GATEWAYS}).gateways  # noqa: B018  the functions' own rule
    except ConfigurationError as problem:
        if name in str(problem).split():
            yield fault(str(problem), "give https://api.mch.weixin.qq.com")
            return
    yield good(f"{name} is on the list of allowed hosts")


def _within_sandbox(notify: SplitResult, configuration: Configuration) -> bool:
    gateway = _split(configuration.text("WECHAT_GATEWAY"))
    return notify.hostname == LOOPBACK and gateway is not None and gateway.hostname == LOOPBACK


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  a property that refuses what is no port
    except ValueError:
        return None
    return parts


def _public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".localhost"))
