"""Asking what became of an order: seldom, once at a time, and nothing is believed that WeChat Pay has not said of this order."""

from dataclasses import replace
from typing import Any

import pytest

from payments.core.lifecycle import Status
from tests.payments.stage import SILENCE, START, Between, Lost, Stage, order_object, refusal
from wechatpay.errors import UnknownOutcomeError


def state(told: tuple[int, dict[str, Any]]) -> str:
    assert told[0] == 200, told
    word: str = told[1]["data"]["tradeState"]
    return word


@pytest.mark.parametrize("status", [Status.PAID, Status.CLOSED, Status.FAILED])
def test_what_is_final_asks_nobody(stage: Stage, status: Status) -> None:
    payment = stage.put(status)
    assert stage.query(payment)[0] == 200
    assert stage.wechat.asked == []


@pytest.mark.parametrize(
    ("status", "told"),
    [(Status.CLOSED, 200), (Status.FAILED, 200), (Status.PAID, 200), (Status.PENDING, 503)],
)
def test_while_dynamodb_takes_no_writes_only_what_has_ended_is_told(
    stage: Stage, status: Status, told: int
) -> None:
    payment = stage.put(status)
    stage.wiring.looks = Lost(stage.wiring.looks, "claim_query", "before")
    assert stage.query(payment)[0] == told
    assert stage.wechat.asked == []


def test_many_pollers_ask_once_in_two_seconds(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    for later, asked in ((0, 1), (1, 1), (2, 2), (3, 2), (4, 3)):
        stage.wiring.time = START + later
        stage.wechat.says("query", order_object(payment, "NOTPAY"))
        assert state(stage.query(payment)) == "NOTPAY"
        assert len(stage.wechat.asked) == asked
    assert stage.stored(payment).asked_at == START + 4


@pytest.mark.parametrize("before", [None, START - 100])
def test_two_who_ask_at_the_same_moment_are_one_question(stage: Stage, before: int | None) -> None:
    payment, others = stage.put(Status.PENDING), stage.another_process().looks
    if before is not None:
        others.claim_query(payment.out_trade_no, owner=None, fresh=2, now=before)

    def the_other() -> None:
        others.claim_query(payment.out_trade_no, owner=None, fresh=2, now=START)

    stage.wiring.looks = Between(stage.wiring.looks, "claim_query", the_other)
    assert state(stage.query(payment)) == "NOTPAY"
    assert stage.wechat.asked == []


def test_what_a_query_finds_is_written_down_as_its_finding(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("query", order_object(payment, "SUCCESS"))
    assert state(stage.query(payment)) == "SUCCESS"
    assert stage.stored(payment).history[-1].cause == "query"


def test_an_order_that_wechat_pay_does_not_have_is_not_paid_yet(stage: Stage) -> None:
    payment = stage.put(Status.CREATING)
    stage.wechat.says("query", refusal("ORDER_NOT_EXIST", 404))
    assert state(stage.query(payment)) == "NOTPAY"
    assert stage.stored(payment).status is Status.CREATING


@pytest.mark.parametrize(
    "changed",
    [{"mchid": None}, {"out_trade_no": 7}, {"trade_state": ""}, {"out_trade_no": "WXSOMEBODYELSES"}],
    ids=["without a merchant", "a number that is none", "without a state", "another order"],
)
@pytest.mark.parametrize("says", ["SUCCESS", "CLOSED", "NOTPAY"])
def test_an_answer_that_is_not_about_this_order_is_no_answer(
    stage: Stage, changed: dict[str, object], says: str
) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("query", order_object(payment, says) | changed)
    assert stage.query(payment)[0] == 503
    assert stage.stored(payment).status is Status.PENDING


@pytest.mark.parametrize(
    ("problem", "code", "wait"),
    [
        (SILENCE, None, 2),
        (UnknownOutcomeError("HTTP 429", http_status=429), None, 60),
        (refusal("NO_AUTH", 403), "NO_AUTH", 2),
        (refusal("ORDER_NOT_EXIST", 404, proven=False), "ORDER_NOT_EXIST", 2),
        (refusal("RESOURCE_NOT_EXISTS", 404), "RESOURCE_NOT_EXISTS", 2),
    ],
)
def test_a_question_without_a_certain_answer_names_wechat_pays_code(
    stage: Stage, problem: Exception, code: str | None, wait: int
) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("query", problem)
    status, body = stage.query(payment)
    assert (status, body["details"].get("wechatCode"), stage.retry_after) == (503, code, wait)


def test_no_such_order_proves_nothing_behind_a_try_that_nobody_answered(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    behind = refusal("ORDER_NOT_EXIST", 404)
    behind.after_unknown = True
    stage.wechat.says("query", behind)
    assert stage.query(payment)[0] == 503


@pytest.mark.parametrize("says", ["A_STATE_OF_NEXT_YEAR", "CLOSED", "SUCCESS"])
def test_an_answer_that_a_notification_has_overtaken_gives_way_to_it(stage: Stage, says: str) -> None:
    """What it says may be set aside; the caller is told what the order is by now."""
    payment = stage.put(Status.PENDING)

    def overtaken() -> dict[str, object]:
        stage.it_is_paid(payment)
        return order_object(payment, says)

    stage.wechat.says("query", overtaken)
    assert state(stage.query(payment)) == "SUCCESS"


@pytest.mark.parametrize(
    "changed", [{"amount": {"total": 1, "currency": "CNY"}}, {"transaction_id": None}, {"appid": "wx0"}]
)
def test_money_that_cannot_be_credited_is_neither_paid_nor_unpaid(
    stage: Stage, changed: dict[str, object]
) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("query", order_object(payment, "SUCCESS", **changed))
    assert stage.query(payment)[0] == 503
    assert stage.stored(payment).status is Status.PENDING


class Moving:
    """A table where somebody else is first: the credit is refused so many times."""

    def __init__(self, store: Any, times: int) -> None:
        self._store = store
        self.left = times

    def __getattr__(self, verb: str) -> Any:
        if verb == "record_money" and self.left:
            self.left -= 1
            return lambda facts, **named: self._store.record_money(replace(facts, total=1), **named)
        return getattr(self._store, verb)


def test_an_order_that_moves_while_its_money_is_credited_is_credited_all_the_same(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    stage.wiring.store = Moving(stage.store, 4)
    stage.wechat.says("query", order_object(payment, "SUCCESS"))
    assert state(stage.query(payment)) == "SUCCESS"


def test_an_order_that_keeps_moving_is_asked_about_again_later(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    stage.wiring.store = moving = Moving(stage.store, 6)
    stage.wechat.says("query", order_object(payment, "SUCCESS"))
    assert stage.query(payment)[0] == 503
    assert moving.left == 1


def test_a_stranger_who_asks_does_not_keep_the_buyer_from_being_told_the_truth(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    number = payment.out_trade_no
    assert stage.calls.as_("a-stranger", "payments:pay", "query", number=number)[0] == 404
    stage.wechat.says("query", order_object(payment, "SUCCESS"))
    status, answer = stage.calls.as_(payment.user_id, "payments:pay", "query", number=number)
    assert (status, answer["data"]["tradeState"], stage.wechat.asked) == (200, "SUCCESS", ["query"])
