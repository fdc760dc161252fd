"""What the payments table refuses, and what it writes beside a transition: when to look, and when it ended."""

import pytest

from payments.core.errors import RefusedUpdate
from payments.core.lifecycle import (
    REFUND_ACCEPTED,
    REFUND_STUCK,
    RefundNews,
    RefundStatus,
    Status,
)
from payments.core.payment import Credential, Refund
from payments.core.schedule import MONEY, keys
from tests.payments.stage import SILENCE, START, Stage


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


def test_no_more_of_what_is_due_is_read_than_is_asked_for(stage: Stage) -> None:
    key = keys(MONEY, stage.wiring.settings.due_shards)[0]
    while len(stage.wiring.looks.find_due(key, now=START + 90_000, most=1000)) < 3:
        stage.put(Status.PENDING)
    assert len(stage.wiring.looks.find_due(key, now=START + 90_000, most=2)) == 2


def test_a_payment_with_a_refund_of_ours_is_not_marked_as_refunded_elsewhere(stage: Stage) -> None:
    payment = stage.put(Status.PAID)
    refund = Refund("RF1", RefundStatus.REQUESTED, 100, START, wechat_request="{}")
    seen = stage.wiring.refunds.reserve(payment, refund, cause="refund", due_at=START, now=START)
    with pytest.raises(RefusedUpdate):
        stage.store.mark_refunded_elsewhere(seen)
    assert stage.stored(payment) == seen


def test_a_payment_for_which_evidence_waits_stays_due(stage: Stage) -> None:
    payment = stage.put(Status.PAID)
    stage.store.hold(payment, ["{}"], due_at=START)
    seen = stage.stored(payment)
    with pytest.raises(RefusedUpdate):
        stage.wiring.looks.clear_due(seen)
    assert stage.stored(payment).due_at == START


def test_a_payment_whose_new_refund_is_due_in_the_very_second_of_the_look_stays_due(stage: Stage) -> None:
    payment, states = stage.put(Status.PAID), []
    for number in ("RF1", "RF2"):
        refund = Refund(number, RefundStatus.REQUESTED, 100, START, wechat_request="{}")
        states.append(
            stage.wiring.refunds.reserve(
                stage.stored(payment), refund, cause="refund", due_at=START + 60, now=START
            )
        )
    seen, after = states
    with pytest.raises(RefusedUpdate):
        stage.wiring.looks.clear_due(seen)
    assert stage.stored(payment) == after


def test_an_order_that_is_being_closed_gets_no_fresh_code(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    stage.somebody_closes(payment)
    with pytest.raises(RefusedUpdate):
        stage.store.renew_credential(payment, Credential(code_url="weixin://y"), expires_at=START + 7200)
    assert stage.stored(payment).code_url == payment.code_url


@pytest.mark.parametrize("end", ["settle_success", "release"])
def test_a_refund_that_has_ended_moves_no_money_again_whatever_is_written(stage: Stage, end: str) -> None:
    payment, refunds, news = stage.put(Status.PAID), stage.wiring.refunds, RefundNews("query", START + 9)
    refund = Refund("RF1", RefundStatus.REQUESTED, 100, START, wechat_request="{}")
    refunds.reserve(stage.stored(payment), refund, cause="refund", due_at=START, now=START)
    ended = getattr(refunds, end)(stage.stored(payment), "RF1", news)
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
