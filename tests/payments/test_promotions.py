"""What coupons paid of an order: kept and shown as WeChat Pay says it, and never in the way of the money itself."""

import json
import logging
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.api import responses
from payments.core.coupons.promotions import MAX_BYTES, paid_with, payer_refund_of, shown
from payments.core.facts import OrderFacts, RefundFacts
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment
from payments.use_cases.evidence import Applied, apply_order
from payments.use_cases.refunds.refund_evidence import apply_refund
from tests.kit.payments import a_payment
from tests.payments.stage import Stage, order_object
from wechatpay_simulator.orders.means import Coupon, Means

COUPON: dict[str, Any] = {
    "coupon_id": "109519",
    "name": "单品惠-6",
    "scope": "SINGLE",
    "type": "CASH",
    "amount": 10,
    "stock_id": "931386",
    "wechatpay_contribute": 10,
    "merchant_contribute": 0,
    "other_contribute": 0,
    "currency": "CNY",
    "goods_detail": [{"goods_id": "M1006", "quantity": 1, "unit_price": 100, "discount_amount": 10}],
}
SHOWN = {
    "couponId": "109519",
    "name": "单品惠-6",
    "scope": "SINGLE",
    "type": "CASH",
    "amount": "0.10",
    "stockId": "931386",
    "wechatpayContribute": "0.10",
    "merchantContribute": "0.00",
    "otherContribute": "0.00",
    "currency": "CNY",
}


def told(payment: Payment, detail: Any, payer_total: Any = 990) -> dict[str, object]:
    """What WeChat Pay says of the paid order."""
    amount = {"total": payment.amount, "payer_total": payer_total, "currency": "CNY"}
    return order_object(payment, "SUCCESS", amount=amount, promotion_detail=detail)


def applied(stage: Stage, payment: Payment, members: dict[str, object]) -> Payment:
    outcome, _ = apply_order(OrderFacts.of(members), source="notification", wiring=stage.wiring)
    assert outcome is Applied.CHANGED
    return stage.stored(payment)


def test_what_the_coupons_paid_is_kept_with_the_money_and_shown(stage: Stage) -> None:
    paid = applied(
        stage,
        (payment := stage.put(Status.PENDING)),
        told(payment, [COUPON, {"coupon_id": "2", "amount": 0}]),
    )
    assert (paid.status, paid.paid, paid.payer_total) == (Status.PAID, 1000, 990)
    details = responses.details(paid)
    assert (details["amount"], details["payerAmount"]) == ("10.00", "9.90")
    assert details["promotions"] == [SHOWN, {"couponId": "2", "amount": "0.00"}]


def test_a_buyer_may_have_paid_nothing(stage: Stage) -> None:
    paid = applied(
        stage, (payment := stage.put(Status.PENDING)), told(payment, [COUPON | {"amount": 1000}], 0)
    )
    assert responses.details(paid)["payerAmount"] == "0.00"


@pytest.mark.parametrize("detail", [[], None])
def test_without_coupons_nothing_is_kept_nor_shown(stage: Stage, detail: object) -> None:
    paid = applied(stage, (payment := stage.put(Status.PENDING)), told(payment, detail, 1000))
    assert (paid.payer_total, paid.promotions) == (None, None)
    assert not {"payerAmount", "promotions"} & responses.details(paid).keys()


BAD: dict[str, Any] = {
    "no list": {"coupon_id": "1", "amount": 1},
    "a text": "[]",
    "a number": 1,
    "zero": 0,
    "false": False,
    "an empty text": "",
    "an empty object": {},
    "no object in it": [1],
    "a list in it": [[COUPON]],
    "null in it": [None],
    "without a number": [{"amount": 1}],
    "without an amount": [{"coupon_id": "1"}],
    "an amount of text": [COUPON | {"amount": "10"}],
    "an amount below nothing": [COUPON | {"amount": -1}],
    "an amount that is true": [COUPON | {"amount": True}],
    "a fraction": [COUPON | {"amount": 0.5}],
    "beyond all money": [COUPON | {"amount": 10**40}],
    "a contribution of text": [COUPON | {"merchant_contribute": "0"}],
    "a name that is none": [COUPON | {"name": ["x"]}],
    "half a character": [COUPON | {"name": "\ud83d"}],
    "far too many": [COUPON] * 100,
    "far too long": [COUPON | {"name": "x" * MAX_BYTES}],
    "one good, one bad": [COUPON, {"coupon_id": 1, "amount": 1}],
}


@pytest.mark.parametrize("detail", BAD.values(), ids=BAD.keys())
def test_coupons_that_cannot_be_read_are_left_out_and_the_payment_counts(
    stage: Stage, detail: object
) -> None:
    payment = stage.put(Status.PENDING)
    members = told(payment, detail)
    assert OrderFacts.of(members).unusable == ("promotion_detail",)
    paid = applied(stage, payment, members)
    assert (paid.status, paid.refundable, paid.promotions, paid.payer_total) == (Status.PAID, 1000, None, 990)
    assert responses.details(paid)["payerAmount"] == "9.90"


@pytest.mark.parametrize("payer_total", [-1, 1001, "990", 990.0, True, [], {}, 10**40])
def test_a_payers_part_that_cannot_be_is_left_out_and_the_payment_counts(
    stage: Stage, payer_total: object
) -> None:
    payment = stage.put(Status.PENDING)
    members = told(payment, [COUPON], payer_total)
    assert OrderFacts.of(members).unusable == ("amount.payer_total",)
    paid = applied(stage, payment, members)
    assert (paid.status, paid.payer_total) == (Status.PAID, None)
    assert "payerAmount" not in responses.details(paid)


def test_what_is_left_out_of_an_answer_is_told_in_the_log(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    payment = stage.put(Status.PENDING)
    stage.wechat.says("query", told(payment, "nonsense"))
    assert stage.query(payment)[1]["data"]["tradeState"] == "SUCCESS"
    (line,) = [record for record in caplog.records if "coupons" in record.message]
    assert (line.levelname, line.__dict__["left_out"]) == ("WARNING", ["promotion_detail"])
    assert line.__dict__["out_trade_no"] == payment.out_trade_no


def test_what_the_buyer_paid_is_never_taken_for_what_the_order_costs(stage: Stage, quarantined: Any) -> None:
    payment = stage.put(Status.PENDING)
    members = told(payment, [COUPON]) | {"amount": {"total": 990, "payer_total": 1000, "currency": "CNY"}}
    outcome, _ = apply_order(OrderFacts.of(members), source="notification", wiring=stage.wiring)
    assert outcome is Applied.CONTRADICTION
    assert [kept["reason"] for kept in quarantined(payment.out_trade_no)] == ["other_amount"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SPOILT = st.dictionaries(st.sampled_from([*COUPON, "other"]), JSON, max_size=4).map(lambda bad: COUPON | bad)


@given(st.lists(SPOILT | JSON, max_size=4) | JSON, JSON | st.integers(-5, 1005))
@settings(max_examples=300, derandomize=True, deadline=None, database=None)
def test_whatever_is_said_of_coupons_is_read_without_a_stop(detail: Any, payer_total: Any) -> None:
    found = paid_with({"total": 1000, "payer_total": payer_total}, detail)
    assert found.payer_total is None or 0 <= found.payer_total <= 1000
    if found.promotions is not None:
        assert len(found.promotions.encode()) <= MAX_BYTES
        assert json.dumps(shown(found.promotions))
        assert len(shown(found.promotions)) == len(detail)
    assert payer_refund_of({"refund": 1000, "payer_refund": payer_total}) in (None, payer_total)


# ---- refunds ----


def refund_facts(payment: Payment, number: str, amount: int, payer_refund: Any, status: str) -> RefundFacts:
    members: dict[str, object] = {
        "out_trade_no": payment.out_trade_no,
        "out_refund_no": number,
        "refund_id": f"50{number}",
        "transaction_id": payment.transaction_id,
        "status": status,
        "amount": {"refund": amount, "total": payment.amount, "payer_refund": payer_refund},
    }
    return RefundFacts.of(members)


@pytest.fixture
def bought(stage: Stage) -> Payment:
    """Ten yuan, of which coupons have paid three."""
    payment = stage.put(Status.PENDING)
    return applied(stage, payment, told(payment, [COUPON | {"amount": 300}], 700))


def test_each_refund_says_what_the_buyer_gets(stage: Stage, bought: Payment) -> None:
    for number, amount, payer, status in (
        ("A", 1, 1, "SUCCESS"),
        ("B", 499, 349, "PROCESSING"),
        ("C", 3, 0, "SUCCESS"),
    ):
        facts = refund_facts(bought, number, amount, payer, status)
        assert apply_refund(facts, source="notification", wiring=stage.wiring)[0] is Applied.CHANGED
    shown_refunds = responses.details(stage.stored(bought))["refunds"]
    assert isinstance(shown_refunds, list)
    assert {each["outRefundNo"]: (each["amount"], each["payerAmount"]) for each in shown_refunds} == {
        "A": ("0.01", "0.01"),
        "B": ("4.99", "3.49"),
        "C": ("0.03", "0.00"),
    }
    answer = responses.refund_members(stage.stored(bought), "B", duplicate=False, keyed=True)
    assert (str(answer["refundAmount"]), str(answer["payerAmount"])) == ("4.99", "3.49")


def test_a_refund_of_an_order_without_coupons_says_nothing_of_it(stage: Stage) -> None:
    payment = stage.put(Status.PAID)
    facts = refund_facts(payment, "A", 100, 100, "SUCCESS")
    assert apply_refund(facts, source="notification", wiring=stage.wiring)[0] is Applied.CHANGED
    assert stage.stored(payment).refunds["A"].payer_amount is None


def test_of_an_order_that_was_paid_before_coupons_were_kept_its_refunds_tell(stage: Stage) -> None:
    payment = stage.put(Status.PAID)
    facts = refund_facts(payment, "A", 100, 70, "SUCCESS")
    assert apply_refund(facts, source="notification", wiring=stage.wiring)[0] is Applied.CHANGED
    assert stage.stored(payment).refunds["A"].payer_amount == 70


@pytest.mark.parametrize("payer_refund", [None, -1, 101, "70", True, 70.0, [], 10**40])
def test_a_part_that_cannot_be_is_left_out_and_the_refund_counts(
    stage: Stage, bought: Payment, payer_refund: object
) -> None:
    facts = refund_facts(bought, "A", 100, payer_refund, "SUCCESS")
    assert apply_refund(facts, source="notification", wiring=stage.wiring)[0] is Applied.CHANGED
    refund = stage.stored(bought).refunds["A"]
    assert (refund.status, refund.payer_amount) == (RefundStatus.SUCCEEDED, None)
    shown_refunds = responses.details(stage.stored(bought))["refunds"]
    assert isinstance(shown_refunds, list)
    assert "payerAmount" not in shown_refunds[0]


def test_what_arrives_before_the_payment_waits_whole(stage: Stage) -> None:
    payment = replace(stage.put(Status.PENDING), transaction_id=None)
    number = f"42{payment.out_trade_no[2:]}"
    facts = refund_facts(replace(payment, transaction_id=number), "A", 100, 70, "SUCCESS")
    assert apply_refund(facts, source="notification", wiring=stage.wiring)[0] is Applied.HELD
    applied(stage, payment, told(payment, [COUPON | {"amount": 300}], 700))
    apply_refund(
        refund_facts(stage.stored(payment), "B", 1, 1, "PROCESSING"),
        source="notification",
        wiring=stage.wiring,
    )
    known = stage.stored(payment)
    assert (known.held, known.refunds["A"].payer_amount) == ((), 70)


def test_what_is_held_of_an_order_without_coupons_is_held_as_ever(stage: Stage) -> None:
    """It is compared as text with what an older version has kept, and may be read by one."""
    payment = stage.put(Status.PENDING)
    facts = refund_facts(replace(payment, transaction_id="4200"), "A", 100, None, "SUCCESS")
    apply_refund(facts, source="notification", wiring=stage.wiring)
    (held,) = stage.stored(payment).held
    assert "payer_refund" not in held
    assert RefundFacts(**json.loads(held)) == facts


@pytest.mark.parametrize("seed", range(8))
def test_refunds_in_random_parts_end_with_both_sums_right(stage: Stage, seed: int) -> None:
    """The parts are WeChat Pay's, as the simulator works them out; what it says arrives late, twice, or out of turn."""
    draw = random.Random(seed)
    sums = [draw.randint(1, 300) for _ in range(draw.randint(1, 3))]
    means = Means(
        coupons=tuple(Coupon(each, "CASH", "GLOBAL", "wechatpay", str(n), "-") for n, each in enumerate(sums))
    )
    payment = stage.put(Status.PENDING)
    coupons = [COUPON | {"coupon_id": str(n), "amount": each} for n, each in enumerate(sums)]
    payment = applied(stage, payment, told(payment, coupons, 1000 - means.discount))
    earlier: list[tuple[int, list[int]]] = []
    news: list[RefundFacts] = []
    left, count = 1000, 0
    while left:
        count += 1
        amount = left if count > 40 else draw.randint(1, min(left, 200))
        parts = means.parts_of_refund(amount, 1000, earlier)
        closed = draw.random() < 0.2 and count < 40
        for status in ("PROCESSING", "CLOSED" if closed else "SUCCESS"):
            news.append(refund_facts(payment, f"R{count}", amount, amount - sum(parts), status))
        if not closed:
            earlier.append((amount, parts))
            left -= amount
        if draw.random() < 0.6 or not left:
            news += draw.sample(news, len(news) // 3)
            if draw.random() < 0.5:
                draw.shuffle(news)
            for facts in news:
                apply_refund(facts, source="notification", wiring=stage.wiring)
            news = [facts for facts in news if facts.status != "PROCESSING"]
            for facts in news:
                apply_refund(facts, source="query", wiring=stage.wiring)
            news = []
    known = stage.stored(payment)
    paid_back = [refund for refund in known.refunds.values() if refund.status is RefundStatus.SUCCEEDED]
    assert (known.status, known.refunded, sum(refund.amount for refund in paid_back)) == (
        Status.REFUNDED,
        1000,
        1000,
    )
    assert sum(refund.payer_amount or 0 for refund in paid_back) == known.payer_total == 1000 - means.discount
    assert all(0 <= (refund.payer_amount or 0) <= refund.amount for refund in paid_back)


def test_a_payment_of_before_has_no_coupons() -> None:
    assert not {"payerAmount", "promotions"} & responses.details(a_payment("WX1")).keys()
