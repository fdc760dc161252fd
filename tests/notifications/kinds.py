"""Every kind of notification that WeChat Pay's documents name, by event_type and original_type.

kinds.json holds the 105 event types that wechatpay.im lists under webhook/v3, read in November 2026, and one of them once more
for profit sharing. Where the documents name no original_type it is null there, and a stand-in here.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

LISTED: list[tuple[str, str | None]] = [
    (event_type, original_type)
    for event_type, original_type in json.loads((Path(__file__).parent / "kinds.json").read_text())
]
OURS = {("TRANSACTION.SUCCESS", "transaction")} | {
    (f"REFUND.{end}", "refund") for end in ("SUCCESS", "CLOSED", "ABNORMAL")
}
ECHO = ("SECURITY_ECHO.SUCCESS", "security")
SECRET = "o-a-person-of-whom-nobody-else-shall-know"


class Other(NamedTuple):
    """A notification of a kind that nobody handles; `inside` is what it says."""

    event_type: str
    original_type: str | None
    inside: dict[str, Any]


def others() -> Iterator[Other]:
    """All of them: each kind with its original_type and without, and those that are called like a payment or a refund."""
    said = {"openid": SECRET, "mchid": "1900000109"}
    for event_type, original_type in LISTED:
        if (event_type, original_type) not in OURS:
            yield Other(event_type, original_type or event_type.split(".")[0].lower(), said)
        yield Other(event_type, None, said)
    number = {"out_trade_no": "WX" + "A" * 26, "transaction_id": "42" + "0" * 26, "trade_state": "SUCCESS"}
    combined = {"combine_out_trade_no": "C1", "combine_mchid": "1900000109", "sub_orders": [said | number]}
    partner = {"sp_mchid": "1900000109", "sub_mchid": "1900000110", **number, "amount": {"total": 1000}}
    yield Other("TRANSACTION.SUCCESS", "transaction", said | combined)
    yield Other("TRANSACTION.SUCCESS", "transaction", {"openid": SECRET, **partner})
    yield Other("REFUND.SUCCESS", "refund", {"openid": SECRET, **partner, "out_refund_no": "RF1"})
    yield Other("REFUND.SUCCESS", "transaction", said | number)
    yield Other("TRANSACTION.PAID", "transaction", said | number)
    yield Other("x" * 2000, "y" * 2000, said)
