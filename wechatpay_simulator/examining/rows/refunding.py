"""The row about refunds: one wish is one refund, whatever happens to the answer."""

import secrets
import time
from collections.abc import Callable, Iterator

from wechatpay_simulator.examining.commands import Ended
from wechatpay_simulator.examining.examination import AMOUNT, Examination, Placed
from wechatpay_simulator.examining.row import Outcome, Row, failed, passed

REFUND = (
    40  # fen, of AMOUNT: two of them fit, so that nothing but the backend keeps the second from being made
)

_PAUSE_SECONDS = 0.2


def rows() -> Iterator[Row[Examination]]:
    """Just one."""
    yield Row(
        "refund_retried",
        "the same wish again, after a lost answer and after a clear one",
        refund_retried,
        ("order", "refund"),
    )


def refund_retried(exam: Examination) -> Outcome:
    """Asked again with the same key after WeChat Pay's answers were lost, and after a clear one; the ledger is the judge."""
    lost = _of_lost_answers(exam)
    return lost or _of_clear_answers(exam) or passed(f"one refund of {REFUND} fen each time")


def _of_lost_answers(exam: Examination) -> Outcome | None:
    order, key = _paid_order(exam), _new_key()
    with exam.wechat_pay.failing("refund", "reset_after"):
        first = exam.commands.refund(order.out_trade_no, REFUND, key)
        if first.status == 0:  # whoever refunds in the background has perhaps not begun
            _until(exam, lambda: exam.wechat_pay.happened("refund") > 0)
        if not exam.wechat_pay.happened("refund"):
            said = first.problem or "though --refund says that it was accepted"
            return failed(f"no refund was asked for at WeChat Pay, of a paid order ({said})")
    second = _repeated(exam, order, key)
    wrong = _wrong(exam, order, second, "whose first answer was lost")
    if wrong is None and second.problem:
        return failed(
            f"the refund whose first answer was lost is made, and the same wish again is not accepted ({second.problem}): no "
            "answer is no refusal; query the refund, or send it again under its out_refund_no, before it counts as failed: "
            "another wish would refund it twice"
        )
    return wrong


def _of_clear_answers(exam: Examination) -> Outcome | None:
    order, key = _paid_order(exam), _new_key()
    first = _repeated(exam, order, key)
    if first.problem:
        return failed(f"a refund of {REFUND} fen of a paid order of {AMOUNT} is refused: {first.problem}")
    _until(exam, lambda: bool(exam.wechat_pay.refunds(order.out_trade_no)))
    second = exam.commands.refund(order.out_trade_no, REFUND, key)
    return _wrong(exam, order, second, "that was answered at once")


def _wrong(exam: Examination, order: Placed, last: Ended, which: str) -> Outcome | None:
    """What the ledger has against it; None when there is exactly one refund of this amount."""
    _until(exam, lambda: bool(exam.wechat_pay.refunds(order.out_trade_no)))
    made = exam.wechat_pay.refunds(order.out_trade_no)
    if made == [REFUND]:
        return None
    if not made:
        said = f" ({last.problem})" if last.problem else ", though --refund says that it was accepted"
        return failed(f"no refund has reached WeChat Pay of the one {which}{said}")
    if len(made) > 1:
        times = f"{len(made)} × {made[0]} fen" if len(set(made)) == 1 else " + ".join(map(str, made)) + " fen"
        return failed(
            f"refunded twice: {times} for one wish {which}; keep out_refund_no with the wish before it is sent, and send "
            "the same one, with the same amounts, until WeChat Pay has answered"
        )
    return failed(f"refunded {made[0]} fen, and {REFUND} were wished: AMOUNT is in fen")


def _repeated(exam: Examination, order: Placed, key: str) -> Ended:
    """Asked until it is accepted, or patience is over: a backend may well say that it does not know yet."""
    due = time.monotonic() + exam.patience
    while True:
        ended = exam.commands.refund(order.out_trade_no, REFUND, key)
        if not ended.problem or time.monotonic() >= due:
            return ended
        time.sleep(_PAUSE_SECONDS)


def _paid_order(exam: Examination) -> Placed:
    order = exam.place()
    news = exam.wechat_pay.pay(order.out_trade_no)
    if "status" in exam.commands:
        exam.settled(order, news)
    else:
        exam.carrier.tell(news)
    return order


def _until(exam: Examination, holds: Callable[[], bool]) -> None:
    due = time.monotonic() + exam.patience
    while not holds() and time.monotonic() < due:
        time.sleep(_PAUSE_SECONDS)


def _new_key() -> str:
    return f"exam-{secrets.token_hex(8)}"
