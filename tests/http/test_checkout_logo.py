"""The merchant's logo on the checkout page: a picture in the parameter itself, or on the page's own origin, and nothing from elsewhere."""

import base64
from urllib.parse import urlsplit

import pytest

from payments.core.errors import ConfigurationError
from payments.settings import Settings
from sandbox.cloudformation.template import TemplateError, checked, parameters_of
from sandbox.stack import TEMPLATE
from tests.http.port import Port
from tests.http.test_checkout import Tags
from tests.kit.running import Running
from tests.kit.shop import Shop

DRAWN = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 1"><path d="M0 0h4v1H0z" fill="#07c160"/></svg>'
)
INLINE = f"data:image/svg+xml;base64,{base64.b64encode(DRAWN).decode()}"
GOOD = [
    *(
        "",
        INLINE,
        "data:image/png;base64,iVBORw0KGgo=",
        "data:image/jpeg;base64,AAAA",
        "data:image/webp;base64,AA==",
    ),
    *("/logo.png", "/brand/2026/logo-dark.svg", "/~shop/l_1.webp"),
]
BAD = [
    *(
        "https://shop.example/logo.png",
        "//shop.example/logo.png",
        "http://127.0.0.1/logo.png",
        "logo.png",
        "/",
    ),
    *(
        "javascript:alert(1)",
        "data:text/html;base64,AAAA",
        "data:image/svg+xml,<svg/>",
        "data:image/gif;base64,AAAA",
    ),
    *(
        '/logo.png" onerror="alert(1)',
        "/a b",
        "/logo.png?x=1",
        "/logo.png#x",
        "/\\shop.example",
        "/logo.png; img-src *",
    ),
    *("data:image/png;base64,", "data:image/png;base64,AA AA", "/logo.png\n"),
]


def page_of(logo: str) -> tuple[Tags, dict[str, str]]:
    """What a browser gets of a fresh order, and its policy by directive."""
    with Running(parameters={"MerchantLogo": logo}, schedules=False) as sandbox:
        order = {"contentId": "tea", "amount": "9.99", "subject": "Tea"}
        url = Shop(sandbox).call("POST", "/native", order).json()["data"]["checkoutUrl"]
        port = Port(sandbox.api)
        answer = port.send("GET", urlsplit(url).path, headers=[("accept", "text/html")])
        port.close()
    assert answer.status == 200
    parts = answer.headers["content-security-policy"].split(";")
    return Tags(answer.text), dict(part.strip().split(" ", 1) for part in parts)


@pytest.mark.parametrize(
    ("logo", "images"), [(INLINE, "data:"), ("/brand/logo.svg", "data: 'self'")], ids=["inline", "own origin"]
)
def test_the_logo_is_shown_and_pictures_come_from_nowhere_else(logo: str, images: str) -> None:
    page, policy = page_of(logo)
    (shown,) = [attributes for _, attributes in page.found if attributes.get("id") == "logo"]
    assert shown["src"] == logo
    assert "hidden" not in shown
    assert policy["img-src"] == images
    assert policy["default-src"] == "'none'"


def test_without_a_logo_there_is_none_and_the_policy_is_as_narrow_as_ever(shop) -> None:
    path = urlsplit(shop.order()["checkoutUrl"]).path
    answer = shop.port.send("GET", path, headers=[("accept", "text/html")])
    assert Tags(answer.text).hidden("logo")
    assert "img-src data:;" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("logo", GOOD)
def test_a_picture_in_base64_or_a_path_of_the_own_origin_is_taken(logo: str) -> None:
    assert Settings({"MERCHANT_LOGO": logo}).merchant_logo == logo
    assert by_the_template(logo) == logo


@pytest.mark.parametrize("logo", BAD)
def test_everything_else_is_refused_by_the_template_and_by_the_function(logo: str) -> None:
    with pytest.raises(TemplateError, match="parameter MerchantLogo must match"):
        by_the_template(logo)
    with pytest.raises(ConfigurationError, match="MERCHANT_LOGO must be a picture"):
        _ = Settings({"MERCHANT_LOGO": logo}).merchant_logo


def test_a_logo_that_a_functions_variables_cannot_hold_is_refused() -> None:
    with pytest.raises(TemplateError, match="parameter MerchantLogo"):
        by_the_template(f"data:image/png;base64,{'A' * 1400}")


def by_the_template(logo: str) -> object:
    rules = parameters_of(TEMPLATE)
    return checked({"MerchantLogo": rules["MerchantLogo"]}, {"MerchantLogo": logo})["MerchantLogo"]
