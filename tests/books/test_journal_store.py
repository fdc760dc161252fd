"""The table `journal`: what is written comes back by day, user and content, and what is late changes nothing."""

import itertools
import random
from dataclasses import replace
from typing import Any

import pytest

from payments.core.books.journal import (
    JOURNAL_SHARDS,
    Change,
    Row,
    changes,
    key_of,
    progress,
    rows_of,
    shard_of,
)
from payments.core.books.rows import Kind, MovementRow, OrderRow
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Payment, Refund
from payments.storage.books.journal import JournalStore
from payments.storage.books.journal_item import row_of
from payments.wiring import Wiring
from tests.kit.dynamodb import MemoryDynamoDB
from tests.kit.payments import a_payment

NOON = 1795838400  # 2026-11-28 12:00:00 in Beijing
DAY = "2026-11-28"


@pytest.fixture
def journal(wiring: Wiring) -> JournalStore:
    return wiring.journal


def written(journal: JournalStore, *images: Payment | None) -> None:
    journal.write(changes(images), now=NOON)


def in_table(db: MemoryDynamoDB) -> set[Row]:
    rows = (row_of(item) for item in db.items("JournalTable"))
    return {row for row in rows if row is not None}


def movements(journal: JournalStore, day: str) -> list[MovementRow]:
    return [row for shard in range(JOURNAL_SHARDS) for row in journal.movements(day, shard)]


def refunded(**told: Any) -> Payment:
    refund = Refund("RF1", RefundStatus.PROCESSING, 300, NOON + 60, refund_id="50", sent_at=NOON + 60)
    return a_payment(
        created_at=NOON,
        status=Status.PAID,
        version=4,
        paid=1000,
        transaction_id="42",
        success_time="2026-11-28T12:00:30+08:00",
        refunds={"RF1": replace(refund, **told)},
    )


def test_what_is_written_is_read_back_as_it_was(journal: JournalStore, db: MemoryDynamoDB) -> None:
    payment = refunded(create_time="2026-11-29T00:00:01+08:00")
    written(journal, None, payment)
    assert in_table(db) == set(rows_of(payment))
    (paid,), (refund,) = movements(journal, DAY), movements(journal, "2026-11-29")
    assert (paid.kind, paid.amount, paid.at) == (Kind.PAID, 1000, "2026-11-28T12:00:30+08:00")
    assert (refund.kind, refund.amount, refund.refund_status) == (Kind.REFUND, 300, RefundStatus.PROCESSING)
    (order,) = journal.orders_of_day(DAY, shard_of("WX1"), limit=9).rows
    assert (order.out_trade_no, order.status, order.version) == ("WX1", Status.PAID, 4)


def test_only_what_has_changed_is_written(db: MemoryDynamoDB, journal: JournalStore) -> None:
    before = refunded(create_time="2026-11-28T12:01:00+08:00")
    assert changes([before, replace(before, due_at=NOON, asked_at=NOON)]) == Change(progress(before), (), ())
    moved = replace(before, version=5, refunding=300)
    assert [type(row) for row in changes([before, moved]).written] == [OrderRow]
    operations = db.operations
    written(journal, before, replace(before, due_at=NOON))
    assert db.operations == operations


def test_whatever_the_order_in_which_images_arrive_and_however_often_the_newest_is_what_is_there(
    wiring: Wiring, db: MemoryDynamoDB
) -> None:
    unknown = refunded()
    known = refunded(create_time="2026-11-27T23:59:59+08:00")  # the refund turns out to be of another day
    ended = replace(known, version=5, status=Status.PARTIALLY_REFUNDED, refunded=300)
    steps = [(None, unknown), (unknown, known), (known, ended)]
    assert {key_of(row) for row in rows_of(unknown)} - {key_of(row) for row in rows_of(known)}
    for arrivals in itertools.permutations([*steps, steps[0]]):
        db.clear()
        for step in arrivals:
            written(wiring.journal, *step)
        assert in_table(db) == set(rows_of(ended)), arrivals


def test_pages_of_a_day_hold_every_order_once_in_order_of_time_while_others_come_in(
    journal: JournalStore,
) -> None:
    chance = random.Random(7)

    def open_orders(names: list[str]) -> None:
        for name in names:
            order = a_payment(name, user_id="u", content_id="c", created_at=NOON + chance.randrange(50))
            written(journal, None, order)

    open_orders([f"WX{n:03}" for n in range(100)])
    reads = {
        "day": lambda **asked: [
            journal.orders_of_day(DAY, shard, **asked) for shard in range(JOURNAL_SHARDS)
        ],
        "user": lambda **asked: [journal.orders_of_user("u", since=NOON, until=NOON + 50, **asked)],
        "content": lambda **asked: [journal.orders_of_content("c", since=NOON, until=NOON + 50, **asked)],
    }
    for place, (name, newest_first) in enumerate(itertools.product(reads, (True, False))):
        found: list[tuple[int, str]] = []
        after, more = None, True
        while more:
            pages = reads[name](after=after, limit=7, newest_first=newest_first)
            rows = sorted(
                ((row.created_at, row.out_trade_no) for page in pages for row in page.rows),
                reverse=newest_first,
            )
            more = any(page.more for page in pages) or len(rows) > 7
            found += rows[:7]
            after = found[-1]
            open_orders([f"WY{place}{len(found)}"])
        assert found == sorted(set(found), reverse=newest_first)
        assert {f"WX{n:03}" for n in range(100)} <= {number for _, number in found}


def test_a_user_s_orders_end_before_the_moment_that_is_asked_for(journal: JournalStore) -> None:
    for place in range(5):
        written(journal, None, a_payment(f"WX{place}", created_at=NOON + place))
    page = journal.orders_of_user("user-1", since=NOON + 1, until=NOON + 4, limit=9)
    assert [row.out_trade_no for row in page.rows] == ["WX3", "WX2", "WX1"]
    assert not page.more
    assert journal.orders_of_user("user-2", since=0, until=NOON * 2, limit=9).rows == ()
    assert journal.orders_of_content("content-1", since=NOON, until=NOON, limit=9).rows == ()
