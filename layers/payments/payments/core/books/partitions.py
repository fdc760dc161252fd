"""Into which pieces a day is divided where all rows about one thing must meet: pure, and the same whoever asks."""

import hashlib

from payments.core.books.journal import JOURNAL_SHARDS, shard_of

PARTITION_ROWS = 200_000  # rows of both bills that meet in one piece, in memory


def partitions(rows: int) -> int:
    """How many pieces a day of so many rows of both bills has: a multiple of the journal's shards."""
    return JOURNAL_SHARDS * max(1, -(-rows // (JOURNAL_SHARDS * PARTITION_ROWS)))


def partition_of(number: str, count: int) -> int:
    """The piece, of `count`, in which all rows of this number of WeChat Pay's meet."""
    return int(hashlib.sha256(number.encode()).hexdigest()[:8], 16) % count


def partition_of_order(out_trade_no: str, count: int) -> int:
    """The piece, of `count`, in which the rows about an order meet its journal: of each piece the journal has one shard."""
    slices = count // JOURNAL_SHARDS
    slice_ = int(hashlib.sha256(out_trade_no.encode()).hexdigest()[8:16], 16) % slices
    return slice_ * JOURNAL_SHARDS + shard_of(out_trade_no)


def shard_of_partition(partition: int) -> int:
    """The shard of the journal that a piece has."""
    return partition % JOURNAL_SHARDS
