"""The table `notifications`: what WeChat Pay told of a kind that nobody handles, once each, as encrypted as it came."""

from payments.core.errors import RefusedUpdate
from payments.storage.items import conditional_write
from payments.storage.tables import NotificationItem as N
from wechatpay.notification import Sealed

NOTIFICATION_LIFE_SECONDS = 90 * 86400
"""Seconds that a notification is kept."""


class NotificationStore:
    """One stack's notifications of other kinds. What they say may be about persons, so the plaintext is never stored."""

    def __init__(self, *, notifications_table: str) -> None:
        N.Meta.table_name = notifications_table

    def keep(self, sealed: Sealed, *, now: int) -> bool:
        """Keep one notification; whether it is the first with its id, which WeChat Pay repeats in each delivery.

        Raises StorageUnavailableError: until it is kept, nobody may be told that it was received.
        """
        item = N(
            sealed.id,
            event_type=sealed.event_type,
            original_type=sealed.original_type,
            create_time=sealed.create_time,
            ciphertext=sealed.ciphertext,
            nonce=sealed.nonce,
            associated_data=sealed.associated_data,
            seen_at=now,
            expires_at=now + NOTIFICATION_LIFE_SECONDS,
        )
        try:
            conditional_write(lambda: item.save(N.notification_id.does_not_exist()))
        except RefusedUpdate:
            return False
        return True
