"""POST …/h5 at the port: WeChat's page opens for the browser whose address was seen or said, and for no other."""

import json
import secrets
from urllib.parse import parse_qs, urlsplit

import pytest

ORDER = {"contentId": "content-1", "amount": "8.80", "subject": "A photograph"}
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1"


def frozen(shop, number):
    """What WeChat Pay was sent of this order's scene."""
    return json.loads(shop.item(number)["wechat_request"]["S"])["scene_info"]


def opened_from(shop, data, address):
    """The buyer's browser at `address` opens the link, and the buyer pays."""
    return shop.control("POST", "pay", {"h5Url": data["h5Url"], "ip": address})


def test_the_link_is_paid_from_the_address_that_the_backend_named_and_from_no_other(shop):
    data = shop.post("h5", ORDER | {"clientIp": "2001:DB8:0::7", "h5Type": "Android"}).data
    assert data.keys() == {
        *("paymentId", "outTradeNo", "amount", "currency", "expiresAt"),
        *("h5Url", "clientIp", "checkoutUrl"),
    }
    assert data["clientIp"] == "2001:db8::7"
    assert frozen(shop, data["outTradeNo"]) == {
        "payer_client_ip": "2001:db8::7",
        "h5_info": {"type": "Android"},
    }

    elsewhere = opened_from(shop, data, "203.0.113.10")
    assert (elsewhere.status, elsewhere.json["code"]) == (403, "H5_ADDRESS_DIFFERS")
    paid = opened_from(shop, data, "2001:db8::7")
    assert (paid.status, paid.json["trade_type"]) == (200, "MWEB")
    assert shop.read("query", data["outTradeNo"]).data["tradeState"] == "SUCCESS"


def test_the_link_leads_back_to_the_checkout_and_nothing_of_that_is_frozen(shop):
    data = shop.post("h5", ORDER | {"clientIp": "203.0.113.10"}).data
    assert parse_qs(urlsplit(data["h5Url"]).query)["redirect_url"] == [data["checkoutUrl"] + "?returned=1"]
    item = shop.item(data["outTradeNo"])
    assert data["h5Url"].startswith(item["h5_url"]["S"] + "&redirect_url=https%3A%2F%2F") or data[
        "h5Url"
    ].startswith(item["h5_url"]["S"] + "&redirect_url=http%3A%2F%2F")
    assert "redirect_url" not in item["h5_url"]["S"] + item["wechat_request"]["S"]


def test_a_buyers_own_address_is_the_connections_whatever_the_headers_say(shop):
    buyer = f"buyer-{secrets.token_hex(4)}"
    order = ORDER | {"quote": shop.sandbox.tokens.quote(buyer, "content-1", 880)}
    lying = [
        ("X-Forwarded-For", "203.0.113.10"),
        ("CloudFront-Viewer-Address", "203.0.113.10:1"),
        ("User-Agent", IPHONE),
    ]
    data = shop.post("h5", order, token=shop.buyer(buyer), headers=lying).data
    assert data["clientIp"] == "127.0.0.1"
    assert frozen(shop, data["outTradeNo"]) == {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "iOS"}}
    assert opened_from(shop, data, "127.0.0.1").status == 200


def test_the_same_wish_from_another_address_is_the_same_order_with_the_first_address(shop):
    key = secrets.token_hex(8)
    first = shop.post("h5", ORDER | {"clientIp": "203.0.113.10"}, key=key).data
    second = shop.post("h5", ORDER | {"clientIp": "198.51.100.7", "h5Type": "iOS"}, key=key).data
    assert second == first
    other = shop.post("h5", ORDER | {"clientIp": "203.0.113.10", "amount": "8.81"}, key=key)
    assert other.refusal[:2] == (422, "IDEMPOTENCY_MISMATCH")


def test_the_same_key_is_another_order_by_another_way(shop):
    key = secrets.token_hex(8)
    numbers = {
        shop.post("native", ORDER, key=key).data["outTradeNo"],
        shop.post("h5", ORDER | {"clientIp": "203.0.113.10"}, key=key).data["outTradeNo"],
    }
    assert len(numbers) == 2


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("clientIp", "here"),
        ("clientIp", 7),
        ("clientIp", "fe80::1%eth0"),
        ("h5Type", "Windows"),
        ("h5Type", 1),
    ],
)
def test_what_cannot_be_is_refused_by_name(shop, nothing_created, member, value):
    body = ORDER | {"clientIp": "203.0.113.10", member: value}
    assert shop.post("h5", body).refusal == (400, "PARAM_ERROR", member)
