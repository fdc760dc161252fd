"""The table `connections`: who waits for news of an order, and which tickets have been used.

Whatever lies here may be lost without harm to any payment: a page that hears nothing looks by itself.
"""

import contextlib
from dataclasses import dataclass

from payments.core.errors import RefusedUpdate
from payments.storage.items import conditional_write, read
from payments.storage.tables import ConnectionItem as C

CONNECTION_LIFE_SECONDS = 2 * 3600 + 300
"""Seconds that a row is kept: longer than API Gateway lets a connection last (two hours), and than any ticket."""


@dataclass(frozen=True)
class Connection:
    """One live connection of one order; `opened_at` in epoch seconds."""

    out_trade_no: str
    ticket_id: str
    connection_id: str
    opened_at: int


class ConnectionStore:
    """One stack's live connections."""

    def __init__(self, *, connections_table: str) -> None:
        C.Meta.table_name = connections_table

    def open(self, connection: Connection) -> None:
        """Use a ticket up for this connection, in one conditional put. RefusedUpdate when another one has used it."""
        item = C(
            connection.out_trade_no,
            connection.ticket_id,
            connection_id=connection.connection_id,
            opened_at=connection.opened_at,
            expires_at=connection.opened_at + CONNECTION_LIFE_SECONDS,
        )
        # The same connection again is this very put, repeated by the SDK after an answer that got lost.
        unused = C.ticket_id.does_not_exist() | (C.connection_id == connection.connection_id)
        conditional_write(lambda: item.save(unused))

    def waiting_for(self, out_trade_no: str) -> list[Connection]:
        """Everybody who waits for news of an order, the newest first (a consistent read)."""
        waiting = read(
            lambda: list(
                C.query(out_trade_no, consistent_read=True, filter_condition=C.connection_id.exists())
            )
        )
        found = [
            Connection(item.out_trade_no, item.ticket_id, str(item.connection_id), int(item.opened_at))
            for item in waiting
        ]
        return sorted(found, key=lambda connection: connection.opened_at, reverse=True)

    def close(self, connection_id: str) -> str | None:
        """Forget the connection with this id; the out_trade_no that it was about, None when nothing is known of it.

        The index may lag behind a connection that was opened a moment ago. Such a one is forgotten at the next news.
        """
        for item in read(lambda: list(C.by_connection.query(connection_id, limit=1))):
            self._forget(item.out_trade_no, item.ticket_id, connection_id)
            return str(item.out_trade_no)
        return None

    def forget(self, connection: Connection) -> None:
        """This connection is over."""
        self._forget(connection.out_trade_no, connection.ticket_id, connection.connection_id)

    @staticmethod
    def _forget(out_trade_no: str, ticket_id: str, connection_id: str) -> None:
        # The row stays until its time is over: without it, the ticket would open a second connection.
        row, still = C(out_trade_no, ticket_id), C.connection_id == connection_id
        with contextlib.suppress(RefusedUpdate):  # forgotten already, or the row's time is over
            conditional_write(lambda: row.update([C.connection_id.remove()], still))
