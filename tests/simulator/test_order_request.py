"""The rules of the JSON body of a native order: each refusal with its status, code, field and words."""

import json

import pytest


def refused(merchant, order, code="PARAM_ERROR"):
    response = merchant.native(order)
    assert (response.status, response.code) == (400, code), response.body
    merchant.verify(response.headers, response.body)
    return response


def test_every_documented_member_is_taken(shared_merchant):
    shared_merchant.placed(
        time_expire="2099-06-08T10:34:56.120+08:00",
        attach="a" * 128,
        goods_tag="WXG",
        support_fapiao=True,
        detail={
            "cost_price": 608800,
            "invoice_id": "wx123",
            "goods_detail": [
                {
                    "merchant_goods_id": "1246464644",
                    "wechatpay_goods_id": "1001",
                    "goods_name": "iPhoneX 256G",
                    "quantity": 1,
                    "unit_price": 528800,
                }
            ],
        },
        scene_info={
            "payer_client_ip": "14.23.150.211",
            "device_id": "013467007045764",
            "store_info": {"id": "0001", "name": "腾讯大厦分店", "area_code": "440305", "address": "深圳"},
        },
        settle_info={"profit_sharing": False},
    )


@pytest.mark.parametrize(
    ("member", "title"),
    [
        ("appid", "公众号ID"),
        ("mchid", "直连商户号"),
        ("description", "商品描述"),
        ("out_trade_no", "商户订单号"),
        ("notify_url", "通知地址"),
        ("amount", "订单金额"),
    ],
)
def test_what_is_required_may_not_be_left_out(shared_merchant, member, title):
    response = refused(shared_merchant, shared_merchant.order(**{member: ...}))
    assert response.json["message"] == (
        f"输入源“/body/{member}”映射到字段“{title}”必填性规则校验失败，此字段为必填项"
    )
    assert response.json["detail"] == {
        "field": f"/{member}",
        "value": "",
        "issue": "required",
        "location": "body",
    }
    assert response.error_number == 268435461


WRONG_TYPES = [
    ("/description", {"description": 1}),
    ("/description", {"description": None}),
    ("/out_trade_no", {"out_trade_no": 20180608103456}),
    ("/attach", {"attach": None}),
    ("/attach", {"attach": ["a"]}),
    ("/time_expire", {"time_expire": 1528425296}),
    ("/notify_url", {"notify_url": False}),
    ("/support_fapiao", {"support_fapiao": "true"}),
    ("/support_fapiao", {"support_fapiao": 1}),
    ("/amount", {"amount": 100}),
    ("/amount", {"amount": None}),
    ("/amount", {"amount": []}),
    ("/amount/total", {"amount": {"total": "100"}}),
    ("/amount/total", {"amount": {"total": 100.0}}),
    ("/amount/total", {"amount": {"total": True}}),
    ("/amount/total", {"amount": {"total": None}}),
    ("/amount/total", {"amount": {"total": 2**63}}),
    ("/amount/currency", {"amount": {"total": 1, "currency": None}}),
    ("/detail", {"detail": "[]"}),
    ("/detail/goods_detail", {"detail": {"goods_detail": {}}}),
    ("/detail/goods_detail/0", {"detail": {"goods_detail": ["a"]}}),
    (
        "/detail/goods_detail/0/quantity",
        {"detail": {"goods_detail": [{"merchant_goods_id": "1", "quantity": "1", "unit_price": 1}]}},
    ),
]


@pytest.mark.parametrize(("pointer", "changes"), WRONG_TYPES, ids=json.dumps)
def test_types_are_exact_and_null_is_none_of_them(shared_merchant, pointer, changes):
    response = refused(shared_merchant, shared_merchant.order(**changes))
    assert response.json["message"].startswith(f"无法将 JSON 输入源“/body{pointer}”映射到目标字段“")
    assert (response.json["detail"]["field"], response.json["detail"]["issue"]) == (pointer, "wrong type")


def test_a_string_where_a_number_belongs_is_named_in_full(shared_merchant):
    response = refused(shared_merchant, shared_merchant.order(amount={"total": "100"}))
    assert response.json["message"] == (
        "无法将 JSON 输入源“/body/amount/total”映射到目标字段“总金额”中，此字段需要一个合法的 64 位有符号整数"
    )


@pytest.mark.parametrize(
    ("pointer", "changes"),
    [
        ("/total", {"total": 1}),
        ("/limit_payment", {"limit_payment": ["no_credit"]}),
        ("/payer", {"payer": {"openid": "o"}}),
        ("/amount/payer_total", {"amount": {"total": 1, "payer_total": 1}}),
        ("/settle_info/x", {"settle_info": {"x": False}}),
    ],
)
def test_unknown_members_are_refused(shared_merchant, pointer, changes):
    response = refused(shared_merchant, shared_merchant.order(**changes))
    assert response.json["detail"]["field"] == pointer
    assert response.error_number == 270924358


@pytest.mark.parametrize(
    "changes",
    [
        {"limit_pay": ["no_credit"]},
        {"limit_pay": ["no_balance", "no_credit", "no_debit", "balance_only"]},
        {
            "scene_info": {
                "payer_client_ip": "::1",
                "h5_info": {"type": "Wap", "app_url": "https://pay.qq.com"},
            }
        },
    ],
    ids=json.dumps,
)
def test_members_that_sdks_know_are_taken_and_change_nothing(shared_merchant, changes):
    order = shared_merchant.order(**changes)
    assert shared_merchant.native(order).json.keys() == {"code_url"}
    assert shared_merchant.pay(outTradeNo=order["out_trade_no"]).status == 200
    assert shared_merchant.query(order["out_trade_no"]).json.keys().isdisjoint({"limit_pay"})


@pytest.mark.parametrize(
    ("pointer", "limit_pay"),
    [
        ("/limit_pay", "no_credit"),
        ("/limit_pay", []),
        ("/limit_pay/0", ["NO_CREDIT"]),
        ("/limit_pay/1", ["no_debit", 1]),
    ],
)
def test_a_limit_pay_that_is_none_is_refused(shared_merchant, pointer, limit_pay):
    response = refused(shared_merchant, shared_merchant.order(limit_pay=limit_pay))
    assert response.json["detail"]["field"] == pointer


def test_the_identity_of_a_buyer_is_taken_and_not_compared(shared_merchant):
    """It is encrypted anew each time that the same order is posted."""
    order = shared_merchant.order(payer={"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"})
    for number in ("b25l", "YW5vdGhlcg=="):
        order["payer"]["identity"] = {"type": "IDCARD", "number": number, "name": number}
        assert shared_merchant.jsapi(order).status == 200
    other = order | {"payer": order["payer"] | {"openid": "o-other"}}
    assert shared_merchant.jsapi(other).json["message"] == "201 商户订单号重复"


LENGTHS = [
    ("description", 1, 127),
    ("attach", 1, 128),
    ("goods_tag", 1, 32),
    ("out_trade_no", 6, 32),
]


@pytest.mark.parametrize(("member", "minimum", "maximum"), LENGTHS)
def test_lengths_have_two_ends(shared_merchant, member, minimum, maximum):
    for size in (minimum, maximum):
        text = (shared_merchant.order()["out_trade_no"] + "x" * 128)[-size:]
        if member == "out_trade_no" and size == minimum:
            text = shared_merchant.order()["out_trade_no"][-6:]
        shared_merchant.placed(**{member: text})
    for size, end in ((minimum - 1, f"小于最小值 {minimum}"), (maximum + 1, f"大于最大值 {maximum}")):
        response = refused(shared_merchant, shared_merchant.order(**{member: "x" * size}))
        assert response.json["message"].endswith(f"字符串规则校验失败，字节数 {size}，{end}")
        assert response.json["detail"]["field"] == f"/{member}"


def test_lengths_are_counted_in_bytes(shared_merchant):
    shared_merchant.placed(description="微" * 42)
    response = refused(shared_merchant, shared_merchant.order(description="微" * 43))
    assert "字节数 129，大于最大值 127" in response.json["message"]


@pytest.mark.parametrize("text", ["😀", "a𠮷", "\ud83d"])
@pytest.mark.parametrize("member", ["description", "attach"])
def test_characters_beyond_the_basic_plane_are_refused(shared_merchant, member, text):
    response = refused(shared_merchant, shared_merchant.order(**{member: text}))
    assert response.json["detail"]["field"] == f"/{member}"


def test_the_last_character_of_the_basic_plane_is_taken(shared_merchant):
    shared_merchant.placed(description="\uffff \ue000")


@pytest.mark.parametrize(
    "number", ["with space", "中文中文", "a.b.c.d", "abcdef\n", "abcdef/", "abc@def", "１２３４５６"]
)
def test_an_out_trade_no_has_few_characters(shared_merchant, number):
    response = refused(shared_merchant, shared_merchant.order(out_trade_no=number))
    assert "字符串必须匹配正则表达式“^[0-9a-zA-Z_\\-|*]+$”" in response.json["message"]


def test_an_out_trade_no_may_hold_a_bar_and_a_star(shared_merchant):
    shared_merchant.placed(out_trade_no=shared_merchant.order()["out_trade_no"] + "_-|*")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/notify",
        "example.com/notify",
        "https://example.com/notify?a=1",
        "https://example.com/notify#a",
        "https://example.com/no tify",
        "https://",
        "https://example.com/notify\n",
    ],
)
def test_a_notify_url_has_neither_query_nor_fragment(shared_merchant, url):
    response = refused(shared_merchant, shared_merchant.order(notify_url=url))
    assert (
        r"^https?://([^\s/?#\[\]\@]+\@)?([^\s/?#\@:]+)(?::\d{2,5})?([^\s?#\[\]]*)$"
        in response.json["message"]
    )


def test_a_notify_url_has_255_bytes_at_most(shared_merchant):
    url = "https://example.com/" + "n" * 235
    shared_merchant.placed(notify_url=url)
    response = refused(shared_merchant, shared_merchant.order(notify_url=url + "n"))
    assert "字节数 256，大于最大值 255" in response.json["message"]


@pytest.mark.parametrize(
    "moment",
    [
        "2018-06-08T10:34:56",
        "2018-06-08 10:34:56+08:00",
        "2018-02-30T10:34:56+08:00",
        "20180608T103456+0800",
        "tomorrow",
        "",
        "2018-06-08T10:34:56+8:00",
    ],
)
def test_a_time_expire_is_an_rfc_3339_time(shared_merchant, moment):
    response = refused(shared_merchant, shared_merchant.order(time_expire=moment))
    assert response.json["detail"] == {
        "field": "/time_expire",
        "value": moment,
        "issue": "not an RFC 3339 time",
        "location": "body",
    }


@pytest.mark.parametrize("total", [0, -1])
def test_an_amount_is_one_fen_at_least(shared_merchant, total):
    response = refused(shared_merchant, shared_merchant.order(amount={"total": total}))
    assert (response.json["detail"]["field"], response.error_number) == ("/amount/total", 268435464)


@pytest.mark.parametrize("currency", ["USD", "cny", ""])
def test_the_currency_is_cny(shared_merchant, currency):
    response = refused(shared_merchant, shared_merchant.order(amount={"total": 1, "currency": currency}))
    assert response.json == {
        "code": "PARAM_ERROR",
        "message": "参数错误",
        "detail": {
            "field": "/amount/currency",
            "value": currency,
            "issue": "Currency code is invalid",
            "location": "body",
        },
    }


def test_the_currency_may_be_left_out(shared_merchant):
    shared_merchant.placed(amount={"total": 1})


def test_an_empty_list_of_goods_is_refused(shared_merchant):
    response = refused(shared_merchant, shared_merchant.order(detail={"goods_detail": []}))
    assert response.json["detail"]["field"] == "/detail/goods_detail"


def test_the_detail_has_6144_bytes_at_most(shared_merchant):
    goods = [
        {"merchant_goods_id": "1", "goods_name": "n" * 256, "quantity": 1, "unit_price": 1} for _ in range(20)
    ]
    response = refused(shared_merchant, shared_merchant.order(detail={"goods_detail": goods}))
    assert (response.json["detail"]["field"], response.json["detail"]["issue"]) == ("/detail", "too long")


def test_the_merchant_in_the_body_is_the_one_who_signs(shared_merchant):
    response = refused(shared_merchant, shared_merchant.order(mchid="1900000109"))
    assert response.json["message"] == "Http头Authorization中的mchid与post_payload中的mchid不匹配"
    assert response.json["detail"]["field"] == "/mchid"


def test_an_appid_must_be_bound_to_the_merchant(shared_merchant):
    order = shared_merchant.order(appid="wx" + "0" * 16)
    response = refused(shared_merchant, order, code="APPID_MCHID_NOT_MATCH")
    assert response.error_number == 268445527


NOT_JSON = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "a string": b'"a"',
    "GBK": '{"description":"中文"}'.encode("gbk"),
    "half a character": b'{"a":"\xe4\xb8"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "NaN": b'{"amount":{"total":NaN}}',
    "twice": b'{"mchid":"1","mchid":"2"}',
    "endless number": b'{"amount":{"total":' + b"9" * 5000 + b"}}",
    "too deep": b'{"a":' * 60000 + b"1" + b"}" * 60000,
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_a_body_is_one_json_object_in_utf_8(shared_merchant, body):
    headers = {"Content-Type": "application/json"}
    response = shared_merchant.call("POST", "/v3/pay/transactions/native", body, headers=headers)
    assert (response.status, response.code) == (400, "PARAM_ERROR")
    assert response.json["detail"]["issue"] == "not a JSON object in UTF-8"
    shared_merchant.verify(response.headers, response.body)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_is_announced_as_json(shared_merchant, content_type):
    response = shared_merchant.call(
        "POST",
        "/v3/pay/transactions/native",
        json.dumps(shared_merchant.order()).encode(),
        headers={"Content-Type": content_type},
    )
    assert (response.status, response.code) == (400, "INVALID_REQUEST")


def test_a_body_of_more_than_a_megabyte_is_refused_before_it_is_read_further(shared_merchant):
    response = shared_merchant.call("POST", "/v3/pay/transactions/native", b" " * (1024 * 1024 + 1))
    assert (response.status, response.code) == (400, "INVALID_REQUEST")
    assert "wechatpay-signature" not in response.headers
