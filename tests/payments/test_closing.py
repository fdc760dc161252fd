"""Closing at its edges: the order is paid or closed in the middle of it, and only a proven end is told as one."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from payments.core.lifecycle import Status
from payments.core.payment import Payment
from tests.payments.stage import SILENCE, START, Between, Lost, Stage, order_object, refusal

Act = Callable[[Stage, Payment], object]


@pytest.mark.parametrize(
    ("status", "told", "code"),
    [(Status.CLOSED, 200, None), (Status.FAILED, 200, None), (Status.PAID, 409, "ORDERPAID")],
)
def test_what_has_ended_is_told_without_asking_wechat_pay(
    stage: Stage, status: Status, told: int, code: str | None
) -> None:
    payment = stage.put(status)
    answer, body = stage.close(payment)
    assert (answer, body.get("code"), stage.wechat.asked) == (told, code, [])
    assert body.get("details", {"outTradeNo": payment.out_trade_no}) == {"outTradeNo": payment.out_trade_no}
    assert stage.stored(payment) == payment


@pytest.mark.parametrize(
    ("status", "told"),
    [(Status.CLOSED, 200), (Status.FAILED, 200), (Status.PAID, 409), (Status.PENDING, 503), (None, 404)],
)
def test_while_dynamodb_takes_no_writes_only_what_has_ended_is_told(
    stage: Stage, status: Status | None, told: int
) -> None:
    payment = stage.put(status or Status.PENDING)
    if status is None:
        payment = replace(payment, out_trade_no="WX" + "A" * 26)
    stage.wiring.store = Lost(stage.wiring.store, "begin_close", "before")
    assert stage.close(payment)[0] == told
    assert stage.wechat.asked == []


@pytest.mark.parametrize("status", [Status.CREATING, Status.PENDING])
def test_a_wish_to_close_is_kept_before_wechat_pay_is_asked(stage: Stage, status: Status) -> None:
    payment = stage.put(status)
    kept: list[Payment] = []

    def looked_at() -> object:
        kept.append(stage.stored(payment))
        return None

    stage.wechat.says("close", looked_at)
    assert stage.close(payment)[0] == 200
    assert (kept[0].status, kept[0].history[-1].cause, kept[0].due_at) == (
        Status.CLOSING,
        "close",
        START + 60,
    )
    after = stage.stored(payment)
    assert (after.status, after.history[-1].cause, after.due_at) == (Status.CLOSED, "close", None)


def test_an_order_that_is_being_closed_is_asked_to_be_closed_again(stage: Stage) -> None:
    payment = stage.put(Status.CLOSING)
    stage.wechat.says("close", None)
    told = {"outTradeNo": payment.out_trade_no, "closed": True}
    assert stage.close(payment) == (200, {"success": True, "data": told})
    assert stage.stored(payment).version == payment.version + 1


MEANWHILE = [(Stage.it_is_paid, 409, Status.PAID), (Stage.it_is_closed, 200, Status.CLOSED)]


@pytest.mark.parametrize(("act", "told", "then"), MEANWHILE)
def test_an_order_that_ends_before_the_wish_is_written_down_is_not_asked_about(
    stage: Stage, act: Act, told: int, then: Status
) -> None:
    payment = stage.put(Status.PENDING)
    stage.wiring.store = Between(stage.store, "begin_close", lambda: act(stage, payment))
    assert (stage.close(payment)[0], stage.wechat.asked) == (told, [])
    assert stage.stored(payment).status is then


@pytest.mark.parametrize(("act", "told", "then"), MEANWHILE)
def test_an_order_that_ends_while_wechat_pay_closes_it_is_told_as_what_it_is(
    stage: Stage, act: Act, told: int, then: Status
) -> None:
    """Money that came in outranks WeChat Pay's 204."""
    payment = stage.put(Status.PENDING)
    stage.wechat.says("close", lambda: act(stage, payment))
    assert stage.close(payment)[0] == told
    assert stage.stored(payment).status is then


def test_a_close_that_somebody_else_has_wished_for_meanwhile_is_one_wish(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    stage.wiring.store = Between(stage.store, "begin_close", lambda: stage.somebody_closes(payment))
    stage.wechat.says("close", None)
    assert stage.close(payment)[0] == 200
    assert [entry.status for entry in stage.stored(payment).history].count(Status.CLOSING) == 1


@pytest.mark.parametrize(
    ("problem", "state", "details", "wait"),
    [
        (SILENCE, "NOTPAY", {"closing": True}, 2),
        (refusal("NO_AUTH", 403), "NOTPAY", {"closing": True, "wechatCode": "NO_AUTH"}, 60),
        (
            refusal("INVALID_REQUEST"),
            "USERPAYING",
            {"closing": True, "wechatCode": "INVALID_REQUEST"},
            2,
        ),
    ],
)
def test_a_close_that_is_not_proven_says_that_the_order_is_being_closed(
    stage: Stage, problem: Exception, state: str, details: dict[str, object], wait: int
) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("close", problem)
    stage.wechat.says("query", order_object(payment, state))
    status, body = stage.close(payment)
    assert (status, body["details"], stage.retry_after) == (503, details, wait)
    assert stage.stored(payment).status is Status.CLOSING


def test_a_close_whose_outcome_cannot_even_be_asked_about_says_so_too(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("close", SILENCE)
    stage.wechat.says("query", refusal("SYSTEM_BUSY", 403, proven=False))
    status, body = stage.close(payment)
    assert (status, body["details"]) == (503, {"closing": True, "wechatCode": "SYSTEM_BUSY"})


def test_a_refused_close_of_an_order_that_wechat_pay_does_not_have_stays_open(stage: Stage) -> None:
    """It may be on its way there."""
    payment = stage.put(Status.CREATING)
    stage.wechat.says("close", refusal("ORDER_NOT_EXIST", 404))
    stage.wechat.says("query", refusal("ORDER_NOT_EXIST", 404))
    assert stage.close(payment)[0] == 503
    assert stage.stored(payment).status is Status.CLOSING


@pytest.mark.parametrize(("act", "told", "then"), MEANWHILE)
def test_a_refused_close_of_an_order_that_has_ended_is_told_as_what_it_is(
    stage: Stage, act: Act, told: int, then: Status
) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("close", refusal("ORDER_CLOSED"))
    stage.wechat.says("query", lambda: act(stage, payment) or order_object(payment, "CLOSED"))
    assert stage.close(payment)[0] == told
    assert stage.stored(payment).status is then


def test_an_order_that_has_failed_while_its_close_was_under_way_is_closed_for_its_caller(
    stage: Stage,
) -> None:
    payment = stage.put(Status.CREATING)

    def it_fails() -> None:
        seen = stage.stored(payment)
        stage.store.fail_creation(seen, refusal={}, cause="settle", now=START)

    stage.wiring.store = Between(stage.store, "begin_close", it_fails)
    assert (stage.close(payment)[0], stage.wechat.asked) == (200, [])


def test_an_order_that_is_gone_from_the_table_is_unknown(stage: Stage) -> None:
    """A table restored to an earlier moment in between: nobody may say that it was closed."""
    payment = stage.put(Status.PENDING)

    class Restored:
        def __getattr__(self, verb: str) -> object:
            if verb == "confirm_close":
                stage.it_is_closed(payment)
            return (lambda *_: None) if verb == "found" else getattr(stage.store, verb)

    stage.wiring.store = Restored()
    stage.wechat.says("close", None)
    assert stage.close(payment)[0] == 503
