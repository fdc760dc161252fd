"""A refused write tells what it has met: nothing is read after it, unless the database does not tell; nobody learns of another's."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from payments.core.errors import OrderPaidError, RefusedUpdate
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund
from payments.storage.looks import ENDED_SECONDS, MAX_REFUSALS
from payments.use_cases.asking import find_order
from payments.use_cases.closing import begin_close, close_order
from payments.use_cases.evidence import Applied, apply_order
from payments.use_cases.opening import open_order
from payments.wiring import Wiring
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run
from tests.kit.payments import a_payment, facts_of, put
from tests.payments.stage import START, Stage, order_object

pytestmark = pytest.mark.usefixtures("in_memory")

GET, PUT, UPDATE, BATCH = "GetItem", "PutItem", "UpdateItem", "BatchGetItem"
STATUSES = [status for status in Status if status not in (Status.PARTIALLY_REFUNDED, Status.REFUNDED)]


def trips(stage: Stage, act: Callable[[], object]) -> list[str]:
    """What DynamoDB was asked for meanwhile."""
    stage.calls.forget()
    act()
    asked = [use.removeprefix("dynamodb:") for use in stage.calls.used if use.startswith("dynamodb:")]
    stage.calls.forget()
    return asked


def refunded(stage: Stage) -> Payment:
    """A payment of which a part has been asked back."""
    paid = stage.put(Status.PAID)
    refund = Refund("RF1", RefundStatus.REQUESTED, 300, START, reason="returned", wechat_request="{}")
    return stage.wiring.refunds.reserve(paid, refund, cause="refund", due_at=START + 60, now=START)


# ---- what is told ----


@pytest.mark.parametrize("status", STATUSES)
def test_a_refusal_tells_the_payment_as_a_read_does(stage: Stage, status: Status) -> None:
    payment = stage.put(status)
    with pytest.raises(RefusedUpdate) as refused:
        stage.store.clear_missing(payment.out_trade_no)
    assert refused.value.payment == payment == stage.stored(payment)


def test_with_its_refunds_its_history_and_what_is_held(stage: Stage) -> None:
    payment = refunded(stage)
    stage.store.hold(payment, ["{}"], due_at=START)
    with pytest.raises(RefusedUpdate) as refused:
        stage.store.begin_close(payment.out_trade_no, cause="close", due_at=1, now=1)
    told = refused.value.payment
    assert told == stage.stored(payment)
    assert told is not None
    assert (list(told.refunds), told.held, len(told.history)) == (["RF1"], ("{}",), 4)


def test_a_put_whose_number_is_taken_tells_who_has_it(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    with pytest.raises(RefusedUpdate) as refused:
        stage.store.create(a_payment(payment.out_trade_no, user_id="somebody-else"), due_at=1)
    assert refused.value.payment == payment == stage.stored(payment)


def test_of_what_is_not_there_or_anothers_nothing_is_told_and_nothing_changes(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    for number, owner in (("WXNOBODY", None), ("WXNOBODY", "user-1"), (payment.out_trade_no, "a-stranger")):
        for verb in (
            lambda: stage.wiring.looks.claim_query(number, owner=owner, fresh=2, now=START),  # noqa: B023
            lambda: stage.store.begin_close(number, cause="close", due_at=1, now=1, owner=owner),  # noqa: B023
        ):
            with pytest.raises(RefusedUpdate) as refused:
                verb()
            assert refused.value.payment is None
    assert stage.stored(payment) == payment


# ---- query ----


def test_the_money_that_a_query_finds_costs_two_round_trips(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("query", order_object(payment, "SUCCESS"))
    assert trips(stage, lambda: stage.query(payment)) == [UPDATE, UPDATE]
    assert stage.stored(payment).status is Status.PAID


@pytest.mark.parametrize("make", [lambda stage: stage.put(Status.PAID), refunded])
def test_whoever_polls_what_has_ended_reads_once_each_time(
    stage: Stage, make: Callable[[Stage], Payment]
) -> None:
    """A refused update costs as many units as its item has kilobytes: each process tries it once, and then for an hour not."""
    payment = make(stage)
    assert trips(stage, lambda: stage.query(payment)) == [UPDATE]
    for later in (0, 1, ENDED_SECONDS - 1):
        stage.wiring.time = START + later
        assert trips(stage, lambda: stage.query(payment)) == [GET]
    stage.wiring.time = START + ENDED_SECONDS
    assert trips(stage, lambda: stage.query(payment)) == [UPDATE]
    assert trips(stage, lambda: stage.query(payment)) == [GET]
    assert stage.stored(payment) == payment


def test_what_is_known_to_have_ended_is_read_anew_each_time(stage: Stage) -> None:
    """Money that arrives late is told by the next poll."""
    payment = stage.put(Status.CLOSED)
    told = [stage.query(payment)[1]["data"]["tradeState"] for _ in range(2)]
    stage.it_is_paid(payment)
    assert [*told, stage.query(payment)[1]["data"]["tradeState"]] == ["CLOSED", "CLOSED", "SUCCESS"]


def test_an_order_that_somebody_else_has_asked_about_is_told_by_the_refusal(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    others = stage.another_process().looks
    others.claim_query(payment.out_trade_no, owner=None, fresh=2, now=START - 1)
    assert trips(stage, lambda: stage.query(payment)) == [UPDATE]
    assert trips(stage, lambda: stage.query(payment)) == [GET]
    stage.wiring.time = START + 1
    stage.wechat.says("query", order_object(payment, "NOTPAY"))
    assert trips(stage, lambda: stage.query(payment)) == [UPDATE]
    assert stage.wechat.asked == ["query"]


def test_an_order_that_a_poller_found_missing_is_asked_about_once_it_is_there(stage: Stage) -> None:
    number = stage.number()
    query = lambda: stage.calls.as_("shop", "payments:charge", "query", number=number)  # noqa: E731
    assert query()[0] == query()[0] == 404
    stage.store.create(a_payment(number, time_expire=START + 7200, created_at=START), due_at=START + 60)
    assert query()[1]["data"]["tradeState"] == "NOTPAY"  # from the table
    stage.wiring.time = START + 2
    stage.wechat.says("query", order_object(stage.stored(number), "NOTPAY"))
    assert query()[0] == 200
    assert stage.wechat.asked == ["query"]


def test_a_process_remembers_so_many_refused_questions_and_no_more(stage: Stage) -> None:
    payment = stage.put(Status.PAID)
    looks = stage.wiring.looks

    def tried(number: str) -> bool:
        def ask() -> None:
            with pytest.raises(RefusedUpdate):
                looks.claim_query(number, owner=None, fresh=2, now=START)

        return trips(stage, ask) == [UPDATE]

    assert tried(payment.out_trade_no)
    assert not tried(payment.out_trade_no)
    for n in range(MAX_REFUSALS):
        with pytest.raises(RefusedUpdate):
            looks.claim_query(f"WXNOBODY{n}", owner=None, fresh=2, now=START)
    assert tried(payment.out_trade_no)


# ---- close ----


def test_a_close_costs_two_round_trips_and_what_has_ended_one(stage: Stage) -> None:
    payment = stage.put(Status.PENDING)
    stage.wechat.says("close", None)
    assert trips(stage, lambda: stage.close(payment)) == [UPDATE, UPDATE]
    assert trips(stage, lambda: stage.close(payment)) == [UPDATE]
    assert trips(stage, lambda: stage.close(stage.wiring.store.get(payment.out_trade_no))) == [GET, UPDATE]
    paid = stage.put(Status.PAID)
    assert trips(stage, lambda: stage.close(paid)) == [UPDATE]
    assert stage.close(paid)[0] == 409


def test_an_order_that_is_being_closed_is_closed_in_two(stage: Stage) -> None:
    payment = stage.put(Status.CLOSING)
    stage.wechat.says("close", None)
    assert trips(stage, lambda: stage.close(payment)) == [UPDATE, UPDATE]


# ---- notify, create ----


@pytest.mark.parametrize("status", [Status.PAID, Status.CLOSED, Status.FAILED])
def test_a_refused_notification_costs_no_read(stage: Stage, status: Status) -> None:
    payment = stage.put(status)
    told: list[Applied] = []

    def notified() -> None:
        facts = facts_of(payment.out_trade_no)
        told.append(apply_order(facts, source="notification", wiring=stage.wiring)[0])

    late = status is not Status.PAID
    assert trips(stage, notified) == ([UPDATE, UPDATE] if late else [UPDATE])
    assert told == [Applied.CHANGED if late else Applied.KNOWN]


def test_a_key_that_was_used_finds_its_order_by_the_refused_put(stage: Stage) -> None:
    stage.wechat.says("native", "weixin://x")
    first = stage.create()
    again: list[Any] = []
    assert trips(stage, lambda: again.append(stage.create())) == [PUT]
    assert again == [first]
    assert trips(stage, lambda: again.append(stage.create(amount=11))) == [PUT]
    assert again[1][0] == 422


# ---- where the database does not tell ----


@pytest.fixture
def silent() -> Iterator[Wiring]:
    """Tables whose refusals say nothing, as those of some stand-ins do."""
    with MemoryDynamoDB.from_template() as db:

        def without_the_item(operation: Operation, run: Run) -> Answer:
            operation.request.pop("ReturnValuesOnConditionCheckFailure", None)
            return run()

        db.around = without_the_item
        yield Wiring({**db.environment, "DUE_SHARDS": "2"})


def test_what_a_refusal_does_not_tell_is_read(silent: Wiring) -> None:
    paid, closed = put(silent, Status.PAID), put(silent, Status.CLOSED)
    with pytest.raises(RefusedUpdate) as refused:
        silent.store.begin_close(paid.out_trade_no, cause="close", due_at=1, now=1)
    assert refused.value.payment is None

    assert find_order(paid.out_trade_no, None, silent) == paid
    assert find_order(paid.out_trade_no, "user-1", silent) == paid
    assert find_order(paid.out_trade_no, "a-stranger", silent) is None
    assert begin_close(paid.out_trade_no, "user-1", silent) == paid
    assert begin_close(paid.out_trade_no, "a-stranger", silent) is None
    assert begin_close("WXNOBODY", None, silent) is None
    with pytest.raises(OrderPaidError):
        close_order(paid, silent)
    assert close_order(closed, silent) == closed
    assert apply_order(facts_of(paid.out_trade_no), source="query", wiring=silent) == (Applied.KNOWN, paid)
    with pytest.raises(OrderPaidError):
        open_order(paid, wiring=silent, again=True)
