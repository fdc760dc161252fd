"""A payment grows by little with each refund, in bytes and in what each update of it costs; growth.py has the processor time."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from payments.core.events import entries_of
from payments.storage.items import payment_of
from sandbox.aws.item_size import item_bytes
from tests.kit.office import DAY, Office, console, taken
from tests.refunding.growth import REFUND, Growth, as_before, by_pynamodb

pytestmark = pytest.mark.in_turn

ROOT = Path(__file__).parents[2]
EACH = 645  # bytes of a refund that has ended, with its reason, account and three history entries
EACH_UNDER_WAY = 430  # bytes of one that WeChat Pay has taken
MOST = 400 * 1024  # bytes of an item; Amazon DynamoDB, "Quotas"


def test_an_item_with_no_ten_and_fifty_refunds_has_so_many_bytes_and_an_update_so_many_write_units(
    office: Office,
) -> None:
    growth = Growth(office)
    assert growth.bytes < 1300
    curve = []
    for count, all_of_them in ((10, 10), (40, 50)):
        growth.refund(count)
        assert growth.bytes < 1300 + EACH * all_of_them
        curve.append(growth.units_of_the_last(3))
    assert curve == [[8, 8, 8], [33, 33, 33]]


def test_fifty_refunds_that_are_on_their_way_hold_no_requests(office: Office) -> None:
    growth = Growth(office)
    growth.refund(50, ended=False)
    assert growth.bytes < 1300 + EACH_UNDER_WAY * 50
    assert growth.units_of_the_last(2) == [23, 23]


def test_the_largest_item_is_far_from_the_largest_that_a_table_takes(office: Office) -> None:
    """Fifty refunds with the longest reasons, each stuck at the bank for a while, and as much news that must wait as is kept."""
    growth = Growth(office)
    for place in range(50):
        number = office.refund(
            growth.number, "12.34", key=f"k{place}", wechat=taken("ABNORMAL"), refundReason="退" * 26
        ).number
        office.wait(DAY)
        office.script.refund_query = taken("PROCESSING", user_received_account="招商银行信用卡0403")
        office.look(growth.number)
        office.notify(console(office.stored(growth.number), number, REFUND))
    assert len(office.stored(growth.number).history) == 3 + 4 * 50
    held = [f"{{{'x' * 400}{place}}}" for place in range(50)]
    kept = office.wiring.store.hold(office.stored(growth.number), held, due_at=int(office.time()))
    assert len(kept.held) == 50
    assert growth.bytes < MOST / 5


@pytest.mark.parametrize("ended", [True, False])
def test_an_item_of_before_is_the_same_payment_and_tells_the_same_events(office: Office, ended: bool) -> None:
    growth = Growth(office)
    growth.refund(3, ended=ended)
    item = growth.item
    old = as_before(item)
    assert item_bytes(old) > item_bytes(item) + 3 * 100
    assert _but_for_what_is_gone(payment_of(old)) == _but_for_what_is_gone(payment_of(item))
    assert _but_for_what_is_gone(by_pynamodb(old)) == _but_for_what_is_gone(payment_of(old))
    told = [entry for _, entry in entries_of(None, item, bus="bus")]
    assert told == [entry for _, entry in entries_of(None, old, bus="bus")]
    assert [entry["DetailType"] for entry in told].count("RefundRequested") == 3


def test_the_program_prints_the_table_of_the_document() -> None:
    command = [sys.executable, "-m", "tests.refunding.growth", "--rounds", "1"]
    layers = os.pathsep.join(str(ROOT / part) for part in ("layers/wechatpay", "layers/payments", ""))
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": layers}, capture_output=True, text=True, check=True
    )
    bytes_and_units, milliseconds = done.stdout.strip().split("\n\n")
    assert bytes_and_units in (ROOT / "docs/cost.md").read_text()
    assert [line.split(" | ")[0] for line in milliseconds.splitlines()[2:]] == [
        "| 0 ended",
        "| 10 ended",
        "| 50 ended",
    ]


def _but_for_what_is_gone(payment: Any) -> Any:
    refunds = {
        number: replace(refund, claim=None, wechat_request=None) for number, refund in payment.refunds.items()
    }
    entries = [entry if entry.event else replace(entry, amount=None) for entry in payment.history]
    return replace(payment, refunds=refunds, history=tuple(entries))
