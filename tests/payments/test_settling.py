"""Settling at its edges: what was read before must not decide over what is true by now."""

import contextlib
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from payments.core.errors import ApiError, RefusedUpdate
from payments.core.facts import RefundFacts
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund
from payments.core.schedule import REFUND_INTERVAL_SECONDS
from payments.storage.looks import Due
from payments.use_cases.evidence import Applied
from payments.use_cases.refunds.refund_evidence import apply_refund
from payments.use_cases.settling import settle
from payments.wiring import Wiring
from wechatpay.errors import RefusedError

START = 1_800_000_000


class ScriptedWeChatPay:
    """Answers each question by a script; an exception in it is raised."""

    def __init__(self) -> None:
        self.queries: dict[str, Any] = {}
        self.sends: dict[str, Any] = {}
        self.asked: list[str] = []

    def query_refund(self, out_refund_no: str) -> Any:
        self.asked.append(out_refund_no)
        return play(self.queries[out_refund_no])

    def query_by_out_trade_no(self, out_trade_no: str) -> Any:
        self.asked.append(out_trade_no)
        return play(self.queries[out_trade_no])

    def refund(self, request: bytes) -> Any:
        return play(self.sends[json.loads(request)["out_refund_no"]])

    def close(self, _out_trade_no: str) -> None:
        raise refusal("ORDER_NOT_EXIST", 404)


class Moving(Wiring):
    """A wiring whose time and WeChat Pay the test decides."""

    time: float = START

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds


def play(line: Any) -> Any:
    if isinstance(line, Exception):
        raise line
    return line() if callable(line) else line


def refusal(code: str, status: int = 403) -> RefusedError:
    return RefusedError(code=code, message="", http_status=status, request_id=None)


NO_SUCH_REFUND = refusal("RESOURCE_NOT_EXISTS", 404)
NO_SUCH_ORDER = refusal("ORDER_NOT_EXIST", 404)


@pytest.fixture
def moving(wiring: Wiring) -> Moving:
    """The same table, on a clock of its own."""
    moved = Moving(wiring.settings._environment)
    moved.__dict__["wechat"] = ScriptedWeChatPay()
    return moved


@pytest.fixture
def wechat(moving: Moving) -> ScriptedWeChatPay:
    script = moving.wechat
    assert isinstance(script, ScriptedWeChatPay)
    return script


def stored(wiring: Wiring, payment: Payment) -> Payment:
    found = wiring.store.get(payment.out_trade_no)
    assert found is not None
    return found


def reserve(
    wiring: Wiring, payment: Payment, number: str, amount: int, *, refused: str | None = None
) -> None:
    """A refund that was sent five minutes ago and not acknowledged."""
    then = START - 300
    request = json.dumps({"out_refund_no": number})
    refund = Refund(number, RefundStatus.REQUESTED, amount, then, sent_at=then, wechat_request=request)
    seen = stored(wiring, payment)
    seen = wiring.refunds.reserve(seen, refund, cause="refund", due_at=then, now=then)
    if refused:
        wiring.refunds.mark_refused(seen, number, code=refused, unsure=False)


def refund_object(payment: Payment, number: str, amount: int, status: str) -> dict[str, object]:
    return {
        "out_trade_no": payment.out_trade_no,
        "out_refund_no": number,
        "refund_id": f"50{number}",
        "transaction_id": payment.transaction_id,
        "status": status,
        "amount": {"refund": amount, "total": payment.amount},
    }


def look(wiring: Wiring, payment: Payment) -> None:
    """One look that may meet trouble, as `settle` takes it."""
    with contextlib.suppress(ApiError):
        settle(payment.out_trade_no, wiring, may_send=True)


def test_a_refund_that_was_refused_for_good_is_never_sent_again_and_ends_once_it_is_missing_twice(
    moving: Moving, wechat: ScriptedWeChatPay, new_payment: Callable[..., Payment]
) -> None:
    payment = new_payment(Status.PAID)
    reserve(moving, payment, "A", 1000, refused="INVALID_REQUEST")
    wechat.queries = {"A": NO_SUCH_REFUND}
    with pytest.raises(RefusedUpdate):
        moving.refunds.claim_resend(stored(moving, payment), "A", claim="C", now=int(moving.time))
    look(moving, payment)
    assert stored(moving, payment).refunds["A"].status is RefundStatus.REQUESTED
    assert stored(moving, payment).due_at == moving.time + 120
    moving.time += 119
    look(moving, payment)
    assert stored(moving, payment).refunds["A"].status is RefundStatus.REQUESTED
    moving.time += 1
    look(moving, payment)
    after = stored(moving, payment)
    assert (after.refunds["A"].status, after.refundable, after.due_at) == (RefundStatus.CLOSED, 1000, None)
    assert wechat.asked == ["A", "A", "A"]


def test_one_answer_that_there_is_no_such_refund_proves_nothing_behind_a_try_that_nobody_answered(
    moving: Moving, wechat: ScriptedWeChatPay, new_payment: Callable[..., Payment]
) -> None:
    payment = new_payment(Status.PAID)
    reserve(moving, payment, "A", 1000, refused="INVALID_REQUEST")
    behind = refusal("RESOURCE_NOT_EXISTS", 404)
    behind.after_unknown = True
    wechat.queries = {"A": behind}
    for _ in range(5):
        look(moving, payment)
        moving.time += 200
    assert stored(moving, payment).refunds["A"].status is RefundStatus.REQUESTED


def test_a_refund_that_wechat_pay_does_not_take_for_a_week_is_given_up(
    moving: Moving, wechat: ScriptedWeChatPay, new_payment: Callable[..., Payment]
) -> None:
    payment = new_payment(Status.PAID)
    reserve(moving, payment, "A", 1000)
    wechat.queries, wechat.sends = {"A": NO_SUCH_REFUND}, {"A": refusal("RULE_LIMIT")}
    began, looks = moving.time, 0
    while (due_at := stored(moving, payment).due_at) is not None:
        moving.time, looks = max(moving.time, due_at), looks + 1
        look(moving, payment)
    after = stored(moving, payment)
    assert after.refunds["A"].status is RefundStatus.CLOSED
    assert after.refundable == 1000
    assert 7 * 86400 - 3600 < moving.time - began < 7 * 86400 + 7 * 3600
    assert looks < 50


def test_a_refund_that_nobody_gets_through_does_not_hide_the_others(
    moving: Moving, wechat: ScriptedWeChatPay, new_payment: Callable[..., Payment]
) -> None:
    payment = new_payment(Status.PAID)
    reserve(moving, payment, "A", 500)
    reserve(moving, payment, "B", 100)
    wechat.queries = {"A": NO_SUCH_REFUND, "B": refund_object(payment, "B", 100, "SUCCESS")}
    wechat.sends = {"A": refusal("NOT_ENOUGH")}
    look(moving, payment)
    after = stored(moving, payment)
    assert after.refunds["B"].status is RefundStatus.SUCCEEDED
    assert after.due_at is not None


def test_the_refunds_of_one_order_are_sent_again_a_minute_apart_and_each_in_its_turn(
    moving: Moving, wechat: ScriptedWeChatPay, new_payment: Callable[..., Payment]
) -> None:
    payment = new_payment(Status.PAID)
    sent: list[tuple[str, float]] = []

    def not_enough(number: str) -> Callable[[], None]:
        def sending() -> None:
            sent.append((number, moving.time))
            raise refusal("NOT_ENOUGH")

        return sending

    for number in ("A", "B", "C"):
        reserve(moving, payment, number, 100)
        wechat.queries[number] = NO_SUCH_REFUND
        wechat.sends[number] = not_enough(number)
    first = moving.time
    while moving.time < first + 3000:
        look(moving, payment)
        due_at = stored(moving, payment).due_at
        assert due_at is not None
        assert due_at > moving.time
        moving.time = -(-due_at // 60) * 60  # the minute's sweep
    assert {number for number, _ in sent[:3]} == {"A", "B", "C"}
    assert sent[2][1] - first <= 4 * 60
    gaps = [later - earlier for (_, earlier), (_, later) in itertools.pairwise(sent)]
    assert min(gaps) >= REFUND_INTERVAL_SECONDS - 1
    # At five, ten, thirty and sixty minutes after it was asked for, and no oftener because others wait for their turn.
    assert [number for number, _ in sent].count("A") <= 4


def test_a_refund_that_was_sent_a_moment_ago_by_its_caller_keeps_the_others_back(
    moving: Moving, wechat: ScriptedWeChatPay, new_payment: Callable[..., Payment]
) -> None:
    payment = new_payment(Status.PAID)
    reserve(moving, payment, "A", 100)
    reserve(moving, payment, "B", 100)
    moving.refunds.claim_resend(stored(moving, payment), "A", claim="C", now=START - 20)
    wechat.queries = {"A": refund_object(payment, "A", 100, "PROCESSING"), "B": NO_SUCH_REFUND}
    wechat.sends = {"B": refund_object(payment, "B", 100, "PROCESSING")}
    look(moving, payment)
    after = stored(moving, payment)
    assert after.refunds["B"].status is RefundStatus.REQUESTED
    assert after.due_at == START - 20 + REFUND_INTERVAL_SECONDS
    moving.time = after.due_at
    look(moving, payment)
    assert stored(moving, payment).refunds["B"].status is RefundStatus.PROCESSING


def test_a_refund_made_elsewhere_waits_with_the_payment_for_the_room_that_ours_will_give_back(
    moving: Moving, wechat: ScriptedWeChatPay, new_payment: Callable[..., Payment]
) -> None:
    payment = new_payment(Status.PAID)
    reserve(moving, payment, "OURS", 1000, refused="INVALID_REQUEST")
    console = RefundFacts.of(refund_object(payment, "CONSOLE", 1000, "SUCCESS"))
    for _ in range(3):  # WeChat Pay may say so more than once
        assert apply_refund(console, source="notification", wiring=moving)[0] is Applied.HELD
    assert len(stored(moving, payment).held) == 1
    wechat.queries = {"OURS": NO_SUCH_REFUND}
    when = {"create_time": "2026-11-28T12:00:00+08:00"}
    wechat.queries["CONSOLE"] = refund_object(payment, "CONSOLE", 1000, "SUCCESS") | when
    while (due_at := stored(moving, payment).due_at) is not None:
        moving.time = max(moving.time, due_at)
        look(moving, payment)
    after = stored(moving, payment)
    assert (after.status, after.refunded, after.refundable, after.held) == (Status.REFUNDED, 1000, 0, ())
    assert after.refunds["OURS"].status is RefundStatus.CLOSED
    assert moving.time - START < 600


def test_a_refund_of_an_order_that_wechat_pay_calls_unpaid_is_left_to_a_person(
    moving: Moving,
    wechat: ScriptedWeChatPay,
    new_payment: Callable[..., Payment],
    quarantined: Callable[[str], list[dict[str, str]]],
) -> None:
    payment = new_payment(Status.CLOSED)
    told = RefundFacts.of(
        refund_object(payment, "CONSOLE", 400, "SUCCESS") | {"transaction_id": "4200000000000000000000000001"}
    )
    assert apply_refund(told, source="notification", wiring=moving)[0] is Applied.HELD
    wechat.queries = {
        payment.out_trade_no: {
            "out_trade_no": payment.out_trade_no,
            "mchid": payment.mchid,
            "appid": payment.appid,
            "trade_state": "CLOSED",
        }
    }
    look(moving, payment)
    after = stored(moving, payment)
    assert (after.status, after.held, after.due_at) == (Status.CLOSED, (), None)
    assert [row["reason"] for row in quarantined(payment.out_trade_no)] == ["refund_of_unpaid_order"]


def test_a_refund_made_elsewhere_of_more_than_wechat_pay_can_have_left_is_kept_apart(
    moving: Moving, new_payment: Callable[..., Payment]
) -> None:
    payment = new_payment(Status.PAID)
    reserve(moving, payment, "OURS", 600)
    ours = RefundFacts.of(refund_object(payment, "OURS", 600, "SUCCESS"))
    apply_refund(ours, source="refund", wiring=moving)
    console = RefundFacts.of(refund_object(payment, "CONSOLE", 500, "SUCCESS"))
    assert apply_refund(console, source="notification", wiring=moving)[0] is Applied.CONTRADICTION


@pytest.mark.parametrize(
    ("status", "ends"), [(Status.CREATING, Status.FAILED), (Status.CLOSING, Status.CLOSED)]
)
def test_an_order_that_wechat_pay_does_not_have_ends_after_the_guard_time(
    status: Status,
    ends: Status,
    moving: Moving,
    wechat: ScriptedWeChatPay,
    new_payment: Callable[..., Payment],
) -> None:
    payment = new_payment(status)
    # One with a credential may be paid by until its time is over, whatever WeChat Pay says.
    moving.time = payment.sent_at + 61 if status is Status.CREATING else payment.time_expire + 61
    wechat.queries = {payment.out_trade_no: NO_SUCH_ORDER}
    look(moving, payment)
    assert stored(moving, payment).status is status
    moving.time += 119
    look(moving, payment)
    assert stored(moving, payment).status is status
    moving.time += 1
    look(moving, payment)
    after = stored(moving, payment)
    assert (after.status, after.due_at) == (ends, None)


def test_a_message_that_was_delivered_again_asks_nobody(
    moving: Moving, wechat: ScriptedWeChatPay, new_payment: Callable[..., Payment]
) -> None:
    payment = new_payment(Status.PENDING)
    moving.time = payment.created_at + 20
    assert payment.due_at is not None
    row = Due("money#0", payment.out_trade_no, payment.due_at)
    moving.looks.lease(row, until=int(moving.time) + 180)
    wechat.queries = {
        payment.out_trade_no: {
            "out_trade_no": payment.out_trade_no,
            "mchid": payment.mchid,
            "appid": payment.appid,
            "trade_state": "NOTPAY",
        }
    }
    for _ in range(5):
        settle(payment.out_trade_no, moving, lease=int(moving.time) + 180, may_send=True)
    assert wechat.asked == [payment.out_trade_no]
