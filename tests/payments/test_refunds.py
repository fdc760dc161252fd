"""Refunds in the payment's item: never more than was paid, never twice, whatever arrives in whatever order."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from payments.core.errors import RefusedUpdate
from payments.core.facts import RefundFacts
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund
from payments.storage.items import refund_record, update
from payments.use_cases.evidence import Applied, apply_order
from payments.use_cases.refunds.refund_evidence import apply_held, apply_refund
from payments.wiring import Wiring
from tests.kit.payments import facts_of

BRACKETED = ["a[0]", "a.b[0]", "[", "a]b["]


def stored(wiring: Wiring, payment: Payment) -> Payment:
    found = wiring.store.get(payment.out_trade_no)
    assert found is not None
    assert found.paid == found.refundable + found.refunding + found.refunded
    assert min(found.refundable, found.refunding, found.refunded) >= 0
    succeeded = [
        refund.amount for refund in found.refunds.values() if refund.status is RefundStatus.SUCCEEDED
    ]
    assert found.refunded == sum(succeeded)
    assert len(found.history) == found.version
    return found


def reserve(wiring: Wiring, payment: Payment, number: str, amount: int) -> Payment:
    """Reserve as an endpoint would: read, try, and read again when another refund came between, or our own answer was lost."""
    while True:
        seen = stored(wiring, payment)
        refund = Refund(number, RefundStatus.REQUESTED, amount, int(wiring.now()), wechat_request="{}")
        try:
            return wiring.refunds.reserve(seen, refund, cause="refund", due_at=1, now=2)
        except RefusedUpdate:
            now = stored(wiring, payment)
            if number in now.refunds and number not in seen.refunds:
                return now
            if number in now.refunds or now.refundable < amount or now.refund_count == 50:
                raise


def facts(payment: Payment, number: str, amount: int, status: str, **changed: Any) -> RefundFacts:
    values: dict[str, Any] = {
        "out_trade_no": payment.out_trade_no,
        "out_refund_no": number,
        "refund_id": f"50{number}",
        "transaction_id": payment.transaction_id,
        "status": status,
        "amount": amount,
        "total": payment.amount,
        "mchid": payment.mchid,
    }
    return RefundFacts(**(values | changed))


def test_a_reservation_moves_the_money_aside_before_anything_is_sent(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    payment = new_payment(Status.PAID)
    after = reserve(wiring, payment, "RF1", 300)
    assert (after.refundable, after.refunding, after.refunded, after.refund_count) == (700, 300, 0, 1)
    assert after.status is Status.PAID
    assert after.history[-1].event == "RefundRequested"
    assert after.due_at == 1


def test_fifty_parallel_refunds_never_exceed_what_was_paid(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    payment = new_payment(Status.PAID)

    def attempt(number: int) -> bool:
        try:
            reserve(wiring, payment, f"RF{number}", 140)
        except RefusedUpdate:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = sum(pool.map(attempt, range(50)))
    after = stored(wiring, payment)
    assert won == len(after.refunds) == 7
    assert after.refunding == 7 * 140


def test_an_order_takes_fifty_refunds_and_not_one_more(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    payment = new_payment(Status.PAID)
    for number in range(50):
        reserve(wiring, payment, f"RF{number}", 1)
    with pytest.raises(RefusedUpdate):
        reserve(wiring, payment, "RF50", 1)


def test_nothing_is_reserved_on_an_order_that_is_not_paid(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    for status in (Status.CREATING, Status.PENDING, Status.CLOSED, Status.FAILED):
        with pytest.raises(RefusedUpdate):
            reserve(wiring, new_payment(status), "RF1", 1)


def test_a_refund_that_succeeds_is_settled_once_however_often_we_hear_of_it(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    payment = reserve(wiring, new_payment(Status.PAID), "RF1", 400)
    with ThreadPoolExecutor(8) as pool:
        heard = list(
            pool.map(
                lambda _: apply_refund(
                    facts(payment, "RF1", 400, "SUCCESS"), source="notification", wiring=wiring
                )[0],
                range(8),
            )
        )
    assert heard.count(Applied.CHANGED) == 1
    after = stored(wiring, payment)
    assert (after.status, after.refunded, after.refunding) == (Status.PARTIALLY_REFUNDED, 400, 0)
    assert after.refunds["RF1"].wechat_request is None
    assert after.due_at is None


def test_the_last_refund_makes_the_payment_refunded(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    payment = new_payment(Status.PAID)
    for number, amount in (("RF1", 400), ("RF2", 600)):
        reserve(wiring, payment, number, amount)
    for number, amount in (("RF2", 600), ("RF1", 400)):
        apply_refund(facts(payment, number, amount, "SUCCESS"), source="query", wiring=wiring)
    after = stored(wiring, payment)
    assert (after.status, after.refunded) == (Status.REFUNDED, 1000)
    assert [entry.event for entry in after.history[-2:]] == ["RefundSucceeded", "RefundSucceeded"]
    assert after.history[-1].status is Status.REFUNDED


def test_a_refund_that_wechat_pay_closes_gives_the_money_back(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    payment = reserve(wiring, new_payment(Status.PAID), "RF1", 1000)
    apply_refund(facts(payment, "RF1", 1000, "CLOSED"), source="notification", wiring=wiring)
    after = stored(wiring, payment)
    assert (after.status, after.refundable) == (Status.PAID, 1000)
    assert after.refunds["RF1"].status is RefundStatus.CLOSED
    assert after.history[-1].event == "RefundClosed"


def test_an_abnormal_refund_keeps_its_money_set_aside_and_may_still_succeed(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    payment = reserve(wiring, new_payment(Status.PAID), "RF1", 500)
    apply_refund(facts(payment, "RF1", 500, "PROCESSING"), source="refund", wiring=wiring)
    apply_refund(facts(payment, "RF1", 500, "ABNORMAL"), source="notification", wiring=wiring)
    stuck = stored(wiring, payment)
    assert (stuck.refunding, stuck.refunds["RF1"].status) == (500, RefundStatus.ABNORMAL)
    assert stuck.history[-1].event == "RefundAbnormal"
    apply_refund(facts(payment, "RF1", 500, "SUCCESS"), source="notification", wiring=wiring)
    assert stored(wiring, payment).refunded == 500


def test_a_refund_made_elsewhere_is_taken_over(new_payment: Callable[..., Payment], wiring: Wiring) -> None:
    payment = new_payment(Status.PAID)
    applied, _ = apply_refund(
        facts(payment, "CONSOLE1", 250, "SUCCESS"), source="notification", wiring=wiring
    )
    after = stored(wiring, payment)
    assert applied is Applied.CHANGED
    assert (after.status, after.refunded) == (Status.PARTIALLY_REFUNDED, 250)
    assert after.refunds["CONSOLE1"].elsewhere
    assert [entry.event for entry in after.history[-2:]] == ["RefundRequested", "RefundSucceeded"]


@pytest.mark.parametrize("number", ["a.b", "a[0]", "a.b[0]", "[", "a]b["])
def test_a_refund_lies_under_its_own_number_in_the_item(
    number: str, new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    payment = new_payment(Status.PAID)
    reserved = reserve(wiring, payment, "RF1", 1).refunds["RF1"]
    record = refund_record(number)
    written = {"status": "REQUESTED", "amount": 250, "created_at": reserved.created_at}
    update(payment.out_trade_no, [record.set(written)], record.does_not_exist())
    after = update(payment.out_trade_no, [record["sent_at"].set(7)], record["amount"] == 250)

    assert (after.refunds[number].amount, after.refunds[number].sent_at) == (250, 7)
    assert set(after.refunds) == {"RF1", number}


@pytest.mark.parametrize("number", ["a.b", *BRACKETED, "#0", ":0", "退款", "a b"])
@pytest.mark.parametrize("end", ["SUCCESS", "CLOSED", "ABNORMAL"])
def test_a_refund_made_elsewhere_may_have_any_number(
    end: str, number: str, new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    """A document path in DynamoDB's language is not what a number means."""
    payment = new_payment(Status.PAID)
    for status in ("PROCESSING", end):
        applied, _ = apply_refund(facts(payment, number, 250, status), source="notification", wiring=wiring)
        assert applied is Applied.CHANGED

    (refund,) = stored(wiring, payment).refunds.values()
    assert (refund.out_refund_no, refund.status.word) == (number, end)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"mchid": "1900000110"}, "other_mchid"),
        ({"transaction_id": "4200"}, "other_order"),
        ({"total": 999}, "other_order"),
        ({"amount": 401}, "other_refund_amount"),
        ({"status": "VANISHED"}, "unexpected_refund_status"),
        ({"out_refund_no": "ELSEWHERE", "amount": 1001}, "refund_beyond_payment"),
        ({"out_refund_no": "ELSEWHERE", "amount": 0}, "refund_beyond_payment"),
        ({"out_refund_no": "ELSEWHERE", "amount": -5}, "refund_beyond_payment"),
    ],
)
def test_contradicting_facts_about_a_refund_change_nothing(
    changed: dict, reason: str, new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    payment = reserve(wiring, new_payment(Status.PAID), "RF1", 400)
    before = stored(wiring, payment)
    applied, _ = apply_refund(
        replace(facts(payment, "RF1", 400, "SUCCESS"), **changed),
        source="notification",
        wiring=wiring,
    )
    assert applied is Applied.CONTRADICTION
    assert stored(wiring, payment) == before


def test_what_contradicts_a_settled_refund_changes_nothing(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    payment = reserve(wiring, new_payment(Status.PAID), "RF1", 400)
    apply_refund(facts(payment, "RF1", 400, "SUCCESS"), source="notification", wiring=wiring)
    before = stored(wiring, payment)
    applied, _ = apply_refund(facts(payment, "RF1", 400, "CLOSED"), source="notification", wiring=wiring)
    assert applied is Applied.CONTRADICTION
    assert stored(wiring, payment) == before


def test_a_refund_of_an_order_not_known_to_be_paid_waits_until_it_is(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    payment = new_payment(Status.PENDING)
    told = facts(payment, "RF1", 400, "SUCCESS", transaction_id=f"42{payment.out_trade_no[2:]}")
    assert apply_refund(told, source="notification", wiring=wiring)[0] is Applied.HELD
    now = int(wiring.now())
    waiting = stored(wiring, payment)
    assert waiting.due_at is not None
    assert waiting.due_at <= now + 60
    apply_order(facts_of(payment.out_trade_no), source="notification", wiring=wiring)
    paid = stored(wiring, payment)
    assert (paid.status, len(paid.held)) == (Status.PAID, 1)
    assert paid.due_at is not None
    after = apply_held(paid, wiring)
    assert (after.status, after.refunded, after.held) == (Status.PARTIALLY_REFUNDED, 400, ())
    assert stored(wiring, payment) == after


def test_money_is_conserved_through_random_refunds_and_random_news(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    chance = random.Random(20260101)
    for _ in range(5):
        payment = new_payment(Status.PAID)
        amounts: dict[str, int] = {}
        for step in range(25):
            number = f"RF{chance.randrange(8)}"
            if chance.random() < 0.4 and number not in amounts:
                amount = chance.randrange(1, 500)
                try:
                    reserve(wiring, payment, number, amount)
                except RefusedUpdate:
                    continue
                amounts[number] = amount
            elif number in amounts:
                status = chance.choice(["PROCESSING", "SUCCESS", "CLOSED", "ABNORMAL"])
                news = facts(payment, number, amounts[number], status)
                apply_refund(news, source=f"step {step}", wiring=wiring)
            stored(wiring, payment)
