"""What WeChat Pay tells of a refund: applied once, kept when it must wait, set aside when it cannot be true, and 200 only then."""

import json
from typing import Any

import pytest

from payments.core.lifecycle import RefundStatus, Status
from payments.use_cases.evidence import apply_order
from tests.kit.dynamodb import Answer, Operation, Run
from tests.kit.office import HOUR, NO_SUCH_REFUND, Office, console, moving, taken
from tests.kit.payments import facts_of, put
from tests.kit.script import SILENCE, order_object

SUCCESS = {"code": "SUCCESS", "message": "Success"}


def news(office: Office, number: str, refund: str, amount: int = 300, status: str = "SUCCESS") -> int:
    """The status that WeChat Pay gets for its news."""
    told = office.notify(console(office.stored(number), refund, amount, status))
    if told.status == 200:
        assert told.body == SUCCESS
    else:
        assert told.body["code"] == "FAIL"
    return told.status


def pay(office: Office, number: str) -> None:
    payment = office.stored(number)
    members = order_object("SUCCESS")(number) | {"success_time": "2027-01-15T16:00:00+08:00"}
    assert payment.amount == 1000
    assert office.notify(members, "TRANSACTION.SUCCESS").status == 200


# ---- of our own refunds ----


@pytest.mark.parametrize(
    ("status", "refundable", "refunding", "refunded", "event"),
    [
        ("SUCCESS", 700, 0, 300, "RefundSucceeded"),
        ("CLOSED", 1000, 0, 0, "RefundClosed"),
        ("ABNORMAL", 700, 300, 0, "RefundAbnormal"),
    ],
)
def test_a_refund_ends_as_wechat_pay_says_and_each_news_counts_once(
    office: Office, status: str, refundable: int, refunding: int, refunded: int, event: str
) -> None:
    number = office.paid()
    ours = office.refund(number).number
    for _ in range(3):
        assert news(office, number, ours, status=status) == 200
    payment = office.stored(number)
    assert (payment.refundable, payment.refunding, payment.refunded) == (refundable, refunding, refunded)
    assert office.events(number) == ["RefundRequested", event]
    assert payment.refunds[ours].wechat_request is None or status == "ABNORMAL"
    assert (payment.due_at is None) == (status != "ABNORMAL")
    assert payment.history[-1].cause == "notification"


def test_the_answer_that_is_heard_last_may_be_the_oldest(office: Office) -> None:
    """An earlier refund has left the payment where the news of the second leaves it: the refund alone tells what is stale."""
    number = office.paid()
    office.refund(number, 1, key="first", wechat=taken("SUCCESS"))

    def meanwhile(status: str) -> Any:
        def answered(request: dict[str, Any]) -> dict[str, object]:
            assert news(office, number, request["out_refund_no"], status=status) == 200
            return taken("PROCESSING")(request)

        return answered

    for key, status in (("second", "SUCCESS"), ("third", "CLOSED"), ("fourth", "ABNORMAL")):
        told = office.refund(number, key=key, wechat=meanwhile(status))
        assert told.data["status"] == status
        assert office.stored(number).refunds[told.number].status.word == status


def test_a_refund_that_is_stuck_is_not_under_way_again_because_an_old_answer_says_so(office: Office) -> None:
    number = office.paid()
    ours = office.refund(number).number

    def meanwhile(request: dict[str, Any]) -> dict[str, object]:
        news(office, number, ours, status="ABNORMAL")
        return taken("PROCESSING")(request)

    office.script.refund_query = meanwhile
    office.wait(HOUR)
    office.look(number)
    assert office.refund_of(number).status is RefundStatus.ABNORMAL
    assert office.set_aside(number) == []


def test_a_refund_that_somebody_sent_on_in_the_merchant_platform_is_asked_about_as_soon_as_a_new_one(
    office: Office,
) -> None:
    number = office.paid()
    ours = office.refund(number).number
    news(office, number, ours, status="ABNORMAL")
    office.script.refund_query = taken("PROCESSING")
    office.wait(30 * HOUR)
    office.look(number)
    assert office.refund_of(number).status is RefundStatus.PROCESSING
    office.script.refund_query = taken("ABNORMAL")  # that bank did not take it either
    due_at = office.stored(number).due_at
    assert due_at is not None
    assert due_at <= office.wiring.time + 60
    office.wait(60)
    office.look(number)
    assert office.events(number) == ["RefundRequested", "RefundAbnormal", "RefundAbnormal"]


def test_a_refund_that_went_back_to_the_merchant_is_no_news_for_the_buyer(office: Office) -> None:
    for account, to_merchant in (("商户银行账户", True), ("支付用户零钱", False), (None, False)):
        number = office.paid()
        ours = office.refund(number).number
        members = console(office.stored(number), ours, 300, user_received_account=account)
        assert office.notify(members).status == 200
        assert office.stored(number).history[-1].to_merchant is to_merchant
        assert office.details(number)["refunds"][0].get("userReceivedAccount") == account


def test_two_refunds_that_end_at_the_same_moment_leave_the_payment_wholly_refunded(office: Office) -> None:
    number = office.paid()
    one, other = office.refund(number, 4, key="a").number, office.refund(number, 6, key="b").number
    first, last = sorted((one, other))  # as they are looked into

    def meanwhile(request: dict[str, Any]) -> dict[str, object]:
        if request["out_refund_no"] == first:
            assert news(office, number, last, 600 if last == other else 400) == 200
        return taken("SUCCESS")(request)

    office.script.refund_query = meanwhile
    office.wait(60)
    office.look(number)
    payment = office.stored(number)
    assert (payment.status, payment.refunded, payment.due_at) == (Status.REFUNDED, 1000, None)


def test_a_payment_stays_due_while_another_of_its_refunds_is_open(office: Office) -> None:
    number = office.paid()
    one, other = office.refund(number, 4, key="a").number, office.refund(number, 5, key="b").number
    assert news(office, number, one, 400) == 200
    assert office.stored(number).due_at is not None
    assert news(office, number, other, 500) == 200
    payment = office.stored(number)
    assert (payment.due_at, payment.status) == (None, Status.PARTIALLY_REFUNDED)


# ---- of refunds made elsewhere ----


@pytest.mark.parametrize("status", ["SUCCESS", "ABNORMAL"])
def test_a_refund_in_the_console_is_taken_over_as_one_that_is_not_ours(office: Office, status: str) -> None:
    number = office.paid()
    for _ in range(2):
        assert news(office, number, "CONSOLE", 1000, status) == 200
    refund = office.refund_of(number)
    assert (refund.elsewhere, refund.wechat_request, refund.sent_at) == (True, None, None)
    assert (refund.created_at, refund.refund_id) == (int(office.time()), "50CONSOLE")
    payment = office.stored(number)
    assert payment.due_at == office.time() + 60  # how it ends, or when it was made
    told = office.refund(number, 1)
    assert told.status == (409 if status == "SUCCESS" else 422)


def test_a_refund_in_the_console_that_came_to_nothing_is_no_refund_here(office: Office) -> None:
    number = office.paid()
    for amount in (300, 2000):
        assert news(office, number, f"CONSOLE-{amount}", amount, "CLOSED") == 200
    payment = office.stored(number)
    assert (payment.refunds, payment.refundable, payment.due_at) == ({}, 1000, None)
    assert (office.set_aside(number), office.events(number)) == ([], [])


def test_the_fifty_first_refund_in_the_console_is_for_a_person_to_judge(office: Office) -> None:
    number = office.paid()
    for each in range(50):
        assert news(office, number, f"CONSOLE-{each}", 1) == 200
    assert office.stored(number).refund_count == 50
    assert news(office, number, "CONSOLE-50", 1) == 200
    payment = office.stored(number)
    assert (payment.refund_count, payment.refunded, payment.held) == (50, 50, ())
    assert office.set_aside(number) == ["refund_beyond_payment"]


@pytest.mark.parametrize("ends", ["CLOSED", "SUCCESS"])
@pytest.mark.parametrize("wechat", [taken("ABNORMAL"), taken("PROCESSING"), SILENCE])
def test_a_refund_in_the_console_waits_for_the_end_of_ours_that_leaves_it_no_room(
    office: Office, wechat: Any, ends: str
) -> None:
    """Its news may be here before that of ours, which came to nothing: WeChat Pay itself pays no fen too much."""
    number = office.paid()
    ours = office.refund(number, 5, key="a", wechat=wechat).number
    assert news(office, number, "CONSOLE", 501) == 200
    assert (office.set_aside(number), len(office.stored(number).held)) == ([], 1)
    assert news(office, number, ours, 500, ends) == 200
    payment = office.stored(number)
    assert payment.held == ()
    if ends == "CLOSED":
        assert (office.set_aside(number), payment.refunded, payment.refundable) == ([], 501, 499)
    else:
        assert (office.set_aside(number), payment.refunded) == (["refund_beyond_payment"], 500)


@pytest.mark.parametrize("amount", [0, -5, 501, 1000])
def test_a_refund_in_the_console_is_of_one_fen_at_least_and_of_what_has_not_gone_back_at_most(
    office: Office, amount: int
) -> None:
    number = office.paid()
    office.refund(number, 5, key="gone", wechat=taken("SUCCESS"))
    assert news(office, number, "CONSOLE", amount) == 200
    assert office.set_aside(number) == ["refund_beyond_payment"]
    assert office.stored(number).refund_count == 1


def test_a_refund_in_the_console_of_exactly_what_is_left_is_taken_over_at_once(office: Office) -> None:
    number = office.paid()
    office.refund(number, 5, key="unheard", wechat=SILENCE)
    assert news(office, number, "CONSOLE", 500) == 200
    payment = office.stored(number)
    assert (payment.refunded, payment.refundable, payment.held) == (500, 0, ())


# ---- what cannot be true ----


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"mchid": "1900000110"}, "other_mchid"),
        ({"transaction_id": "4200"}, "other_order"),
        ({"amount": {"refund": 300, "total": 999}}, "other_order"),
        ({"amount": {"refund": 299, "total": 1000}}, "other_refund_amount"),
        ({"refund_id": "50-another"}, "second_refund"),
    ],
)
def test_news_that_contradict_the_refund_as_it_is_known_are_set_aside_and_change_nothing(
    office: Office, changed: dict[str, object], reason: str
) -> None:
    number = office.paid()
    ours = office.refund(number).number
    before = office.stored(number)
    assert office.notify(console(before, ours, 300) | changed).status == 200
    assert (office.stored(number), office.set_aside(number)) == (before, [reason])


def test_what_is_set_aside_is_all_that_was_said(office: Office) -> None:
    number = office.paid()
    ours = office.refund(number).number
    office.notify(console(office.stored(number), ours, 299))
    (kept,) = office.db.items("QuarantineTable")
    assert (kept["source"], kept["out_trade_no"]) == ({"S": "notification"}, {"S": number})
    assert json.loads(kept["facts"]["S"]) == {
        "out_trade_no": number,
        "out_refund_no": ours,
        "refund_id": f"50{ours}",
        "transaction_id": f"42{number[2:]}",
        "status": "SUCCESS",
        "amount": 299,
        "total": 1000,
        "mchid": "1900000109",
        "success_time": "2027-01-15T16:00:00+08:00",
    }


def test_news_without_the_merchant_s_number_contradict_nothing(office: Office) -> None:
    number = office.paid()
    ours = office.refund(number).number
    assert office.notify(console(office.stored(number), ours, 300, mchid=None)).status == 200
    assert office.stored(number).refunded == 300


@pytest.mark.parametrize(("first", "then"), [("SUCCESS", "CLOSED"), ("CLOSED", "SUCCESS")])
def test_a_refund_that_has_ended_does_not_end_otherwise(office: Office, first: str, then: str) -> None:
    number = office.paid()
    ours = office.refund(number).number
    news(office, number, ours, status=first)
    before = office.stored(number)
    assert news(office, number, ours, status=then) == 200
    assert (office.stored(number), office.set_aside(number)) == (before, ["contradiction_after_final"])
    assert news(office, number, ours, status="ABNORMAL") == 200  # older news: nothing to judge
    assert (office.stored(number), len(office.set_aside(number))) == (before, 1)


def test_news_of_an_order_that_nobody_knows_are_set_aside_and_asked_for_again(office: Office) -> None:
    known = office.stored(office.paid())
    told = office.notify(console(known, "RF1", 300, out_trade_no="WXNOBODY"))
    assert (told.status, office.set_aside("WXNOBODY")) == (503, ["unknown_order"])


def test_what_cannot_be_set_aside_is_not_thanked_for(office: Office) -> None:
    number = office.paid()
    ours = office.refund(number).number
    office.silent_table(lambda operation: operation.table == "QuarantineTable")
    assert news(office, number, ours, 299) == 503
    office.restored_table()
    assert news(office, number, ours, 299) == 200
    assert office.set_aside(number) == ["other_refund_amount"]


# ---- what must wait ----


def test_news_of_a_refund_before_those_of_the_payment_wait_and_are_applied_by_themselves(
    office: Office,
) -> None:
    number = office.unpaid()
    for _ in range(3):
        assert news(office, number, "CONSOLE") == 200
    payment = office.stored(number)
    assert (len(payment.held), payment.refunds) == (1, {})
    assert payment.due_at == office.time() + 60
    assert office.counted("EvidenceHeld") == 1
    pay(office, number)
    assert office.stored(number).due_at == office.time() + 60
    office.wait(60)
    office.look(number)
    payment = office.stored(number)
    assert (payment.refunded, payment.held, payment.due_at) == (300, (), office.time() + 60)
    assert office.events(number) == ["RefundRequested", "RefundSucceeded"]
    assert payment.history[-1].cause == "held"
    assert news(office, number, "CONSOLE") == 200
    assert office.stored(number) == payment


def test_news_that_cannot_be_kept_are_asked_for_again(office: Office) -> None:
    number = office.unpaid()
    office.silent_table(lambda operation: operation.writes)
    assert news(office, number, "CONSOLE") == 503
    office.restored_table()
    assert office.stored(number).held == ()


def test_no_more_than_fifty_news_are_kept_with_a_payment(office: Office) -> None:
    number = office.unpaid()
    for each in range(50):
        assert news(office, number, f"CONSOLE-{each}", 1) == 200
    assert news(office, number, "CONSOLE-50", 1) == 503
    assert len(office.stored(number).held) == 50


def test_two_news_that_come_at_the_same_moment_are_both_kept(office: Office) -> None:
    number = office.unpaid()
    told: list[int] = []
    office.before_the_next_write(lambda: told.append(news(office, number, "OTHER")))
    assert news(office, number, "CONSOLE") == 200
    assert told == [200]
    held = [json.loads(text)["out_refund_no"] for text in office.stored(number).held]
    assert held == ["OTHER", "CONSOLE"]


def test_the_same_news_twice_at_the_same_moment_are_kept_once(office: Office) -> None:
    number = office.unpaid()
    told: list[int] = []
    office.before_the_next_write(lambda: told.append(news(office, number, "CONSOLE")))
    assert news(office, number, "CONSOLE") == 200
    assert told == [200]
    assert len(office.stored(number).held) == 1


def test_news_that_wait_for_room_are_applied_when_ours_gives_it_back_and_not_before(office: Office) -> None:
    number = office.paid()
    ours = office.refund(number, 8, key="ours", wechat=SILENCE).number
    assert news(office, number, "CONSOLE-1", 900) == 200
    assert news(office, number, "CONSOLE-2", 100) == 200  # there is room for this one
    payment = office.stored(number)
    assert (len(payment.held), payment.refunded, payment.refundable) == (1, 100, 100)
    office.wait(60)
    office.script.refund_query = NO_SUCH_REFUND
    office.look(number, SILENCE)
    assert len(office.stored(number).held) == 1
    assert news(office, number, ours, 800, "CLOSED") == 200
    payment = office.stored(number)
    assert (payment.status, payment.refunded, payment.held) == (Status.REFUNDED, 1000, ())
    assert payment.refunds[ours].status is RefundStatus.CLOSED
    office.look_until_nothing_is_due(number)


def test_of_what_waits_each_is_applied_as_soon_as_there_is_room_for_it(office: Office) -> None:
    number = office.paid()
    big = office.refund(number, 6, key="big", wechat=SILENCE).number
    small = office.refund(number, 4, key="small", wechat=SILENCE).number
    for console_number, amount in (("CONSOLE-1", 700), ("CONSOLE-2", 300)):
        assert news(office, number, console_number, amount) == 200
    assert len(office.stored(number).held) == 2
    assert news(office, number, small, 400, "CLOSED") == 200
    payment = office.stored(number)
    assert (payment.refunded, [json.loads(text)["out_refund_no"] for text in payment.held]) == (
        300,
        ["CONSOLE-1"],
    )
    assert payment.due_at == office.time() + 60
    assert news(office, number, big, 600, "CLOSED") == 200
    payment = office.stored(number)
    assert (payment.status, payment.held) == (Status.REFUNDED, ())


def test_what_waits_goes_on_waiting_while_somebody_else_moves_the_payment_all_the_time(
    office: Office,
) -> None:
    number = office.unpaid()
    for each in range(2):
        news(office, number, f"CONSOLE-{each}")
    pay(office, number)
    office.wait(60)
    office.db.around = moving(office, number)
    office.look(number)
    office.db.around = None
    found = office.wiring.store.get(number)
    assert found is not None
    assert (len(found.held), found.refunds) == (2, {})
    assert found.due_at is not None


def test_news_that_come_while_others_are_being_applied_wait_for_the_next_look(office: Office) -> None:
    number = office.paid()
    ours = office.refund(number, 10, key="ours", wechat=SILENCE).number
    assert news(office, number, "CONSOLE-1", 400) == 200
    more = ["CONSOLE-2"]

    def around(operation: Operation, run: Run) -> Answer:
        text = str(operation.request.get("UpdateExpression"))
        if more and operation.writes and "REMOVE" in text and "history" not in str(operation.request):
            # What was waiting is applied by now, and about to be crossed off.
            assert office.wiring.store.hold(
                office.stored(number),
                [*office.stored(number).held, office.stored(number).held[0].replace("CONSOLE-1", more.pop())],
                due_at=int(office.time()) + 60,
            )
        return run()

    office.db.around = around
    assert news(office, number, ours, 1000, "CLOSED") == 200
    office.db.around = None
    assert more == []
    payment = office.stored(number)
    assert (payment.refunded, len(payment.held)) == (400, 2)
    other = {"out_refund_no": "CONSOLE-2", "refund_id": "50CONSOLE-2"}
    office.script.elsewhere["CONSOLE-2"] = office.script.elsewhere["CONSOLE-1"] | other
    office.look_until_nothing_is_due(number)
    payment = office.stored(number)
    assert (payment.refunded, payment.held, payment.refund_count) == (800, (), 3)


@pytest.mark.parametrize("state", ["CLOSED", "NOTPAY"])
def test_news_of_a_refund_of_an_order_that_was_never_paid_are_left_to_a_person(
    office: Office, state: str
) -> None:
    number = office.unpaid()
    assert news(office, number, "CONSOLE") == 200
    office.script.query = order_object(state)
    office.wait(60)
    office.look(number)
    payment = office.stored(number)
    if state == "NOTPAY":  # it may still be paid
        assert (len(payment.held), office.set_aside(number)) == (1, [])
        return
    assert (payment.status, payment.held) == (Status.CLOSED, ())
    (kept,) = office.db.items("QuarantineTable")
    assert (kept["reason"]["S"], kept["source"]["S"]) == ("refund_of_unpaid_order", "held")
    assert json.loads(kept["facts"]["S"])["out_refund_no"] == "CONSOLE"
    office.look_until_nothing_is_due(number)


@pytest.mark.parametrize("status", [Status.CREATING, Status.PENDING])
def test_news_that_wait_are_not_forgotten_when_the_order_comes_to_nothing(
    office: Office, status: Status
) -> None:
    """By a caller's close, or by a look that dies before it leaves them to a person."""
    before = put(office.wiring, status)
    number = before.out_trade_no
    assert news(office, number, "CONSOLE") == 200
    if status is Status.CREATING:
        gone = {"wechatCode": "ORDER_NOT_EXIST"}
        office.wiring.store.fail_creation(before, refusal=gone, cause="settle", now=int(office.time()))
    else:
        apply_order(facts_of(number, trade_state="CLOSED"), source="close", wiring=office.wiring)
    office.script.query = order_object("CLOSED")
    assert office.stored(number).due_at is not None
    office.look_until_nothing_is_due(number)
    assert office.set_aside(number) == ["refund_of_unpaid_order"]


def test_news_that_come_while_others_are_left_to_a_person_are_left_to_them_as_well(office: Office) -> None:
    number = office.unpaid()
    assert news(office, number, "CONSOLE-1") == 200
    before = office.stored(number)
    office.script.query = order_object("CLOSED")
    more = ["CONSOLE-2"]

    def around(operation: Operation, run: Run) -> Answer:
        if more and operation.table == "QuarantineTable":
            assert office.notify(console(before, more.pop(), 300)).status == 200
        return run()

    office.wait(60)
    office.db.around = around
    office.look(number)
    office.db.around = None
    assert len(office.stored(number).held) == 2
    office.look_until_nothing_is_due(number)
    assert office.stored(number).held == ()
    assert office.set_aside(number) == ["refund_of_unpaid_order"] * 2


def test_what_has_waited_and_turns_out_to_be_untrue_is_set_aside_then(office: Office) -> None:
    number = office.unpaid()
    assert office.notify(console(office.stored(number), "CONSOLE", 300, transaction_id="4200")).status == 200
    assert (office.set_aside(number), len(office.stored(number).held)) == ([], 1)
    pay(office, number)
    office.look_until_nothing_is_due(number)
    assert (office.set_aside(number), office.stored(number).held) == (["other_order"], ())
    assert office.stored(number).refundable == 1000


def test_what_waits_is_held_on_to_while_the_table_does_not_take_it(office: Office) -> None:
    number = office.unpaid()
    news(office, number, "CONSOLE")
    pay(office, number)
    office.wait(60)
    writes: list[str] = []

    def third_write(operation: Operation) -> bool:
        writes.extend(["write"] * operation.writes)
        return len(writes) >= 3  # adopted and settled; what is held cannot be taken away

    office.silent_table(third_write)
    with pytest.raises(AssertionError):
        office.look(number)
    office.restored_table()
    payment = office.stored(number)
    assert (payment.refunded, len(payment.held)) == (300, 1)
    office.look_until_nothing_is_due(number)
    payment = office.stored(number)
    assert (payment.refunded, payment.held) == (300, ())


def test_news_that_come_while_the_last_open_refund_ends_keep_the_payment_due(office: Office) -> None:
    """They find no room, and are kept, between what a look has read and what it writes."""
    number = office.paid()
    ours = office.refund(number, 10, key="ours", wechat=SILENCE).number

    def meanwhile(request: dict[str, Any]) -> dict[str, object]:
        assert news(office, number, "CONSOLE", 1000) == 200
        return taken("CLOSED")(request)

    office.script.refund_query = meanwhile
    office.wait(60)
    office.look(number)
    payment = office.stored(number)
    assert payment.refunds[ours].status is RefundStatus.CLOSED
    office.look_until_nothing_is_due(number)
    assert office.stored(number).status is Status.REFUNDED


def test_money_that_comes_in_while_news_of_its_refund_are_being_kept_is_credited_and_stays_due(
    office: Office,
) -> None:
    number = office.unpaid()
    told: list[int] = []
    office.before_the_next_write(lambda: told.append(news(office, number, "CONSOLE")))
    pay(office, number)
    assert told == [200]
    payment = office.stored(number)
    assert (payment.status, len(payment.held)) == (Status.PAID, 1)
    office.look_until_nothing_is_due(number)
    assert office.stored(number).refunded == 300


def test_a_payment_without_waiting_news_is_due_no_more_once_it_is_paid(office: Office) -> None:
    number = office.unpaid()
    pay(office, number)
    assert office.stored(number).due_at is None


def test_a_refund_that_somebody_took_over_at_the_same_moment_is_taken_over_once(office: Office) -> None:
    number = office.paid()
    told: list[int] = []
    office.before_the_next_write(lambda: told.append(news(office, number, "CONSOLE")))
    assert news(office, number, "CONSOLE") == 200
    assert told == [200]
    assert (office.stored(number).refunded, office.stored(number).refund_count) == (300, 1)


def test_news_that_find_the_payment_moving_all_the_time_are_asked_for_again(office: Office) -> None:
    number = office.paid()
    ours = office.refund(number).number
    office.db.around = moving(office, number)
    told = office.notify(
        console(office.wiring.store.get(number), ours, 300)  # type: ignore[arg-type]
    )
    assert told.status == 503
    office.db.around = None
    found = office.wiring.store.get(number)
    assert found is not None
    assert found.refunds[ours].status is RefundStatus.PROCESSING


# ---- a payment of which money went back before we heard of it ----


def test_money_that_went_back_before_we_heard_of_the_payment_is_marked_on_it(office: Office) -> None:
    number = office.unpaid()
    apply_order(facts_of(number, trade_state="REFUND"), source="query", wiring=office.wiring)
    payment = office.stored(number)
    assert (payment.status, payment.refunded_elsewhere, payment.trade_state) == (Status.PAID, True, "REFUND")
    assert (office.counted("RefundedElsewhere"), payment.history[-1].elsewhere) == (1, True)


def test_money_that_went_back_later_is_marked_unless_the_refund_is_one_that_we_know(office: Office) -> None:
    unknown, known = office.paid(), office.paid()
    office.refund(known)
    for number in (unknown, known):
        for _ in range(2):
            apply_order(facts_of(number, trade_state="REFUND"), source="query", wiring=office.wiring)
    assert office.stored(unknown).refunded_elsewhere
    assert not office.stored(known).refunded_elsewhere
    assert office.counted("RefundedElsewhere") == 1
