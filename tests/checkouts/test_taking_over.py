"""Taking over: by a tap, after the other order was closed with proof; nobody ever holds two orders that can be paid."""

from collections.abc import Callable

import pytest

from payments.core.lifecycle import Status
from tests.checkouts.counter import WECHAT, Counter
from tests.checkouts.test_opening import DiedError, dies_at
from tests.kit.script import SILENCE


@pytest.fixture
def held(counter: Counter) -> dict[str, str]:
    """A checkout that a desktop holds, and somebody within WeChat knows."""
    checkout = counter.kept()
    counter.identify(checkout, WECHAT, "o-alice")
    assert counter.open(checkout).body["status"] == "waiting"
    counter.wait(3)
    return checkout


def test_the_other_order_is_closed_before_the_next_is_opened(counter: Counter, held: dict[str, str]) -> None:
    first = counter.number(held)
    counter.effects.clear()
    told = counter.open(held, WECHAT, take_over=True)
    effects = list(counter.effects)
    assert told.body["status"] == "waiting"
    second = counter.number(held)
    assert effects == [
        "CheckoutsTable.GetItem",
        "PaymentsTable.GetItem",
        "PaymentsTable.UpdateItem",
        "wechat.close",
        "PaymentsTable.UpdateItem",
        "CheckoutsTable.UpdateItem",
        "PaymentsTable.PutItem",
        "wechat.order_jsapi",
        "PaymentsTable.UpdateItem",
    ]
    assert first != second
    assert counter.ledger.payable() == [second]
    assert counter.payment(first).status is Status.CLOSED


def test_the_one_that_was_left_is_told_and_can_take_over_again(
    counter: Counter, held: dict[str, str]
) -> None:
    counter.open(held, WECHAT, take_over=True)
    view = counter.look(held)
    assert (view["status"], view["heldBy"], view["takeOver"]) == ("elsewhere", "jsapi", True)
    assert counter.open(held).body["status"] == "elsewhere"
    counter.wait(3)
    assert counter.open(held, take_over=True).body["status"] == "waiting"
    assert counter.ledger.payable() == [counter.number(held)]
    assert counter.stored(held).attempt == 3


def test_money_that_was_there_first_is_shown(counter: Counter, held: dict[str, str]) -> None:
    number = counter.number(held)
    assert counter.ledger.pay(number)
    told = counter.open(held, WECHAT, take_over=True)
    assert told.body["status"] == "paid"
    assert list(counter.ledger.orders) == [number]


@pytest.mark.parametrize("how", ["refused", "silent"])
def test_while_it_is_not_closed_nothing_is_opened(counter: Counter, held: dict[str, str], how: str) -> None:
    if how == "refused":
        counter.ledger.closes_after = 60
    else:

        def around(name: str, call: Callable[[], object]) -> object:
            if name == "wechat.close":
                raise SILENCE
            return call()

        counter.around = around
    told = counter.open(held, WECHAT, take_over=True)
    assert (told.status, told.body["status"], told.body["heldBy"]) == (200, "closing", "native")
    assert told.body["retryAfter"] >= 1
    assert len(counter.ledger.orders) == 1
    assert counter.stored(held).attempt == 1
    assert told.body["takeOver"] is True
    own = counter.look(held)  # on the device that was left nothing is to be taken over: it is its own order
    assert (own["status"], own["takeOver"]) == ("closing", False)
    counter.around = lambda _, each: each()
    counter.wait(60)
    assert counter.open(held, WECHAT, take_over=True).body["status"] == "waiting"
    assert len(counter.ledger.payable()) == 1


def test_it_may_still_be_paid_on_the_other_device_until_it_is_closed(
    counter: Counter, held: dict[str, str]
) -> None:
    counter.ledger.closes_after = 60
    counter.open(held, WECHAT, take_over=True)
    assert counter.ledger.pay(counter.number(held))
    assert counter.open(held, WECHAT, take_over=True).body["status"] == "paid"


def test_nobody_takes_over_without_saying_who_they_are(counter: Counter, held: dict[str, str]) -> None:
    from tests.checkouts.counter import OTHER_WECHAT

    told = counter.open(held, OTHER_WECHAT, take_over=True)
    assert told.body["status"] == "identify"
    assert counter.look(held)["status"] == "waiting"


def test_nothing_is_closed_where_nothing_could_be_opened_afterwards(
    counter: Counter, held: dict[str, str]
) -> None:
    counter.wait(7200 - 119 - 3)
    told = counter.open(held, WECHAT, take_over=True)
    assert (told.body["status"], told.body["takeOver"]) == ("elsewhere", False)
    assert ("close", counter.number(held)) not in counter.ledger.calls


def test_nor_within_three_seconds_of_the_last(counter: Counter) -> None:
    checkout = counter.kept()
    counter.identify(checkout, WECHAT, "o-alice")
    counter.open(checkout)
    told = counter.open(checkout, WECHAT, take_over=True)
    assert (told.status, told.headers["retry-after"]) == (429, "3")
    assert len(counter.ledger.payable()) == 1


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "effect",
    ["CheckoutsTable.UpdateItem", "PaymentsTable.PutItem", "wechat.order_native", "PaymentsTable.UpdateItem"],
)
def test_another_device_ends_what_a_dead_one_has_begun(counter: Counter, effect: str, after: bool) -> None:
    checkout = counter.kept()
    counter.identify(checkout, WECHAT, "o-alice")
    dies_at(counter, effect, after=after)
    with pytest.raises(DiedError):
        counter.open(checkout)
    for _ in range(60):
        counter.wait(60)
        if counter.open(checkout, WECHAT, take_over=True).body["status"] == "waiting":
            break
        counter.settle()
    assert counter.look(checkout, WECHAT)["status"] == "waiting"
    assert counter.ledger.payable() == [counter.number(checkout)]


@pytest.mark.parametrize(
    "effect", ["PaymentsTable.PutItem", "wechat.order_native", "PaymentsTable.UpdateItem"]
)
def test_a_device_that_is_overtaken_in_the_middle_opens_nothing_beside(counter: Counter, effect: str) -> None:
    """Just before an effect of the first device the second one takes over, for as long as that takes."""
    checkout = counter.kept()
    counter.identify(checkout, WECHAT, "o-alice")

    def around(name: str, call: Callable[[], object]) -> object:
        if name != effect:
            return call()
        counter.around = lambda _, each: each()
        counter.wait(3)
        counter.open(checkout, WECHAT, take_over=True)
        return call()

    counter.around = around
    told = counter.open(checkout)
    assert told.status in (200, 503)
    assert len(counter.ledger.payable()) <= 1
    if told.status == 200 and told.body["status"] == "waiting":
        assert counter.ledger.payable() == [counter.number(checkout)]


def test_an_order_that_its_time_has_ended_makes_room_for_the_next(counter: Counter) -> None:
    checkout = counter.kept(expiresAt="2027-01-20T00:00:00Z")
    counter.open(checkout)
    counter.wait(7200)
    assert counter.open(checkout).body["status"] == "closing"
    counter.wait(61)
    counter.settle()
    assert counter.look(checkout)["status"] == "ready"
    assert counter.open(checkout).body["status"] == "waiting"
    assert counter.stored(checkout).attempt == 2
