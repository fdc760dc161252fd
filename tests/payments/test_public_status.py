"""An order's status in public words: the checkout page's view and its live connection never differ."""

from dataclasses import replace
from typing import Any

import pytest

from payments.api import checkout
from payments.api.public_status import public_status
from payments.core.events import entries_of
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from tests.kit.payments import a_payment

END = 1_704_117_600
WORDS = {
    Status.CREATING: "waiting",
    Status.PENDING: "waiting",
    Status.FAILED: "failed",
    Status.CLOSED: "closed",
    Status.PAID: "paid",
    Status.PARTIALLY_REFUNDED: "partially_refunded",
    Status.REFUNDED: "refunded",
}


@pytest.fixture
def payment() -> Payment:
    return a_payment(
        subject="A lamp",
        amount=100,
        time_expire=END,
        status=Status.PENDING,
        created_at=END - 7200,
        updated_at=END - 7000,
        sent_at=END - 7200,
    )


@pytest.mark.parametrize(("status", "word"), WORDS.items())
def test_view_and_news_have_one_word_for_each_status(payment: Payment, status: Status, word: str) -> None:
    assert checkout.status_of(replace(payment, status=status), END - 1) == word
    assert public_status(status.word, expired=False) == word


def test_what_is_closed_after_its_time_was_over_is_expired_in_both(payment: Payment) -> None:
    late = replace(payment, status=Status.CLOSED, updated_at=END)
    assert checkout.status_of(late, END + 60) == public_status("closed", expired=True) == "expired"


def image(*entries: tuple[str, int, str | None], time_expire: int | None = END) -> dict[str, Any]:
    """A payment as a stream record has it; entries are (status, moment, event)."""
    history = [
        {
            "M": {"to": {"S": to}, "cause": {"S": "x"}, "at": {"N": str(at)}}
            | ({"event": {"S": told}} if told else {})
        }
        for to, at, told in entries
    ]
    texts = {"out_trade_no": "WX1", "payment_id": "P", "user_id": "u", "content_id": "c", "currency": "CNY"}
    end = {} if time_expire is None else {"time_expire": {"N": str(time_expire)}}
    members: dict[str, Any] = {name: {"S": text} for name, text in texts.items()}
    return members | {
        "amount": {"N": "1"},
        "history": {"L": history},
        **end,
    }


@pytest.mark.parametrize(("closed_at", "expired"), [(END - 1, False), (END, True), (END + 90, True)])
def test_the_event_of_a_closed_order_says_whether_its_time_was_over(closed_at: int, expired: bool) -> None:
    told = image(("PENDING", END - 7200, "PaymentCreated"), ("CLOSED", closed_at, "PaymentClosed"))
    created, closed = (entry["Detail"] for _, entry in entries_of(None, told, bus="b"))
    assert ('"expired":true' in closed) is expired
    assert "expired" not in created


def test_late_money_is_not_expired_any_more_and_an_image_without_an_end_is_told_of_all_the_same() -> None:
    late = image(("CLOSED", END, "PaymentClosed"), ("PAID", END + 5, "PaymentSucceeded"))
    assert ["expired" in entry["Detail"] for _, entry in entries_of(None, late, bus="b")] == [True, False]
    endless = image(("CLOSED", END, "PaymentClosed"), time_expire=None)
    ((_, entry),) = entries_of(None, endless, bus="b")
    assert "expired" not in entry["Detail"]
