"""An order is the same one only while nothing that was asked for differs: whatever does, its key or its wish is another."""

import itertools
import json
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Refund
from payments.settings import Settings
from payments.use_cases.evidence import Applied, apply_order
from tests.kit.payments import facts_of
from tests.payments.calls import QUOTE_KEY
from tests.payments.stage import ORDER, START, Between, Stage

BUYERS = (f"buyer-with-wishes-{n}" for n in itertools.count())
DIFFERENT: dict[str, Any] = {
    "contentId": "content-2",
    "amount": 11,
    "subject": "Another thing",
    "body": "Another text",
    "metadata": {"colour": "blue"},
    "returnUrl": "https://shop.example.com/other",
}
ALL_OF_IT: dict[str, Any] = {
    **ORDER,
    "body": "A text",
    "metadata": {"colour": "red"},
    "returnUrl": "https://shop.example.com/back",
}


@pytest.fixture
def returning(stage: Stage) -> Stage:
    environment = {**stage.wiring.settings._environment, "RETURN_ORIGINS": "https://shop.example.com"}
    stage.wiring.settings = Settings(environment)
    return stage


def unsigned(stage: Stage) -> None:
    """What opens the cashier is not looked at."""
    signer = SimpleNamespace(jsapi_params=lambda **_: {})
    stage.wiring.secrets.__dict__["signing"] = SimpleNamespace(value=lambda: signer)


@pytest.mark.parametrize("member", DIFFERENT)
def test_a_key_that_was_used_for_another_request_is_refused_whatever_the_difference(
    returning: Stage, member: str
) -> None:
    returning.wechat.says("native", "weixin://x")
    assert returning.create(**ALL_OF_IT)[0] == 200
    assert returning.create(**ALL_OF_IT)[0] == 200
    status, answer = returning.create(**ALL_OF_IT | {member: DIFFERENT[member]})
    assert (status, answer["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    if member not in ORDER:
        assert returning.create(**{k: v for k, v in ALL_OF_IT.items() if k != member})[0] == 422
    assert returning.wechat.asked == ["native"]


@pytest.mark.parametrize(("asked", "status"), [(1, 200), (1.0, 200), (True, 403), ("1", 403), (2, 403)])
def test_metadata_is_what_was_quoted_in_value_and_in_kind(stage: Stage, asked: object, status: int) -> None:
    buyer = next(BUYERS)
    claims = {
        "sub": buyer,
        "contentId": "content-1",
        "amount": 1000,
        "exp": START + 600,
        "metadata": {"n": 1},
    }
    body = ORDER | {"metadata": {"n": asked}, "quote": jwt.encode(claims, QUOTE_KEY, algorithm="HS256")}
    stage.wechat.says("native", "weixin://x")
    assert stage.calls.as_(buyer, "payments:pay", "native", body=body)[0] == status


def test_what_wechat_pay_is_sent_is_written_down_byte_for_byte(stage: Stage) -> None:
    """Whoever sends it again sends the same, after a deployment as well."""
    settings = stage.wiring.settings
    stage.wechat.says("native", "weixin://x")
    assert stage.create(subject="一本书", amount="12.34")[0] == 200
    assert stage.stored().wechat_request == (
        f'{{"appid":"{settings.appid}","mchid":"{settings.mchid}","description":"一本书",'
        f'"out_trade_no":"{stage.number()}","time_expire":"2027-01-15T18:00:00+08:00",'
        f'"notify_url":"{settings.notify_url}","amount":{{"total":1234,"currency":"CNY"}}}}'
    )


def test_who_pays_is_part_of_the_wish_for_an_order_within_wechat(stage: Stage) -> None:
    buyer, openids = next(BUYERS), iter(("o-first", "o-first", "o-second"))
    unsigned(stage)
    stage.wechat.says("jsapi", "wx1", "wx2")

    def number() -> str:
        body = ORDER | {"userId": buyer, "openid": next(openids)}
        status, answer = stage.calls.as_(stage.shop, "payments:charge", "jsapi", body=body)
        assert status == 200, answer
        found: str = answer["data"]["outTradeNo"]
        return found

    first, again, second = number(), number(), number()
    assert first == again != second


def test_a_key_that_was_used_for_another_payer_is_refused(stage: Stage) -> None:
    unsigned(stage)
    stage.wechat.says("jsapi", "wx1")
    for openid, told in (("o-first", 200), ("o-first", 200), ("o-second", 422)):
        body = ORDER | {"openid": openid}
        status, answer = stage.calls.as_(stage.shop, "payments:charge", "jsapi", body=body, key="k")
        assert status == told
        if told == 200:
            stored = stage.stored(answer["data"]["outTradeNo"])
            assert json.loads(stored.wechat_request)["payer"] == {"openid": "o-first"}
            assert (stored.prepay_id, stored.code_url) == ("wx1", None)


def test_a_buyer_orders_for_nobody_else(stage: Stage) -> None:
    body = ORDER | {"userId": "somebody-else"}
    status, answer = stage.calls.as_(next(BUYERS), "payments:pay", "native", body=body)
    assert (status, answer["details"]) == (403, {"field": "userId", "issue": "must be the caller's own"})
    assert stage.wechat.asked == []


def test_a_request_has_the_fingerprint_that_it_had_before_a_deployment(returning: Stage) -> None:
    """A repetition may come to a newer version of the function: a fingerprint once stored stays right."""
    returning.shop = "a-shop-of-long-ago"
    returning.wechat.says("native", "weixin://x", "weixin://y")
    returning.create(key="all-of-it", **ALL_OF_IT)
    returning.create(key="the-least", contentId="content-1", amount=10, subject="A thing")
    stored = [returning.stored(returning.number(key)) for key in ("all-of-it", "the-least")]
    assert [payment.fingerprint for payment in stored] == [
        "2IIUKWW4BUWU6DGIEWKGGF7DSL",
        "R5M67LFLTRABTIA6WOYFG72RY2",
    ]
    assert [(payment.metadata, payment.return_url) for payment in stored] == [
        ('{"colour":"red"}', "https://shop.example.com/back"),
        (None, None),
    ]


@pytest.mark.parametrize("state", ["SUCCESS", "REFUND", "CLOSED"])
def test_what_is_said_of_an_order_that_we_do_not_have_is_kept_for_a_person(
    stage: Stage, state: str, quarantined: Any
) -> None:
    number = f"WXNOBODYS{state}"
    facts = facts_of(number, trade_state=state)
    assert apply_order(facts, source="query", wiring=stage.wiring) == (Applied.UNKNOWN_ORDER, None)
    assert [kept["reason"] for kept in quarantined(number)] == ["unknown_order"]
    assert json.loads(quarantined(number)[0]["facts"])["trade_state"] == state


def test_a_payment_that_moves_while_it_is_marked_as_refunded_elsewhere_is_asked_about_again(
    stage: Stage,
) -> None:
    payment = stage.put(Status.PAID)

    def the_other() -> None:
        refund = Refund("RF1", RefundStatus.REQUESTED, 100, START, wechat_request="{}")
        stage.wiring.refunds.reserve(stage.stored(payment), refund, cause="refund", due_at=START, now=START)

    stage.wiring.store = Between(stage.store, "mark_refunded_elsewhere", the_other)
    refunded = facts_of(payment.out_trade_no, trade_state="REFUND", transaction_id=payment.transaction_id)
    applied, seen = apply_order(refunded, source="query", wiring=stage.wiring)
    assert applied is Applied.BUSY
    assert seen is not None
    assert seen.out_trade_no == payment.out_trade_no
    assert apply_order(refunded, source="query", wiring=stage.wiring)[0] is Applied.KNOWN
