"""Every image of a payment that the table's stream shows: what must hold at each moment, not only at the end."""

from collections.abc import Mapping
from typing import Any

from payments.core.history import plain

RANKS = {
    "CREATING": 0,
    "PENDING": 1,
    "CLOSING": 2,
    "FAILED": 3,
    "CLOSED": 3,
    "PAID": 4,
    "PARTIALLY_REFUNDED": 5,
    "REFUNDED": 6,
}
FINAL_REFUNDS = ("SUCCEEDED", "CLOSED")


class Images:
    """The latest image of each payment, and what was wrong with any of them."""

    def __init__(self) -> None:
        self.payments: dict[str, dict[str, Any]] = {}
        self.violations: list[str] = []

    def saw(self, record: dict[str, Any]) -> None:
        """One record of the stream."""
        change = record["dynamodb"]
        if "NewImage" not in change:
            return
        new = {name: plain(value) for name, value in change["NewImage"].items()}
        old = (
            {name: plain(value) for name, value in change["OldImage"].items()}
            if "OldImage" in change
            else None
        )
        for problem in (*conservation(new), *monotone(old, new), *liveness(new)):
            self.violations.append(f"{problem} (version {new['version']}, {new['status']})")
        self.payments[new["out_trade_no"]] = new

    @property
    def due_at(self) -> int | None:
        """When the first payment is due."""
        return min((item["due_at"] for item in self.payments.values() if "due_at" in item), default=None)


def open_refunds(item: Mapping[str, Any]) -> list[str]:
    """Numbers of the refunds that are not final."""
    return [number for number, refund in item["refunds"].items() if refund["status"] not in FINAL_REFUNDS]


def conservation(item: dict[str, Any]) -> list[str]:
    """I1: paid = refundable + refunding + refunded, none below zero, and each is the sum of its refunds."""
    problems = []
    paid, refundable, refunding, refunded = (
        item[name] for name in ("paid", "refundable", "refunding", "refunded")
    )
    if paid != refundable + refunding + refunded or min(paid, refundable, refunding, refunded) < 0:
        problems.append(f"I1 paid {paid} is not {refundable} + {refunding} + {refunded}")
    sums = {"SUCCEEDED": 0, "CLOSED": 0, "open": 0}
    for refund in item["refunds"].values():
        sums[refund["status"] if refund["status"] in FINAL_REFUNDS else "open"] += refund["amount"]
    if (sums["SUCCEEDED"], sums["open"]) != (refunded, refunding):
        problems.append(f"I1 refunded {refunded} and refunding {refunding}, but the refunds sum up to {sums}")
    return problems


def monotone(old: dict[str, Any] | None, new: dict[str, Any]) -> list[str]:
    """I4: rank never falls, one history entry per version, and no entry is ever rewritten."""
    problems = []
    if new["version"] != len(new["history"]):
        problems.append(f"I4 version {new['version']} with {len(new['history'])} history entries")
    if new["history"][-1]["to"] != new["status"]:
        problems.append(f"I4 the history ends in {new['history'][-1]['to']}")
    if old is None:
        return problems
    if RANKS[new["status"]] < RANKS[old["status"]]:
        problems.append(f"I4 rank falls from {old['status']}")
    if new["history"][: len(old["history"])] != old["history"] or new["version"] - old["version"] not in (
        0,
        1,
    ):
        problems.append(f"I4 the history is not that of version {old['version']} and at most one entry more")
    moved = new["status"] != old["status"] or _refund_statuses(new) != _refund_statuses(old)
    if moved and new["version"] == old["version"]:
        problems.append(f"I4 moved from {old['status']} without a version")
    return problems


def liveness(item: dict[str, Any]) -> list[str]:
    """I6: whatever is not final is due at some time."""
    if "due_at" in item and "due_shard" in item:
        return []
    unpaid = RANKS[item["status"]] < RANKS["CLOSED"]
    return [f"I6 nobody will look at it: {open_refunds(item)}"] if unpaid or open_refunds(item) else []


def _refund_statuses(item: dict[str, Any]) -> dict[str, str]:
    return {number: refund["status"] for number, refund in item["refunds"].items()}
