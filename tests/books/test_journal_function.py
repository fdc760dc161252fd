"""The function `journal` after random histories, whatever fails, dies, comes twice or late: the journal follows from the payments."""

import json
import random

import pytest

from payments.core.books.rows import Kind, MovementRow
from payments.core.lifecycle import RefundNews, RefundStatus, Status
from payments.core.payment import Refund
from payments.wiring import Wiring
from tests.books.stand import Record, Records, Stand, failing, killing
from tests.kit.dynamodb import MemoryDynamoDB
from tests.kit.payments import put
from tests.kit.verbs import Verbs
from tests.thorough import ROUNDS

VERBS = 2500  # of a history; most are refused, or about something else


@pytest.fixture
def stand(db: MemoryDynamoDB) -> Stand:
    return Stand(db)


def history(db: MemoryDynamoDB, seed: object, verbs: int = VERBS) -> Records:
    """Payments on which verbs of the store were drawn; what their stream told of it."""
    drawn = Verbs(seed, db.environment)
    for _ in range(verbs):
        drawn.one()
    records = [each for each in db.records if "out_trade_no" in each["dynamodb"]["Keys"]]
    db.records.clear()
    assert len(records) > verbs / 20
    return records


def dated_later(db: MemoryDynamoDB) -> None:
    """A refund that a notification tells of, and an answer that dates it to another day than it was sent on."""
    wiring = Wiring({**db.environment, "DUE_SHARDS": "3"})
    payment = put(wiring, Status.PAID)
    refund = Refund("RF1", RefundStatus.REQUESTED, 300, int(wiring.now()), wechat_request="{}")
    payment = wiring.refunds.reserve(payment, refund, cause="refund", due_at=1, now=2)
    payment = wiring.refunds.settle_success(payment, "RF1", RefundNews("notification", 3, refund_id="50"))
    wiring.refunds.record_create_time(payment, "RF1", "2020-01-01T00:00:00+08:00")


@pytest.mark.parametrize("seed", range(2 * ROUNDS))
def test_the_journal_follows_from_the_payments_whatever_fails_on_the_way(stand: Stand, seed: int) -> None:
    chance = random.Random(f"journal {seed}")
    dated_later(stand.db)
    records = history(stand.db, seed)
    stand.db.around = failing(chance, 0.1)
    stand.deliver(records, batch=lambda: chance.randint(1, 30))
    stand.db.around = None
    shown = stand.rows()
    assert len(shown) == len(stand.expected())
    assert set(shown.values()) == stand.expected()
    assert {row.kind for row in shown.values() if isinstance(row, MovementRow)} == {
        Kind.PAID,
        Kind.REFUND,
        Kind.REFUND_ENDED,
    }
    assert stand.bucket.kept == {}
    for _ in range(20):  # what is old comes again, in any order
        at = chance.randrange(len(records))
        stand.deliver(records[at : at + chance.randint(1, 30)])
    chance.shuffle(records)
    for record in records:
        stand.deliver([record])
    assert stand.rows() == shown


def test_a_process_that_dies_at_any_of_its_writes_leaves_nothing_that_the_next_one_does_not_make_good(
    stand: Stand,
) -> None:
    dated_later(stand.db)
    records = history(stand.db, "killed", verbs=500)
    moment, before = stand.db.snapshot(["JournalTable"]), stand.db.operations
    assert stand.invoke(records) is None
    writes, shown = stand.db.operations - before, stand.rows()
    assert set(shown.values()) == stand.expected()
    assert writes > 20
    assert writes > len(shown)  # a row that is gone is among them
    for place in range(writes):
        for after in (False, True):
            stand.db.restore(moment)
            stand.db.around = killing(place, after=after)
            attempts = stand.attempts
            stand.deliver(records)
            assert stand.attempts == attempts + 2
            assert stand.rows() == shown, (place, after)


def test_an_update_that_no_row_tells_of_writes_nothing(stand: Stand) -> None:
    records = history(stand.db, "quiet", verbs=500)
    stand.deliver(records)
    last = records[-1]["dynamodb"]
    looked_at = last["NewImage"] | {"due_at": {"N": "1"}, "asked_at": {"N": "1"}}
    record = records[-1] | {"dynamodb": last | {"OldImage": last["NewImage"], "NewImage": looked_at}}
    operations = stand.db.operations
    assert stand.invoke([record]) is None
    assert stand.db.operations == operations


def test_several_images_of_a_payment_in_a_batch_are_written_once(stand: Stand) -> None:
    records = history(stand.db, "once")
    payments = {record["dynamodb"]["Keys"]["out_trade_no"]["S"] for record in records}
    operations = stand.db.operations
    assert stand.invoke(records) is None
    assert stand.db.operations - operations < len(payments) * 4 + len(records) / 2


def broken(records: Records) -> tuple[int, Record]:
    """A record, by its place, with an image that nobody can read; it is not the last of its payment."""
    numbers = [record["dynamodb"]["Keys"]["out_trade_no"]["S"] for record in records]
    place = next(at for at, number in enumerate(numbers) if at > 3 and number in numbers[at + 1 :])
    change = records[place]["dynamodb"]
    image = {name: value for name, value in change["NewImage"].items() if name != "mchid"}
    return place, records[place] | {"dynamodb": change | {"NewImage": image}}


def test_what_cannot_be_read_is_put_aside_and_holds_nothing_back(
    stand: Stand, capsys: pytest.CaptureFixture[str]
) -> None:
    records = history(stand.db, "unreadable", verbs=400)
    at, bad = broken(records)
    assert stand.invoke([*records[:at], bad, *records[at + 1 :]]) is None
    ((key, body),) = stand.bucket.kept.items()
    assert key.startswith("unjournalled/")
    assert json.loads(json.loads(body)["payload"]) == {"Records": [bad]}
    assert '"Unjournalled":1' in capsys.readouterr().out
    assert set(stand.rows().values()) == stand.expected()


def test_what_cannot_be_put_aside_either_comes_again_with_all_that_follows(stand: Stand) -> None:
    records = history(stand.db, "full", verbs=400)
    at, bad = broken(records)
    stand.bucket.closed = True
    assert stand.invoke([*records[:at], bad, *records[at + 1 :]]) == bad["dynamodb"]["SequenceNumber"]
    stand.bucket.closed = False
    stand.deliver([bad, *records[at + 1 :]])
    assert set(stand.rows().values()) == stand.expected()


def test_a_row_that_the_table_will_never_take_is_put_aside_and_all_others_are_written(stand: Stand) -> None:
    records = history(stand.db, "refused", verbs=400)
    last = records[-1]["dynamodb"]
    image = last["NewImage"] | {"user_id": {"S": ""}, "version": {"N": "999"}}  # no key of an index is empty
    refused = records[-1] | {"dynamodb": last | {"NewImage": image}}
    assert stand.invoke([*records, refused]) is None
    of_payment = [record for record in records if record["dynamodb"]["Keys"] == last["Keys"]]
    # The refused record has the number of the last that was taken: under one number one is kept.
    assert len(stand.bucket.kept) == len(of_payment)
    missing = stand.expected() - set(stand.rows().values())
    assert {row.out_trade_no for row in missing} == {last["Keys"]["out_trade_no"]["S"]}
