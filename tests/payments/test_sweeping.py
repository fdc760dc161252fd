"""The sweep and settle by their handlers, over a real table and real queues: what is handed out, what stays due, what is told."""

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from payments.core.backlog import LEASE_SECONDS, LOOKS_A_SECOND, SENDS_A_SECOND, WORK_AHEAD_SECONDS
from payments.core.facts import OrderFacts
from payments.core.lifecycle import RefundStatus, Status
from payments.core.pacing import MAX_SENDS_AT_ONCE
from payments.core.payment import Payment, Refund
from payments.core.schedule import shard
from payments.wiring import Wiring
from sandbox.aws.access_control import ADMIN_ACCESS_KEY
from sandbox.aws.aws import Aws
from sandbox.deployed import Deployed
from tests.kit.functions import function
from tests.kit.payments import a_payment
from wechatpay.errors import RefusedError, UnknownOutcomeError

pytestmark = pytest.mark.in_turn

START = 1_900_000_000  # no other test's payments are due by their own clocks, and these are
PLACES = 1  # so that a queue is soon full


class WeChatPay:
    """Answers every question alike, and counts what was sent."""

    def __init__(self) -> None:
        self.answer: Exception | dict[str, object] = UnknownOutcomeError("ReadTimeout")
        self.asked: list[str] = []
        self.sent: list[str] = []

    def query_by_out_trade_no(self, out_trade_no: str) -> Any:
        self.asked.append(out_trade_no)
        return self._answered()

    def query_refund(self, out_refund_no: str) -> Any:
        self.asked.append(out_refund_no)
        return self._answered()

    def refund(self, request: bytes) -> Any:
        self.sent.append(json.loads(request)["out_refund_no"])
        raise UnknownOutcomeError("ReadTimeout")

    def _answered(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Clocked(Wiring):
    """On a clock of the test's, with its metrics kept."""

    time: float = START

    def __init__(self, environment: dict[str, str]) -> None:
        super().__init__(environment)
        self.measured: list[dict[str, float]] = []

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds

    def measure(self, values: Any, unit: str = "Count", **dimensions: str) -> None:
        self.measured.append(dict(values))


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 55_000


class Stage:
    """Two functions, their queues, and a table in which nothing else is due."""

    def __init__(self, aws: Aws, stack: Deployed) -> None:
        environment: dict[str, str] = {}
        for each in stack.functions.values():
            environment |= each.environment
        environment["SETTLE_CONCURRENCY"] = str(PLACES)
        self.wiring = Clocked(environment)
        self.wechat = WeChatPay()
        self.wiring.__dict__["wechat"] = self.wechat
        self._sqs, self._tables = aws.client("sqs"), aws.client("dynamodb")
        self.questions, self.sends = stack.refs["SettleQueue"], stack.refs["SendsQueue"]
        self._table = stack.refs["PaymentsTable"]
        self._sweep, self._settle = self._loaded("sweep"), self._loaded("settle")
        self._numbers = 0

    def _loaded(self, name: str) -> ModuleType:
        module = function(name)
        module.wiring = self.wiring  # type: ignore[attr-defined]
        return module

    def begin(self) -> None:
        for row in self._tables.scan(TableName=self._table, ProjectionExpression="out_trade_no")["Items"]:
            self._tables.delete_item(TableName=self._table, Key=row)
        self.received(self.questions)
        self.received(self.sends)

    def row(self, key: str, due_at: int) -> str:
        """A payment in PENDING under this key of the index."""
        self._numbers += 1
        number = f"WXSWEPT{self._numbers}"
        times = {"time_expire": START + 7200, "created_at": START, "updated_at": START}
        self.wiring.store.create(a_payment(number, status=Status.PENDING, **times), due_at=due_at)
        self.set(number, due_shard={"S": key})
        return number

    def set(self, number: str, **values: Any) -> None:
        for name, value in values.items():
            self._tables.update_item(
                TableName=self._table,
                Key={"out_trade_no": {"S": number}},
                UpdateExpression="SET #n = :v",
                ExpressionAttributeNames={"#n": name},
                ExpressionAttributeValues={":v": value},
            )

    def payment(self, number: str) -> Payment:
        found = self.wiring.store.get(number)
        assert found is not None
        return found

    def sweep(self) -> dict[str, int]:
        answer: dict[str, int] = self._sweep.lambda_handler({}, Context())
        return answer

    @property
    def oldest(self) -> float:
        return [each["OldestDueSeconds"] for each in self.wiring.measured if "OldestDueSeconds" in each][-1]

    def received(self, queue: str) -> list[dict[str, Any]]:
        """All that is in a queue; it is empty then."""
        found = []
        while messages := self._sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def fill(self, queue: str, count: int) -> None:
        for _ in range(count // 10):
            entries = [{"Id": str(n), "MessageBody": '{"out_trade_no": "WXOTHER"}'} for n in range(10)]
            self._sqs.send_message_batch(QueueUrl=queue, Entries=entries)

    def settle(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            record = {"messageId": "1", "body": json.dumps(message)}
            assert self._settle.lambda_handler({"Records": [record]}, Context()) == {"batchItemFailures": []}


@pytest.fixture
def stage(deployed: tuple[Aws, Deployed], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    aws, stack = deployed
    ours = {
        "AWS_ACCESS_KEY_ID": ADMIN_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_REGION": aws.region,
        "AWS_DEFAULT_REGION": aws.region,
    }
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    made = Stage(aws, stack)
    made.begin()
    yield made
    made.begin()


def not_paid(number: str) -> dict[str, object]:
    return {
        "out_trade_no": number,
        "mchid": "1900000109",
        "appid": "wx8888888888888888",
        "trade_state": "NOTPAY",
    }


@pytest.fixture
def paid(stage: Stage) -> Callable[[], str]:
    """A paid order with a refund that WeChat Pay never acknowledged, asked for two minutes ago and due now."""

    def make() -> str:
        number = stage.row("money#0", START)
        stage.wiring.store.record_money(
            OrderFacts(
                number,
                "1900000109",
                "wx8888888888888888",
                "SUCCESS",
                transaction_id=f"42{number}",
                total=1000,
                currency="CNY",
            ),
            cause="query",
            due_at=START,
            now=START,
        )
        then = START - 120
        refund = Refund(
            f"RF{number}",
            RefundStatus.REQUESTED,
            100,
            then,
            sent_at=then,
            wechat_request=json.dumps({"out_refund_no": f"RF{number}"}),
        )
        stage.wiring.refunds.reserve(stage.payment(number), refund, cause="refund", due_at=START, now=then)
        return number

    return make


def test_what_a_queue_has_no_room_for_stays_due(stage: Stage) -> None:
    stage.fill(stage.questions, PLACES * LOOKS_A_SECOND * WORK_AHEAD_SECONDS - 20)
    numbers = [stage.row(f"money#{place % 4}", START - place) for place in range(40)]
    assert stage.sweep() == {"sent": 20, "failed": 0}
    leased = [number for number in numbers if stage.payment(number).due_at == START + LEASE_SECONDS]
    assert sorted(leased) == sorted(numbers[20:])  # the longest due
    assert all(
        stage.payment(number).due_at == START - place for place, number in enumerate(numbers) if place < 20
    )


def test_when_a_queue_is_full_the_oldest_of_each_class_alone_is_leased_and_tells_since_when(
    stage: Stage,
) -> None:
    stage.fill(stage.questions, PLACES * LOOKS_A_SECOND * WORK_AHEAD_SECONDS + 100)
    for due_class in ("money", "expired"):
        for place in range(5):
            stage.row(f"{due_class}#1", START - 1000 * (place + 1))
    assert stage.sweep()["sent"] == 2
    assert stage.oldest == 5000


def test_orders_to_be_closed_and_orders_that_can_be_paid_have_half_a_run_each(stage: Stage) -> None:
    stage.fill(stage.questions, PLACES * LOOKS_A_SECOND * WORK_AHEAD_SECONDS - 20)
    expired = [stage.row(f"expired#{place % 4}", START - 500) for place in range(30)]
    money = [stage.row(f"money#{place % 4}", START - 5) for place in range(30)]
    assert stage.sweep()["sent"] == 20
    leased = [{stage.payment(number).due_at for number in numbers} for numbers in (expired, money)]
    assert leased == [{START - 500, START + LEASE_SECONDS}, {START - 5, START + LEASE_SECONDS}]
    sent = [message["out_trade_no"] for message in stage.received(stage.questions)[-20:]]
    assert len(set(sent) & set(expired)) == len(set(sent) & set(money)) == 10


def test_what_was_written_before_there_were_classes_is_swept_and_gets_its_class_by_the_look(
    stage: Stage,
) -> None:
    number = stage.row("3", START - 10)
    stage.sweep()
    (message,) = stage.received(stage.questions)
    assert message == {"out_trade_no": number, "lease": START + LEASE_SECONDS, "may_send": False}
    stage.wechat.answer = not_paid(number)
    stage.settle(message)
    stage.wiring.time = START + 100_000
    stage.sweep()
    (message,) = stage.received(stage.questions)
    assert message["out_trade_no"] == number
    rows = stage.wiring.looks.find_due(shard(number, 4), now=START + 200_000, most=5)
    assert [row.out_trade_no for row in rows] == [number]


def test_since_when_a_payment_has_been_due_outlives_leases_and_messages_that_are_lost(stage: Stage) -> None:
    number = stage.row("money#0", START - 10)
    for minute in range(0, 20, 3):
        stage.wiring.time = START + minute * 60
        stage.sweep()
        assert stage.received(stage.questions) != []  # and nobody looks at it
        assert stage.oldest == minute * 60 + 10
    stage.wechat.answer = not_paid(number)
    stage.settle({"out_trade_no": number})
    assert stage.payment(number).due_since is None
    stage.wiring.time = stage.payment(number).due_at or 0
    stage.sweep()
    assert stage.oldest == 0


def test_a_look_that_brought_no_answer_is_none(stage: Stage) -> None:
    number = stage.row("money#0", START - 10)
    stage.wechat.answer = UnknownOutcomeError("ReadTimeout")
    now, looks = START, 0
    while now < START + 3600:
        stage.wiring.time = now
        stage.sweep()
        for message in stage.received(stage.questions):
            stage.settle(message)
            looks += 1
            assert stage.oldest == now - START + 10
        now += 60
    assert 14 <= looks <= 22  # after one minute, two, and then each three
    stage.wechat.answer = not_paid(number)
    stage.settle({"out_trade_no": number})
    assert stage.payment(number).due_since is None


def test_what_wechat_pay_refuses_is_an_answer(stage: Stage) -> None:
    number = stage.row("money#0", START - 10)
    stage.wechat.answer = RefusedError(code="RULE_LIMIT", message="", http_status=403, request_id=None)
    stage.sweep()
    stage.settle(*stage.received(stage.questions))
    assert stage.payment(number).due_since is None


def test_a_question_never_sends_a_refund_and_leaves_it_to_the_queue_that_does(
    stage: Stage, paid: Callable[[], str]
) -> None:
    number = paid()
    stage.wechat.answer = RefusedError(
        code="RESOURCE_NOT_EXISTS", message="", http_status=404, request_id=None
    )
    stage.sweep()
    (question,) = stage.received(stage.questions)
    assert stage.received(stage.sends) == []
    stage.settle(question)
    assert stage.wechat.asked == [f"RF{number}"]
    assert stage.wechat.sent == []
    assert stage.payment(number).due_at == START
    stage.wiring.time = START + 60
    stage.sweep()
    assert stage.received(stage.questions) == []
    (send,) = stage.received(stage.sends)
    assert send["may_send"] is True
    stage.settle(send)
    assert stage.wechat.sent == [f"RF{number}"]


def test_dead_letters_that_were_sends_are_questions_when_they_come_back(
    stage: Stage, paid: Callable[[], str]
) -> None:
    number = paid()
    stage.wechat.answer = RefusedError(
        code="RESOURCE_NOT_EXISTS", message="", http_status=404, request_id=None
    )
    stage.settle({"out_trade_no": number})
    assert (stage.wechat.sent, stage.payment(number).due_at) == ([], START)


def test_refunds_that_wait_for_their_pace_keep_no_question_back(stage: Stage) -> None:
    stage.fill(stage.sends, MAX_SENDS_AT_ONCE * SENDS_A_SECOND * WORK_AHEAD_SECONDS)
    sends = [stage.row("sends#0", START - 100) for _ in range(5)]
    money = [stage.row("money#0", START - 1) for _ in range(5)]
    assert stage.sweep()["sent"] == 6
    assert {message["out_trade_no"] for message in stage.received(stage.questions)} == set(money)
    assert sum(stage.payment(number).due_at == START - 100 for number in sends) == 4


def test_a_lease_whose_answer_was_lost_finds_itself_when_it_is_repeated(stage: Stage) -> None:
    number = stage.row("money#0", START - 10)
    (row,) = stage.wiring.looks.find_due("money#0", now=START, most=5)
    first = stage.wiring.looks.lease(row, until=START + LEASE_SECONDS)
    again = stage.wiring.looks.lease(row, until=START + LEASE_SECONDS)
    assert (
        (first.due_at, first.due_since)
        == (again.due_at, again.due_since)
        == (START + LEASE_SECONDS, START - 10)
    )
    assert stage.payment(number) == again
