"""Who must still be looked at: the sparse index `due`, spread over shards so that no partition of it runs hot."""

import hashlib

FIRST_CHECK = 60  # seconds after a step that somebody must follow up


def shard(out_trade_no: str, shards: int) -> str:
    """The shard of one payment, always the same: `0` to `shards - 1` as text."""
    return str(int(hashlib.sha256(out_trade_no.encode()).hexdigest()[:8], 16) % shards)
