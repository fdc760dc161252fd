"""Where signed requests may go: WeChat Pay's hosts by name over TLS, and nowhere that a setting could be bent to."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from payments.core.errors import ConfigurationError
from payments.settings import Settings
from payments.wiring import Wiring
from sandbox.cloudformation.template import TemplateError, checked, parameters_of
from wechatpay.client import Client

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
MAIN, BACKUP = "https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com"

# Not even of the form that a gateway has.
ODD = [
    *("http://169.254.169.254", "http://169.254.169.254/latest/meta-data", "https://169.254.169.254"),
    *("http://[fd00:ec2::254]", "http://2852039166", "http://0xA9FEA9FE", "http://0251.0376.0251.0376"),
    *(
        "https://127.0.0.1",
        "https://127.1",
        "http://127.0.0.2:80",
        "http://localhost:80",
        "http://0.0.0.0:80",
    ),
    *("http://[::1]:80", "http://127.0.0.1:80@evil.example", "http://127.0.0.1.evil.example:80"),
    *("https://evil.example/api.mch.weixin.qq.com", f"https://evil.example#{MAIN}", f"{MAIN}@evil.example"),
    *("https://user@api.mch.weixin.qq.com", "https://a:b@api.mch.weixin.qq.com", f"{MAIN}:443@evil.example"),
    *("https://api.mch.weixin.qq.com\\@evil.example", "https:\\\\api.mch.weixin.qq.com", f"{MAIN}\\evil"),
    *(f"{MAIN}/v3", f"{MAIN}/sandboxnew", f"{MAIN}/../evil", f"{MAIN}//", f"{MAIN}/%2e%2e"),
    *(f"{MAIN}?x=1", f"{MAIN}#x", f"{MAIN}?", f"{MAIN}#", f"{MAIN};x", f"{MAIN}:", f"{MAIN}:123456"),
    *("https://API.mch.weixin.qq.com", "HTTPS://api.mch.weixin.qq.com", "https://api.mch.weixin.qq.com."),
    *("http://api.mch.weixin.qq.com", "ftp://api.mch.weixin.qq.com", "file:///etc/passwd", "gopher://x:1"),
    *("//api.mch.weixin.qq.com", "api.mch.weixin.qq.com", "https:api.mch.weixin.qq.com", "https:///evil"),
    *("https://\u0430pi.mch.weixin.qq.com", "https://api.mch.weixin\u3002qq.com", f"{MAIN}\u2100evil"),
    *(
        "https://\uff41pi.mch.weixin.qq.com",
        f"{MAIN}\u200b",
        "https://api%2emch.weixin.qq.com",
        "https://*.qq.com",
    ),
    *(
        f" {MAIN}",
        f"{MAIN} ",
        f"{MAIN}\n",
        f"{MAIN}\r\nHost: evil",
        f"\t{MAIN}",
        f"{MAIN}\x00",
        f"{MAIN},{BACKUP}",
    ),
]
# Proper names, and not on the list.
OTHERS = [
    *(
        f"{MAIN}.evil",
        f"{MAIN}.evil.example",
        f"{MAIN}.evil.example:443",
        "https://evil.example",
        "https://qq.com",
    ),
    *(
        "https://mch.weixin.qq.com",
        "https://evilapi.mch.weixin.qq.com",
        "https://xn--pi-8cd.mch.weixin.qq.com",
    ),
    *(f"{MAIN}:443", f"{MAIN}:8443", "http://127.0.0.1:80", "https://api3.mch.weixin.qq.com"),
]


def environment(**changes: str) -> dict[str, str]:
    return {
        "WECHAT_GATEWAY": MAIN,
        "WECHAT_BACKUP_GATEWAY": BACKUP,
        "WECHAT_GATEWAYS_ALLOWED": f"{MAIN},{BACKUP}",
        "WECHAT_MCH_ID": "1900000109",
    } | changes


class Unread:
    """A secret that nobody gets to read."""

    value = preferred = None


def line(**changes: str) -> Any:
    """A function's line to WeChat Pay under these settings."""
    wiring = Wiring(environment(**changes))
    wiring.secrets.signing = wiring.secrets.keys = Unread()  # type: ignore[assignment]
    return wiring.wechat


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every address that this thread looks up or connects to meanwhile; none is reached.

    The process may have sandboxes of other tests, which go on talking to themselves.
    """
    tried: list[object] = []
    ours = threading.get_ident()

    def refusing(connect: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(*address: Any, **options: Any) -> Any:
            if threading.get_ident() != ours:
                return connect(*address, **options)
            tried.append(address)
            raise OSError("not in this test")

        return refuse

    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refusing(getattr(socket, name)))
    monkeypatch.setattr(socket.socket, "connect", refusing(socket.socket.connect))
    return tried


@pytest.mark.parametrize("variable", ["WECHAT_GATEWAY", "WECHAT_BACKUP_GATEWAY"])
def test_no_address_off_the_list_is_ever_connected_to(connections: list[object], variable: str) -> None:
    for address in [*ODD, *OTHERS]:
        with pytest.raises(ConfigurationError, match=f"^{variable} ") as refused:
            line(**{variable: address})
        assert address.strip() not in str(refused.value)
    assert connections == []


def test_no_list_makes_an_odd_address_good(connections: list[object]) -> None:
    for address in ODD:
        with pytest.raises(ConfigurationError, match=r"^WECHAT_GATEWAY "):
            line(WECHAT_GATEWAY=address, WECHAT_GATEWAYS_ALLOWED=f"{address},{BACKUP}")
    assert connections == []


def test_wechat_pays_own_hosts_and_a_simulator_on_this_machine_are_good() -> None:
    local = "http://127.0.0.1:8001"
    all_local = dict.fromkeys(("WECHAT_GATEWAY", "WECHAT_BACKUP_GATEWAY", "WECHAT_GATEWAYS_ALLOWED"), local)

    assert Settings(environment()).gateways == (MAIN, BACKUP)
    assert Settings(environment(WECHAT_GATEWAY=f"{MAIN}/")).gateways == (MAIN, BACKUP)
    assert Settings(environment(**all_local)).gateways == (local, local)
    assert isinstance(line(), Client)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (f"{MAIN}/sandboxnew", "must not have a path: APIv3 has no sandbox of WeChat Pay's"),
        ("https://API.mch.weixin.qq.com", "must be https:// and a host name in small letters, nothing more"),
        ("https://example.com", "is not one of WECHAT_GATEWAYS_ALLOWED"),
    ],
)
def test_a_refused_gateway_is_named_with_the_rule_that_it_breaks(address: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^WECHAT_GATEWAY {words}"):
        line(WECHAT_GATEWAY=address)


@pytest.mark.parametrize("parameter", ["WeChatGateway", "WeChatBackupGateway"])
def test_an_odd_address_does_not_even_get_into_a_deployment(parameter: str) -> None:
    declared = {parameter: parameters_of(TEMPLATE)[parameter]}

    for address in ODD:
        with pytest.raises(TemplateError):
            checked(declared, {parameter: address})
    for address in (MAIN, BACKUP, "http://127.0.0.1:8001"):
        assert checked(declared, {parameter: address}) == {parameter: address}


@pytest.mark.parametrize("around", [("", "\n"), (" ", ""), ("\t", "\r\n")])
def test_what_stands_around_a_number_or_an_address_is_not_sent_to_wechat_pay(around: tuple[str, str]) -> None:
    values = {
        "WECHAT_APP_ID": "wx8888888888888888",
        "WECHAT_MCH_ID": "1900000109",
        "WECHAT_NOTIFY_URL": "https://pay.example.com/api/v1/payments/wechat/notify",
    }
    read = Settings({name: value.join(around) for name, value in values.items()})
    assert (read.appid, read.mchid, read.notify_url) == tuple(values.values())
    assert read.public_url == "https://pay.example.com"


@pytest.mark.parametrize("name", ["WECHAT_APP_ID", "WECHAT_MCH_ID", "WECHAT_NOTIFY_URL"])
def test_blanks_alone_are_no_value(name: str) -> None:
    asked = {"WECHAT_APP_ID": "appid", "WECHAT_MCH_ID": "mchid", "WECHAT_NOTIFY_URL": "notify_url"}
    with pytest.raises(ConfigurationError, match=f"the environment variable {name} is missing"):
        getattr(Settings({name: " \n"}), asked[name])


def test_what_order_numbers_are_derived_from_stays_as_it_is() -> None:
    """Another scope would make a second order of a repeated Idempotency-Key."""
    assert Settings({"STACK_SCOPE": "prod "}).stack_scope == "prod "
