"""POST …/openid: a code for the openid, once; whoever can mend what is wrong is told."""

import pytest

from tests.kit.dynamodb import time_out
from tests.openids.login import PAY

pytestmark = pytest.mark.in_turn

ASKED_AS = {
    "shop": "accessToken",
    "mini": "jscode2session",
}  # what fault rules call the question about each app
VOID = (
    "is not one that this app can use: a code is one app's, works once, and lives five minutes; get a new one"
)


@pytest.mark.parametrize("app", ASKED_AS)
def test_a_code_is_exchanged_for_the_openid_and_nothing_else(login, app):
    code, openid = login.code(app)
    assert login.ask(code, app=app).openid == openid


def test_without_an_app_the_code_is_the_default_ones(login):
    code, openid = login.code("shop")
    assert login.ask(code).openid == openid
    assert [line["app"] for line in login.lines] == ["shop"]


@pytest.mark.parametrize("app", ASKED_AS)
def test_a_void_code_is_the_callers_to_mend(login, app):
    used, _ = login.code(app)
    assert login.ask(used, app=app).status == 200
    assert login.ask(used, app=app).void == "40163"
    assert login.ask("0" * 32, app=app).void == "40029"
    late, _ = login.code(app)
    login.clock.advance(301)
    told = login.ask(late, app=app)
    assert told.void == "42003"
    assert told.body == {
        "error": f"code {VOID}.",
        "code": "PARAM_ERROR",
        "details": {"field": "code", "issue": VOID, "wechatCode": "42003"},
    }
    assert login.counted("AppRefused") == []


def test_another_apps_code_is_void(login):
    code, _ = login.code("mini")
    assert login.ask(code, app="shop").void == "40029"


def test_what_is_not_a_request_is_refused_by_field_and_rule(login):
    for body, field, issue in (
        ("{}", "code", "is required"),
        ('{"code": ""}', "code", "must have at least 1 character"),
        ('{"code": 7}', "code", "must be a string"),
        ('{"code": "a b"}', "code", "has characters that are not allowed"),
        ('{"code": "a\\n"}', "code", "has characters that are not allowed"),
        ('{"code": "%s"}' % ("a" * 513), "code", "must have at most 512 characters"),
        ('{"code": "a", "app": "other"}', "app", "must be one of mini, mobile, shop"),
        ('{"code": "a", "app": 1}', "app", "must be a string"),
        ('{"code": "a", "secret": "b"}', "secret", "is not a known field"),
    ):
        told = login.post(body)
        assert (told.status, told.body["details"]) == (400, {"field": field, "issue": issue}), body
    assert login.post("[").body["code"] == "INVALID_REQUEST"


def test_a_code_that_a_query_could_be_made_of_stays_a_code(login):
    assert login.ask("a&grant_type=client_credential&appid=wx0#?/../%00").void == "40029"


def test_the_back_office_has_no_business_here(login):
    told = login.ask("0" * 32, scope="payments:refund")
    assert (told.status, told.body["code"]) == (403, "NOAUTH")


# ---- the operator's ----


@pytest.mark.parametrize("app", ASKED_AS)
def test_a_wrong_secret_is_the_operators_to_mend_and_costs_no_code(login, app):
    mine = login.credentials
    right = {"WECHAT_APP_SECRET": mine.app_secret, "WECHAT_APP_SECRET_MINI": mine.mini_program_secret}
    login.secrets.put("apps", dict.fromkeys(right, "0" * 32))
    code, openid = login.code(app)
    told = login.ask(code, app=app)
    assert (told.status, told.body["code"], told.body["details"]) == (500, "INTERNAL_ERROR", {})
    assert login.counted("AppRefused") == [{"app": app}]
    (line,) = login.lines
    assert (line["level"], line["exception_name"]) == ("ERROR", "ConfigurationError")
    assert f"refuses the app {app} (errcode 40125)" in line["exception"]

    login.secrets.put("apps", right)
    login.wiring.time += 60  # a process that was refused looks again, a minute after it has read
    assert login.ask(code, app=app).openid == openid
    assert login.counted("AppRefused") == [{"app": app}]


def test_a_secret_that_changed_at_wechat_is_read_again_before_anybody_is_refused(login):
    mine = login.credentials
    login.secrets.put("apps", {"WECHAT_APP_SECRET": "0" * 32})
    assert login.ask("0" * 32).status == 500
    login.secrets.put("apps", {"WECHAT_APP_SECRET": mine.app_secret})
    login.wiring.time += 61
    code, openid = login.code()
    assert login.ask(code).openid == openid
    assert login.secrets.reads["apps"] == 2


def test_an_app_of_the_wrong_kind_is_the_operators_to_mend(login):
    told = login.ask("0" * 32, app="mobile")
    assert (told.status, told.body["details"]) == (500, {})
    assert "the secret of apps has no WECHAT_APP_SECRET_mobile" in login.lines[-1]["exception"]
    login.secrets.put("apps", {"WECHAT_APP_SECRET_mobile": "0" * 32})
    login.wiring.time += 301
    assert login.ask("0" * 32, app="mobile").status == 500
    assert "(errcode 40013)" in login.lines[-1]["exception"]
    assert login.counted("AppRefused") == [{"app": "mobile"}]


def test_a_secret_that_was_never_written_is_told_by_its_name(login):
    login.secrets.put("apps", {})
    assert login.ask("0" * 32).status == 500
    assert (
        "the secret of apps has no WECHAT_APP_SECRET_shop and no WECHAT_APP_SECRET"
        in login.lines[-1]["exception"]
    )


# ---- WeChat's ----


@pytest.mark.parametrize("app", ASKED_AS)
@pytest.mark.parametrize(
    ("effect", "parameters", "wait"),
    [
        ("errcode", {"errcode": -1}, 2),
        ("errcode", {"errcode": 45011}, 60),
        ("errcode", {"errcode": 45009}, 60),
        ("errcode", {"errcode": 99999}, 2),
        ("html", {"status": 200}, 2),
        ("html", {"status": 502}, 2),
        ("status", {"status": 500, "code": "SYSTEM"}, 2),
        ("status", {"status": 302, "code": "MOVED"}, 2),
        ("reset_before", {}, 2),
    ],
)
def test_where_wechat_says_nothing_the_code_may_be_tried_again(login, app, effect, parameters, wait):
    code, openid = login.code(app)
    assert login.ask(code, app=app).openid == openid  # a connection is there
    code, openid = login.code(app)
    login.fault(ASKED_AS[app], effect, **parameters)
    if (
        effect == "reset_before"
    ):  # nobody has read the question on the kept connection, so it is put once more
        assert login.ask(code, app=app).openid == openid
        return
    assert login.ask(code, app=app).wait == wait
    assert login.ask(code, app=app).openid == openid


@pytest.mark.parametrize("app", ASKED_AS)
@pytest.mark.parametrize(
    ("effect", "parameters"),
    [("truncate", {}), ("errcode", {"errcode": -1, "after": True})],
)
def test_where_the_answer_is_lost_the_code_may_be_used_up_and_a_repetition_says_so(
    login, app, effect, parameters
):
    code, _ = login.code(app)
    login.fault(ASKED_AS[app], effect, **parameters)
    assert login.ask(code, app=app).wait == 2
    assert login.ask(code, app=app).void == "40163"
    fresh, openid = login.code(app)
    assert login.ask(fresh, app=app).openid == openid


def test_a_person_whom_wechat_blocks_is_told(login):
    login.fault("jscode2session", "errcode", errcode=40226)
    told = login.ask("0" * 32, app="mini")
    assert (told.status, told.body["code"]) == (502, "WECHAT_REFUSED")
    assert told.body["details"] == {"wechatCode": "40226"}


# ---- limits ----


def test_a_buyer_may_try_ten_codes_a_minute_and_a_backend_any_number(login):
    login.wiring.time -= login.wiring.time % 60 - 20
    for _ in range(10):
        assert login.ask("0" * 32, by="eve", scope=PAY).status == 400
    told = login.ask("0" * 32, by="eve", scope=PAY)
    assert (told.status, told.body["code"], told.headers["retry-after"]) == (429, "RATE_LIMITED", "40")
    for _ in range(11):
        assert login.ask("0" * 32).status == 400
    code, openid = login.code()
    assert login.ask(code, by="alice", scope=PAY).openid == openid
    login.wiring.time += 40
    code, openid = login.code()
    assert login.ask(code, by="eve", scope=PAY).openid == openid


def test_a_request_that_is_none_does_not_count(login):
    for _ in range(12):
        assert login.post("{}", by="eve", scope=PAY).status == 400
    assert login.db.items("BuyersTable") == []


def test_without_the_table_a_buyer_is_asked_to_come_again_and_keeps_the_code(login):
    def silent(*_):
        raise time_out()

    code, openid = login.code()
    login.db.around = silent
    assert login.ask(code, by="alice", scope=PAY).wait == 2
    login.db.around = None
    assert login.ask(code, by="alice", scope=PAY).openid == openid
