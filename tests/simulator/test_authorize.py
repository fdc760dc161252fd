"""connect/oauth2/authorize: one redirect inside WeChat, and a code for whoever is there."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
WECHAT = f"{PHONE} MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN"
BACK = "http://127.0.0.1:8000/checkout/x/wechat?a=1#top"


def authorize(merchant, *, agent=WECHAT, cookie=None, **changes):
    members = {
        "appid": merchant.credentials.appid,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "snsapi_base",
        "state": "STATE123",
    } | changes
    headers = {"User-Agent": agent, "Cookie": cookie}
    members = {name: value for name, value in members.items() if value is not ...}
    return merchant.asked("/connect/oauth2/authorize", headers=headers, **members)


def redirected(response):
    """Where to, and with which query."""
    assert (response.status, response.body) == (302, b"")
    parts = urlsplit(response.headers["location"])
    return parts, parse_qs(parts.query, keep_blank_values=True)


def exchanged(merchant, code):
    mine = merchant.credentials
    return merchant.asked(
        "/sns/oauth2/access_token",
        appid=mine.appid,
        secret=mine.app_secret,
        code=code,
        grant_type="authorization_code",
    ).json


def test_a_page_gets_its_reader_back_with_a_code_and_its_own_state(shared_merchant):
    parts, query = redirected(authorize(shared_merchant))
    assert parts._replace(query="").geturl() == "http://127.0.0.1:8000/checkout/x/wechat#top"
    assert query.keys() == {"a", "code", "state"}
    assert (query["a"], query["state"]) == (["1"], ["STATE123"])
    assert re.fullmatch(r"0[0-9A-Za-z]{31}", query["code"][0])
    told = exchanged(shared_merchant, query["code"][0])
    assert (told["scope"], "unionid" in told) == ("snsapi_base", False)


def test_a_state_may_be_left_out(shared_merchant):
    _, query = redirected(authorize(shared_merchant, state=...))
    assert query["state"] == [""]


def test_whoever_agrees_to_be_known_has_a_unionid_too(shared_merchant):
    _, query = redirected(authorize(shared_merchant, scope="snsapi_userinfo"))
    assert "unionid" in exchanged(shared_merchant, query["code"][0])


def test_one_browser_is_one_person_and_another_is_another(shared_merchant):
    first = authorize(shared_merchant)
    cookie = first.headers["set-cookie"].partition(";")[0]
    assert "HttpOnly" in first.headers["set-cookie"]
    again, other = authorize(shared_merchant, cookie=cookie), authorize(shared_merchant)
    found = [exchanged(shared_merchant, redirected(each)[1]["code"][0]) for each in (first, again, other)]
    openids = [each["openid"] for each in found]
    assert openids[0] == openids[1] != openids[2]


def test_a_browser_may_say_who_it_is(shared_merchant):
    _, query = redirected(authorize(shared_merchant, cookie="wechat_person=alice"))
    login = shared_merchant.control(
        "POST", "login", {"appid": shared_merchant.credentials.appid, "person": "alice"}
    )
    assert exchanged(shared_merchant, query["code"][0])["openid"] == login.json["openid"]


def refused(response, code, words):
    assert (response.status, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = response.body.decode()
    assert f'data-code="{code}"' in page
    assert words in page


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"agent": PHONE}, "OUTSIDE_WECHAT", "请在微信客户端打开链接"),
        ({"appid": ...}, "10012", "appid不能为空"),
        ({"redirect_uri": ...}, "10011", "redirect_uri不能为空"),
        ({"scope": ""}, "10010", "scope不能为空"),
        ({"appid": "wx" + "0" * 16}, "40013", "AppID 参数错误"),
        ({"appid": "MOBILE"}, "10016", "请使用公众号Appid"),
        ({"scope": "snsapi_login"}, "10005", "没有 Scope 权限"),
        ({"response_type": "token"}, "LINK", "链接参数有误"),
        ({"response_type": ...}, "LINK", "链接参数有误"),
        ({"redirect_uri": "https://example.org/x"}, "10003", "redirect_uri域名与后台配置不一致"),
        ({"redirect_uri": "https://pay.localhost/x"}, "10003", "redirect_uri域名与后台配置不一致"),
        ({"redirect_uri": "javascript://localhost/x"}, "10003", "redirect_uri域名与后台配置不一致"),
        ({"redirect_uri": "http://[localhost/x"}, "10003", "redirect_uri域名与后台配置不一致"),
        ({"state": "with space"}, "10013", "state 参数错误"),
        ({"state": "x" * 129}, "10013", "state 参数错误"),
    ],
    ids=repr,
)
def test_a_link_that_will_not_do_leads_nowhere(shared_merchant, changes, code, words):
    if changes.get("appid") == "MOBILE":
        changes = {"appid": shared_merchant.credentials.mobile_appid}
    refused(authorize(shared_merchant, **changes), code, words)


def test_the_members_stand_in_the_documented_order(shared_merchant):
    response = shared_merchant.asked(
        "/connect/oauth2/authorize",
        headers={"User-Agent": WECHAT},
        redirect_uri=BACK,
        appid=shared_merchant.credentials.appid,
        response_type="code",
        scope="snsapi_base",
    )
    refused(response, "LINK", "链接参数有误")


def test_the_registered_domain_is_meant_to_the_letter(merchant):
    merchant.control("POST", "settings", {"oauthDomains": ["shop.example.com"]})
    refused(authorize(merchant), "10003", "redirect_uri域名与后台配置不一致")
    for host, good in (
        ("shop.example.com", True),
        ("shop.example.com:8443", True),
        ("example.com", False),
        ("a.shop.example.com", False),
    ):
        assert (authorize(merchant, redirect_uri=f"https://{host}/x").status == 302) == good
