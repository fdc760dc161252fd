"""The real sweep and settle over a real table and real queues, on a virtual clock; only WeChat Pay's books are invented.

A place of settle takes one message after the other, as Lambda's poller does, and each keeps it busy for the seconds that were measured.
"""

import contextlib
import heapq
import itertools
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from payments.core.errors import RefusedUpdate
from payments.core.facts import OrderFacts
from payments.core.lifecycle import Status
from payments.core.payment import CURRENCY
from payments.storage.tables import PaymentItem
from payments.use_cases.evidence import apply_order
from payments.wiring import Wiring
from sandbox.aws.aws import Aws
from sandbox.cloudformation.deployer import deploy
from sandbox.deployed import QueueMapping
from sandbox.triggers.queues import as_lambda_delivers
from tests.kit.aws_line import new_line
from tests.kit.environment import operator_of
from tests.kit.functions import function
from tests.kit.parameters import NEEDED, TEMPLATE
from tests.kit.payments import a_payment
from tests.resilience.backlog.simulation import MINUTE, Order, Times
from wechatpay.errors import UnknownOutcomeError

ROOT = Path(__file__).parents[3]


class Books:
    """WeChat Pay's: who has paid by now, and what is closed."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.orders: dict[str, Order] = {}
        self.closed: set[str] = set()
        self.asked = self.closes = 0
        self.away = False

    def query_by_out_trade_no(self, out_trade_no: str) -> Mapping[str, object]:
        self.asked += 1
        if self.away:
            raise UnknownOutcomeError("ReadTimeout")
        return self.facts(out_trade_no)

    def close(self, out_trade_no: str) -> None:
        self.closes += 1
        self.closed.add(out_trade_no)

    def facts(self, out_trade_no: str) -> dict[str, object]:
        """What a query answers, and a notification tells."""
        order = {"out_trade_no": out_trade_no, "mchid": "1900000109", "appid": "wx8888888888888888"}
        if out_trade_no in self.closed:
            return {**order, "trade_state": "CLOSED"}
        if self.orders[out_trade_no].paid_at > self._now():
            return {**order, "trade_state": "NOTPAY"}
        paid = {"transaction_id": f"42{out_trade_no}", "amount": {"total": 100, "currency": CURRENCY}}
        return {**order, "trade_state": "SUCCESS", **paid}


class Clocked(Wiring):
    """A wiring on the virtual clock, whose metrics are kept."""

    def __init__(self, environment: Mapping[str, str], clock: Callable[[], float]) -> None:
        super().__init__(environment)
        self._clock = clock
        self.oldest: dict[int, int] = {}

    def now(self) -> float:
        return self._clock()

    def measure(self, values: Mapping[str, float], unit: str = "Count", **dimensions: str) -> None:
        if "OldestDueSeconds" in values:
            self.oldest[int(self.now())] = int(values["OldestDueSeconds"])


class Context:
    """As much of Lambda's as the sweep looks at."""

    def get_remaining_time_in_millis(self) -> int:
        return 55_000


class Functions:
    """A context manager: a table, the queues, and the two functions; time passes in `until`."""

    def __init__(self, *, begin: int, shards: int = 4, times: Times = Times()) -> None:  # noqa: B008
        self.time = float(begin)
        self._begin, self._times = begin, times
        self._aws = Aws(now=lambda: self.time)
        self._parameters = NEEDED | {"Stage": "backlog", "DueShards": str(shards)}
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._idle: list[QueueMapping] = []
        self._open = ExitStack()
        self.books = Books(lambda: self.time)
        self.looks = 0

    def __enter__(self) -> Self:
        self._aws.start()
        deployed = deploy(TEMPLATE, aws=self._aws, parameters=self._parameters, stack_name="backlog")
        environment: dict[str, str] = {}
        for each in deployed.functions.values():
            environment |= each.environment
        self._open.enter_context(operator_of(self._aws))
        self._open.enter_context(new_line())
        # What DynamoDB does in milliseconds may take seconds here, and is not what is measured.
        self._patience = PaymentItem.Meta.read_timeout_seconds
        PaymentItem.Meta.read_timeout_seconds = 60
        self.wiring = Clocked(environment, lambda: self.time)
        self.wiring.__dict__.update(wechat=self.books, queue=self._aws.client("sqs"))
        self._sweep, self._settle = (function(name) for name in ("sweep", "settle"))
        for module in (self._sweep, self._settle):
            module.wiring = self.wiring  # type: ignore[attr-defined]
        for queue in deployed.queues:
            self._idle += [queue] * queue.maximum_concurrency
        self.at(self.time, self._each_minute)
        return self

    def __exit__(self, *_: object) -> None:
        PaymentItem.Meta.read_timeout_seconds = self._patience
        self._open.close()
        self._aws.stop()

    def at(self, moment: float, what: Callable[[], None]) -> None:
        """Have this done when the clock gets there."""
        heapq.heappush(self._agenda, (moment, next(self._order), what))

    def expect(self, orders: Iterable[Order], *, first_check: int) -> None:
        """These are opened, and some of them paid, each at its time."""
        for order in orders:
            self.books.orders[order.out_trade_no] = order
            self.at(order.created_at, lambda order=order: self._opened(order, first_check))  # type: ignore[misc]
            if order.told_at < 10**12:
                self.at(order.told_at, lambda order=order: self._told(order))  # type: ignore[misc]

    def until(self, end: float) -> None:
        """Let time pass."""
        while self._agenda[0][0] < end:
            moment, _, what = heapq.heappop(self._agenda)
            self.time = max(self.time, moment)
            what()
        self.time = end

    def status(self, order: Order) -> Status:
        """Of the payment as the table has it."""
        payment = self.wiring.store.get(order.out_trade_no)
        assert payment is not None
        return payment.status

    # ---- inside ----

    def _opened(self, order: Order, first_check: int) -> None:
        now = order.created_at
        opened = a_payment(
            order.out_trade_no,
            payment_id=f"P{order.out_trade_no}",
            amount=100,
            time_expire=order.time_expire,
            created_at=now,
            updated_at=now,
            status=Status.PENDING,
            code_url="weixin://wxpay/x",
            credential_expires_at=order.time_expire,
            sent_at=now,
        )
        # On a busy machine the SDK may repeat a write, and meet its own: the number is nobody else's.
        with contextlib.suppress(RefusedUpdate):
            self.wiring.store.create(opened, due_at=now + first_check)

    def _told(self, order: Order) -> None:
        apply_order(
            OrderFacts.of(self.books.facts(order.out_trade_no)), source="notification", wiring=self.wiring
        )

    def _each_minute(self) -> None:
        self._sweep.lambda_handler({}, Context())
        waking, self._idle = self._idle, []
        for queue in waking:
            self.at(self.time, lambda queue=queue: self._take(queue))  # type: ignore[misc]
        self.at(self.time + MINUTE, self._each_minute)

    def _take(self, queue: QueueMapping) -> None:
        sqs = self._aws.client("sqs")
        names = {"MessageSystemAttributeNames": ["All"], "MaxNumberOfMessages": 1}
        found = sqs.receive_message(QueueUrl=queue.queue_url, **names).get("Messages", [])
        if not found:
            self._idle.append(queue)
            return
        asked, closes = self.books.asked, self.books.closes
        record = as_lambda_delivers(found[0], queue.queue_arn, self._aws.region)
        answer: dict[str, Any] = self._settle.lambda_handler({"Records": [record]}, Context())
        if not answer["batchItemFailures"]:
            sqs.delete_message(QueueUrl=queue.queue_url, ReceiptHandle=found[0]["ReceiptHandle"])
        self.looks += self.books.asked > asked
        taken = self._times.stale
        if self.books.asked > asked:
            taken = self._times.away if self.books.away else self._times.look
        taken += self._times.close * (self.books.closes - closes)
        self.at(self.time + taken, lambda: self._take(queue))
