"""The payments table's stream: every image is looked at, and handed to publish until it has taken it."""

from typing import TYPE_CHECKING, Any

from sandbox.triggers.batches import failures_of

if TYPE_CHECKING:
    from tests.resilience.soak.window import Window

BATCH = 100  # records at most
PAUSE = 1  # seconds until records are handed over, and until they come again


class Stream:
    """One window's; `publish_at` is when records are handed over next, None when there are none."""

    def __init__(self, window: "Window") -> None:
        self._window = window
        self._records: list[dict[str, Any]] = []
        self.publish_at: float | None = None

    def look(self) -> None:
        """See what was written."""
        records, self._window.db.records = self._window.db.records, []
        for record in records:
            if record["eventName"] != "REMOVE":
                self._window.images.saw(record)
                self._records.append(record)
        if self._records and self.publish_at is None:
            self.publish_at = self._window.clock.time() + PAUSE

    def publish(self) -> None:
        """Hand over the oldest records; the first that failed and all behind it come again."""
        batch, self._records, self.publish_at = self._records[:BATCH], self._records[BATCH:], None
        answer = self._window.invoke("publish", {"Records": batch})
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        failed = set(numbers[:1]) if answer is None else failures_of(answer, numbers)
        first = min((numbers.index(each) for each in failed), default=len(batch)) if failed is not None else 0
        self._records = batch[first:] + self._records
        self.publish_at = self._window.clock.time() + PAUSE if self._records else None
