"""The messages by which a run goes on: which day, which run, which part of which stage."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from payments.core.errors import StorageUnavailableError
from payments.wiring import Wiring

MAX_MESSAGES_PER_CALL = 10


@dataclass(frozen=True)
class Message:
    """One piece of a run's work; parts count from 0."""

    bill_date: str
    run: str
    stage: str
    part: int = 0

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> "Message":
        """From a message's body, once read."""
        return cls(members["billDate"], members.get("run", ""), members["stage"], members.get("part", 0))

    @property
    def log_context(self) -> dict[str, object]:
        """What log lines about it say."""
        return {"bill_date": self.bill_date, "run": self.run, "stage": self.stage, "part": self.part}

    def text(self) -> str:
        """The message's body."""
        return json.dumps(
            {"billDate": self.bill_date, "run": self.run, "stage": self.stage, "part": self.part}
        )


def send(messages: Sequence[Message], wiring: Wiring) -> None:
    """Send all of them. Raises StorageUnavailableError where one was not taken: whoever asked for this asks again."""
    for start in range(0, len(messages), MAX_MESSAGES_PER_CALL):
        batch = messages[start : start + MAX_MESSAGES_PER_CALL]
        entries = [{"Id": str(place), "MessageBody": each.text()} for place, each in enumerate(batch)]
        try:
            answer = wiring.queue.send_message_batch(QueueUrl=wiring.settings.books_queue, Entries=entries)
        except (BotoCoreError, ClientError) as problem:
            raise StorageUnavailableError(type(problem).__name__) from problem
        if answer.get("Failed"):
            raise StorageUnavailableError("SendMessageBatch")
