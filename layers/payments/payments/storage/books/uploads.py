"""An object of the bucket that is written in pieces, and is there whole or not at all."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from payments.core.errors import StorageUnavailableError

PART_BYTES = 8 << 20  # S3 takes 5 MB at least, but for the last one, and 10,000 of them

T = TypeVar("T")


def asked(call: Callable[[], T]) -> T:
    """One call of S3; raises StorageUnavailableError when it does not come about."""
    try:
        return call()
    except ClientError as problem:
        raise StorageUnavailableError(str(problem.response.get("Error", {}).get("Code"))) from problem
    except BotoCoreError as problem:
        raise StorageUnavailableError(type(problem).__name__) from problem


class Upload:
    """One object under way; at most PART_BYTES and a piece of it are held. A small one goes out with one call.

    A context manager: left without `complete` the object is as it was before. Parts that were sent in vain go at once where the
    role may do that, and by the bucket's lifecycle in any case.
    """

    def __init__(self, client: Any, bucket: str, key: str, content_type: str) -> None:
        self._client = client
        self._where = {"Bucket": bucket, "Key": key}
        self._type = {"ContentType": content_type}
        self._pieces: list[bytes] = []
        self._size = 0
        self._upload: dict[str, str] | None = None
        self._parts: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._upload is not None:
            with suppress(BotoCoreError, ClientError):
                self._client.abort_multipart_upload(**self._upload)

    def add(self, piece: bytes) -> None:
        """The next bytes."""
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size >= PART_BYTES:
            self._send()

    def complete(self) -> str:
        """The object is there from now on. Returns its ETag."""
        upload = self._upload
        if upload is None:
            body = b"".join(self._pieces)
            put = asked(lambda: self._client.put_object(**self._where, **self._type, Body=body))
            return str(put["ETag"])
        if self._size:
            self._send()
        whole = {"MultipartUpload": {"Parts": self._parts}}
        done = asked(lambda: self._client.complete_multipart_upload(**upload, **whole))
        self._upload = None
        return str(done["ETag"])

    def _send(self) -> None:
        if self._upload is None:
            begun = asked(lambda: self._client.create_multipart_upload(**self._where, **self._type))
            self._upload = {**self._where, "UploadId": begun["UploadId"]}
        upload, number, body = self._upload, len(self._parts) + 1, b"".join(self._pieces)
        sent = asked(lambda: self._client.upload_part(**upload, PartNumber=number, Body=body))
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        self._pieces.clear()
        self._size = 0
