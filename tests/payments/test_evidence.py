"""What WeChat Pay says of an order: applied once, and kept apart when it contradicts what we know."""

import json
from collections.abc import Callable

import pytest

from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.use_cases.evidence import Applied, apply_order
from payments.wiring import Wiring
from tests.kit.payments import facts_of

Kept = Callable[[str], list[dict[str, str]]]


def test_the_same_evidence_twice_changes_nothing_the_second_time(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    number = new_payment(Status.PENDING).out_trade_no
    first, after = apply_order(facts_of(number), source="notification", wiring=wiring)
    second, again = apply_order(facts_of(number), source="query", wiring=wiring)
    assert (first, second) == (Applied.CHANGED, Applied.KNOWN)
    assert after == again


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"mchid": "1900000110"}, "other_mchid"),
        ({"appid": "wx9999999999999999"}, "other_appid"),
        ({"total": 999}, "other_amount"),
        ({"total": 100000}, "other_amount"),
        ({"currency": "USD"}, "other_amount"),
        ({"transaction_id": None}, "incomplete"),
        ({"total": None}, "incomplete"),
        ({"trade_state": "A_STATE_OF_NEXT_YEAR"}, "unexpected_trade_state"),
    ],
)
@pytest.mark.parametrize("status", [Status.PENDING, Status.CLOSED, Status.PAID])
def test_contradicting_evidence_is_kept_for_a_person_and_credits_nothing(
    changed: dict,
    reason: str,
    status: Status,
    new_payment: Callable[..., Payment],
    wiring: Wiring,
    quarantined: Kept,
) -> None:
    before = new_payment(status)
    applied, _ = apply_order(facts_of(before.out_trade_no, **changed), source="query", wiring=wiring)
    assert applied is Applied.CONTRADICTION
    assert wiring.store.get(before.out_trade_no) == before
    (kept,) = quarantined(before.out_trade_no)
    assert (kept["reason"], kept["source"]) == (reason, "query")
    assert "o-buyer" not in kept["facts"]
    assert json.loads(kept["facts"])["out_trade_no"] == before.out_trade_no


@pytest.mark.parametrize("state", ["NOTPAY", "USERPAYING", "ACCEPT", "PAYERROR", "REVOKED"])
@pytest.mark.parametrize("status", [Status.PENDING, Status.CLOSED, Status.PAID])
def test_a_state_that_says_no_more_than_not_paid_changes_nothing_and_wakes_nobody(
    state: str, status: Status, new_payment: Callable[..., Payment], wiring: Wiring, quarantined: Kept
) -> None:
    before = new_payment(status)
    open_yet = facts_of(before.out_trade_no, trade_state=state, transaction_id=None, currency=None)
    assert apply_order(open_yet, source="query", wiring=wiring)[0] is Applied.KNOWN
    assert wiring.store.get(before.out_trade_no) == before
    assert not quarantined(before.out_trade_no)


@pytest.mark.parametrize("status", [Status.CREATING, Status.PENDING, Status.CLOSING, Status.CLOSED])
def test_an_order_that_was_refunded_before_we_heard_of_its_payment_is_credited_and_marked(
    status: Status, new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    before = new_payment(status)
    refunded = facts_of(before.out_trade_no, trade_state="REFUND")
    applied, after = apply_order(refunded, source="query", wiring=wiring)
    assert applied is Applied.CHANGED
    assert after is not None
    assert (after.status, after.refunded_elsewhere, after.trade_state) == (Status.PAID, True, "REFUND")
    assert after.history[-1].elsewhere
    assert apply_order(refunded, source="query", wiring=wiring) == (Applied.KNOWN, after)


def test_a_payment_without_refunds_of_ours_is_marked_when_wechat_pay_says_that_it_was_refunded(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    before = new_payment(Status.PAID)
    refunded = facts_of(before.out_trade_no, trade_state="REFUND")
    applied, after = apply_order(refunded, source="query", wiring=wiring)
    assert applied is Applied.CHANGED
    assert after is not None
    assert after.refunded_elsewhere
    assert (after.refundable, after.version) == (before.refundable, before.version)


@pytest.mark.parametrize(
    "lacking",
    [{"trade_state": "NOTPAY"}, {"transaction_id": None}, {"total": None}, {"currency": None}],
    ids=lambda lacking: next(iter(lacking)),
)
def test_the_store_credits_nothing_by_facts_that_do_not_prove_it(
    new_payment: Callable[..., Payment], wiring: Wiring, lacking: dict[str, str | None]
) -> None:
    payment = new_payment(Status.PENDING)
    unproven = facts_of(payment.out_trade_no, **lacking)
    with pytest.raises(ValueError, match="facts that credit"):
        wiring.store.record_money(unproven, cause="query", now=1, due_at=1)
    assert wiring.store.get(payment.out_trade_no) == payment


def test_a_second_transaction_for_a_paid_order_is_kept_apart(
    new_payment: Callable[..., Payment], wiring: Wiring, quarantined: Kept
) -> None:
    before = new_payment(Status.PAID)
    second = facts_of(before.out_trade_no, transaction_id="4200000000000000000000000002")
    applied, _ = apply_order(second, source="notification", wiring=wiring)
    assert applied is Applied.CONTRADICTION
    assert wiring.store.get(before.out_trade_no) == before
    assert [kept["reason"] for kept in quarantined(before.out_trade_no)] == ["second_transaction"]


def test_an_order_that_we_do_not_have_is_kept_for_a_person(wiring: Wiring, quarantined: Kept) -> None:
    applied, payment = apply_order(facts_of("WXNOSUCHORDER"), source="notification", wiring=wiring)
    assert (applied, payment) == (Applied.UNKNOWN_ORDER, None)
    assert [kept["reason"] for kept in quarantined("WXNOSUCHORDER")] == ["unknown_order"]


def test_an_answer_from_before_the_payment_changes_nothing_after_it(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    before = new_payment(Status.PAID)
    stale = facts_of(before.out_trade_no, trade_state="NOTPAY", transaction_id=None)
    assert apply_order(stale, source="query", wiring=wiring)[0] is Applied.KNOWN
    assert wiring.store.get(before.out_trade_no) == before


def test_closed_after_payment_is_a_contradiction(new_payment: Callable[..., Payment], wiring: Wiring) -> None:
    before = new_payment(Status.PAID)
    applied, _ = apply_order(
        facts_of(before.out_trade_no, trade_state="CLOSED"), source="query", wiring=wiring
    )
    assert applied is Applied.CONTRADICTION
    assert wiring.store.get(before.out_trade_no) == before
