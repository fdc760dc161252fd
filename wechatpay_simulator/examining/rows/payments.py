"""Rows about genuine notifications: a payment is known, counted once, and nothing else is turned away."""

import time
from collections.abc import Iterator

from wechatpay_simulator.examining.examination import (
    AMOUNT,
    SETTLING_SECONDS,
    Examination,
    is_acknowledged,
    no_answer,
    refusal,
)
from wechatpay_simulator.examining.row import Outcome, Row, failed, needs, passed
from wechatpay_simulator.examining.rows.believing import counted_twice, of_another_id, twice
from wechatpay_simulator.notifications.courier import ACCEPTED
from wechatpay_simulator.notifications.post import Told
from wechatpay_simulator.triggering.kinds import Kind
from wechatpay_simulator.triggering.occasions import Occasion

_COUPON = 10  # fen, of AMOUNT
_SAME, _OF_ANOTHER_ID = "the same notification", "the same payment under another notification id"

_FEN = 'the fen credited, behind the word that --status prints: "paid 100"'
_OTHER_KINDS = (
    Kind("COMPLAINT.CREATE", "complaint"),
    Kind("COMPLAINT.STATE_CHANGE", None),  # as WeChat Pay's own example has it
    Kind("COUPON.USE", None),
    Kind("TRANSACTION.SUCCESS", "profitsharing"),
    Kind("MCHTRANSFER.BILL.FINISHED", "mch_payment"),
    Kind("SECURITY_ECHO.SUCCESS", "security"),
)


def rows() -> Iterator[Row[Examination]]:
    """In the order of the report."""
    yield Row("paid", "an order is paid, and that is told", paid, ("order", "status"))
    yield Row("duplicate", "the same payment four times, two at once", duplicate, ("order", "status"))
    yield Row("other_kinds", "complaint, coupon, profit sharing, transfer, echo", other_kinds)


def paid(exam: Examination) -> Outcome:
    """The ordinary case: without it the refusals of other rows prove little. And with a coupon, which pays like money."""
    said = ""
    for coupons in ((), (_COUPON,)):
        order = exam.place()
        with_it = ""
        if coupons:
            with_it = (
                f", with a coupon of {_COUPON} fen (amount.total is {AMOUNT}, payer_total {AMOUNT - _COUPON}: the order is "
                "paid in full, and amount.total says so)"
            )
        told = exam.carrier.tell(exam.wechat_pay.pay(order.out_trade_no, *coupons))
        if told.status not in ACCEPTED:
            return failed(
                f"WeChat Pay's own notification is turned away ({_why(told)}){with_it}: it comes again for a day"
            )
        entry = exam.settled(order)
        if entry.word != "paid":
            return failed(
                f"acknowledged ({told.status}){with_it}, and {exam.patience:g} s later the books say “{entry}”: "
                "WeChat Pay does not come again after a 200, so write the books before you answer"
            )
        if entry.fen not in (None, AMOUNT):
            return failed(
                f"the books say “{entry}” of an order of {AMOUNT} fen that was paid in full{with_it}"
            )
        said = said or f"the books say “{entry}”"
    return passed(said)


def duplicate(exam: Examination) -> Outcome:
    """WeChat Pay repeats itself, sometimes over two connections at the same moment, and promises no id for a payment but its own."""
    order = exam.place()
    news = exam.wechat_pay.pay(order.out_trade_no)
    exam.carrier.tell_at_once(news, 2)
    last = exam.carrier.tell(news)
    entry = exam.settled(order)
    if entry.word != "paid":
        return failed(f"the books say “{entry}” of a paid order that they were told of three times")
    if entry.fen is None:
        return needs(_FEN)
    time.sleep(SETTLING_SECONDS)
    fen = exam.commands.status(order.out_trade_no).fen
    if fen != AMOUNT:
        if fen is not None and fen > AMOUNT:
            return failed(counted_twice(fen, _SAME))
        return failed(f"credited {fen} fen for an order of {AMOUNT}")
    exam.carrier.tell(of_another_id(news))
    fen = exam.commands.status(order.out_trade_no).fen
    if fen is not None and fen > AMOUNT:
        return failed(counted_twice(fen, _OF_ANOTHER_ID))
    exam.watch(order, twice("the same payment"), most=AMOUNT)
    if last.status not in ACCEPTED:
        return failed(
            f"counted once, but the repetition is turned away ({_why(last)}): acknowledge what you know already "
            "with 200, or WeChat Pay repeats it for a day"
        )
    return passed(f"acknowledged, and credited once ({fen} fen)")


def other_kinds(exam: Examination) -> Outcome:
    """WeChat Pay sends to a notify_url whatever the merchant's other products give rise to."""
    for kind in _OTHER_KINDS:
        told = exam.carrier.tell(exam.carrier.of_kind(kind))
        if told.status not in ACCEPTED:
            called = (
                kind.event_type if kind.original_type is None else f"{kind.event_type} / {kind.original_type}"
            )
            return failed(
                f"{called} is turned away ({_why(told)}): once the signature holds, answer 200 to every kind that you do "
                "not use; both types together say what it is, and TRANSACTION.SUCCESS / transaction alone is a payment"
            )
    taken = _taken_for_a_payment(exam) if "order" in exam.commands and "status" in exam.commands else ""
    return failed(taken) if taken else passed("acknowledged")


def _taken_for_a_payment(exam: Examination) -> str:
    """What is wrong where the news of a refund or of a payment that failed makes an order paid, whatever it is answered."""
    order = exam.place()
    for what, news in (
        ("REFUND.SUCCESS / refund", exam.carrier.refund(order.out_trade_no, AMOUNT)),
        (
            "TRANSACTION.FAIL / transaction, trade_state PAYERROR,",
            exam.carrier.failed_payment(Occasion(order.out_trade_no, "", AMOUNT)),
        ),
    ):
        entry = exam.credited(order, after=exam.carrier.tell(news))
        if entry is not None and (entry.word == "paid" or entry.fen):
            return (
                f"{what} tells of no payment, and the books say “{entry}” of an order that nobody has paid: credit for "
                "TRANSACTION.SUCCESS / transaction alone, and where trade_state is SUCCESS"
            )
    return ""


def _why(told: Told) -> str:
    if is_acknowledged(told):
        return f"{told.status}; of success WeChat Pay takes 200 and 204 alone"
    return no_answer(told) or refusal(told)
