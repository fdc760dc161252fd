"""WeChat Pay's notifications: sealed once, signed at each delivery, delivered until the product has taken them, or lost."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.resilience.believing.agenda import Agenda
from tests.resilience.believing.ledger import Order, Refund, transaction
from tests.resilience.believing.line import Line
from wechatpay_simulator.notifications.courier import LADDER

APIV3_KEY = "k" * 32
_CIPHER = AESGCM(APIV3_KEY.encode())
FATES = ("well", "lost", "late", "doubled", "much later")
_DELAY = {"late": 90.0, "much later": 30_000.0}


@dataclass
class Notification:
    """One event; its bytes stay the same at every delivery."""

    kind: str
    body: bytes
    facts: dict[str, Any]
    taken: bool = False
    given_up: bool = False


class Post:
    """`deliver` hands one delivery to the product and says whether it took it."""

    def __init__(
        self, agenda: Agenda, line: Line, *, deliver: Callable[[dict[str, Any], Notification], bool]
    ) -> None:
        self.fates: list[str] = []
        """What becomes of the next ones; those beyond arrive well."""
        self.all: list[Notification] = []
        self._agenda = agenda
        self._line = line
        self._deliver = deliver

    def paid(self, order: Order) -> None:
        """TRANSACTION.SUCCESS. What it says is of this moment."""
        self._sent("TRANSACTION.SUCCESS", "transaction", {**transaction(order), "trade_state": "SUCCESS"})

    def refund_ended(self, order: Order, refund: Refund) -> None:
        """REFUND.SUCCESS, REFUND.CLOSED or REFUND.ABNORMAL."""
        facts = {
            "mchid": order.request["mchid"],
            "out_trade_no": order.request["out_trade_no"],
            "transaction_id": order.transaction_id,
            "out_refund_no": refund.out_refund_no,
            "refund_id": refund.refund_id,
            "refund_status": refund.status,
            "amount": {"total": order.total, "refund": refund.amount},
        }
        self._sent(f"REFUND.{refund.status}", "refund", facts)

    def again(self, notification: Notification) -> None:
        """From the console: whatever became of it before."""
        self._at(0, notification, 0)

    def now(self, notification: Notification) -> None:
        """One delivery at this very moment."""
        self._delivered(notification, len(LADDER))

    def _sent(self, kind: str, original_type: str, facts: dict[str, Any]) -> None:
        serial = len(self.all)
        nonce = f"{serial:012}"
        sealed = _CIPHER.encrypt(nonce.encode(), json.dumps(facts).encode(), original_type.encode())
        resource = {
            "original_type": original_type,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "associated_data": original_type,
            "nonce": nonce,
        }
        envelope = {
            "id": f"note-{serial}",
            "create_time": "2026-01-01T12:00:00+08:00",
            "resource_type": "encrypt-resource",
            "event_type": kind,
            "summary": "-",
            "resource": resource,
        }
        notification = Notification(kind, json.dumps(envelope).encode(), facts)
        self.all.append(notification)
        fate = self.fates.pop(0) if self.fates else "well"
        if fate == "lost":
            notification.given_up = True
            return
        self._at(_DELAY.get(fate, 1.0), notification, 0)
        if fate == "doubled":
            self._at(1.5, notification, len(LADDER))

    def _at(self, after: float, notification: Notification, rung: int) -> None:
        self._agenda.at(self._agenda.now() + after, lambda: self._delivered(notification, rung))

    def _delivered(self, notification: Notification, rung: int) -> None:
        headers = {"content-type": "application/json", **self._line.signature(notification.body)}
        event = {"routeKey": "POST /notify", "headers": headers, "body": notification.body.decode()}
        if self._deliver(event, notification):
            notification.taken = True
        elif rung < len(LADDER):
            self._at(LADDER[rung], notification, rung + 1)
