"""Stream records that no retry can publish, or journal: kept whole in the bucket, so that they hold up nothing behind them.

The stream's mapping puts there what it has given up; these are put there by the function itself, which knows at once.
"""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from payments.core.times import utc


class NotKeptError(Exception):
    """The bucket did not take a record; it must not be passed over."""


class Unpublished:
    """The bucket. `client` is an S3 client."""

    def __init__(self, *, bucket: str, client: Any) -> None:
        self._bucket = bucket
        self._client = client

    def keep(self, record: Mapping[str, Any], *, reason: str, now: int, folder: str = "unreadable") -> str:
        """Store one record of the stream as Lambda handed it over; the same one is stored once. Returns its key.

        The object has Lambda's own form for what a mapping gives up: the event as text under `payload`. Raises
        NotKeptError.
        """
        day, sequence_number = utc(now)[:10], record["dynamodb"]["SequenceNumber"]
        key = f"{folder}/{day}/{sequence_number}.json"
        kept = {
            "requestContext": {"condition": "Unreadable", "reason": reason},
            "timestamp": utc(now),
            "payload": json.dumps({"Records": [record]}, separators=(",", ":")),
        }
        try:
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=json.dumps(kept).encode(), ContentType="application/json"
            )
        except (BotoCoreError, ClientError) as problem:
            raise NotKeptError(type(problem).__name__) from problem
        return key
