"""Money for a checkout: by which order, what becomes of the others, and what a second payment comes to."""

from collections.abc import Callable
from typing import Any

import pytest

from payments.core import identifiers
from payments.core.lifecycle import Status
from tests.checkouts.counter import WECHAT, Counter
from tests.kit.script import SILENCE

Checkout = dict[str, Any]


@pytest.fixture
def superseded(counter: Counter) -> tuple[Checkout, str, str]:
    """A checkout, its first order, which is closed, and its second, which is open."""
    checkout = counter.kept(metadata={"mine": 1.50})
    counter.identify(checkout, WECHAT, "o-alice")
    counter.open(checkout)
    first = counter.number(checkout)
    counter.wait(3)
    assert counter.open(checkout, WECHAT, take_over=True).body["status"] == "waiting"
    counter.hear()
    return checkout, first, counter.number(checkout)


def paid_twice(counter: Counter, superseded: tuple[Checkout, str, str]) -> None:
    """Both orders are paid, the second one first, and everybody has heard of it."""
    _, first, second = superseded
    assert counter.ledger.pay(second)
    counter.notify(second)
    counter.hear()
    counter.ledger.pay_in_spite_of_everything(first)
    counter.notify(first)
    counter.hear()


def names(counter: Counter, number: str) -> list[str]:
    return [event["detail-type"] for event in counter.events if event["detail"]["outTradeNo"] == number]


def settled(counter: Counter) -> None:
    for _ in range(10):
        counter.wait(60)
        counter.settle()
        counter.hear()


def test_the_order_that_pays_a_checkout_is_written_down(counter: Counter) -> None:
    checkout = counter.kept()
    counter.open(checkout)
    number = counter.number(checkout)
    assert counter.ledger.pay(number)
    counter.notify(number)
    counter.hear()
    stored = counter.stored(checkout)
    assert (stored.paid_by, stored.frozen) == (number, False)
    (event,) = [event for event in counter.events if event["detail-type"] == "PaymentSucceeded"]
    assert event["detail"]["checkoutId"] == checkout["checkoutId"]
    assert event["detail"]["metadata"] == {"checkoutId": checkout["checkoutId"]}
    before = counter.stored(checkout)
    counter.deliver(event)  # the bus has everything at least once
    assert counter.stored(checkout) == before
    assert names(counter, number) == ["PaymentCreated", "PaymentSucceeded"]


def test_money_of_an_order_that_was_left_pays_the_checkout_and_ends_the_other(
    counter: Counter, superseded: tuple[Checkout, str, str]
) -> None:
    checkout, first, second = superseded
    counter.ledger.pay_in_spite_of_everything(first)
    counter.notify(first)
    counter.hear()
    stored = counter.stored(checkout)
    assert (stored.paid_by, stored.frozen) == (first, True)
    assert counter.payment(second).status is Status.CLOSED
    assert counter.ledger.payable() == []
    assert counter.look(checkout)["status"] == "paid"
    counter.wait(3)
    assert counter.open(checkout, take_over=True).body["status"] == "paid"
    assert len(counter.ledger.orders) == 2
    late = next(e for e in counter.events if e["detail-type"] == "PaymentSucceeded")
    assert late["detail"]["latePaid"] is True


def test_a_second_payment_is_told_once_and_kept(
    counter: Counter, superseded: tuple[Checkout, str, str]
) -> None:
    checkout, first, second = superseded
    paid_twice(counter, superseded)
    assert names(counter, first) == [
        "PaymentCreated",
        "PaymentClosed",
        "PaymentSucceeded",
        "PaymentDuplicated",
    ]
    (told,) = [event for event in counter.events if event["detail-type"] == "PaymentDuplicated"]
    assert told["detail"]["duplicateOf"] == second
    assert told["detail"]["status"] == "succeeded"
    assert told["detail"]["amount"] == {"total": 1000, "currency": "CNY"}
    assert told["detail"]["metadata"] == {"mine": 1.5, "checkoutId": checkout["checkoutId"]}
    for event in [event for event in counter.events if event["detail-type"] == "PaymentSucceeded"]:
        counter.deliver(event)
    counter.hear()
    settled(counter)
    assert names(counter, first).count("PaymentDuplicated") == 1
    assert counter.payment(first).refunds == {}
    assert counter.stored(checkout).paid_by == second


def test_a_duplicate_goes_back_by_itself_where_the_stack_says_so(
    counter: Counter, superseded: tuple[Checkout, str, str]
) -> None:
    counter.settings(REFUND_DUPLICATES="true")
    _, first, second = superseded
    paid_twice(counter, superseded)
    settled(counter)
    number = identifiers.out_refund_no_of_duplicate(first)
    assert list(counter.payment(first).refunds) == [number]
    assert counter.payment(first).status is Status.REFUNDED
    assert [refund["amount"]["refund"] for refund in counter.ledger.orders[first].refunds.values()] == [1000]
    assert counter.payment(second).refunds == {}
    assert names(counter, first)[-2:] == ["RefundRequested", "RefundSucceeded"]
    for event in [event for event in counter.events if event["detail-type"] == "PaymentSucceeded"]:
        counter.deliver(event)
    settled(counter)
    assert len(counter.ledger.orders[first].refunds) == 1


@pytest.mark.parametrize("who", ["the first", "the duplicate"])
def test_it_does_not_where_somebody_has_refunded_already(
    counter: Counter, superseded: tuple[Checkout, str, str], who: str
) -> None:
    _, first, second = superseded
    paid_twice(counter, superseded)
    counter.settings(REFUND_DUPLICATES="true")
    from payments.use_cases.refunds.refund_wish import Wish
    from payments.use_cases.refunds.refunding import refund_payment

    number = second if who == "the first" else first
    refund_payment(counter.payment(number), Wish(100, None, "k", "office"), counter.wiring)
    for event in [event for event in counter.events if event["detail-type"] == "PaymentSucceeded"]:
        counter.deliver(event)
    settled(counter)
    assert identifiers.out_refund_no_of_duplicate(first) not in counter.payment(first).refunds
    assert counter.counted("DuplicateKept") == 1


def test_nor_while_refunds_are_held_back_after_a_restore(
    counter: Counter, superseded: tuple[Checkout, str, str]
) -> None:
    counter.settings(REFUND_DUPLICATES="true", REFUNDS_HELD="true")
    _, first, _ = superseded
    paid_twice(counter, superseded)
    settled(counter)
    assert counter.payment(first).refunds == {}


@pytest.mark.parametrize("silent", ["wechat.close", "PaymentsTable.UpdateItem", "CheckoutsTable.UpdateItem"])
def test_what_could_not_be_done_is_done_when_it_is_heard_of_again(
    counter: Counter, superseded: tuple[Checkout, str, str], silent: str
) -> None:
    from payments.core.errors import StorageUnavailableError

    checkout, first, second = superseded
    counter.ledger.pay_in_spite_of_everything(first)
    counter.notify(first)
    (paid,) = [event for event in counter.publish() if event["detail-type"] == "PaymentSucceeded"]

    def around(name: str, call: Callable[[], object]) -> object:
        if name == silent:
            raise SILENCE if silent == "wechat.close" else StorageUnavailableError("ReadTimeoutError")
        return call()

    counter.around = around
    # Where only WeChat Pay is silent the wish to close is kept, and settle goes on.
    assert counter.deliver(paid) is (silent == "wechat.close")
    counter.around = lambda _, call: call()
    if silent != "wechat.close":
        assert counter.deliver(paid)
    settled(counter)
    assert counter.stored(checkout).paid_by == first
    assert counter.payment(second).status is Status.CLOSED


def test_what_the_rule_of_the_release_before_still_hands_over_itself_is_heard_of(counter: Counter) -> None:
    checkout = counter.kept()
    counter.open(checkout)
    number = counter.number(checkout)
    assert counter.ledger.pay(number)
    counter.notify(number)
    (paid,) = [event for event in counter.publish() if event["detail-type"] == "PaymentSucceeded"]
    assert counter.checkout_paid.lambda_handler(paid, None) == {"batchItemFailures": []}
    assert counter.stored(checkout).paid_by == number


def test_an_order_that_was_about_to_be_opened_when_the_checkout_was_paid_never_is(counter: Counter) -> None:
    """The next attempt has begun, its order is on its way to the table, and money arrives for the one before."""
    checkout = counter.kept()
    counter.identify(checkout, WECHAT, "o-alice")
    counter.open(checkout)
    first = counter.number(checkout)
    counter.wait(3)

    def around(name: str, call: Callable[[], object]) -> object:
        if name != "PaymentsTable.PutItem":
            return call()
        counter.around = lambda _, each: each()
        counter.ledger.pay_in_spite_of_everything(first)
        counter.notify(first)
        counter.hear()
        return call()

    counter.around = around
    told = counter.open(checkout, WECHAT, take_over=True)
    assert told.body["status"] == "paid"
    assert list(counter.ledger.orders) == [first]
    assert counter.payment(counter.number(checkout)).status is Status.CLOSED


def test_the_details_of_its_order_name_the_checkout(counter: Counter) -> None:
    from payments.api.responses import details

    checkout = counter.kept(metadata={"mine": 1, "checkoutId": "mine, too"})
    counter.open(checkout)
    shown = details(counter.payment(counter.number(checkout)))
    assert shown["checkoutId"] == checkout["checkoutId"]
    assert shown["metadata"]["checkoutId"] == checkout["checkoutId"]  # type: ignore[index]
    assert shown["metadata"]["mine"] == 1  # type: ignore[index]
