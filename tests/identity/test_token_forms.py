"""Whatever form a provider gives its access tokens, and whatever scopes are called: each caller may do what is theirs, and no more."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests

from sandbox.token_forms import FORMS
from tests.identity.callers import ORDER, Callers

pytestmark = pytest.mark.in_turn

FORBIDDEN = (403, "Forbidden")
SERVED = (200, "served")

each_form = pytest.mark.parametrize("form", FORMS)


@pytest.mark.share(6)
@each_form
def test_a_buyer_pays_for_themselves_at_the_quoted_price_and_no_more(
    callers: Callers, buyer: str, order: Callable[[], str], form: str
) -> None:
    mine = callers.token(buyer, "pay", form=form)
    opened = callers.call(mine, "native", {**ORDER, "quote": callers.quote(buyer)})
    assert opened.status_code == 200, opened.text
    number = opened.json()["data"]["outTradeNo"]
    assert callers.call(mine, f"payment/{number}").json()["data"]["userId"] == buyer

    assert callers.every_route(mine, order()) == {
        "native": (403, "NOAUTH"),  # for want of a quote
        "jsapi": (403, "NOAUTH"),
        "query": SERVED,
        "payment": SERVED,
        "close": SERVED,
        "refund": FORBIDDEN,
    }
    stranger = callers.every_route(callers.token("a-stranger", "pay", form=form), number)
    assert [stranger[what] for what in ("query", "payment", "close")] == [(404, "ORDER_NOT_FOUND")] * 3


@pytest.mark.share(6)
@each_form
def test_a_backend_acts_for_anybody_and_refunds_nothing(
    callers: Callers, order: Callable[[], str], form: str
) -> None:
    told = callers.every_route(callers.token("shop", "charge", form=form), order())
    assert told == {
        **dict.fromkeys(("native", "jsapi", "query", "payment", "close"), SERVED),
        "refund": FORBIDDEN,
    }


@pytest.mark.share(6)
@each_form
def test_the_back_office_sees_and_refunds_and_opens_nothing(
    callers: Callers, order: Callable[[], str], form: str
) -> None:
    number = order()
    callers.paid(number)
    told = callers.every_route(callers.token("office", "refund", form=form), number)
    assert told == {
        **dict.fromkeys(("native", "jsapi", "close"), FORBIDDEN),
        **dict.fromkeys(("query", "payment", "refund"), SERVED),
    }


@each_form
def test_scopes_of_another_stacks_names_open_nothing(
    callers: Callers, order: Callable[[], str], form: str
) -> None:
    known = set(callers.names.values())
    others = {
        "payments:pay",
        "payments:charge",
        "payments:refund",
        "shop-api/charge",
        "shop-api/refund",
    } - known
    cut = {name.rpartition("/")[2].rpartition(":")[2] for name in known}
    longer = {f"{name}x" for name in known} | {name.upper() for name in known}
    scope = " ".join(sorted(others | cut | longer))
    token = callers.sandbox.tokens.token("shop", scope, form=form)
    assert set(callers.every_route(token, order()).values()) == {FORBIDDEN}


@each_form
def test_a_token_for_another_audience_opens_nothing(
    callers: Callers, order: Callable[[], str], form: str
) -> None:
    tokens, scope = callers.sandbox.tokens, " ".join(callers.names.values())
    number = order()
    other: dict[str, Any] = {"aud": "another-app"}
    if form == "cognito":
        other = {"client_id": "another-app"}
    for claims in (other, {"aud": None, "client_id": None}):
        token = tokens.token("shop", scope, form=form, **claims)
        assert set(callers.every_route(token, number).values()) == {(401, "Unauthorized")}


WRITTEN: dict[str, dict[str, Any]] = {
    "plain": {"aud": "wechatpay-sandbox", "client_id": "wechatpay-sandbox", "scope": "a b"},
    "cognito": {"aud": None, "client_id": "wechatpay-sandbox", "scope": "a b", "token_use": "access"},
    "auth0": {"client_id": None, "scope": "a b", "permissions": ["a", "b"]},
    "keycloak": {"aud": ["wechatpay-sandbox", "account"], "client_id": None, "scope": "openid a b profile"},
    "scp-list": {"aud": "wechatpay-sandbox", "scope": None, "scp": ["a", "b"]},
    "scp-text": {"aud": "wechatpay-sandbox", "scope": None, "scp": "a b"},
}


@each_form
def test_the_sandboxs_issuer_writes_each_form(callers: Callers, form: str) -> None:
    claims = jwt.decode(
        callers.sandbox.tokens.token("somebody", "a b", form=form), options={"verify_signature": False}
    )
    assert {name: claims.get(name) for name in WRITTEN[form]} == WRITTEN[form]
    assert (claims["sub"], claims["iss"]) == ("somebody", callers.sandbox.tokens.issuer)


@pytest.mark.parametrize("form", ["okta", "", None, ["plain"], 1])
def test_a_form_that_nobody_knows_is_refused_with_those_that_there_are(callers: Callers, form: Any) -> None:
    body = {"sub": "somebody", "scope": "a", "form": form}
    answer = requests.post(f"{callers.sandbox.api}/_sandbox/token", json=body, timeout=30)
    assert answer.status_code == 400
    assert answer.json() == {"error": f"form must be one of {', '.join(FORMS)}"}
