"""Who is let in, and how the others are turned away: unsigned 401s, before anything else is looked at."""

import json

import pytest

URL = "/v3/pay/transactions/out-trade-no/NOBODY?mchid={mchid}"


def target(merchant) -> str:
    return URL.format(mchid=merchant.credentials.mchid)


def get(merchant, authorization, **headers):
    sent = {"Accept": "*/*", "User-Agent": "t", "Authorization": authorization} | headers
    return merchant.send("GET", target(merchant), b"", sent)


def assert_sign_error(response, message):
    assert (response.status, response.code, response.json["message"]) == (401, "SIGN_ERROR", message)
    assert response.error_number == 268443699
    assert not [name for name in response.headers if name.startswith("wechatpay-")]


ILL_FORMED = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"
TOO_OLD = "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟"
WRONG = "错误的签名，验签失败"


def test_a_signed_request_is_let_in(shared_merchant):
    assert shared_merchant.query("NOBODY").status == 404


def test_the_five_fields_may_come_in_any_order(shared_merchant):
    scheme, _, fields = shared_merchant.authorization("GET", target(shared_merchant), b"").partition(" ")
    for order in (sorted(fields.split(",")), sorted(fields.split(","), reverse=True)):
        assert get(shared_merchant, f"{scheme} {','.join(order)}").status == 404


@pytest.mark.parametrize("field", ["mchid", "nonce_str", "signature", "timestamp", "serial_no"])
def test_each_of_the_five_fields_is_needed(shared_merchant, field):
    scheme, _, fields = shared_merchant.authorization("GET", target(shared_merchant), b"").partition(" ")
    rest = [each for each in fields.split(",") if not each.startswith(field + "=")]
    assert_sign_error(get(shared_merchant, f"{scheme} {','.join(rest)}"), ILL_FORMED)


@pytest.mark.parametrize("field", ["mchid", "nonce_str", "signature", "timestamp", "serial_no"])
def test_a_field_may_come_only_once(shared_merchant, field):
    authorization = shared_merchant.authorization("GET", target(shared_merchant), b"")
    assert_sign_error(get(shared_merchant, f'{authorization},{field}="1"'), ILL_FORMED)


@pytest.mark.parametrize(
    "header",
    [None, "", "WECHATPAY2-SHA256-RSA2048", "WECHATPAY2-SHA256-RSA2048 mchid=1900000109", "x", 'x mchid="1'],
)
def test_no_header_or_half_a_header_is_refused(shared_merchant, header):
    response = get(shared_merchant, header)
    assert (response.status, response.code) == (401, "SIGN_ERROR")


@pytest.mark.parametrize("scheme", ["Bearer", "WECHATPAY2-SM2-WITH-SM3", "wechatpay2-sha256-rsa2048"])
def test_another_scheme_is_refused(shared_merchant, scheme):
    authorization = shared_merchant.authorization("GET", target(shared_merchant), b"")
    response = get(shared_merchant, scheme + " " + authorization.partition(" ")[2])
    assert_sign_error(response, "Http头Authorization认证类型不正确")


@pytest.mark.parametrize("age", [301.5, -302, 86400])
def test_a_timestamp_more_than_five_minutes_off_is_refused(shared_merchant, age):
    response = shared_merchant.call("GET", target(shared_merchant), age=age)
    assert_sign_error(response, TOO_OLD)


@pytest.mark.parametrize("age", [298, -298])
def test_a_timestamp_within_five_minutes_is_taken(shared_merchant, age):
    assert shared_merchant.call("GET", target(shared_merchant), age=age).status == 404


def test_the_simulators_own_clock_decides_what_is_stale(merchant):
    signed_now = merchant.authorization("GET", target(merchant), b"")
    merchant.advance(301)
    assert_sign_error(get(merchant, signed_now), TOO_OLD)


def test_milliseconds_are_no_timestamp(shared_merchant):
    seconds = str(int(shared_merchant.clock.time()))
    authorization = shared_merchant.authorization(
        "GET", target(shared_merchant), b"", timestamp=seconds + "000"
    )
    assert_sign_error(get(shared_merchant, authorization), TOO_OLD)


@pytest.mark.parametrize("timestamp", ["now", "1e9", "-1", " 1", "9" * 16])
def test_a_timestamp_that_is_no_number_of_seconds_is_refused(shared_merchant, timestamp):
    authorization = shared_merchant.authorization("GET", target(shared_merchant), b"", timestamp=timestamp)
    assert_sign_error(get(shared_merchant, authorization), ILL_FORMED)


def test_another_serial_number_is_refused(shared_merchant):
    authorization = shared_merchant.authorization("GET", target(shared_merchant), b"", serial_no="4" * 40)
    assert_sign_error(
        get(shared_merchant, authorization), "商户证书序列号有误。请使用签名私钥匹配的证书序列号"
    )


def test_another_merchant_is_refused(shared_merchant):
    authorization = shared_merchant.authorization("GET", target(shared_merchant), b"", mchid="1900000109")
    assert_sign_error(get(shared_merchant, authorization), "签名错误")


@pytest.mark.parametrize("part", ["method", "path", "query", "timestamp", "nonce", "body", "last line feed"])
def test_every_part_of_the_signed_text_counts(shared_merchant, part):
    body = json.dumps(shared_merchant.order()).encode()
    path, timestamp, nonce = (
        "/v3/pay/transactions/native?a=1",
        str(int(shared_merchant.clock.time())),
        "n" * 32,
    )
    good = f"POST\n{path}\n{timestamp}\n{nonce}\n{body.decode()}\n"
    tampered = {
        "method": good.replace("POST", "GET", 1),
        "path": good.replace("native", "nativ", 1),
        "query": good.replace("a=1", "a=2", 1),
        "timestamp": good.replace(timestamp, str(int(timestamp) - 1), 1),
        "nonce": good.replace(nonce, "m" * 32, 1),
        "body": good.replace("100", "101", 1),
        "last line feed": good[:-1],
    }[part]
    assert tampered != good

    def post(text):
        authorization = shared_merchant.authorization(
            "POST", path, body, timestamp=timestamp, nonce_str=nonce, signature=shared_merchant.sign(text)
        )
        return shared_merchant.call("POST", path, body, headers={"Authorization": authorization})

    assert_sign_error(post(tampered), WRONG)
    assert post(good).status == 400  # let in; what it then minds is the query string


@pytest.mark.parametrize("signature", ["ZmFrZQ==", "not base64!", "WECHATPAY/SIGNTEST/abc", "é"])
def test_a_signature_that_is_none_is_refused(shared_merchant, signature):
    authorization = shared_merchant.authorization("GET", target(shared_merchant), b"", signature=signature)
    assert_sign_error(get(shared_merchant, authorization), WRONG)


def test_a_wrong_signature_is_shown_what_should_have_been_signed(shared_merchant):
    authorization = shared_merchant.authorization(
        "GET", target(shared_merchant), b"", nonce_str="abc", timestamp=str(int(shared_merchant.clock.time()))
    )
    response = get(shared_merchant, authorization)
    detail = response.json["detail"]
    assert (detail["field"], detail["location"]) == ("signature", "authorization")
    assert detail["detail"] == {"issue": "sign not match"}
    text = detail["sign_information"].pop("truncated_sign_message")
    assert text.startswith(f"GET\n{target(shared_merchant)}\n")
    assert text.endswith("\nabc\n\n")
    assert detail["sign_information"] == {
        "method": "GET",
        "url": target(shared_merchant),
        "sign_message_length": len(text),
    }


def test_the_path_is_verified_as_it_was_sent_not_as_it_decodes(shared_merchant):
    plain = f"/v3/pay/transactions/out-trade-no/A|B*CD?mchid={shared_merchant.credentials.mchid}"
    encoded = plain.replace("|", "%7C").replace("*", "%2A")
    assert shared_merchant.call("GET", encoded).code == "ORDER_NOT_EXIST"
    authorization = shared_merchant.authorization("GET", plain, b"")
    response = shared_merchant.call("GET", encoded, headers={"Authorization": authorization})
    assert_sign_error(response, WRONG)


@pytest.mark.parametrize("name", ["User-Agent", "Accept"])
def test_user_agent_and_accept_are_required(shared_merchant, name):
    response = shared_merchant.call("GET", target(shared_merchant), headers={name: None})
    assert (response.status, response.code) == (400, "INVALID_REQUEST")
    assert response.json["message"] == "Http头缺少Accept或User-Agent"
    assert "wechatpay-signature" not in response.headers


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v3/pay/transactions/nothing/here", 404, "NOT_FOUND"),
        ("/pay/unifiedorder", 404, "NOT_FOUND"),
        ("/", 404, "NOT_FOUND"),
        ("/v3/pay/transactions/native", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_an_unknown_path_or_method_is_told_by_a_code_before_anybody_looks_at_the_signature(
    shared_merchant, path, status, code
):
    for authorization in (shared_merchant.authorization("GET", path, b""), "none"):
        response = shared_merchant.call("GET", path, headers={"Authorization": authorization})
        assert (response.status, response.code) == (status, code)
        assert response.json["message"]
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        assert response.error_number > 0
        assert not [name for name in response.headers if name.startswith("wechatpay-")]


def test_a_replayed_nonce_is_taken(shared_merchant):
    authorization = shared_merchant.authorization("GET", target(shared_merchant), b"")
    assert [get(shared_merchant, authorization).status for _ in range(2)] == [404, 404]


def test_a_serial_number_may_be_in_lower_case(shared_merchant):
    serial_no = shared_merchant.credentials.merchant_serial_no.lower()
    path = target(shared_merchant)
    authorization = shared_merchant.authorization("GET", path, b"", serial_no=serial_no)
    response = shared_merchant.call("GET", path, headers={"Authorization": authorization})
    assert response.status == 404
