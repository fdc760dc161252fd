"""`make journal` after random histories, in this process: what it writes is, row by row, what the stream has written."""

import itertools
import random
from collections.abc import Callable

import pytest

from operations.journal import Rebuild
from payments.core.books.journal import changes, progress
from payments.storage.items import payment_of
from payments.wiring import Wiring
from tests.books.stand import Stand
from tests.books.test_journal_function import history
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run
from tests.thorough import ROUNDS

pytestmark = pytest.mark.in_turn


@pytest.fixture
def stand(db: MemoryDynamoDB) -> Stand:
    return Stand(db)


@pytest.fixture
def rebuild(wiring: Wiring) -> Callable[[], Rebuild]:
    def run() -> Rebuild:
        made = Rebuild(wiring.store, wiring.journal, tell=lambda _: None, segments=1)
        made.run()
        return made

    return run


@pytest.mark.parametrize("seed", range(2 * ROUNDS))
def test_a_rebuilt_journal_is_row_by_row_what_the_stream_has_written(
    stand: Stand, rebuild: Callable[[], Rebuild], seed: int
) -> None:
    nothing = stand.db.snapshot(["JournalTable"])
    stand.deliver(history(stand.db, f"rebuilt {seed}"))
    by_stream = stand.rows()
    assert rebuild().count["corrected"] == 0
    assert stand.rows() == by_stream
    stand.db.restore(nothing)
    made = rebuild()
    assert stand.rows() == by_stream
    assert made.count["payments"] == len(stand.db.items("PaymentsTable"))
    assert made.count["rows"] == len(by_stream)


def test_what_follows_from_no_payment_goes_and_what_is_old_or_missing_is_written(
    stand: Stand, rebuild: Callable[[], Rebuild]
) -> None:
    chance = random.Random(5)
    stand.deliver(history(stand.db, "damaged"))
    right = stand.rows()
    items = [item for item in stand.db.items("JournalTable") if "kind" in item]
    lost, old, strange, moved = chance.sample(items, 4)
    put = lambda item: stand.db.call("PutItem", {"TableName": "JournalTable", "Item": item})  # noqa: E731
    key = {name: lost[name] for name in ("day_shard", "row")}
    stand.db.call("DeleteItem", {"TableName": "JournalTable", "Key": key})
    put(old | {"subject": {"S": "old"}, "at": {"S": "old"}})
    put(strange | {"row": {"S": "paid#WXNOBODYS"}, "out_trade_no": {"S": "WXNOBODYS"}})
    put(strange | {"row": {"S": "of another kind"}})
    put(moved | {"day_shard": {"S": "2001-01-01#3"}})
    assert stand.rows() != right
    assert rebuild().count["corrected"] == 3
    assert stand.rows() == right


def test_rows_of_a_time_that_the_table_has_lost_go_too(stand: Stand, rebuild: Callable[[], Rebuild]) -> None:
    records = history(stand.db, "restored")
    moment = stand.db.snapshot(["PaymentsTable"])
    Stand(stand.db).deliver(records)
    right = stand.rows()
    ahead = []
    for item in stand.db.items("PaymentsTable"):
        later = item | {"version": {"N": str(int(item["version"]["N"]) + 3)}, "paid": {"N": "7"}}
        ahead.append({"old": item, "new": later})
    for each in ahead:
        change = changes([payment_of(each["old"]), payment_of(each["new"])])
        assert change.progress > progress(payment_of(each["old"]))
        stand.module.wiring.journal.write(change, now=0)
    assert stand.rows() != right
    stand.db.restore(moment)
    rebuild()
    assert stand.rows() == right


def test_it_may_run_while_the_stream_goes_on(stand: Stand, rebuild: Callable[[], Rebuild]) -> None:
    chance = random.Random(6)
    stand.deliver(history(stand.db, "before"))
    records = history(stand.db, "after")
    busy: list[bool] = []

    def meanwhile(operation: Operation, run: Run) -> Answer:
        if records and not busy and chance.random() < 0.2:
            busy.append(True)
            some = [records.pop(0) for _ in range(min(len(records), chance.randint(1, 5)))]
            stand.deliver(some)
            busy.pop()
        return run()

    stand.db.around = meanwhile
    rebuild()
    stand.db.around = None
    stand.deliver(records)
    assert set(stand.rows().values()) == stand.expected()


def test_a_payment_that_cannot_be_read_is_named_and_its_rows_stay(
    stand: Stand, rebuild: Callable[[], Rebuild]
) -> None:
    stand.deliver(history(stand.db, "broken"))
    right = stand.rows()
    item = stand.db.items("PaymentsTable")[3]
    broken = {name: value for name, value in item.items() if name != "mchid"}
    stand.db.call("PutItem", {"TableName": "PaymentsTable", "Item": broken})
    assert rebuild().unreadable == {item["out_trade_no"]["S"]}
    assert stand.rows() == right


def test_it_tells_how_far_it_has_come_every_two_seconds(stand: Stand, wiring: Wiring) -> None:
    stand.deliver(history(stand.db, "long"))
    seconds = itertools.count()
    told: list[str] = []
    tell = told.append
    Rebuild(wiring.store, wiring.journal, tell, segments=1, clock=lambda: next(seconds)).run()
    payments = len(stand.db.items("PaymentsTable"))
    assert len(told) > payments / 3
    assert told[-2].endswith("so far")
    assert told[-1].startswith(
        f"{payments} payments, {len(stand.rows())} rows; 0 rows that fitted no payment"
    )
