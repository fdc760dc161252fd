"""The payments table's stream, read from moto's memory: serving it over HTTP would take a third of every run."""

import copy
from typing import Any

from sandbox.aws import moto_internals
from sandbox.aws.aws import Aws
from sandbox.triggers.records import as_aws_writes_them


class Stream:
    """Records since the last reading, oldest first, in the shape of Lambda's event as far as our function looks."""

    def __init__(self, aws: Aws, table: str) -> None:
        self._aws = aws
        self._table = table
        self._read = 0

    def read(self) -> list[dict[str, Any]]:
        """What is new."""
        with self._aws._running():
            shard = moto_internals.table(self._aws.account, self._aws.region, self._table).stream_shard
            found = [copy.deepcopy(item.to_json()) for item in shard.items[self._read :]]
            self._read = len(shard.items)
        return as_aws_writes_them(found)
