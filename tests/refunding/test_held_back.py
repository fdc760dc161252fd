"""After a restore, refunds are held back until the books are compared: none is taken, none is sent again, and all go on then."""

import pytest

from payments.core.lifecycle import RefundStatus
from tests.kit.office import NO_SUCH_REFUND, Office, taken
from tests.kit.script import SILENCE


def hold(office: Office, *, held: bool) -> None:
    """What deploying with RefundsHeld does."""
    office.wiring.settings._environment["REFUNDS_HELD"] = str(held).lower()  # type: ignore[index]


def look_when_due(office: Office, number: str) -> None:
    due_at = office.stored(number).due_at
    assert due_at is not None  # it is not forgotten
    office.wiring.time = max(office.wiring.time + 1, due_at)
    office.look(number, taken())


def test_a_refund_is_neither_kept_nor_sent_while_refunds_are_held_back(office: Office) -> None:
    number = office.paid()
    hold(office, held=True)
    for key in (None, "a", "a"):
        told = office.refund(number, 3, wechat=taken(), key=key)
        assert (told.status, told.body["code"], told.headers["retry-after"]) == (503, "SYSTEMERROR", "600")
    assert (office.sent, office.stored(number).refunds) == ([], {})
    hold(office, held=False)
    assert office.refund(number, 3, wechat=taken(), key="a").status == 200
    assert len(office.sent) == 1


def test_a_refund_that_nobody_acknowledged_is_sent_again_only_after_the_hold(office: Office) -> None:
    number = office.paid()
    assert office.refund(number, 3, wechat=SILENCE, key="a").status == 503
    office.script.refund_query = NO_SUCH_REFUND
    refund_no = office.refund_of(number).out_refund_no
    hold(office, held=True)
    for _ in range(5):
        look_when_due(office, number)
    assert office.sent == [refund_no]
    assert office.refund_of(number).status is RefundStatus.REQUESTED
    hold(office, held=False)
    for _ in range(3):
        if office.refund_of(number).status is RefundStatus.REQUESTED:
            look_when_due(office, number)
    assert office.sent == [refund_no, refund_no]
    assert office.refund_of(number).status is RefundStatus.PROCESSING


@pytest.mark.parametrize("key", [None, "a"])
def test_whoever_repeats_a_kept_refund_through_a_long_hold_is_paid_once(
    office: Office, key: str | None
) -> None:
    number = office.paid()
    assert office.refund(number, 3, wechat=SILENCE, key=key).status == 503
    kept = office.refund_of(number).out_refund_no
    hold(office, held=True)
    for _ in range(8):  # for two days
        office.wiring.time += 6 * 3600
        told = office.refund(number, 3, wechat=taken(), key=key)
        assert (told.status, told.body["details"], told.headers["retry-after"]) == (
            503,
            {"outRefundNo": kept},
            "600",
        )
    office.script.refund_query = taken("SUCCESS")  # the first send had arrived
    look_when_due(office, number)
    assert office.refund(number, 3, wechat=taken(), key=key).body["data"]["status"] == "SUCCESS"
    hold(office, held=False)
    again = office.refund(number, 3, wechat=taken(), key=key)
    assert (again.body["data"]["outRefundNo"], office.sent) == (kept, [kept])


def test_what_wechat_pay_knows_of_a_refund_is_taken_in_during_the_hold(office: Office) -> None:
    number = office.paid()
    office.refund(number, 3, wechat=SILENCE, key="a")
    office.script.refund_query = taken("SUCCESS")
    hold(office, held=True)
    look_when_due(office, number)
    assert office.refund_of(number).status is RefundStatus.SUCCEEDED
    assert len(office.sent) == 1
