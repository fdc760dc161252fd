"""Rows about genuine notifications that are not of an order of the examinee's: its own record decides, not what it is told."""

from collections.abc import Callable, Iterator
from typing import Any

from wechatpay_simulator.examining.examination import (
    AMOUNT,
    Examination,
    is_acknowledged,
    no_answer,
    refusal,
)
from wechatpay_simulator.examining.row import Outcome, Row, failed, passed

_NEEDS = ("order", "status")
_ONE_FEN = {"total": 1, "payer_total": 1, "currency": "CNY", "payer_currency": "CNY"}
_DOLLARS = {"total": AMOUNT, "payer_total": AMOUNT, "currency": "USD", "payer_currency": "USD"}


def rows() -> Iterator[Row[Examination]]:
    """In the order of the report."""
    yield Row(
        "wrong_amount",
        f"rightly signed, 1 fen paid of {AMOUNT}",
        _credits_nothing({"of 1 fen": {"amount": _ONE_FEN}}, "compare amount.total with the order's own"),
        _NEEDS,
    )
    yield Row(
        "wrong_currency",
        "rightly signed, paid in dollars",
        _credits_nothing({"in USD": {"amount": _DOLLARS}}, "compare amount.currency with the order's own"),
        _NEEDS,
    )
    yield Row(
        "wrong_merchant",
        "rightly signed, of another mchid or appid",
        _credits_nothing(
            {
                "to another mchid": {"mchid": "1600000000"},
                "in another appid": {"appid": "wx0123456789abcdef"},
            },
            "compare mchid and appid with the order's own",
        ),
        _NEEDS,
    )
    yield Row("unknown_order", "rightly signed, of an order that nobody has placed", unknown_order)


def _credits_nothing(changes: dict[str, dict[str, Any]], advice: str) -> Callable[[Examination], Outcome]:
    """Whatever it is answered: a refusal is as good as setting it aside."""

    def judge(exam: Examination) -> Outcome:
        order = exam.place()  # of its own: a backend may well set aside an order that it was told nonsense of
        heard: list[str] = []
        for how, change in changes.items():
            told = exam.carrier.tell(exam.payment_of(order, **change))
            entry = exam.credited(order, after=told)
            problem = f"of an order of {AMOUNT} fen, and its payment was {how}: {advice}"
            if entry is not None:
                return failed(f"the books say “{entry}” {problem}")
            heard.append(refusal(told))
        exam.watch(order, f"this is {problem}", most=0)
        return passed(f"not credited (answered {', '.join(dict.fromkeys(heard))})")

    return judge


def unknown_order(exam: Examination) -> Outcome:
    """The order may be there a moment later, or in a restored table: who says 200 is not told again."""
    told = exam.carrier.tell(exam.payment_of(exam.unplaced()))
    if is_acknowledged(told):
        return failed(
            f"answered {told.status}: somebody has paid, and WeChat Pay does not come again; answer 4xx or 5xx and look "
            "for the order, or restore it"
        )
    return failed(no_answer(told)) if no_answer(told) else passed(f"not acknowledged ({refusal(told)})")
