"""Keeps a bill of so many rows in a bucket that forgets it, and tells what that took: python -m tests.books.large_bill 1000000"""

import hashlib
import json
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from payments.core.books.bill_text import BillKind
from payments.storage.books.bill_files import BillFiles
from tests.books.bills import PAYMENT, trade_bill


class Nowhere:
    """An S3 client that takes everything and keeps nothing."""

    def __init__(self) -> None:
        self.bytes = 0

    def put_object(self, *, Body: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        return self._taken(Body)

    def create_multipart_upload(self, **_: Any) -> dict[str, Any]:
        return {"UploadId": "1"}

    def upload_part(self, *, Body: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        return self._taken(Body)

    def complete_multipart_upload(self, **_: Any) -> dict[str, Any]:
        return {"ETag": '"1"'}

    def _taken(self, body: bytes) -> dict[str, Any]:
        self.bytes += len(body)
        return {"ETag": '"1"'}


def text(rows: int) -> Iterator[bytes]:
    """A trade bill; its numbers do not repeat themselves, as real ones do not."""
    head, _, tail = trade_bill(PAYMENT).partition(b"`2026")
    row, end = tail.split(b"\r\n", 1)
    yield head
    for number in range(rows):
        digest = hashlib.sha512(str(number).encode()).hexdigest()
        yield b"`2026" + row.replace(b"WXA", digest.encode()) + b"\r\n"
    yield end


def peak_bytes() -> int:
    """Memory that this program has had at most. Linux counts what started it to `ru_maxrss`, and not to VmHWM."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Tell rows, compressed bytes, seconds, and bytes of memory at most."""
    bucket, began = Nowhere(), time.monotonic()
    files = BillFiles(bucket="bills", mchid="1900000109", client=bucket)
    index = files.write(BillKind.TRADE, "2026-11-28", text(int(sys.argv[1])))
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"rows": index.rows, "bytes": bucket.bytes, "seconds": seconds, "peak": peak_bytes()}))


if __name__ == "__main__":
    main()
