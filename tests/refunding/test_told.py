"""What events tell of a payment's money: after each change of a refund, how much has gone back altogether."""

import json
from itertools import pairwise
from typing import Any

from payments.core.events import entries_of
from tests.kit.office import Office, console
from tests.kit.script import order_object
from tests.kit.tables import Item


def item(office: Office, number: str) -> Item:
    (found,) = (one for one in office.db.items("PaymentsTable") if one["out_trade_no"]["S"] == number)
    return found


def told(old: Item | None, new: Item) -> list[tuple[str, Any]]:
    """Detail type and `refundedAmount` of what a record of the stream tells."""
    return [
        (entry["DetailType"], json.loads(entry["Detail"]).get("refundedAmount"))
        for _, entry in entries_of(old, new, bus="bus")
    ]


def end(office: Office, number: str, refund: str, amount: int, status: str) -> None:
    assert office.notify(console(office.stored(number), refund, amount, status)).status == 200


def test_the_event_of_a_refund_tells_what_has_gone_back_of_the_payment_in_fen(office: Office) -> None:
    number = office.paid()
    first = office.refund(number, "3.00", key="first").number
    end(office, number, first, 300, "SUCCESS")
    second = office.refund(number, "2.00", key="second").number
    end(office, number, second, 200, "ABNORMAL")
    end(office, number, second, 200, "CLOSED")
    end(office, number, "MADE-IN-THE-CONSOLE", 700, "SUCCESS")
    # The same when it is published again, from an item that has moved on.
    assert [one for one in told(None, item(office, number)) if one[0].startswith("Refund")] == [
        ("RefundRequested", 0),
        ("RefundSucceeded", 300),
        ("RefundRequested", 300),
        ("RefundAbnormal", 300),
        ("RefundClosed", 300),
        ("RefundRequested", 300),
        ("RefundSucceeded", 1000),
    ]


def test_a_record_of_the_stream_tells_the_same_as_the_whole_history(office: Office) -> None:
    number = office.paid()
    images = [item(office, number)]
    for key in ("first", "second"):
        refund = office.refund(number, "3.00", key=key).number
        images.append(item(office, number))
        end(office, number, refund, 300, "SUCCESS")
        images.append(item(office, number))
    one_by_one = [one for old, new in pairwise(images) for one in told(old, new)]
    assert one_by_one == told(None, images[-1])[-4:]
    assert [amount for _, amount in one_by_one] == [0, 300, 300, 600]


def test_the_event_of_an_order_tells_nothing_of_refunds(office: Office) -> None:
    number = office.unpaid()
    paid = order_object("SUCCESS")(number) | {"success_time": "2027-01-15T16:00:00+08:00"}
    assert office.notify(paid, "TRANSACTION.SUCCESS").status == 200
    office.refund(number, "3.00", key="first")
    assert ("PaymentSucceeded", None) in told(None, item(office, number))
