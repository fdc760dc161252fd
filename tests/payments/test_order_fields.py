"""What an order may say beside what it must: goods, shop, coupons' tag, invoice, profit sharing, in WeChat Pay's words."""

import json
from typing import Any

import jwt
import pytest

from payments.settings import Settings
from tests.payments.calls import QUOTE_KEY
from tests.payments.stage import START, Stage, Told

ITEM: dict[str, Any] = {"merchantGoodsId": "sku-1", "quantity": 2, "unitPrice": "5.00"}
GIVEN: dict[str, Any] = {
    "attach": "shelf=B;till=4",
    "goodsTag": "WXG",
    "goods": {
        "costPrice": 12.5,
        "invoiceId": "R-2027-1",
        "goodsDetail": [ITEM | {"wechatpayGoodsId": "1001", "goodsName": "一本书"}],
    },
    "storeInfo": {"id": "SZ-1", "name": "南山店", "areaCode": "440305", "address": "科苑路 1"},
    "fapiao": True,
    "profitSharing": False,
}
TOLD = {
    "attach": "shelf=B;till=4",
    "goods_tag": "WXG",
    "support_fapiao": True,
    "detail": {
        "cost_price": 1250,
        "invoice_id": "R-2027-1",
        "goods_detail": [
            {
                "merchant_goods_id": "sku-1",
                "wechatpay_goods_id": "1001",
                "goods_name": "一本书",
                "quantity": 2,
                "unit_price": 500,
            }
        ],
    },
    "settle_info": {"profit_sharing": False},
    "scene_info": {
        "payer_client_ip": "",
        "store_info": {"id": "SZ-1", "name": "南山店", "area_code": "440305", "address": "科苑路 1"},
    },
}
OTHERWISE: dict[str, Any] = {
    "attach": "other",
    "goodsTag": "OTHER",
    "goods": {"costPrice": 12.6},
    "storeInfo": {"id": "SZ-2"},
    "fapiao": False,
    "profitSharing": True,
}


def test_wechat_pay_is_told_each_in_its_own_words(stage: Stage) -> None:
    stage.wechat.says("native", "weixin://x")
    assert stage.create(**GIVEN)[0] == 200
    sent = json.loads(stage.stored().wechat_request)
    assert {name: sent[name] for name in TOLD} == TOLD


@pytest.mark.parametrize("member", GIVEN)
def test_what_is_left_out_is_not_told(stage: Stage, member: str) -> None:
    stage.wechat.says("native", "weixin://x", "weixin://y")
    assert stage.create(key="with", **{member: GIVEN[member]})[0] == 200
    assert stage.create(key="without", **dict.fromkeys(GIVEN))[0] == 200
    base = {"appid", "mchid", "description", "out_trade_no", "time_expire", "notify_url", "amount"}
    told = [json.loads(stage.stored(stage.number(key)).wechat_request).keys() for key in ("with", "without")]
    assert (len(told[0] - base), told[1]) == (1, base)


@pytest.mark.parametrize("member", GIVEN)
def test_each_is_part_of_what_a_key_stands_for(stage: Stage, member: str) -> None:
    stage.wechat.says("native", "weixin://x")
    assert stage.create(**GIVEN)[0] == 200
    assert stage.create(**GIVEN)[0] == 200
    for other in (GIVEN | {member: OTHERWISE[member]}, {k: v for k, v in GIVEN.items() if k != member}):
        assert stage.create(**other)[1]["code"] == "IDEMPOTENCY_MISMATCH"
    assert stage.wechat.asked == ["native"]


def test_a_price_is_the_same_however_it_is_written(stage: Stage) -> None:
    stage.wechat.says("native", "weixin://x")
    for price in ("5.00", 5, 5.0, "5"):
        goods = {"goodsDetail": [ITEM | {"unitPrice": price}]}
        assert stage.create(goods=goods)[0] == 200
    assert stage.wechat.asked == ["native"]


def test_the_same_shop_from_another_address_is_the_same_order(stage: Stage) -> None:
    """The address of whoever repeats a request is not part of what was asked for; the first one stays."""
    stage.wechat.says("native", "weixin://x")
    assert stage.create(storeInfo={"id": "1"})[0] == 200
    frozen = stage.stored().wechat_request
    assert stage.create(storeInfo={"id": "1"})[0] == 200
    assert stage.stored().wechat_request == frozen


@pytest.mark.parametrize("member", ["goodsTag", "goods", "profitSharing"])
def test_what_may_change_what_is_paid_or_settled_makes_another_wish(stage: Stage, member: str) -> None:
    stage.wechat.says("native", "weixin://x", "weixin://y")
    buyer = {"userId": stage.shop}
    numbers = [
        stage.create(key=None, **buyer, **given)[1]["data"]["outTradeNo"]
        for given in ({}, {member: GIVEN[member]}, {}, {member: GIVEN[member]})
    ]
    assert numbers[0] == numbers[2] != numbers[1] == numbers[3]


def quoted(stage: Stage, fields: dict[str, Any], **claims: Any) -> Told:
    """A buyer's own order."""
    told = {"sub": stage.shop, "contentId": "content-1", "amount": 1000, "exp": START + 600} | claims
    body = {
        "contentId": "content-1",
        "amount": 10,
        "subject": "A thing",
        "quote": jwt.encode(told, QUOTE_KEY, algorithm="HS256"),
    }
    return stage.calls.as_(stage.shop, "payments:pay", "native", body=body | fields)


@pytest.mark.parametrize("member", GIVEN)
def test_a_buyer_chooses_none_of_them(stage: Stage, member: str) -> None:
    fields = {member: GIVEN[member]}
    status, answer = quoted(stage, fields)
    assert (status, answer["code"], answer["details"]["field"]) == (403, "NOAUTH", "quote")
    assert answer["details"]["issue"] == f"has no orderFields, and {member} is not a buyer's to choose"
    for signed in ({}, {member: OTHERWISE[member]}, fields | {"attach": "more"}, [], "x", 0):
        if signed != fields:
            assert (
                quoted(stage, fields, orderFields=signed)[1]["details"]["issue"] == "is for other orderFields"
            )
    assert quoted(stage, {}, orderFields=fields)[1]["details"]["issue"] == "is for other orderFields"
    assert stage.wechat.asked == []


def test_a_buyer_sends_what_the_products_backend_has_signed(stage: Stage) -> None:
    stage.wechat.says("native", "weixin://x")
    status, answer = quoted(stage, GIVEN, orderFields=GIVEN)
    assert status == 200, answer
    sent = json.loads(stage.stored(answer["data"]["outTradeNo"]).wechat_request)
    assert {name: sent[name] for name in TOLD} == TOLD


def test_a_quote_without_them_is_what_it_was(stage: Stage) -> None:
    stage.wechat.says("native", "weixin://x", "weixin://y")
    assert quoted(stage, dict.fromkeys(GIVEN))[0] == 200
    assert quoted(stage, {}, orderFields={}, contentId="content-1")[0] == 200
    assert quoted(stage, {}, orderFields=None, goods="a claim of somebody else's")[0] == 200


def test_without_quotes_a_buyer_is_believed(stage: Stage) -> None:
    stage.wiring.settings = Settings({**stage.wiring.settings._environment, "REQUIRE_QUOTE": "false"})
    stage.wechat.says("native", "weixin://x")
    body = {"contentId": "content-1", "amount": 10, "subject": "A thing", "goodsTag": "WXG"}
    assert stage.calls.as_(stage.shop, "payments:pay", "native", body=body)[0] == 200


LONGEST = ITEM | {"merchantGoodsId": "g" * 32, "goodsName": "n" * 256, "unitPrice": 1_000_000}
RULES: list[tuple[dict[str, Any], str, str]] = [
    ({"attach": ""}, "attach", "must have at least 1 character"),
    ({"attach": 1}, "attach", "must be a string"),
    ({"attach": " "}, "attach", "must not be blank"),
    ({"attach": "照" * 43}, "attach", "must not be over 128 UTF-8 bytes"),
    ({"attach": "x" * 129}, "attach", "must have at most 128 characters"),
    ({"attach": "a\nb"}, "attach", "must not have control characters"),
    ({"goodsTag": "x" * 33}, "goodsTag", "must have at most 32 characters"),
    ({"goodsTag": "照" * 11}, "goodsTag", "must not be over 32 UTF-8 bytes"),
    ({"goods": {}}, "goods", "must say something"),
    ({"goods": []}, "goods", "must be an object"),
    ({"goods": {"x": 1}}, "goods.x", "is not a known field"),
    ({"goods": {"cost_price": 1}}, "goods.cost_price", "is not a known field"),
    ({"goods": {"costPrice": 0}}, "goods.costPrice", "must be between 0.01 and 1000000 yuan"),
    ({"goods": {"invoiceId": "x" * 33}}, "goods.invoiceId", "must have at most 32 characters"),
    ({"goods": {"goodsDetail": []}}, "goods.goodsDetail", "must have at least 1 element"),
    ({"goods": {"goodsDetail": [ITEM] * 101}}, "goods.goodsDetail", "must have at most 100 elements"),
    (
        {"goods": {"goodsDetail": [LONGEST] * 17}},
        "goods",
        "must not be over 6144 bytes, as WeChat Pay is sent it",
    ),
    ({"goods": {"goodsDetail": [{}]}}, "goods.goodsDetail[0].merchantGoodsId", "is required"),
    (
        {"goods": {"goodsDetail": [ITEM | {"merchantGoodsId": "a b"}]}},
        "goods.goodsDetail[0].merchantGoodsId",
        "has characters that are not allowed",
    ),
    (
        {"goods": {"goodsDetail": [ITEM | {"quantity": 0}]}},
        "goods.goodsDetail[0].quantity",
        "must be at least 1",
    ),
    (
        {"goods": {"goodsDetail": [ITEM | {"quantity": 1.5}]}},
        "goods.goodsDetail[0].quantity",
        "must be a whole number",
    ),
    (
        {"goods": {"goodsDetail": [ITEM | {"quantity": True}]}},
        "goods.goodsDetail[0].quantity",
        "must be a whole number",
    ),
    (
        {"goods": {"goodsDetail": [ITEM | {"quantity": 10**30}]}},
        "goods.goodsDetail[0].quantity",
        "must be a whole number",
    ),
    (
        {"goods": {"goodsDetail": [ITEM | {"unitPrice": "5.001"}]}},
        "goods.goodsDetail[0].unitPrice",
        "must be yuan in plain digits with at most two decimals, like 19.99",
    ),
    (
        {"goods": {"goodsDetail": [ITEM | {"goodsName": "\u202e"}]}},
        "goods.goodsDetail[0].goodsName",
        "must not have invisible characters or ones that turn the line around",
    ),
    ({"storeInfo": {}}, "storeInfo.id", "is required"),
    ({"storeInfo": {"id": "1", "shop": "x"}}, "storeInfo.shop", "is not a known field"),
    ({"storeInfo": {"id": "1", "areaCode": "\t"}}, "storeInfo.areaCode", "must not be blank"),
    ({"storeInfo": {"id": "1", "name": "照" * 86}}, "storeInfo.name", "must not be over 256 UTF-8 bytes"),
    (
        {"storeInfo": {"id": "1", "address": "x" * 513}},
        "storeInfo.address",
        "must have at most 512 characters",
    ),
    ({"fapiao": 1}, "fapiao", "must be true or false"),
    ({"profitSharing": "true"}, "profitSharing", "must be true or false"),
]


@pytest.mark.parametrize(("changed", "field", "issue"), RULES)
def test_one_that_breaks_a_rule_is_named_with_the_rule(
    stage: Stage, changed: dict[str, Any], field: str, issue: str
) -> None:
    status, answer = stage.create(**changed)
    assert (status, answer["code"]) == (400, "PARAM_ERROR")
    assert answer["details"] == {"field": field, "issue": issue}
    assert stage.wechat.asked == []


def test_what_just_fits_is_sent_whole(stage: Stage) -> None:
    stage.wechat.says("native", "weixin://x")
    goods = {"goodsDetail": [LONGEST] * 15}
    most: dict[str, Any] = {
        "attach": "照" * 42 + "xx",
        "goodsTag": "x" * 32,
        "goods": goods,
        "storeInfo": {"id": "x" * 32, "name": "x" * 256, "areaCode": "x" * 32, "address": "照" * 170},
    }
    status, answer = stage.create(**most)
    assert status == 200, answer
    sent = json.loads(stage.stored().wechat_request)
    assert sent["detail"]["goods_detail"][14]["unit_price"] == 100_000_000
    assert len(stage.stored().wechat_request.encode()) < 9_000


def test_a_name_that_nobody_knows_is_told_back_short(stage: Stage) -> None:
    status, answer = stage.create(goods={"n" * 5000: 1})
    assert (status, answer["details"]["field"]) == (400, "goods." + "n" * 64)
