"""Several apps of one merchant: which an order is for, and that its money counts for that one alone."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from payments.core.errors import ConfigurationError
from payments.core.lifecycle import Status
from payments.settings import Settings
from payments.use_cases.evidence import Applied, apply_order
from tests.kit.payments import facts_of
from tests.payments.stage import Stage

SHOP, MINI, MOBILE = "wx8888888888888888", "wx0123456789abcdef", "wxFEDCBA9876543210"
LISTED = f"shop={SHOP},mini={MINI}, mobile-app={MOBILE}"


def settings(apps: str, default: str = SHOP) -> Settings:
    return Settings({"WECHAT_APP_ID": default, "WECHAT_APPS": apps})


@pytest.fixture
def several(stage: Stage) -> Stage:
    environment = {**stage.wiring.settings._environment, "WECHAT_APPS": LISTED}
    assert environment["WECHAT_APP_ID"] == SHOP
    stage.wiring.settings = Settings(environment)
    return stage


def test_apps_are_known_by_their_names_and_one_is_the_default() -> None:
    assert settings(LISTED).apps == {"shop": SHOP, "mini": MINI, "mobile-app": MOBILE}
    assert settings(f" shop = {SHOP} ,", f"{SHOP}\n").apps == {"shop": SHOP}
    assert settings("").apps == settings(" , ").apps == {"default": SHOP}
    assert settings(LISTED, MINI).appid == MINI


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        (SHOP, "WECHAT_APPS must be pairs like mini="),
        (f"={SHOP}", "WECHAT_APPS must be pairs like mini="),
        (f"Shop={SHOP}", "WECHAT_APPS must be pairs like mini="),
        (f"1shop={SHOP}", "WECHAT_APPS must be pairs like mini="),
        (f"my shop={SHOP}", "WECHAT_APPS must be pairs like mini="),
        (f"{'s' * 17}={SHOP}", "WECHAT_APPS must be pairs like mini="),
        (f"sh\u00f6p={SHOP}", "WECHAT_APPS must be pairs like mini="),
        ("shop", "WECHAT_APPS has no appid for shop"),
        ("shop=", "WECHAT_APPS has no appid for shop"),
        ("shop=gh_1234567890abcd", "WECHAT_APPS has no appid for shop"),
        (f"shop={SHOP}0", "WECHAT_APPS has no appid for shop"),
        (f"shop={SHOP}={MINI}", "WECHAT_APPS has no appid for shop"),
        (f"shop={SHOP};mini={MINI}", "WECHAT_APPS has no appid for shop"),
        (f"shop={SHOP},shop={MINI}", "WECHAT_APPS has the name shop twice"),
        (f"shop={SHOP},mini={SHOP}", f"WECHAT_APPS has the appid {SHOP} twice"),
        (f"mini={MINI}", "WECHAT_APP_ID must be one of the appids in WECHAT_APPS"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused_with_the_rule_that_it_breaks(listed: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{words}"):
        _ = settings(listed).apps


def test_an_order_is_for_the_app_that_it_names(several: Stage) -> None:
    several.wechat.says("native", "weixin://x", "weixin://y", "weixin://z")
    for key, app, appid in (("a", {}, SHOP), ("b", {"app": "mini"}, MINI), ("c", {"app": None}, SHOP)):
        assert several.create(key=key, **app)[0] == 200
        stored = several.stored(several.number(key))
        assert (stored.appid, json.loads(stored.wechat_request)["appid"]) == (appid, appid)


@pytest.mark.parametrize("app", ["", "Mini", "mini ", "default", MINI, "\0", "x" * 5000])
def test_an_app_that_is_not_listed_is_refused_and_those_are_named(several: Stage, app: str) -> None:
    status, answer = several.create(app=app)
    assert (status, answer["code"]) == (400, "PARAM_ERROR")
    assert answer["details"] == {"field": "app", "issue": "must be one of mini, mobile-app, shop"}
    assert several.wechat.asked == []


def test_an_app_is_text(several: Stage) -> None:
    status, answer = several.create(app=["mini"])
    assert (status, answer["details"]["field"]) == (400, "app")


def test_a_stack_that_lists_none_has_one(stage: Stage) -> None:
    assert stage.create(app="mini")[1]["details"]["issue"] == "must be one of default"
    stage.wechat.says("native", "weixin://x")
    assert stage.create(app="default")[0] == 200
    assert stage.stored().appid == stage.wiring.settings.appid


def test_the_app_is_part_of_what_a_key_stands_for(several: Stage) -> None:
    several.wechat.says("native", "weixin://x")
    assert several.create(app="mini")[0] == 200
    assert several.create(app="mini")[0] == 200
    for other in ({"app": "shop"}, {}):
        assert several.create(**other)[1]["code"] == "IDEMPOTENCY_MISMATCH"
    assert several.wechat.asked == ["native"]


def test_without_a_key_another_app_is_another_wish(several: Stage) -> None:
    several.wechat.says("native", "weixin://x", "weixin://y", "weixin://z")
    buyer = {"userId": several.shop}

    def number(**changed: Any) -> str:
        status, answer = several.create(key=None, **buyer, **changed)
        assert status == 200, answer
        found: str = answer["data"]["outTradeNo"]
        return found

    first, mini, mobile = number(), number(app="mini"), number(app="mobile-app")
    assert len({first, mini, mobile}) == 3
    assert (number(), number(app="shop"), number(app="mini")) == (first, first, mini)


def test_money_for_another_app_of_the_same_merchant_is_not_this_orders(
    several: Stage, quarantined: Any
) -> None:
    several.wechat.says("native", "weixin://x")
    several.create(app="mini")
    number = several.number()
    for other in (SHOP, MOBILE):
        applied, _ = apply_order(facts_of(number, appid=other), source="query", wiring=several.wiring)
        assert applied is Applied.CONTRADICTION
    assert {kept["reason"] for kept in quarantined(number)} == {"other_appid"}
    assert several.stored(number).status is Status.PENDING
    assert apply_order(facts_of(number, appid=MINI), source="query", wiring=several.wiring)[0] is (
        Applied.CHANGED
    )
    assert several.stored(number).status is Status.PAID


def test_what_opens_the_cashier_is_signed_for_the_orders_own_app(several: Stage) -> None:
    signed: list[str] = []

    class Signer:
        def jsapi_params(self, *, appid: str, **_: object) -> dict[str, str]:
            signed.append(appid)
            return {}

        app_params = jsapi_params

    several.wiring.secrets.__dict__["signing"] = SimpleNamespace(value=Signer)
    several.wechat.says("jsapi", "wx1")
    several.wechat.order_app = lambda _: "wx2"  # type: ignore[attr-defined]
    body = {"contentId": "content-1", "amount": 10, "subject": "A thing"}
    for route, more in (("jsapi", {"app": "mini", "openid": "o-1"}), ("app", {"app": "mobile-app"})):
        assert several.calls.as_(several.shop, "payments:charge", route, body=body | more)[0] == 200
    assert signed == [MINI, MOBILE]


def test_an_order_keeps_its_app_when_the_list_changes(several: Stage) -> None:
    several.wechat.says("native", "weixin://x")
    several.create(app="mini")
    environment = {**several.wiring.settings._environment, "WECHAT_APPS": f"shop={SHOP},mini={MOBILE}"}
    several.wiring.settings = Settings(environment)
    status, answer = several.create(app="mini")
    assert (status, answer["data"]["outTradeNo"]) == (200, several.number())
    assert several.stored().appid == MINI
    assert several.wechat.asked == ["native"]
