"""Echoes that were asked for, in the table `notifications`: only WeChat Pay's notification of one of these counts as arrived."""

import re

from payments.core.errors import RefusedUpdate
from payments.storage.items import conditional_write, read
from payments.storage.tables import EchoItem as E

ECHO_LIFE_SECONDS = 7 * 86400
"""Seconds that an echo is remembered: longer than WeChat Pay repeats a notification."""
_NONCE = re.compile(r"[0-9a-f]{32}")


class EchoStore:
    """One stack's echoes, each known by the nonce that is its message."""

    def __init__(self, *, notifications_table: str) -> None:
        E.Meta.table_name = notifications_table

    def remember(self, nonce: str, *, serial: str, now: int) -> None:
        """Remember an echo that is about to be asked for under the key `serial`. Raises StorageUnavailableError."""
        conditional_write(
            E(key_of(nonce), serial=serial, sent_at=now, expires_at=now + ECHO_LIFE_SECONDS).save
        )

    def mark_arrived(self, nonce: object, *, now: int) -> bool:
        """Note that a notification says this, as often as it comes; whether it is an echo of ours.

        Raises StorageUnavailableError.
        """
        if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
            return False
        try:
            conditional_write(
                lambda: E(key_of(nonce)).update([E.arrived_at.set(E.arrived_at | now)], E.sent_at.exists())
            )
        except RefusedUpdate:
            return False
        return True

    def has_arrived(self, nonce: str) -> bool:
        """Whether WeChat Pay's notification of it has come (a consistent read). Raises StorageUnavailableError."""
        return read(lambda: E.get(key_of(nonce), consistent_read=True)).arrived_at is not None


def key_of(nonce: str) -> str:
    """The row of an echo, beside WeChat Pay's own notification ids."""
    return f"echo#{nonce}"
