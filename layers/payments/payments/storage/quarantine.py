"""Evidence that contradicts what we know: kept for a person to judge, never dropped, never credited."""

import hashlib
import json
from collections.abc import Mapping

from payments.storage.items import conditional_write
from payments.storage.tables import QuarantineItem


class Quarantine:
    """The quarantine table."""

    def __init__(self, *, quarantine_table: str) -> None:
        QuarantineItem.Meta.table_name = quarantine_table

    def keep(
        self, *, reason: str, source: str, out_trade_no: str | None, facts: Mapping[str, object], now: int
    ) -> str:
        """Store one piece of evidence; the same evidence is stored once. Returns its id.

        Raises StorageUnavailableError: until it is kept, nobody may be told that it was received.
        """
        text = json.dumps(facts, sort_keys=True, ensure_ascii=False, default=str)
        identity = json.dumps([reason, source, out_trade_no, text])
        evidence_id = hashlib.sha256(identity.encode()).hexdigest()[:32]
        item = QuarantineItem(
            evidence_id=evidence_id,
            reason=reason,
            source=source,
            out_trade_no=out_trade_no,
            facts=text,
            seen_at=now,
        )
        conditional_write(item.save)
        return evidence_id
