"""The client's orders and questions, answered by the simulator."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.kit.keys import merchant
from wechatpay.client import Client
from wechatpay.errors import RefusedError
from wechatpay.keys import KeyRing, load_private_key
from wechatpay.signing import MerchantSigner
from wechatpay_simulator import Clock, Credentials, Simulator

SCENE = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}
BUYER = {"payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}
# How it is ordered, what that takes besides, what the buyer pays by, and as what WeChat Pay books it.
WAYS: dict[str, tuple[Callable[[Client, bytes], str], dict[str, Any], str, str]] = {
    "native": (Client.order_native, {}, "codeUrl", "NATIVE"),
    "jsapi": (Client.order_jsapi, BUYER, "prepayId", "JSAPI"),
    "h5": (Client.order_h5, {"scene_info": SCENE}, "h5Url", "MWEB"),
    "app": (Client.order_app, {}, "prepayId", "APP"),
}


@pytest.fixture(scope="module")
def credentials() -> Credentials:
    return merchant()


@pytest.fixture(scope="module")
def gateway(credentials: Credentials) -> Iterator[str]:
    simulator = Simulator(credentials, clock=Clock())
    yield simulator.start()
    simulator.stop()


@pytest.fixture
def client(credentials: Credentials, gateway: str) -> Client:
    key = load_private_key(credentials.merchant_private_key)
    signer = MerchantSigner(credentials.mchid, credentials.merchant_serial_no, key)
    return Client(
        signer=lambda: signer,
        keys=KeyRing.of(
            public_key_id=credentials.wechat_public_key_id, public_key=credentials.wechat_public_key
        ),
        gateways=[gateway],
        clock=time.time,
        nonce=lambda: f"{time.time_ns():032d}",
    )


def request(credentials: Credentials, out_trade_no: str, **more: Any) -> bytes:
    order = {
        "appid": credentials.appid,
        "mchid": credentials.mchid,
        "description": "A thing",
        "out_trade_no": out_trade_no,
        "notify_url": "http://127.0.0.1:9/notify",
        "amount": {"total": 1, "currency": "CNY"},
    }
    return json.dumps(order | more).encode()


def pay(gateway: str, **by: str) -> Any:
    answer = requests.post(f"{gateway}/_sandbox/pay", json=by, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("way", WAYS)
def test_an_order_is_paid_by_what_the_client_gives(
    client: Client, credentials: Credentials, gateway: str, way: str
) -> None:
    order, more, by, trade_type = WAYS[way]
    body = request(credentials, f"PAID-{way}", **more)
    first, second = order(client, body), order(client, body)  # the same bytes again are the same order
    assert first != second
    pay(gateway, **{by: second})
    found = client.query_by_out_trade_no(f"PAID-{way}")
    assert (found["trade_state"], found["trade_type"]) == ("SUCCESS", trade_type)
    with pytest.raises(RefusedError) as refusal:
        order(client, body)
    assert refusal.value.code == "ORDERPAID"


def test_one_number_is_not_ordered_in_two_ways(client: Client, credentials: Credentials) -> None:
    for way, (order, more, _, _) in WAYS.items():
        order(client, request(credentials, f"TWICE-{way}", **more))
        for other, (again, needed, _, _) in WAYS.items():
            if other != way:
                with pytest.raises(RefusedError) as refusal:
                    again(client, request(credentials, f"TWICE-{way}", **needed))
                assert refusal.value.code == "INVALID_REQUEST"


def test_an_h5_order_without_its_scene_is_refused_with_the_name_of_the_member(
    client: Client, credentials: Credentials
) -> None:
    with pytest.raises(RefusedError, match="PARAM_ERROR") as refusal:
        client.order_h5(request(credentials, "NO-SCENE"))
    assert re.search("scene_info", str(refusal.value.message))


def test_a_paid_order_is_found_by_both_its_numbers(
    client: Client, credentials: Credentials, gateway: str
) -> None:
    code_url = client.order_native(request(credentials, "T2026_0001-a|b*"))
    paid = pay(gateway, codeUrl=code_url)
    by_ours = client.query_by_out_trade_no("T2026_0001-a|b*")
    by_theirs = client.query_by_transaction_id(paid["transaction_id"])
    assert by_ours == by_theirs
    assert (by_ours["trade_state"], by_ours["transaction_id"]) == ("SUCCESS", paid["transaction_id"])
