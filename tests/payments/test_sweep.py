"""One run of sweep, through its function: what is due is leased and sent, as much as will be looked at, and what is left is told."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from payments.core.facts import OrderFacts
from payments.core.lifecycle import RefundStatus
from payments.core.payment import CURRENCY, Payment, Refund
from payments.core.schedule import shard
from tests.kit.aws_line import new_line
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run, time_out
from tests.kit.functions import function
from tests.kit.payments import a_payment
from tests.payments.stage import START, StagedWiring

MONEY, SENDS = "https://sqs/settle", "https://sqs/sends"
UNREACHED = EndpointConnectionError(endpoint_url="https://sqs")


class Queues:
    """SQS: how many messages wait in each queue, what was sent, and whom it does not answer."""

    def __init__(self) -> None:
        self.waiting: Counter[str] = Counter()
        self.batches: list[tuple[str, list[dict[str, Any]]]] = []
        self.silent: set[str] = set()
        self.refused: set[str] = set()

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> Any:  # noqa: N803
        if QueueUrl in self.silent:
            raise UNREACHED
        assert AttributeNames == ["ApproximateNumberOfMessages"]
        return {"Attributes": {"ApproximateNumberOfMessages": str(self.waiting[QueueUrl])}}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> Any:  # noqa: N803
        if "send" in self.silent:
            raise UNREACHED
        assert 1 <= len(Entries) <= 10
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        messages = [json.loads(entry["MessageBody"]) for entry in Entries]
        failed = [message for message in messages if message["out_trade_no"] in self.refused]
        self.batches.append((QueueUrl, [message for message in messages if message not in failed]))
        return {"Failed": failed} if failed else {}

    def sent(self, queue: str = MONEY) -> list[str]:
        """The numbers in a queue."""
        return [message["out_trade_no"] for url, batch in self.batches for message in batch if url == queue]


class Sweeping:
    """A stack of its own: its tables, its queues, and the function."""

    def __init__(self, db: MemoryDynamoDB, concurrency: int = 1) -> None:
        environment = {"DUE_SHARDS": "4", "SETTLE_QUEUE": MONEY, "SENDS_QUEUE": SENDS}
        environment |= {"SETTLE_CONCURRENCY": str(concurrency)}
        self.db = db
        self.wiring = StagedWiring(db.environment | environment)
        self.wiring.queue = self.queues = Queues()
        self.measured: list[float] = []
        self.wiring.measure = self._measured  # type: ignore[method-assign]
        self.left = 60_000  # milliseconds
        self.app = function("sweep")
        self.app.wiring = self.wiring  # type: ignore[attr-defined]

    def _measured(self, values: Any, unit: str = "Count", **_: str) -> None:
        self.wiring.counted += values
        if unit == "Seconds":
            self.measured.append(values["OldestDueSeconds"])

    def get_remaining_time_in_millis(self) -> int:
        return self.left

    def run(self) -> dict[str, int]:
        result: dict[str, int] = self.app.lambda_handler({}, self)
        return result

    def order(self, number: str, *, due: int, expired: bool = False) -> Payment:
        """An unpaid order that has been due for so many seconds."""
        at = START - due
        end = at - 60 if expired else START + 7200
        opened = a_payment(number, time_expire=end, created_at=at - 60, updated_at=at - 60)
        self.wiring.store.create(opened, due_at=at - 1)
        stored = self.stored(number)
        self.wiring.looks.set_next_look(stored, due_at=at, answered=True)
        return self.stored(number)

    def stored(self, number: str) -> Payment:
        found = self.wiring.store.get(number)
        assert found is not None
        return found


@pytest.fixture
def memory() -> Iterator[MemoryDynamoDB]:
    """Tables of this test alone."""
    with new_line(), MemoryDynamoDB.from_template() as db:
        yield db


@pytest.fixture
def sweeping(memory: MemoryDynamoDB) -> Sweeping:
    return Sweeping(memory)


def test_what_is_due_is_leased_for_three_minutes_and_sent_once(sweeping: Sweeping) -> None:
    sweeping.order("WXDUE", due=0)
    sweeping.order("WXNOTYET", due=-1)
    assert sweeping.run() == {"sent": 1, "failed": 0}
    assert sweeping.queues.batches == [
        (MONEY, [{"out_trade_no": "WXDUE", "lease": START + 180, "may_send": False}])
    ]
    after = sweeping.stored("WXDUE")
    assert (after.due_at, after.due_since) == (START + 180, START)
    assert sweeping.run() == {"sent": 0, "failed": 0}


def test_nothing_due_is_told_as_no_wait(sweeping: Sweeping) -> None:
    assert sweeping.run() == {"sent": 0, "failed": 0}
    assert sweeping.measured == [0]


def test_a_sweep_reads_the_table_of_its_environment_though_nobody_has_read_a_payment_before() -> None:
    for table in ("payments-of-one-stack", "payments-of-another"):
        with new_line(), MemoryDynamoDB.from_template(names={"PaymentsTable": table}) as db:
            sweeping = Sweeping(db)
            assert sweeping.run() == {"sent": 0, "failed": 0}
            assert sweeping.measured == [0]


def test_the_oldest_wait_is_told_across_leases_that_brought_no_answer(sweeping: Sweeping) -> None:
    sweeping.order("WXOLD", due=100)
    sweeping.order("WXFRESH", due=1)
    for later, oldest in ((0, 100), (60, 0), (180, 280), (360, 460)):
        sweeping.wiring.time = START + later
        sweeping.run()
        assert sweeping.measured[-1] == oldest


def test_a_refund_to_be_sent_goes_to_the_queue_that_may(sweeping: Sweeping) -> None:
    payment = sweeping.order("WXREFUND", due=700)
    store = sweeping.wiring.store
    paid = store.record_money(
        OrderFacts(
            "WXREFUND",
            payment.mchid,
            payment.appid,
            "SUCCESS",
            transaction_id="42",
            total=1000,
            currency=CURRENCY,
        ),
        cause="query",
        now=START - 600,
        due_at=START - 600,
    )
    then = START - 300
    refund = Refund("A", RefundStatus.REQUESTED, 1, then, sent_at=then, wechat_request="{}")
    reserved = sweeping.wiring.refunds.reserve(paid, refund, cause="refund", due_at=then, now=then)
    sweeping.wiring.looks.set_next_look(reserved, due_at=START - 100, answered=True)
    assert sweeping.run() == {"sent": 1, "failed": 0}
    assert sweeping.queues.batches == [
        (SENDS, [{"out_trade_no": payment.out_trade_no, "lease": START + 180, "may_send": True}])
    ]


def test_no_more_is_handed_out_than_will_be_looked_at_and_the_oldest_first(memory: MemoryDynamoDB) -> None:
    sweeping = Sweeping(memory)
    for n in range(300):
        sweeping.order(f"WX{n:04}", due=1000 - n)
    assert sweeping.run() == {"sent": 270, "failed": 0}
    assert set(sweeping.queues.sent()) == {f"WX{n:04}" for n in range(270)}
    assert sweeping.measured == [1000]
    sweeping.queues.waiting[MONEY] = 265
    sweeping.run()
    assert sweeping.queues.sent()[270:] == [f"WX{n:04}" for n in range(270, 275)]
    assert sweeping.measured[-1] == 730  # what was not handed out has waited as long


def test_twice_the_places_take_twice_as_much(memory: MemoryDynamoDB) -> None:
    sweeping = Sweeping(memory, concurrency=2)
    for n in range(600):
        sweeping.order(f"WX{n:04}", due=1000)
    assert sweeping.run()["sent"] == 540


@pytest.mark.parametrize(
    ("fresh", "expired", "sent"), [(300, 300, (135, 135)), (300, 5, (265, 5)), (5, 300, (5, 265))]
)
def test_each_class_is_sure_of_half_and_takes_what_the_other_leaves(
    sweeping: Sweeping, fresh: int, expired: int, sent: tuple[int, int]
) -> None:
    for n in range(fresh):
        sweeping.order(f"WXF{n:04}", due=10)
    for n in range(expired):
        sweeping.order(f"WXE{n:04}", due=10_000, expired=True)
    sweeping.run()
    kinds = Counter(number[2] for number in sweeping.queues.sent())
    assert (kinds["F"], kinds["E"]) == sent


@pytest.mark.parametrize("waiting", [270, 10_000])
def test_a_full_queue_takes_the_oldest_of_each_class_alone_which_tells_the_wait(
    sweeping: Sweeping, waiting: int
) -> None:
    sweeping.queues.waiting[MONEY] = waiting
    for n in range(3):
        sweeping.order(f"WXF{n}", due=500 - n)
        sweeping.order(f"WXE{n}", due=900 - n, expired=True)
    sweeping.run()
    assert sorted(sweeping.queues.sent()) == ["WXE0", "WXF0"]
    assert sweeping.measured == [900]


def test_a_queue_that_does_not_answer_silences_the_metric_and_still_gets_the_oldest(
    sweeping: Sweeping,
) -> None:
    sweeping.queues.silent = {MONEY}
    for n in range(9):
        sweeping.order(f"WX{n}", due=20 - n)
    assert sweeping.run() == {"sent": 2, "failed": 1}
    assert (sweeping.queues.sent(), sweeping.measured) == (["WX0", "WX1"], [])


def test_a_shard_that_cannot_be_read_hides_no_other(sweeping: Sweeping) -> None:
    numbers = [f"WX{n}" for n in range(12)]
    for number in numbers:
        sweeping.order(number, due=10)
    lost = shard(numbers[0], 4)

    def around(operation: Operation, run: Run) -> Answer:
        if operation.name == "Query" and lost in json.dumps(operation.request):
            raise time_out()
        return run()

    sweeping.db.around = around
    there = [number for number in numbers if shard(number, 4) != lost]
    result = sweeping.run()
    assert (sorted(sweeping.queues.sent()), result["failed"]) == (sorted(there), 1)
    assert sweeping.measured == []


def test_a_payment_that_somebody_has_looked_at_meanwhile_is_not_sent(sweeping: Sweeping) -> None:
    payments = [sweeping.order(f"WX{n}", due=10 + n) for n in range(2)]

    def around(operation: Operation, run: Run) -> Answer:
        if operation.name == "UpdateItem":
            sweeping.db.around = None
            sweeping.wiring.looks.set_next_look(payments[1], due_at=START + 600, answered=True)
        return run()

    sweeping.db.around = around
    assert sweeping.run() == {"sent": 1, "failed": 0}
    assert sweeping.queues.sent() == ["WX0"]
    assert sweeping.stored("WX1").due_at == START + 600


def test_a_lease_that_the_sdk_repeats_is_one_lease(sweeping: Sweeping) -> None:
    sweeping.order("WX1", due=10)

    def around(operation: Operation, run: Run) -> Answer:
        if operation.name == "UpdateItem":
            run()
        return run()

    sweeping.db.around = around
    assert sweeping.run() == {"sent": 1, "failed": 0}


def test_a_table_that_takes_no_lease_is_told_and_what_was_leased_is_sent(sweeping: Sweeping) -> None:
    for n in range(5):
        sweeping.order(f"WX{n}", due=50 - n)
    leases = 0

    def around(operation: Operation, run: Run) -> Answer:
        nonlocal leases
        if operation.name == "UpdateItem":
            leases += 1
            if leases > 2:
                raise time_out()
        return run()

    sweeping.db.around = around
    assert sweeping.run() == {"sent": 2, "failed": 3}
    assert sweeping.queues.sent() == ["WX0", "WX1"]
    assert sweeping.measured == [50]


def test_a_table_that_takes_no_lease_at_all_still_tells_how_long_the_oldest_has_waited(
    sweeping: Sweeping,
) -> None:
    sweeping.order("WX1", due=50)

    def around(operation: Operation, run: Run) -> Answer:
        if operation.name == "UpdateItem":
            raise time_out()
        return run()

    sweeping.db.around = around
    assert sweeping.run() == {"sent": 0, "failed": 1}
    assert sweeping.measured == [50]


def test_an_item_that_cannot_be_read_hides_no_other_and_is_counted(sweeping: Sweeping) -> None:
    sweeping.order("WX1", due=20)
    sweeping.order("WX2", due=10)
    sweeping.db.call(
        "UpdateItem",
        {
            "TableName": "PaymentsTable",
            "Key": {"out_trade_no": {"S": "WX1"}},
            "UpdateExpression": "SET #s = :s",
            "ExpressionAttributeNames": {"#s": "status"},
            "ExpressionAttributeValues": {":s": {"S": "A_STATUS_OF_NEXT_YEAR"}},
        },
    )
    assert sweeping.run()["sent"] == 1
    assert sweeping.queues.sent() == ["WX2"]
    assert "Unreadable" in sweeping.wiring.counted


def test_a_message_that_is_not_taken_comes_up_again_when_its_lease_ends(sweeping: Sweeping) -> None:
    sweeping.order("WX1", due=10)
    sweeping.order("WX2", due=10)
    sweeping.queues.refused = {"WX1"}
    assert sweeping.run() == {"sent": 1, "failed": 1}
    sweeping.queues.refused = set()
    sweeping.wiring.time = START + 180
    assert sweeping.run()["sent"] == 2
    assert sweeping.measured[-1] == 190


def test_a_queue_that_takes_nothing_fails_all_of_a_batch(sweeping: Sweeping) -> None:
    for n in range(3):
        sweeping.order(f"WX{n}", due=10)
    sweeping.queues.silent = {"send"}
    assert sweeping.run() == {"sent": 0, "failed": 3}


@pytest.mark.parametrize(("left", "sent"), [(5_000, 0), (5_001, 3)])
def test_no_more_is_taken_shortly_before_the_functions_end(sweeping: Sweeping, left: int, sent: int) -> None:
    for n in range(3):
        sweeping.order(f"WX{n}", due=77)
    sweeping.left = left
    assert sweeping.run() == {"sent": sent, "failed": 0}
    assert sweeping.measured == [77]
    assert sweeping.stored("WX0").due_at == (START + 180 if sent else START - 77)


def test_a_batch_has_ten_messages_at_most_and_several_go_side_by_side(sweeping: Sweeping) -> None:
    for n in range(25):
        sweeping.order(f"WX{n:02}", due=10)
    assert sweeping.run()["sent"] == 25
    assert sorted(len(batch) for _, batch in sweeping.queues.batches) == [5, 10, 10]
