"""What the stages of a run hand on to each other: lines, divided into partitions, in objects that end by themselves (lifecycle)."""

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from payments.core.books.results import Work
from payments.core.errors import StorageUnavailableError
from payments.storage.books.results import Part
from payments.storage.books.uploads import asked


class WorkFiles:
    """Work objects in the bucket of bills; `client` is an S3 client. Every call raises StorageUnavailableError."""

    def __init__(self, *, bucket: str, client: Any) -> None:
        self._bucket = bucket
        self._client = client

    def put(self, part: Part, partitions: Sequence[Sequence[object]]) -> Work:
        """Keep the lines of each partition, in one object; it is named by what is in it, so that nothing else overwrites it."""
        bounds, pieces = [0], []
        for lines in partitions:
            text = b"\n".join(map(msgspec.json.encode, lines))
            pieces.append(zlib.compress(text, 1))
            bounds.append(bounds[-1] + len(pieces[-1]))
        body = b"".join(pieces)
        digest = hashlib.sha256(body).hexdigest()[:16]
        name = f"work/{part.bill_date}/{part.run}/{part.stage}-{part.number:06}-{digest}"
        asked(lambda: self._client.put_object(Bucket=self._bucket, Key=name, Body=body))
        return Work(name, tuple(bounds))

    def lines(self, work: Work, partition: int) -> Iterator[list[Any]]:
        """The lines of one partition, with one read."""
        where = f"bytes={work.bounds[partition]}-{work.bounds[partition + 1] - 1}"
        answer = asked(lambda: self._client.get_object(Bucket=self._bucket, Key=work.name, Range=where))
        try:
            body: bytes = asked(answer["Body"].read)
        except OSError as problem:  # what botocore's stream raises of its own
            raise StorageUnavailableError(type(problem).__name__) from problem
        return (msgspec.json.decode(line) for line in zlib.decompress(body).split(b"\n") if line)
