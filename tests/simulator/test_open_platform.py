"""The open platform: codes for openids, once and in time; every refusal a number in a 200."""

import base64
import json
import re

import pytest

OAUTH, MINI = "/sns/oauth2/access_token", "/sns/jscode2session"


def code(merchant, **who):
    """A code, and the openid that it stands for."""
    response = merchant.control("POST", "login", who)
    assert response.status == 200, response.body
    return response.json["code"], response.json["openid"]


def official(merchant, given, **changes):
    """The question of an official account's backend, with `changes`; one of ... leaves a member out."""
    mine = merchant.credentials
    members = {
        "appid": mine.appid,
        "secret": mine.app_secret,
        "code": given,
        "grant_type": "authorization_code",
    }
    return merchant.asked(OAUTH, **{name: v for name, v in (members | changes).items() if v is not ...})


def mini(merchant, given, **changes):
    mine = merchant.credentials
    members = {
        "appid": mine.mini_program_appid,
        "secret": mine.mini_program_secret,
        "js_code": given,
        "grant_type": "authorization_code",
    }
    return merchant.asked(MINI, **{name: v for name, v in (members | changes).items() if v is not ...})


ASKED = {"official account": (official, "code"), "mini program": (mini, "js_code")}


def code_for(merchant, which, person="alice"):
    appids = {
        "official account": merchant.credentials.appid,
        "mini program": merchant.credentials.mini_program_appid,
    }
    return code(merchant, appid=appids[which], person=person)


def refused(response, errcode, errmsg):
    assert response.status == 200
    assert response.headers["content-type"] == "text/plain"
    assert response.json.keys() == {"errcode", "errmsg"}
    assert response.json["errcode"] == errcode
    assert re.fullmatch(
        f"{re.escape(errmsg)}, rid: [0-9a-f]{{8}}-[0-9a-f]{{8}}-[0-9a-f]{{8}}", response.json["errmsg"]
    )


def test_an_official_account_gets_an_openid_and_tokens_for_a_code(shared_merchant):
    given, openid = code_for(shared_merchant, "official account")
    response = official(shared_merchant, given)
    assert (response.status, response.headers["content-type"]) == (200, "text/plain")
    assert not {"wechatpay-signature", "request-id"} & response.headers.keys()
    told = response.json
    assert told.keys() == {"access_token", "expires_in", "refresh_token", "openid", "scope"}
    assert (told["openid"], told["expires_in"], told["scope"]) == (openid, 7200, "snsapi_base")
    assert re.fullmatch(r"o[0-9A-Za-z_-]{27}", openid)


def test_a_mini_program_gets_an_openid_and_a_session_key_for_a_code(shared_merchant):
    given, openid = code(shared_merchant, person="alice")
    told = mini(shared_merchant, given).json
    assert told.keys() == {"session_key", "openid", "unionid"}
    assert told["openid"] == openid
    assert len(base64.b64decode(told["session_key"], validate=True)) == 16
    again = mini(shared_merchant, code(shared_merchant, person="alice")[0]).json
    assert (again["openid"], again["unionid"]) == (openid, told["unionid"])
    assert again["session_key"] != told["session_key"]


def test_a_person_is_somebody_else_to_every_app_and_never_somebody_else_to_one(shared_merchant):
    found = {
        (which, person): code_for(shared_merchant, which, person)[1]
        for which in ASKED
        for person in ("alice", "bob")
    }
    assert len(set(found.values())) == 4
    assert code_for(shared_merchant, "mini program", "bob")[1] == found["mini program", "bob"]


@pytest.mark.parametrize("which", ASKED)
def test_a_code_works_once(shared_merchant, which):
    ask, _ = ASKED[which]
    given, openid = code_for(shared_merchant, which)
    assert ask(shared_merchant, given).json["openid"] == openid
    refused(ask(shared_merchant, given), 40163, "code been used")


@pytest.mark.parametrize("which", ASKED)
def test_a_code_lives_five_minutes(merchant, which):
    ask, _ = ASKED[which]
    given, openid = code_for(merchant, which)
    late, _ = code_for(merchant, which)
    merchant.advance(299)
    assert ask(merchant, given).json["openid"] == openid
    merchant.advance(2)
    refused(ask(merchant, late), 42003, "code expired")


@pytest.mark.parametrize("which", ASKED)
def test_what_is_wrong_with_a_question_is_a_number(shared_merchant, which):
    ask, name = ASKED[which]
    given, openid = code_for(shared_merchant, which)
    for changes, errcode, errmsg in (
        ({"appid": ...}, 41002, "appid missing"),
        ({"appid": ""}, 41002, "appid missing"),
        ({"secret": ...}, 41004, "appsecret missing"),
        ({name: ...}, 41008, "missing code"),
        ({"grant_type": ...}, 40002, "invalid grant_type"),
        ({"grant_type": "client_credential"}, 40002, "invalid grant_type"),
        ({"appid": "wx" + "0" * 16}, 40013, "invalid appid"),
        ({"appid": shared_merchant.credentials.mobile_appid}, 40013, "invalid appid"),
        ({"secret": "0" * 32}, 40125, "invalid appsecret"),
        ({name: "0" * 32}, 40029, "invalid code"),
    ):
        refused(ask(shared_merchant, given, **changes), errcode, errmsg)
    assert ask(shared_merchant, given).json["openid"] == openid  # none of that has used it up


def test_another_apps_code_is_no_code_and_is_used_up_by_trying(shared_merchant):
    given, _ = code_for(shared_merchant, "mini program")
    refused(official(shared_merchant, given), 40029, "invalid code")
    refused(mini(shared_merchant, given), 40163, "code been used")


def test_an_app_is_asked_for_at_its_own_path(shared_merchant):
    mine = shared_merchant.credentials
    given, _ = code_for(shared_merchant, "mini program")
    wrong = official(shared_merchant, given, appid=mine.mini_program_appid, secret=mine.mini_program_secret)
    refused(wrong, 40013, "invalid appid")


def test_a_token_is_renewed_and_ends(merchant):
    given, openid = code_for(merchant, "official account")
    told = official(merchant, given).json
    renewal = {
        "appid": merchant.credentials.appid,
        "grant_type": "refresh_token",
        "refresh_token": told["refresh_token"],
    }

    def good(access_token, openid=openid):
        return merchant.asked("/sns/auth", access_token=access_token, openid=openid)

    assert good(told["access_token"]).json == {"errcode": 0, "errmsg": "ok"}
    refused(good("x"), 40014, "invalid access_token")
    refused(good(told["access_token"], "o-other"), 40003, "invalid openid")
    merchant.advance(7200)
    refused(good(told["access_token"]), 42001, "access_token expired")
    fresh = merchant.asked("/sns/oauth2/refresh_token", **renewal).json
    assert (fresh["openid"], good(fresh["access_token"]).json["errcode"]) == (openid, 0)
    for changes, errcode, errmsg in (
        ({"refresh_token": ""}, 41003, "refresh_token missing"),
        ({"refresh_token": "x"}, 40030, "invalid refresh_token"),
        ({"appid": merchant.credentials.mobile_appid}, 40030, "invalid refresh_token"),
        ({"grant_type": "authorization_code"}, 40002, "invalid grant_type"),
    ):
        refused(merchant.asked("/sns/oauth2/refresh_token", **renewal | changes), errcode, errmsg)
    merchant.advance(30 * 86400)
    refused(merchant.asked("/sns/oauth2/refresh_token", **renewal), 42002, "refresh_token expired")


def fault(merchant, **rule):
    assert merchant.control("POST", "faults", {"rules": [{"times": 1} | rule]}).status == 200


def test_wechat_is_busy_and_the_code_is_as_good_as_before(merchant):
    given, openid = code_for(merchant, "mini program")
    fault(merchant, on="jscode2session", effect="errcode", errcode=-1)
    fault(merchant, on="jscode2session", effect="errcode", errcode=45011)
    fault(merchant, on="jscode2session", effect="errcode", errcode=45157, errmsg="another")
    refused(mini(merchant, given), -1, "system error")
    refused(mini(merchant, given), 45011, "api minute-quota reach limit, must slower, retry next minute")
    refused(mini(merchant, given), 45157, "another")
    assert mini(merchant, given).json["openid"] == openid


def test_wechat_is_busy_and_the_code_is_gone(merchant):
    given, _ = code_for(merchant, "official account")
    fault(merchant, on="accessToken", effect="errcode", errcode=-1, after=True)
    refused(official(merchant, given), -1, "system error")
    refused(official(merchant, given), 40163, "code been used")


def test_what_stands_before_wechat_answers_otherwise_and_nothing_is_signed(merchant):
    given, openid = code_for(merchant, "official account")
    fault(merchant, on="accessToken", effect="status", status=502, code="X", signed=True)
    fault(merchant, on="accessToken", effect="html", status=503)
    for status in (502, 503):
        response = official(merchant, given)
        assert response.status == status
        assert not {"wechatpay-signature", "request-id"} & response.headers.keys()
    fault(merchant, on="accessToken", effect="reset_before")
    with pytest.raises(ConnectionError):
        official(merchant, given)
    assert official(merchant, given).json["openid"] == openid
    another, _ = code_for(merchant, "official account")
    fault(merchant, on="accessToken", effect="reset_after")
    with pytest.raises(ConnectionError):
        official(merchant, another)
    refused(official(merchant, another), 40163, "code been used")


@pytest.mark.parametrize(
    "body",
    [
        {"appid": "wx" + "0" * 16},
        {"appid": 1},
        {"appid": "MOBILE"},
        {"person": ""},
        {"person": "two words"},
        {"person": None},
        {"who": "alice"},
    ],
    ids=repr,
)
def test_a_login_that_is_none_is_a_bad_control(shared_merchant, body):
    if body.get("appid") == "MOBILE":
        body = {"appid": shared_merchant.credentials.mobile_appid}
    response = shared_merchant.control("POST", "login", body)
    assert (response.status, response.code) == (400, "BAD_CONTROL")


def test_a_buyer_is_told_by_code_and_pays_the_order_that_names_them(shared_merchant):
    mine = shared_merchant.credentials
    given, _ = code(shared_merchant, person="carol")
    openid = mini(shared_merchant, given).json["openid"]
    order = shared_merchant.order(appid=mine.mini_program_appid, payer={"openid": openid})
    prepay_id = shared_merchant.jsapi(order).json["prepay_id"]
    assert shared_merchant.pay(prepayId=prepay_id, openid=openid).status == 200
    found = shared_merchant.query(order["out_trade_no"]).json
    assert (found["appid"], found["payer"]) == (mine.mini_program_appid, {"openid": openid})


def test_an_openid_of_another_app_orders_nothing(shared_merchant):
    _, openid = code_for(shared_merchant, "mini program", "dave")
    response = shared_merchant.jsapi(shared_merchant.order(payer={"openid": openid}))
    assert (response.status, response.code) == (400, "PARAM_ERROR")
    assert response.json["message"] == "appid和openid不匹配"
    assert response.json["detail"]["field"] == "/payer/openid"
    shared_merchant.verify(response.headers, response.body)


def test_every_app_of_the_merchant_orders(shared_merchant):
    mine = shared_merchant.credentials
    for appid in (mine.appid, mine.mini_program_appid, mine.mobile_appid):
        assert shared_merchant.native(shared_merchant.order(appid=appid)).status == 200
    order = shared_merchant.order(appid=mine.mobile_appid)
    assert shared_merchant.app(order).status == 200
    assert shared_merchant.query(order["out_trade_no"]).json["appid"] == mine.mobile_appid


def test_secrets_are_in_no_answer(merchant):
    mine = merchant.credentials
    given, _ = code_for(merchant, "official account")
    answers = [
        official(merchant, given, secret="0" * 32),
        official(merchant, given),
        merchant.control("GET", "settings"),
        merchant.control("GET", "keys"),
    ]
    text = json.dumps([answer.body.decode() for answer in answers])
    assert mine.app_secret not in text
    assert mine.mini_program_secret not in text
