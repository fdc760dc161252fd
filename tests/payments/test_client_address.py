"""Whose word counts for a buyer's address, and what is taken for one at all."""

import json
from typing import Any

import pytest

from payments.api.h5 import client_address
from payments.api.h5.scene_info import type_of
from payments.api.http import Request
from payments.core.errors import ConfigurationError, NotAllowedError, ParameterError, TryAgainError
from payments.wiring import Wiring

KEY, OLD, OTHER = "k" * 32, "o" * 32, "x" * 32


class Secrets:
    """Secrets Manager with one verification secret; `down` while it cannot be reached."""

    def __init__(self, **members: object) -> None:
        self.members = members
        self.down = False

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:  # noqa: N803  AWS's name
        from botocore.exceptions import EndpointConnectionError

        if self.down:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
        return {"SecretString": json.dumps({"WECHAT_API_V3_KEY": "v" * 32} | self.members)}


class Wired(Wiring):
    """A wiring whose clock is the test's."""

    time = 1_800_000_000.0

    def now(self) -> float:
        return self.time


def wired(source: str, secrets: Secrets | None = None) -> Wired:
    wiring = Wired({"CLIENT_ADDRESS_FROM": source, "VERIFICATION_SECRET": "verification"})
    wiring.__dict__["_secrets_manager"] = secrets or Secrets()
    return wiring


def request(source_ip: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(headers=named, body=b"", path_parameters={}, claims={}, source_ip=source_ip)


TAKEN = {
    "203.0.113.10": "203.0.113.10",
    "2001:db8::1": "2001:db8::1",
    "2001:0DB8:0000:0000:0000:0000:0000:0001": "2001:db8::1",
    "::ffff:203.0.113.10": "203.0.113.10",
    "2001:db8:ffff:ffff:ffff:ffff:255.255.255.255": "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
}
REFUSED = [
    *("", "203.0.113", "203.0.113.010", "203.0.113.256", "203.0.113.10:80", "203.0.113.0/24", " 203.0.113.10"),
    *("203.0.113.10, 198.51.100.7", "fe80::1%eth0", "[2001:db8::1]", "2001:db8::g", "0.0.0.0", "::", "224.0.0.1"),
    *("::ffff:0.0.0.0", "ff02::1", "buyer.example", "3405803786", "203.0.113.10\n"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "address"), TAKEN.items())
def test_an_address_is_taken_in_its_shortest_form(text: str, address: str) -> None:
    assert client_address.checked(text) == address
    assert client_address.address_of(request(text), wired("gateway")) == address


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_address_of_one_host_is_refused_by_name(text: str) -> None:
    with pytest.raises(ParameterError) as refused:
        client_address.checked(text)
    assert refused.value.details == {"field": "clientIp", "issue": "must be an IPv4 or IPv6 address"}
    with pytest.raises(NotAllowedError):
        client_address.address_of(request(text), wired("gateway"))


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "x_real_ip", "cloudfront_viewer_address"])
def test_at_the_gateway_no_header_has_a_say(header: str) -> None:
    asked = request("203.0.113.10", **{header: "198.51.100.7:443"}, x_origin_key=KEY)
    assert client_address.address_of(asked, wired("gateway")) == "203.0.113.10"


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("198.51.100.7:46532", "198.51.100.7"),
        ("2001:db8::7:46532", "2001:db8::7"),
        ("[2001:db8::7]:46532", "2001:db8::7"),
        ("2001:db8:0:0:0:0:0:7:443", "2001:db8::7"),
    ],
)
@pytest.mark.parametrize("key", [KEY, OLD])
def test_cloudfront_is_believed_by_either_key(said: str, address: str, key: str) -> None:
    wiring = wired("cloudfront", Secrets(CLOUDFRONT_ORIGIN_KEY=KEY, CLOUDFRONT_ORIGIN_KEY_PREVIOUS=OLD))
    asked = request("203.0.113.10", cloudfront_viewer_address=said, x_origin_key=key)
    assert client_address.address_of(asked, wiring) == address


@pytest.mark.parametrize(
    "given", [{}, {"x_origin_key": ""}, {"x_origin_key": OTHER}, {"x_origin_key": KEY[:-1]}]
)
def test_a_viewers_address_without_the_key_is_nobodys_word(given: dict[str, str]) -> None:
    wiring = wired("cloudfront", Secrets(CLOUDFRONT_ORIGIN_KEY=KEY))
    asked = request("203.0.113.10", cloudfront_viewer_address="198.51.100.7:1", **given)
    with pytest.raises(NotAllowedError, match="did not come through the stack's CloudFront"):
        client_address.address_of(asked, wiring)


def test_cloudfront_that_does_not_say_where_the_viewer_is_helps_nobody() -> None:
    wiring = wired("cloudfront", Secrets(CLOUDFRONT_ORIGIN_KEY=KEY))
    with pytest.raises(NotAllowedError, match="is not known of this request"):
        client_address.address_of(request("203.0.113.10", x_origin_key=KEY), wiring)


@pytest.mark.parametrize("members", [{}, {"CLOUDFRONT_ORIGIN_KEY": "short"}, {"CLOUDFRONT_ORIGIN_KEY": ""}])
def test_without_a_key_to_compare_with_nobody_is_believed(members: dict[str, str]) -> None:
    asked = request(
        cloudfront_viewer_address="198.51.100.7:1", x_origin_key=members.get("CLOUDFRONT_ORIGIN_KEY", "")
    )
    with pytest.raises(ConfigurationError, match="CLOUDFRONT_ORIGIN_KEY"):
        client_address.address_of(asked, wired("cloudfront", Secrets(**members)))


def test_a_key_that_could_not_be_read_yet_is_not_called_wrong() -> None:
    secrets = Secrets(CLOUDFRONT_ORIGIN_KEY=OLD)
    wiring = wired("cloudfront", secrets)
    asked = request(cloudfront_viewer_address="198.51.100.7:1", x_origin_key=OLD)
    assert client_address.address_of(asked, wiring) == "198.51.100.7"

    secrets.down = True
    wiring.time += 301
    with pytest.raises(TryAgainError):
        client_address.address_of(
            request(cloudfront_viewer_address="198.51.100.7:1", x_origin_key=KEY), wiring
        )


def test_another_source_is_no_source() -> None:
    with pytest.raises(ConfigurationError, match="gateway or cloudfront"):
        client_address.address_of(request("203.0.113.10"), wired("nginx"))


IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1"
PIXEL = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "kind"),
    [(IPHONE, "iOS"), (PIXEL, "Android"), ("python-requests/2.32", "Wap"), ("", "Wap")],
)
def test_the_kind_of_scene_is_the_browsers_own_word(user_agent: str, kind: str) -> None:
    assert type_of(user_agent) == kind
