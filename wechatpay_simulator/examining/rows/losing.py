"""Rows about payments whose news is lost, late, or crosses a close: the money is there, and the books must come to say so."""

from collections.abc import Iterator

from wechatpay_simulator.examining.examination import KNOWN, Examination
from wechatpay_simulator.examining.row import Outcome, Row, failed, passed


def rows() -> Iterator[Row[Examination]]:
    """In the order of the report."""
    yield Row("lost_notification", "paid, and never told", lost_notification, ("order", "status"))


def rows_of_closing() -> Iterator[Row[Examination]]:
    """Those at the end of the report."""
    needed = ("order", "status", "close")
    yield Row("closed_and_paid", "paid at the moment of the close", closed_and_paid, needed)
    yield Row("late_payment", "paid and told after the backend's own close", late_payment, needed)


def lost_notification(exam: Examination) -> Outcome:
    """Delivery is not guaranteed (WeChat Pay APIv3, Payment notification): a query must find it."""
    order = exam.place()
    exam.wechat_pay.pay(order.out_trade_no)
    entry = exam.settled(order)
    if entry.word in KNOWN:
        return passed(f"the books say “{entry}”")
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
        return passed(f"the books say “{entry}”")
    if entry.word == "unpaid":
        entry = exam.settled(order, news)
        if entry.word in KNOWN:
            return passed(f"left open by the close, and once told the books say “{entry}”")
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
        return passed(f"“{before}” after the close, “{entry}” once told of the payment")
    return failed(
        f"“{before}” after the close, and “{entry}” although the buyer has paid since, and that was told: money outranks a "
        "close; take the payment, or give it back"
    )
