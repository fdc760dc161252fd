"""A checkout says of goods, shop and coupons what an order may say, and each order that is opened for it tells WeChat Pay so."""

import json
from typing import Any

from tests.checkouts.counter import DESKTOP, PHONE, Counter

GIVEN: dict[str, Any] = {
    "attach": "shelf=B",
    "goodsTag": "WXG",
    "goods": {
        "goodsDetail": [{"merchantGoodsId": "sku-1", "quantity": 2, "unitPrice": 5.0, "goodsName": "一本书"}]
    },
    "storeInfo": {"id": "SZ-1"},
    "fapiao": True,
    "profitSharing": False,
}
TOLD = {
    "attach": "shelf=B",
    "goods_tag": "WXG",
    "support_fapiao": True,
    "detail": {
        "goods_detail": [
            {"merchant_goods_id": "sku-1", "goods_name": "一本书", "quantity": 2, "unit_price": 500}
        ]
    },
    "settle_info": {"profit_sharing": False},
}


def sent(counter: Counter, checkout: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(counter.payment(counter.number(checkout)).wechat_request)
    return found


def test_every_order_of_a_checkout_tells_it(counter: Counter) -> None:
    checkout = counter.kept(**GIVEN)
    assert counter.open(checkout).body["status"] == "waiting"
    told = sent(counter, checkout)
    assert {name: told[name] for name in TOLD} == TOLD
    assert told["scene_info"] == {"payer_client_ip": DESKTOP.address, "store_info": {"id": "SZ-1"}}
    counter.wait(5)
    assert counter.open(checkout, PHONE, take_over=True).body["status"] == "waiting"
    told = sent(counter, checkout)
    assert {name: told[name] for name in TOLD} == TOLD
    assert told["scene_info"] == {
        "payer_client_ip": PHONE.address,
        "h5_info": {"type": "Wap"},
        "store_info": {"id": "SZ-1"},
    }


def test_it_is_part_of_what_a_key_stands_for(counter: Counter) -> None:
    first = counter.kept(key="k", **GIVEN)
    goods = {"goodsDetail": [GIVEN["goods"]["goodsDetail"][0] | {"unitPrice": "5.00"}]}
    assert counter.kept(key="k", **GIVEN | {"goods": goods}) == first  # five yuan, however they are written
    for other in (
        {"attach": "other"},
        {"goods": {"costPrice": 1}},
        {"storeInfo": {"id": "2"}},
        {"fapiao": False},
    ):
        assert counter.ask(key="k", **GIVEN | other).body["code"] == "IDEMPOTENCY_MISMATCH"


def test_without_a_key_other_goods_are_another_wish(counter: Counter) -> None:
    buyer = {"userId": "buyer-1"}
    plain, tagged = counter.kept(**buyer), counter.kept(**buyer, goodsTag="WXG")
    assert plain["checkoutId"] != tagged["checkoutId"]
    assert counter.kept(**buyer)["checkoutId"] == plain["checkoutId"]
    assert counter.kept(**buyer, goodsTag="WXG")["checkoutId"] == tagged["checkoutId"]


def test_one_that_breaks_a_rule_is_refused_before_anything_is_kept(counter: Counter) -> None:
    told = counter.ask(goods={"goodsDetail": []})
    assert (told.status, told.body["details"]["field"]) == (400, "goods.goodsDetail")
    assert counter.db.items("CheckoutsTable") == []
