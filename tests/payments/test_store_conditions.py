"""What the payments table refuses, and what it writes beside a transition: when to look, and when it ended."""

from dataclasses import replace

import pytest

from payments.core.errors import RefusedUpdate
from payments.core.lifecycle import (
    REFUND_ACCEPTED,
    REFUND_STUCK,
    RefundNews,
    RefundStatus,
    Status,
)
from payments.core.payment import Credential, Payment, Refund
from payments.core.schedule import MONEY, keys
from payments.storage.looks import Due
from tests.payments.stage import SILENCE, START, Stage


def reserved(stage: Stage) -> Payment:
    """A paid order with a refund of 100 fen that is asked for."""
    refund = Refund("RF1", RefundStatus.REQUESTED, 100, START, sent_at=START, wechat_request="{}")
    payment = stage.put(Status.PAID)
    return stage.wiring.refunds.reserve(payment, refund, cause="refund", due_at=START + 60, now=START)


def test_a_new_order_is_due_under_its_shard_a_minute_later(stage: Stage) -> None:
    stage.wechat.says("native", SILENCE)
    assert stage.create()[0] == 503
    due = stage.stored()
    assert due.due_at == START + 60
    shards = stage.wiring.settings.due_shards
    for now, found in ((START + 59, False), (START + 60, True)):
        rows = [
            row for key in keys(MONEY, shards) for row in stage.wiring.looks.find_due(key, now=now, most=1000)
        ]
        assert (due.out_trade_no in {row.out_trade_no for row in rows}) is found


def test_an_order_that_is_closed_has_ended_in_that_second(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    stage.somebody_closes(payment)
    stage.wiring.time += 7
    stage.it_is_closed(payment)
    after = stage.stored(payment)
    assert (after.completed_at, after.trade_state) == (START + 7, "CLOSED")


def test_an_order_that_is_closed_while_evidence_waits_has_ended_and_stays_due(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    stage.store.hold(payment, ["{}"], due_at=START)
    stage.wiring.time += 7
    stage.it_is_closed(payment)
    after = stage.stored(payment)
    assert (after.status, after.completed_at, after.trade_state) == (Status.CLOSED, START + 7, "CLOSED")
    assert (after.held, after.due_at) == (("{}",), START + 67)


def test_no_more_of_what_is_due_is_read_than_is_asked_for(stage: Stage) -> None:
    key = keys(MONEY, stage.wiring.settings.due_shards)[0]
    while len(stage.wiring.looks.find_due(key, now=START + 90_000, most=1000)) < 3:
        stage.put(Status.PENDING)
    assert len(stage.wiring.looks.find_due(key, now=START + 90_000, most=2)) == 2


def test_a_payment_with_a_refund_of_ours_is_not_marked_as_refunded_elsewhere(stage: Stage) -> None:
    seen = reserved(stage)
    with pytest.raises(RefusedUpdate):
        stage.store.mark_refunded_elsewhere(seen)
    assert stage.stored(seen) == seen


def test_a_payment_for_which_evidence_waits_stays_due(stage: Stage) -> None:
    payment = stage.put(Status.PAID)
    stage.store.hold(payment, ["{}"], due_at=START)
    seen = stage.stored(payment)
    with pytest.raises(RefusedUpdate):
        stage.wiring.looks.clear_due(seen)
    assert stage.stored(payment).due_at == START


def test_a_payment_that_somebody_else_has_begun_to_look_into_stays_due(stage: Stage) -> None:
    seen = stage.put(Status.CREATING)
    assert seen.due_at is not None
    leased = stage.wiring.looks.lease(Due("money#0", seen.out_trade_no, seen.due_at), until=START + 180)
    with pytest.raises(RefusedUpdate):
        stage.wiring.looks.clear_due(seen)
    assert stage.stored(seen) == leased


def test_a_payment_whose_new_refund_is_due_in_the_very_second_of_the_look_stays_due(stage: Stage) -> None:
    seen = reserved(stage)
    refund = Refund("RF2", RefundStatus.REQUESTED, 100, START, wechat_request="{}")
    after = stage.wiring.refunds.reserve(seen, refund, cause="refund", due_at=START + 60, now=START)
    assert after.due_at == seen.due_at
    with pytest.raises(RefusedUpdate):
        stage.wiring.looks.clear_due(seen)
    assert stage.stored(seen) == after


def test_an_order_that_is_being_closed_gets_no_fresh_code(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    stage.somebody_closes(payment)
    with pytest.raises(RefusedUpdate):
        stage.store.renew_credential(payment, Credential(code_url="weixin://y"), expires_at=START + 7200)
    assert stage.stored(payment).code_url == payment.code_url


@pytest.mark.parametrize("end", ["settle_success", "release"])
def test_a_refund_that_has_ended_moves_no_money_again_whatever_is_written(stage: Stage, end: str) -> None:
    payment, refunds, news = reserved(stage), stage.wiring.refunds, RefundNews("query", START + 9)
    ended = getattr(refunds, end)(payment, "RF1", news)
    for write in (
        lambda: refunds.settle_success(ended, "RF1", news),
        lambda: refunds.release(ended, "RF1", news),
        lambda: refunds.advance(ended, "RF1", REFUND_ACCEPTED, news),
        lambda: refunds.advance(ended, "RF1", REFUND_STUCK, news),
        lambda: refunds.record_sent_on(ended, "RF1", news),
        lambda: refunds.claim_resend(ended, "RF1", claim="C", now=START + 9),
        lambda: refunds.mark_refused(ended, "RF1", code="NO", unsure=False),
        lambda: refunds.mark_missing(ended, "RF1", now=START + 9),
        lambda: refunds.count_doubt(ended, "RF1"),
    ):
        with pytest.raises(RefusedUpdate):
            write()
    assert stage.stored(payment) == ended


def test_a_refund_s_number_is_reserved_once(stage: Stage) -> None:
    seen = reserved(stage)
    again = Refund("RF1", RefundStatus.REQUESTED, 200, START + 1, wechat_request="{}")
    with pytest.raises(RefusedUpdate):
        stage.wiring.refunds.reserve(seen, again, cause="refund", due_at=START + 61, now=START + 1)
    assert stage.stored(seen) == seen


def test_a_refund_is_missing_since_the_first_time_that_it_was(stage: Stage) -> None:
    seen, refunds = reserved(stage), stage.wiring.refunds
    first = refunds.mark_missing(seen, "RF1", now=START + 70)
    with pytest.raises(RefusedUpdate):
        refunds.mark_missing(seen, "RF1", now=START + 80)
    assert stage.stored(seen) == first
    assert first.refunds["RF1"].missing_since == START + 70


def test_a_refund_that_was_not_sent_is_missing_only_if_it_still_was_not(stage: Stage) -> None:
    """Taken over from elsewhere, or written down by somebody who died before the send."""
    payment, refunds = stage.put(Status.PAID), stage.wiring.refunds
    refund = Refund("RF1", RefundStatus.REQUESTED, 100, START, wechat_request="{}")
    seen = refunds.reserve(payment, refund, cause="refund", due_at=START + 60, now=START)
    missing = refunds.mark_missing(seen, "RF1", now=START + 70)
    assert missing.refunds["RF1"].missing_since == START + 70
    sent = refunds.claim_resend(missing, "RF1", claim="C", now=START + 80)
    assert (sent.refunds["RF1"].sent_at, sent.refunds["RF1"].missing_since) == (START + 80, None)
    with pytest.raises(RefusedUpdate):
        refunds.mark_missing(seen, "RF1", now=START + 90)
    assert stage.stored(payment) == sent


@pytest.mark.parametrize("end", ["settle_success", "release"])
def test_a_refund_does_not_end_by_what_was_read_before_evidence_was_held(stage: Stage, end: str) -> None:
    """It would take the payment, and the evidence with it, out of what is due."""
    seen = reserved(stage)
    held = stage.store.hold(seen, ["{}"], due_at=START + 60)
    with pytest.raises(RefusedUpdate):
        getattr(stage.wiring.refunds, end)(seen, "RF1", RefundNews("query", START + 9))
    assert stage.stored(seen) == held


@pytest.mark.parametrize("end", ["settle_success", "release"])
def test_a_refund_ends_with_the_amount_that_lies_under_its_number(stage: Stage, end: str) -> None:
    payment = reserved(stage)
    other = replace(payment.refunds["RF1"], amount=99)
    with pytest.raises(RefusedUpdate):
        getattr(stage.wiring.refunds, end)(
            replace(payment, refunds={"RF1": other}), "RF1", RefundNews("query", START + 9)
        )
    assert stage.stored(payment) == payment
