"""What a stream mapping gives up on, put whole into a bucket as Lambda does.

(Lambda Developer Guide, Retain discarded records for a DynamoDB event source in Lambda: names and text of the objects.)
"""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.aws.aws import Aws
from sandbox.deployed import FailureBucket

EXHAUSTED = "RetryAttemptsExhausted"
EXPIRED = "RecordAgeExceeded"


@dataclass(frozen=True)
class Discarded:
    """A batch that is given up, and what came of its last invocation."""

    records: list[dict[str, Any]]  # as the function got them
    condition: str
    invocations: int
    raised: bool  # False: the function answered, with failures


class FailureStore:
    """Writes into the mapping's bucket, with the function's role."""

    def __init__(self, aws: Aws, bucket: FailureBucket, credentials: dict[str, str] | None) -> None:
        self._aws = aws
        self._bucket = bucket
        self._credentials = credentials

    def keep(self, batch: Discarded, *, shard_id: str, now: float) -> str:
        """One object for the batch; returns its key. Raises botocore's errors."""
        moment = datetime.fromtimestamp(now, UTC)
        key = (
            f"aws/lambda/{self._bucket.mapping_id}/{shard_id}/{moment:%Y/%m/%d}"
            f"/{moment:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        )
        body = json.dumps(record_of(batch, self._bucket.function_arn, shard_id=shard_id, moment=moment))
        client = self._aws.client("s3", self._credentials)
        client.put_object(
            Bucket=self._bucket.bucket, Key=key, Body=body.encode(), ContentType="application/json"
        )
        return key


def record_of(batch: Discarded, function_arn: str, *, shard_id: str, moment: datetime) -> dict[str, Any]:
    """The invocation record; `payload` is the whole event as text, as only S3 gets it."""
    changes = [record["dynamodb"] for record in batch.records]
    times = [record["ApproximateCreationDateTime"] for record in changes]
    found: dict[str, Any] = {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": function_arn,
            "condition": batch.condition,
            "approximateInvokeCount": batch.invocations,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "version": "1.0",
        "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z",
        "DDBStreamBatchInfo": {
            "shardId": shard_id,
            "startSequenceNumber": changes[0]["SequenceNumber"],
            "endSequenceNumber": changes[-1]["SequenceNumber"],
            "approximateArrivalOfFirstRecord": _iso(times[0]),
            "approximateArrivalOfLastRecord": _iso(times[-1]),
            "batchSize": len(batch.records),
            "streamArn": batch.records[0]["eventSourceARN"],
        },
        "payload": json.dumps({"Records": batch.records}, separators=(",", ":")),
    }
    if batch.raised:
        found["responseContext"]["functionError"] = "Unhandled"
    if not batch.invocations:
        del found["responseContext"]  # nothing answered
    return found


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
