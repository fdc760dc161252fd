"""An export: rows of the journal as one file, made in the background and fetched by a link."""

from dataclasses import dataclass
from enum import StrEnum

LIFE_SECONDS = 7 * 24 * 3600  # seconds from when it was asked for; the bucket keeps its file longer than that
MAX_ROWS = 1_000_000  # of one file: a spreadsheet has room for 1,048,576


class ExportKind(StrEnum):
    """What the rows are of."""

    ORDERS = "orders"
    MOVEMENTS = "movements"


class ExportStatus(StrEnum):
    """Where an export stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Export:
    """One export, of the days from the first to the last, which are texts (`2026-11-28`). Times in epoch seconds."""

    export_id: str
    kind: ExportKind
    first_day: str
    last_day: str
    created_at: int
    expires_at: int
    status: ExportStatus = ExportStatus.RUNNING
    rows: int | None = None  # once it is done
    reason: str | None = None  # why it failed, as a sentence
    file: str | None = None  # where its file lies in the bucket, once it is done

    def is_over(self, now: float) -> bool:
        """Whether its time is over; what is kept of it goes some time later."""
        return self.expires_at <= now

    def file_of(self, attempt: str) -> str:
        """Where one attempt at writing it puts its file: no other writes there, so what is told of a file stays true."""
        return f"exports/{self.export_id}/{attempt}.csv"

    @property
    def file_name(self) -> str:
        """What the file is called on the disk of whoever fetches it."""
        return f"{self.kind.value}-{self.first_day}-{self.last_day}.csv"

    def asks_like(self, other: "Export") -> bool:
        """Whether it is of the same rows."""
        return (self.kind, self.first_day, self.last_day) == (other.kind, other.first_day, other.last_day)
