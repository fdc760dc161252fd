"""Rows about what is not WeChat Pay's, or not of now: it must be refused, and nothing may be credited for it."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

from wechatpay_simulator.examining.examination import (
    AMOUNT,
    Examination,
    Placed,
    is_acknowledged,
    no_answer,
    refusal,
)
from wechatpay_simulator.examining.row import Outcome, Row, failed, passed
from wechatpay_simulator.faults.faulty_signature import STALE
from wechatpay_simulator.notifications.courier import ACCEPTED
from wechatpay_simulator.notifications.notification import Notification
from wechatpay_simulator.notifications.post import Told
from wechatpay_simulator.triggering.kinds import Kind
from wechatpay_simulator.triggering.tampering import TAMPERS, tampered

_DAY = 86400
_COMPLAINT = Kind("COMPLAINT.CREATE", "complaint")
_ADVICE = {
    "stranger": "verify Wechatpay-Signature over the bytes of timestamp, nonce and body with WeChat Pay's key before anything else",
    "unsigned": "refuse what lacks one of the Wechatpay- headers, from whatever host it comes",
    "signature": "verify the signature over the body as it arrived, not over one that was parsed and written again",
    "stale": "compare Wechatpay-Timestamp with your own clock, both ways, of whatever is rightly signed",
    "probe": "do not let WECHATPAY/SIGNTEST/ pass: it is a signature that does not hold, like any other",
    "serial": "choose the key by Wechatpay-Serial, and refuse a name that you have no key for",
    "timestamp": "the signed text begins with Wechatpay-Timestamp: verify it as it arrived",
}


def rows() -> Iterator[Row[Examination]]:
    """In the order of the report."""
    yield Row("forged", "a body signed by a stranger's key", _refuses("stranger", "unsigned"))
    yield Row("altered", "a body changed after it was signed", altered)
    yield Row("stale", "signed ten minutes ago, and ten ahead", stale)
    yield Row("probe", "WeChat Pay's own probe, WECHATPAY/SIGNTEST/", _refuses("probe"))
    yield Row("unknown_serial", "signed under the name of a key that nobody has", _refuses("serial"))
    yield Row("replayed", "an old notification as it was, and made to look fresh", replayed)


def _refuses(*tampers: str) -> Callable[[Examination], Outcome]:
    def judge(exam: Examination) -> Outcome:
        order = exam.unpaid()
        heard: list[str] = []
        for tamper in tampers:
            for notification in _worth_forging(exam, order):
                told = exam.carrier.tell(notification, tamper=tamper)
                problem = _problem(exam, order, told, tamper)
                if problem:
                    return failed(problem)
                heard.append(refusal(told))
        return passed(_refused(heard))

    return judge


def stale(exam: Examination) -> Outcome:
    """Whoever only looks back takes a notification of ten minutes ahead again and again for a quarter of an hour."""
    order = exam.unpaid()
    heard: list[str] = []
    for notification in _worth_forging(exam, order):
        for age in (STALE, -STALE):
            told = exam.carrier.tell(notification, age=age)
            problem = _problem(exam, order, told, "stale")
            if problem:
                return failed(problem)
            heard.append(refusal(told))
    return passed(_refused(heard))


def altered(exam: Examination) -> Outcome:
    """On its way, with the signature of the body that it was: another id, another ciphertext, the same JSON with spaces."""
    order = exam.unpaid()
    heard: list[str] = []
    for notification in _worth_forging(exam, order):
        signature = exam.carrier.signed(notification)
        for changed in (
            of_another_id(notification),
            tampered(notification, "ciphertext"),
            replace(
                notification, body=json.dumps(json.loads(notification.body), ensure_ascii=False).encode()
            ),
        ):
            told = exam.carrier.tell_so(changed, signature)
            problem = _problem(exam, order, told, "signature")
            if problem:
                return failed(problem)
            heard.append(refusal(told))
    return passed(_refused(heard))


def of_another_id(notification: Notification) -> Notification:
    """The same content, in an envelope of another id."""
    body = notification.body.replace(notification.id.encode(), str(uuid.uuid4()).encode())
    return replace(notification, body=body)


def replayed(exam: Examination) -> Outcome:
    """A day old with the signature of then; of ten minutes ago with the timestamp of now; and, of a paid order, at once again."""
    order = exam.unpaid()
    heard: list[str] = []
    for notification in _worth_forging(exam, order):
        for tamper, told in (
            ("stale", exam.carrier.tell(notification, age=_DAY)),
            ("timestamp", exam.carrier.tell(notification, tamper="timestamp")),
        ):
            problem = _problem(exam, order, told, tamper)
            if problem:
                return failed(problem)
            heard.append(refusal(told))
    twice = _counted_twice(exam) if "order" in exam.commands and "status" in exam.commands else ""
    return failed(twice) if twice else passed(_refused(heard))


def _counted_twice(exam: Examination) -> str:
    """What is wrong when an accepted notification comes again with the very same headers; it may be acknowledged."""
    order = exam.place()
    news = exam.wechat_pay.pay(order.out_trade_no)
    signature = exam.carrier.signed(news)
    if exam.carrier.tell_so(news, signature).status not in ACCEPTED:
        return ""  # that is for other rows to say
    exam.settled(order)
    exam.carrier.tell_so(news, signature)
    fen = exam.settled(order).fen
    if fen is not None and fen > AMOUNT:
        return counted_twice(fen, "the same notification with the same headers")
    exam.watch(order, twice("the same notification with the same headers"), most=AMOUNT)
    return ""


def counted_twice(fen: int, what: str) -> str:
    """The sentence for it."""
    return f"credited {fen} fen for an order of {AMOUNT}: {twice(what)}"


def twice(what: str) -> str:
    """What is wrong then, and what to do about it."""
    return f"{what} was counted twice; keep the transaction_id, and credit an order only in the one write that makes it paid"


def _worth_forging(exam: Examination, order: Placed) -> list[Notification]:
    """A payment; where nobody can place an order also a complaint, for an unknown order may be what is refused."""
    payment = exam.payment_of(order)
    return [payment] if "order" in exam.commands else [payment, exam.carrier.of_kind(_COMPLAINT)]


def _problem(exam: Examination, order: Placed, told: Told, tamper: str) -> str:
    """What is wrong with how it was taken; nothing when it was refused and nothing was credited."""
    entry = exam.credited(order, after=told)
    if entry is not None or is_acknowledged(told):
        exam.spoil()
        then = "" if entry is None else f", and the books say “{entry}” of an order that nobody has paid"
        return f"answered {told.status}{then}: {TAMPERS[tamper].accepted_means}; {_ADVICE[tamper]}"
    return no_answer(told)


def _refused(heard: list[str]) -> str:
    return f"refused ({', '.join(dict.fromkeys(heard))})"
