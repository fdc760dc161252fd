"""Stream records as Lambda hands them to a function, read from moto and freed of what moto does otherwise than AWS."""

import base64
from collections.abc import Callable
from typing import Any

from sandbox.aws.aws import Aws

PAGE = 1000
"""Records per GetRecords call, the most that DynamoDB Streams gives."""

Record = dict[str, Any]


class StreamReader:
    """Reads one stream from its oldest record on. Uses the four actions that Lambda demands of a function's role.

    (Lambda Developer Guide, DynamoDB event source: GetRecords, GetShardIterator, DescribeStream, ListStreams.)
    """

    def __init__(
        self, aws: Aws, stream_arn: str, credentials: dict[str, str] | None, now: Callable[[], float]
    ) -> None:
        self._aws = aws
        self._arn = stream_arn
        self._credentials = credentials
        self._now = now
        self._iterator: str | None = None
        self.shard_id = ""
        """The stream's one shard; known once something has been read."""

    def read(self) -> list[Record]:
        """All records since the last call, oldest first. Raises botocore's errors; the next call starts where it was."""
        client = self._aws.client("dynamodbstreams", self._credentials)
        iterator = self._iterator or self._oldest(client)
        found: list[Record] = []
        while True:
            page = client.get_records(ShardIterator=iterator, Limit=PAGE)
            found += page["Records"]
            iterator = page["NextShardIterator"]
            if len(page["Records"]) < PAGE:
                break
        self._iterator = iterator
        return [self._delivered(record) for record in as_aws_writes_them(found)]

    def _oldest(self, client: Any) -> str:
        table = self._arn.split("/")[1]
        client.list_streams(TableName=table)
        (shard,) = client.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]
        self.shard_id = shard["ShardId"]
        iterator: str = client.get_shard_iterator(
            StreamArn=self._arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        return iterator

    def _delivered(self, record: Record) -> Record:
        """In the shape of Lambda's event; the time of creation is the sandbox clock's, which moto does not know."""
        change = record["dynamodb"]
        images = {
            name: {key: _json(value) for key, value in change[name].items()}
            for name in ("Keys", "NewImage", "OldImage")
            if change.get(name)
        }
        return {
            "eventID": record["eventID"],
            "eventName": record["eventName"],
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self._aws.region,
            "dynamodb": {
                "ApproximateCreationDateTime": int(self._now()),
                **images,
                "SequenceNumber": change["SequenceNumber"],
                "SizeBytes": change["SizeBytes"],
                "StreamViewType": change["StreamViewType"],
            },
            "eventSourceARN": self._arn,
        }


def as_aws_writes_them(records: list[Record]) -> list[Record]:
    """The records without two kinds that moto adds and AWS does not write.

    An update that creates an item comes as two INSERTs, the first with nothing but the key; a write that changes
    nothing comes as a MODIFY (DynamoDB Developer Guide: no record when no item is modified). Both are recognised
    by their images, so the stream must hold new and old ones.
    """
    kept: list[Record] = []
    for record in records:
        change = record["dynamodb"]
        if record["eventName"] == "MODIFY" and change.get("NewImage") == change.get("OldImage"):
            continue
        previous = kept[-1] if kept else None
        if (
            previous is not None
            and record["eventName"] == previous["eventName"] == "INSERT"
            and change["Keys"] == previous["dynamodb"]["Keys"]
        ):
            kept.pop()
        kept.append(record)
    return kept


def _json(value: dict[str, Any]) -> dict[str, Any]:
    """An attribute value as JSON; binary, which the client has decoded, back to base64."""
    ((kind, inner),) = value.items()
    if kind == "B":
        return {kind: base64.b64encode(inner).decode()}
    if kind == "BS":
        return {kind: [base64.b64encode(part).decode() for part in inner]}
    if kind == "L":
        return {kind: [_json(part) for part in inner]}
    if kind == "M":
        return {kind: {key: _json(part) for key, part in inner.items()}}
    return value
