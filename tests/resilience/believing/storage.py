"""The product's tables and its queue in this process, and how a call of one of them goes wrong."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ReadTimeoutError

from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run, time_out
from tests.resilience.believing.effects import Effects

SLOW = 3  # seconds that the adapter tries
VISIBLE_AGAIN = 360  # seconds: the queue's own, in template.yaml
RECEIVES = 5  # of one message, before it is put aside

_READ = ("dies before", "times out before", "meanwhile before", "meanwhile after")
_WRITE = (
    "dies before",
    "dies after",
    "times out before",
    "times out after",
    "repeated",
    "meanwhile before",
    "meanwhile after",
    "meanwhile before",
    "meanwhile after",
)
_ASK = ("dies before", "times out before")
_SEND = ("dies before", "dies after", "refused", "times out before", "times out after", "doubled")


class Storage:
    """Stands around every operation of the tables. `saw` hears of each that has written something."""

    def __init__(
        self,
        db: MemoryDynamoDB,
        effects: Effects,
        *,
        wait: Callable[[float], None],
        meanwhile: Callable[[int], None],
        saw: Callable[[dict[str, Any]], None],
    ) -> None:
        self._db = db
        self._effects = effects
        self._wait = wait
        self._meanwhile = meanwhile
        self._saw = saw
        self._turns = 0
        self.away_until = 0.0
        self.now: Callable[[], float] = lambda: 0.0

    def around(self, operation: Operation, run: Run) -> Answer:
        """One operation."""
        way = self._effects.way(f"{operation.name} {operation.table}", _WRITE if operation.writes else _READ)
        if way is None:
            if self.away_until > self.now() and self._effects.under_way:
                self._effects.troubled()
                raise self._timed_out()
            return self._ran(run)
        if (
            way == "repeated"
        ):  # the SDK repeats a write whose answer was lost; the repetition meets its own effect
            self._ran(run)
            return self._ran(run)
        if way.startswith("meanwhile"):
            self._turns += 1
            if way.endswith("before"):
                self._meanwhile(self._turns)
                return self._ran(run)
            answer = self._ran(run)
            self._meanwhile(self._turns)
            return answer
        if way.endswith("after"):
            self._ran(run)
        if way == "dies after":
            self._effects.die()
        raise self._timed_out()

    def _timed_out(self) -> ReadTimeoutError:
        self._effects.under_way[-1].interrupted = True
        self._wait(SLOW)
        return time_out()

    def _ran(self, run: Run) -> Answer:
        answer = run()
        if self._db.records:
            records = list(self._db.records)
            self._db.records.clear()
            for record in records:
                self._saw(record["dynamodb"])
        return answer


class Queue:
    """An SQS client as far as `sweep` uses one; `deliver` hands a message to whoever reads that queue, `True`: done with."""

    def __init__(
        self,
        effects: Effects,
        *,
        wait: Callable[[float], None],
        later: Callable[[float, Callable[[], None]], None],
        deliver: Callable[[str, str], bool],
    ) -> None:
        self._effects = effects
        self._wait = wait
        self._later = later
        self._deliver = deliver
        self._waiting = Counter[str]()

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        """As AWS answers it."""
        way = self._effects.way("send", _SEND)
        if way == "refused":
            return {"Failed": [{"Id": entry["Id"]} for entry in Entries], "Successful": []}
        if way != "times out before":
            for entry in Entries:
                for _ in range(2 if way == "doubled" else 1):
                    self._put(QueueUrl, entry["MessageBody"], 1)
        if way == "dies after":
            self._effects.die()
        if way is not None and way.startswith("times out"):
            self._wait(SLOW)
            raise ReadTimeoutError(endpoint_url="https://sqs.us-east-1.amazonaws.com")
        return {"Failed": [], "Successful": Entries}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        """As AWS answers it; only the number of messages that wait is asked for."""
        way = self._effects.way("ask the queue", _ASK)
        if way is not None:
            self._wait(SLOW)
            raise ReadTimeoutError(endpoint_url="https://sqs.us-east-1.amazonaws.com")
        return {"Attributes": {name: str(self._waiting[QueueUrl]) for name in AttributeNames}}

    def _put(self, url: str, body: str, receive: int) -> None:
        self._waiting[url] += receive == 1
        self._later(1 if receive == 1 else VISIBLE_AGAIN, lambda: self._received(url, body, receive))

    def _received(self, url: str, body: str, receive: int) -> None:
        self._waiting[url] -= receive == 1
        if not self._deliver(url, body) and receive < RECEIVES:
            self._put(url, body, receive + 1)
