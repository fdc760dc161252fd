"""WeChat Pay's own moments of a refund: when it was asked for, and when the money had gone back. Books are kept by them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from payments.core.facts import RefundFacts
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund
from payments.use_cases.evidence import Applied
from payments.use_cases.refunds.refund_evidence import apply_refund
from payments.wiring import Wiring

ASKED = "2026-11-28T23:59:59+08:00"
GONE_BACK = "2026-11-29T00:00:02+08:00"


@pytest.fixture
def payment(new_payment: Callable[..., Payment], wiring: Wiring) -> Payment:
    """Paid, with a refund RF1 of 300 fen set aside."""
    seen = new_payment(Status.PAID)
    refund = Refund("RF1", RefundStatus.REQUESTED, 300, int(wiring.now()), wechat_request="{}")
    return wiring.refunds.reserve(seen, refund, cause="refund", due_at=1, now=2)


def told(payment: Payment, status: str, number: str = "RF1", **members: Any) -> RefundFacts:
    """As WeChat Pay's answer tells it, and with `refund_status` as its notification does."""
    return RefundFacts.of(
        {
            "out_trade_no": payment.out_trade_no,
            "out_refund_no": number,
            "refund_id": f"50{number}",
            "transaction_id": payment.transaction_id,
            "amount": {"refund": 300, "total": payment.amount},
            **({"status": status, "create_time": ASKED} if "refund_status" not in members else {}),
            **members,
        }
    )


def notified(payment: Payment, status: str, number: str = "RF1", **members: Any) -> RefundFacts:
    return told(payment, status, number, refund_status=status, mchid=payment.mchid, **members)


def moments(wiring: Wiring, payment: Payment, number: str = "RF1") -> tuple[str | None, str | None]:
    refund = wiring.store.reread(payment).refunds[number]
    return refund.create_time, refund.success_time


def test_the_answer_to_a_refund_tells_when_it_was_asked_for_and_its_end_when_it_had_gone_back(
    payment: Payment, wiring: Wiring
) -> None:
    apply_refund(told(payment, "PROCESSING"), source="refund", wiring=wiring)
    assert moments(wiring, payment) == (ASKED, None)
    apply_refund(notified(payment, "SUCCESS", success_time=GONE_BACK), source="notification", wiring=wiring)
    assert moments(wiring, payment) == (ASKED, GONE_BACK)


def test_a_moment_that_is_known_never_changes(payment: Payment, wiring: Wiring) -> None:
    apply_refund(told(payment, "PROCESSING"), source="refund", wiring=wiring)
    for status in ("PROCESSING", "ABNORMAL", "SUCCESS", "SUCCESS"):
        other = told(payment, status, create_time="2030-01-01T00:00:00+08:00")
        apply_refund(other, source="query", wiring=wiring)
    assert moments(wiring, payment) == (ASKED, None)


def test_what_only_a_notification_has_told_of_gets_its_moment_by_the_first_answer(
    payment: Payment, wiring: Wiring
) -> None:
    apply_refund(notified(payment, "SUCCESS", success_time=GONE_BACK), source="notification", wiring=wiring)
    ended = wiring.store.reread(payment)
    assert moments(wiring, payment) == (None, GONE_BACK)
    late = told(payment, "SUCCESS", success_time="2030-01-01T00:00:00+08:00")
    assert apply_refund(late, source="refund", wiring=wiring)[0] is Applied.KNOWN
    after = wiring.store.reread(payment)
    assert moments(wiring, payment) == (ASKED, GONE_BACK)
    assert (after.version, after.history, after.status) == (ended.version, ended.history, ended.status)


def test_a_refund_that_is_still_on_its_way_gets_its_moment_by_an_answer_that_says_nothing_else(
    payment: Payment, wiring: Wiring
) -> None:
    apply_refund(notified(payment, "PROCESSING"), source="notification", wiring=wiring)
    before = wiring.store.reread(payment)
    applied, seen = apply_refund(told(payment, "PROCESSING"), source="query", wiring=wiring, seen=before)
    assert applied is Applied.KNOWN
    assert seen is not None
    assert seen.refunds["RF1"].create_time == ASKED
    assert seen.version == before.version


def test_two_that_tell_the_moment_at_once_agree(payment: Payment, wiring: Wiring) -> None:
    apply_refund(notified(payment, "SUCCESS"), source="notification", wiring=wiring)
    seen = wiring.store.reread(payment)
    for _ in range(2):  # the second has read before the first has written
        applied, _known = apply_refund(told(payment, "SUCCESS"), source="query", wiring=wiring, seen=seen)
        assert applied is Applied.KNOWN
    assert moments(wiring, payment) == (ASKED, None)


def test_what_is_held_of_a_notification_is_the_text_that_an_earlier_release_may_have_held(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    unpaid = new_payment(Status.PENDING)
    facts = notified(unpaid, "SUCCESS", "CONSOLE", transaction_id="42", success_time=GONE_BACK)
    assert apply_refund(facts, source="notification", wiring=wiring)[0] is Applied.HELD
    (held,) = wiring.store.reread(unpaid).held
    assert sorted(json.loads(held)) == [
        "amount",
        "mchid",
        "out_refund_no",
        "out_trade_no",
        "refund_id",
        "status",
        "success_time",
        "total",
        "transaction_id",
        "user_received_account",
    ]
