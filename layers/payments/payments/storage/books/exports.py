"""Where exports are kept: what was asked for and what came of it in a table, until they end by themselves; their files in a bucket."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from payments.core.books.export import Export, ExportKind, ExportStatus
from payments.core.errors import RefusedUpdate
from payments.storage.books.uploads import Upload
from payments.storage.items import conditional_write, put, read
from payments.storage.sdk.table import Table
from payments.storage.tables import IntAttribute, TableSettings

LINK_SECONDS = 300


class ExportItem(Table):
    """One export; gone by itself (TTL)."""

    class Meta(TableSettings):
        table_name = "exports"  # the store sets the real name

    export_id = UnicodeAttribute(hash_key=True)
    kind = UnicodeAttribute()
    first_day = UnicodeAttribute()
    last_day = UnicodeAttribute()
    created_at = IntAttribute()
    expires_at = IntAttribute()
    status = UnicodeAttribute()
    rows = IntAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    file = UnicodeAttribute(null=True)


E = ExportItem


class ExportStore:
    """One stack's exports. Every method raises StorageUnavailableError."""

    def __init__(self, *, exports_table: str) -> None:
        E.Meta.table_name = exports_table

    def create(self, export: Export) -> None:
        """Keep a new export. RefusedUpdate when its id is that of one whose time is not over."""
        values = {name: value for name, value in vars(export).items() if value is not None}
        item = E(**values | {"kind": export.kind.value, "status": export.status.value})
        free = E.export_id.does_not_exist() | (E.expires_at <= export.created_at)
        put(item, export.export_id, free, refused=lambda _: RefusedUpdate())

    def get(self, export_id: str) -> Export | None:
        """The export as of now (a consistent read), or None. One whose time is over may still be there."""
        try:
            item = read(lambda: E.get(export_id, consistent_read=True))
        except DoesNotExist:
            return None
        values = {name: getattr(item, name) for name in E.get_attributes()}
        return Export(**values | {"kind": ExportKind(item.kind), "status": ExportStatus(item.status)})

    def end(self, export: Export) -> None:
        """Write down what came of it; what was written first stays."""
        told: list[Any] = [E.status.set(export.status.value)]
        told += [] if export.rows is None else [E.rows.set(export.rows)]
        told += [] if export.reason is None else [E.reason.set(export.reason)]
        told += [] if export.file is None else [E.file.set(export.file)]
        # Of this very one: its id may be another's, once its time is over.
        running = (E.status == ExportStatus.RUNNING.value) & (E.created_at == export.created_at)
        with suppress(RefusedUpdate):
            conditional_write(lambda: E(export.export_id).update(told, running))


class ExportFiles:
    """The bucket of files. `client` is an S3 client that signs addresses by SigV4."""

    def __init__(self, *, bucket: str, client: Any) -> None:
        self._bucket, self._client = bucket, client

    def write(self, file: str, pieces: Iterable[bytes]) -> None:
        """Store a file piece by piece; it is there once all are. Raises StorageUnavailableError, and whatever `pieces` raises."""
        with Upload(self._client, self._bucket, file, "text/csv; charset=utf-8") as upload:
            for piece in pieces:
                upload.add(piece)
            upload.complete()

    def link(self, file: str, *, name: str) -> str:
        """An address from which anybody who has it can fetch the file under this name, for five minutes. Nobody is asked."""
        where = {
            "Bucket": self._bucket,
            "Key": file,
            "ResponseContentDisposition": f'attachment; filename="{name}"',
        }
        address: str = self._client.generate_presigned_url("get_object", Params=where, ExpiresIn=LINK_SECONDS)
        return address
