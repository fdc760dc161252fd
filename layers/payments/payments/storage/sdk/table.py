"""One connection to DynamoDB for all tables: pynamodb would make one for each, with a session and a client of its own."""

import contextlib
import functools
from typing import Any, Self

from pynamodb.connection import Connection, TableConnection
from pynamodb.models import Model

from payments.storage.sdk.rehearsal import OF_TABLES, rehearse
from payments.storage.sdk.session import making, session


class Table(Model):
    """A pynamodb model whose calls go over the connection that it shares with all others of the same timeouts."""

    @classmethod
    def connect(cls) -> None:
        """Make the connection now instead of with the first call, and rehearse its calls. Nobody is asked."""
        rehearse(cls._get_connection().connection.client, OF_TABLES)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        table = super()._get_connection()
        meta = cls.Meta
        shared = _shared(
            session(), meta.connect_timeout_seconds, meta.read_timeout_seconds, meta.max_retry_attempts
        )
        if table.connection is not shared:
            with contextlib.suppress(ValueError):  # known already, from another model of the same table
                shared.add_meta_table(table.get_meta_table())
            table.connection = shared
        return table


class RawTable(Table):
    """Items that are kept as they came, in `raw`, in DynamoDB's own JSON; an item may be a row of an index.

    pynamodb's own decoding, attribute by attribute and member by member, takes more than ten times as long as reading `raw` does.
    """

    raw: dict[str, dict[str, Any]]

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Self:
        """An item of which nothing is decoded yet."""
        item = cls(_user_instantiated=False)
        item.raw = data
        return item


class _Connection(Connection):
    def __init__(self, of: Any, **settings: Any) -> None:
        super().__init__(**settings)
        self._of = of

    @property
    def session(self) -> Any:
        return self._of


@functools.lru_cache(maxsize=4)
def _shared(of: Any, connect: float, read: float, retries: int) -> Connection:
    made = _Connection(
        of, connect_timeout_seconds=connect, read_timeout_seconds=read, max_retry_attempts=retries
    )
    with making:
        _ = made.client
    return made
