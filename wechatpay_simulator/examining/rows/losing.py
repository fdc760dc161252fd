"""Rows about payments whose news is lost, late, or crosses a close: the money is there, and the books must come to say so."""

from collections.abc import Iterator

from wechatpay_simulator.examining.commands import Entry
from wechatpay_simulator.examining.examination import AMOUNT, KNOWN, Examination, Placed, is_settled
from wechatpay_simulator.examining.row import CommandError, Outcome, Row, failed, passed
from wechatpay_simulator.examining.rows.believing import counted_twice, twice

_NOT_PAID = ("unpaid", "unknown")  # some books know nothing of an order until it is paid
_FOUND_AND_TOLD = "a payment that a query had found, and that was told then,"


def rows() -> Iterator[Row[Examination]]:
    """In the order of the report."""
    yield Row("lost_notification", "paid, and never told", lost_notification, ("order", "status"))


def rows_of_closing() -> Iterator[Row[Examination]]:
    """Those at the end of the report."""
    needed = ("order", "status", "close")
    yield Row("closed_and_paid", "paid at the moment of the close", closed_and_paid, needed)
    yield Row("late_payment", "paid and told after the backend's own close", late_payment, needed)


def lost_notification(exam: Examination) -> Outcome:
    """Delivery is not guaranteed (WeChat Pay APIv3, Payment notification): a query must find it, once its answer can be believed.

    And what was lost may come after all.
    """
    order = exam.place()
    news = exam.wechat_pay.pay(order.out_trade_no)
    with exam.wechat_pay.failing("query", "bad_signature"):
        believed = _entry(exam, order)
    if believed is not None and believed.is_credited:
        return failed(
            f"WeChat Pay's answer to the query was wrongly signed, and the books say “{believed}”: verify the signature of each "
            "answer like that of a notification; where it does not hold nothing is known yet, so ask again"
        )
    entry = exam.settled(order)
    if entry.word in KNOWN:
        exam.carrier.tell(news)
        return _credited_once(exam, order, exam.settled(order), "the books say")
    return failed(
        f"{exam.patience:g} s after the payment the books say “{entry}”: query what is unpaid (GET "
        "/v3/pay/transactions/out-trade-no/…) when the buyer comes back and a minute after the order; if it is later "
        "on purpose, --patience must be longer"
    )


def closed_and_paid(exam: Examination) -> Outcome:
    """WeChat Pay refuses the close (ORDER_PAID). A backend that does not ask why may still wait for the notification."""
    order = exam.place()
    news = exam.wechat_pay.pay(order.out_trade_no)
    ended = exam.commands.close(order.out_trade_no)
    entry = exam.settled(order)
    if entry.word in KNOWN:
        return _credited_once(exam, order, entry, "the books say")
    if entry.word in _NOT_PAID:
        entry = exam.settled(order, news)
        if entry.word in KNOWN:
            return _credited_once(exam, order, entry, "left open by the close, and once told the books say")
        return failed(f"the books say “{entry}” after the close, although they were told of the payment")
    refused = "" if ended.status == 0 else f" ({ended.problem})"
    return failed(
        f"the books say “{entry}” of an order that is paid{refused}: a close that WeChat Pay does not answer with 204 has "
        "not closed; query the order then, and believe what it says"
    )


def late_payment(exam: Examination) -> Outcome:
    """The close does not reach WeChat Pay, so the buyer can still pay; then the notification comes."""
    order = exam.place()
    with exam.wechat_pay.failing("close", "reset_before"):
        exam.commands.close(order.out_trade_no)
        before = exam.commands.status(order.out_trade_no)
        news = exam.wechat_pay.pay(order.out_trade_no)
    entry = exam.settled(order, news)
    if entry.word in KNOWN:
        return _credited_once(exam, order, entry, f"“{before}” after the close, once told of the payment")
    return failed(
        f"“{before}” after the close, and “{entry}” although the buyer has paid since, and that was told: money outranks a "
        "close; take the payment, or give it back"
    )


def _entry(exam: Examination, order: Placed) -> Entry | None:
    """What the books say; None from a backend that cannot say so while it cannot ask WeChat Pay."""
    try:
        return exam.commands.status(order.out_trade_no)
    except CommandError:
        return None


def _credited_once(exam: Examination, order: Placed, entry: Entry, how: str) -> Outcome:
    """The payment is known: whether as much was credited for it as was paid."""
    if not is_settled(entry):
        return failed(
            f"{how} “{entry}”, and {AMOUNT} fen were paid: credit in the one write that makes the order paid, by whatever way "
            "the payment became known"
        )
    if entry.fen is not None and entry.fen > AMOUNT:
        return failed(counted_twice(entry.fen, _FOUND_AND_TOLD))
    exam.watch(order, twice(_FOUND_AND_TOLD), most=AMOUNT)
    return passed(f"{how} “{entry}”")
