"""Where a buyer may be sent back to: two hundred addresses that are not on an allowed origin, and some that are."""

import itertools

import pytest

from payments.api.return_urls import MAX_URL_CHARACTERS, check
from payments.core.errors import ConfigurationError, ParameterError
from payments.settings import Settings

ALLOWED = Settings(
    {"RETURN_ORIGINS": "https://shop.example, https://pay.shop.example:8443,http://127.0.0.1:8000/"}
).return_origins

GOOD = [
    "https://shop.example",
    "https://shop.example/",
    "https://SHOP.example/thanks?order=7&x=%E4%B8%AD#done",
    "HTTPS://shop.example/a//b/../c",
    "https://pay.shop.example:8443/x?next=https://evil.example/",
    "http://127.0.0.1:8000/success",
    "https://shop.example/?" + "a" * (MAX_URL_CHARACTERS - 22),
]

SCHEMES = [
    *(
        "javascript",
        "JavaScript",
        "data",
        "vbscript",
        "file",
        "ftp",
        "blob",
        "about",
        "intent",
        "weixin",
        "http",
        "ws",
    ),
    *("view-source", "https:https", "javascript:https", "https+x", "tel"),
]
HOSTS = [
    *(
        "evil.example",
        "shop.example.evil.example",
        "evilshop.example",
        "shop.example.",
        "shop.exampl",
        ".shop.example",
    ),
    *(
        "shop.example:443",
        "shop.example:80",
        "shop.example:",
        "pay.shop.example",
        "shop.example%2eevil.example",
    ),
    *(
        "shop.example%00.evil.example",
        "%73hop.example",
        "shop。example",
        "shоp.example",
        "xn--shp-hmc.example",
    ),
    *(
        "[::1]",
        "[shop.example]",
        "127.0.0.1",
        "127.0.0.1:8000",
        "2130706433",
        "localhost",
        "shop.example,evil.example",
    ),
    *(
        "user@shop.example",
        "user:pw@shop.example",
        "shop.example@evil.example",
        "shop.example:443@evil.example",
        "@",
    ),
    *(
        "evil.example%2f@shop.example",
        "shop.example;evil.example",
        "shop.example&evil.example",
        "[shop.example",
        "*",
    ),
]
STARTS = [
    *(
        "",
        "/",
        "//",
        "///",
        "////",
        "\\",
        "\\\\",
        "/\\",
        "\\/",
        "/%2f",
        "https:",
        "https:/",
        "https:///",
        "https:\\\\",
    ),
    *(
        "http:",
        "://",
        ":",
        "?",
        "#",
        "@",
        "https:/\\",
        "https://\\",
        "https:// ",
        "https://\t",
        "https:\n//",
        "java\tscript:",
    ),
    *(" https://", "\x00https://", "\u200bhttps://", "ｈttps://", "https：//", "hxxps://"),
]
ENDS = [
    *(
        "https://shop.example\\@evil.example",
        "https://shop.example\\.evil.example",
        "https://shop.example /x",
    ),
    *(
        "https://shop.example/\r\nLocation: https://evil.example",
        "https://shop.example/\x00",
        "https://shop.example/\x7f",
    ),
    *(
        "https://shop.example/中文",
        "https://shop.example/\u2028",
        "https://shop.example/\u202e",
        "https://shop.example/<b>",
    ),
    *(
        'https://shop.example/"onclick=',
        "https://shop.example/'x'",
        "https://shop.example/`x`",
        "https://shop.example\t/",
    ),
    *(
        "https://shop.example#@evil.example/\\",
        "https://shop.example?\\",
        "https://shop.example/" + "a" * MAX_URL_CHARACTERS,
    ),
    *(
        "https://shop.example\u3002evil.example/",
        "https://shop.example\uff0f@evil.example",
        "https://shop.example\u2044x",
    ),
]
BAD = [
    *(f"{scheme}://shop.example/" for scheme in SCHEMES),
    *(f"{scheme}:alert(1)" for scheme in SCHEMES),
    *(f"https://{host}/" for host in HOSTS),
    *(
        f"{start}{host}"
        for start, host in itertools.product(
            STARTS,
            (
                "evil.example",
                "evil.example/shop.example",
                "shop.example@evil.example",
                "evil.example#shop.example",
            ),
        )
    ),
    *ENDS,
]


@pytest.mark.parametrize("url", GOOD, ids=lambda url: url[:40])
def test_a_plain_address_on_an_allowed_origin_is_taken(url: str) -> None:
    check(url, allowed_origins=ALLOWED)


def test_two_hundred_other_addresses_are_refused() -> None:
    assert len(set(BAD)) >= 200
    for url in BAD:
        with pytest.raises(ParameterError) as refused:
            check(url, allowed_origins=ALLOWED)
        assert refused.value.details["field"] == "returnUrl", url


def test_without_a_setting_nothing_is_allowed() -> None:
    nothing = Settings({}).return_origins
    for url in GOOD:
        with pytest.raises(ParameterError):
            check(url, allowed_origins=nothing)


@pytest.mark.parametrize("origins", ["shop.example", "https://shop.example/path", "ftp://shop.example", "*"])
def test_origins_that_are_none_are_named_by_their_setting(origins: str) -> None:
    with pytest.raises(ConfigurationError, match="RETURN_ORIGINS"):
        _ = Settings({"RETURN_ORIGINS": origins}).return_origins


ANY_PORT = Settings(
    {"RETURN_ORIGINS": "https://shop.example,http://localhost:*,http://[::1]:*"}
).return_origins


@pytest.mark.parametrize(
    "url",
    ["http://localhost", "http://LOCALHOST:3000/x?y", "http://[::1]:1/", "https://shop.example/"],
)
def test_a_loopback_origin_may_stand_for_all_of_its_ports(url: str) -> None:
    check(url, allowed_origins=ANY_PORT)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:*/",
        "https://localhost:3000/",
        "http://127.0.0.1:3000/",
        "http://localhost:3000.evil.example/",
        "http://localhost.evil.example:3000/",
        "http://localhost:x/",
        "http://[::1]evil.example:3000/",
        "https://shop.example:3000/",
    ],
)
def test_and_for_nothing_else(url: str) -> None:
    with pytest.raises(ParameterError):
        check(url, allowed_origins=ANY_PORT)


def test_no_other_origin_stands_for_its_ports() -> None:
    for url in ("https://shop.example:3000/", "https://shop.example:*/", "https://shop.example/"):
        with pytest.raises(ParameterError):
            check(url, allowed_origins={"https://shop.example:*"})
