"""A buyer who says to have paid has WeChat Pay asked, once in two seconds; a look alone asks nobody."""

from tests.checkouts.counter import PHONE, Counter
from tests.kit.script import SILENCE


def test_a_payment_that_nobody_told_of_is_found(counter: Counter) -> None:
    checkout = counter.kept()
    counter.open(checkout, PHONE)
    assert counter.ledger.pay(counter.number(checkout))
    counter.effects.clear()
    assert counter.look(checkout, PHONE)["status"] == "waiting"
    assert counter.effects == ["CheckoutsTable.GetItem", "PaymentsTable.GetItem"]
    assert counter.look(checkout, PHONE, asked=True)["status"] == "paid"
    assert counter.effects.count("wechat.query_by_out_trade_no") == 1


def test_whoever_asks_again_at_once_is_told_what_is_known(counter: Counter) -> None:
    checkout = counter.kept()
    counter.open(checkout, PHONE)
    counter.effects.clear()
    for _ in range(3):
        assert counter.look(checkout, PHONE, asked=True)["status"] == "waiting"
    assert counter.effects.count("wechat.query_by_out_trade_no") == 1


def test_where_wechat_pay_does_not_answer_the_table_does(counter: Counter) -> None:
    checkout = counter.kept()
    counter.open(checkout, PHONE)

    def around(name: str, call: object) -> object:
        if name == "wechat.query_by_out_trade_no":
            raise SILENCE
        return call()  # type: ignore[operator]

    counter.around = around
    assert counter.look(checkout, PHONE, asked=True)["status"] == "waiting"


def test_there_is_nobody_to_ask_about_a_checkout_of_which_nothing_was_opened(counter: Counter) -> None:
    checkout = counter.kept()
    counter.effects.clear()
    assert counter.look(checkout, PHONE, asked=True)["status"] == "ready"
    assert counter.effects == ["CheckoutsTable.GetItem"]
