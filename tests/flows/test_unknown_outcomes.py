"""An order during which WeChat Pay misbehaves: the caller hears 503, and the retry gets the same order."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.kit.shop import Shop

pytestmark = pytest.mark.in_turn

SILENCE = "never answers"
FAULTS: dict[str, dict[str, Any]] = {
    SILENCE: {"effect": "latency", "seconds": 8},
    "answers after the effect, and the answer is lost": {"effect": "reset_after"},
    "signs wrongly": {"effect": "bad_signature"},
    "does not sign": {"effect": "no_signature"},
    "sends its probe signature": {"effect": "probe_signature"},
    "signs with a serial that nobody knows": {"effect": "wrong_serial"},
    "signs with a stale timestamp": {"effect": "stale"},
    "is cut off": {"effect": "truncate"},
    "answers 500": {"effect": "status", "status": 500, "code": "SYSTEM_ERROR"},
    "answers 429": {"effect": "status", "status": 429, "code": "FREQUENCY_LIMITED"},
    "answers a gateway's page": {"effect": "html", "status": 502},
}


# Waiting for no answer takes twelve seconds, and jsapi's client code is the same.
CASES = [
    (create, fault)
    for create in ("native", "jsapi")
    for fault in FAULTS
    if (create, fault) != ("jsapi", SILENCE)
]


@pytest.mark.share(4)
@pytest.mark.parametrize(("create", "fault"), CASES)
def test_the_retry_with_the_same_key_gets_the_same_order(shop: Shop, create: str, fault: str) -> None:
    key = f"{create} {fault}".replace(" ", "-").replace(",", "")
    shop.faults({"on": create, **FAULTS[fault]})
    lost = getattr(shop, create)(key=key)
    assert (lost.status_code, lost.json()["code"]) == (503, "SYSTEMERROR"), lost.text
    shop.faults()
    shop.sandbox.clock.advance(int(lost.headers["retry-after"]))
    found = getattr(shop, create)(key=key)
    assert found.status_code == 200, found.text
    data = found.json()["data"]
    assert shop.details(data["outTradeNo"])["status"] == "pending"
    again = getattr(shop, create)(key=key).json()["data"]
    assert (again["outTradeNo"], again.get("codeUrl"), again.get("prepayId")) == (
        data["outTradeNo"],
        data.get("codeUrl"),
        data.get("prepayId"),
    )
    assert shop.control("pay", {"outTradeNo": data["outTradeNo"]}).status_code == 200


def test_the_backup_host_is_asked_with_the_same_bytes(shop: Shop) -> None:
    shop.faults({"on": "native", "effect": "reset_after", "times": 1})
    answer = shop.native(key="backup")
    assert answer.status_code == 200
    book = shop.book(answer.json()["data"]["outTradeNo"])
    assert book is not None
    assert book["trade_state"] == "NOTPAY"


def test_a_definitive_refusal_is_told_and_remembered(shop: Shop) -> None:
    shop.faults({"on": "native", "effect": "status", "status": 400, "code": "PARAM_ERROR", "times": 1})
    for _ in range(2):
        answer = shop.native(key="refused")
        assert (answer.status_code, answer.json()["code"]) == (502, "WECHAT_REFUSED")
        assert answer.json()["details"]["wechatCode"] == "PARAM_ERROR"


def test_a_refusal_that_is_about_our_keys_leaves_the_order_open(shop: Shop) -> None:
    shop.faults({"on": "native", "effect": "status", "status": 401, "code": "SIGN_ERROR", "times": 1})
    told = shop.native(key="keys")
    assert (told.status_code, told.json()["details"]["wechatCode"]) == (503, "SIGN_ERROR")
    shop.sandbox.clock.advance(int(told.headers["retry-after"]))
    assert shop.native(key="keys").status_code == 200


def test_a_hundred_creates_with_one_key_are_one_order_and_one_code(shop: Shop) -> None:
    def create(_: int) -> str:
        while (answer := shop.native(key="one-key")).status_code == 503:
            continue
        data = answer.json()["data"]
        return f"{data['outTradeNo']} {data['codeUrl']}"

    with ThreadPoolExecutor(20) as pool:
        found = set(pool.map(create, range(100)))
    assert len(found) == 1
    assert shop.book(found.pop().split()[0]) is not None
