"""How what WeChat Pay has to tell finds its way to us, or does not: at once, late, twice, at the second try, never."""

import random
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.resilience.crash import invariants
from tests.resilience.crash.notification import opened
from wechatpay_simulator import Simulator
from wechatpay_simulator.notifications.courier import LADDER
from wechatpay_simulator.notifications.deliveries import Delivery

if TYPE_CHECKING:
    from tests.resilience.soak.window import Window

LOST, DROPPED, DOUBLED, DELAYED = 0.05, 0.06, 0.05, 0.04  # of notifications
LATEST = 3 * 3600  # seconds
CONSOLE = "CONSOLE-"  # how refund numbers of the merchant console begin


class Courier:
    """One window's. `lost` is the share of notifications of which no delivery arrives; `console_lost` says whether that goes for
    refunds of the console, too, of which nobody else tells."""

    def __init__(self, window: "Window", simulator: Simulator) -> None:
        self._window = window
        self._simulator = simulator
        self._chance = random.Random(f"courier {window.seed}")
        self._seen = 0  # deliveries
        self._unheard: list[Delivery] = []
        self._known: set[str] = set()
        self.lost = LOST
        self.console_lost = False
        self.notified: Counter[str] = Counter()

    def hear(self, *, refunds: bool) -> None:
        """Of payments, or of ends of refunds."""
        deliveries = self._simulator.deliveries()
        self._unheard += deliveries[self._seen :]
        self._seen = len(deliveries)
        heard = [d for d in self._unheard if d.notification.event_type.startswith("REFUND") == refunds]
        self._unheard = [delivery for delivery in self._unheard if delivery not in heard]
        new = {d.notification.id: d for d in heard if d.notification.id not in self._known}
        self._known |= new.keys()
        told = [(self._facts(delivery), delivery) for delivery in new.values()]
        for facts, delivery in sorted(told, key=lambda each: each[0].get("out_refund_no", "")):
            self._told(facts, delivery)

    def _facts(self, delivery: Delivery) -> dict[str, Any]:
        return opened(delivery.notification.body.decode(), self._window.credentials.api_v3_key)

    def _told(self, facts: Mapping[str, Any], delivery: Delivery) -> None:
        """WeChat Pay has something to tell: how it finds its way, or does not."""
        drawn, number = self._chance.random(), delivery.notification.id
        fate = "at once"
        for share, name in (
            (self.lost, "lost"),
            (DROPPED, "once lost"),
            (DOUBLED, "doubled"),
            (DELAYED, "late"),
        ):
            if 0 <= drawn < share and (self._window.faults.share or (self._window.quiet and name == "lost")):
                fate = name
            drawn -= share
        of_the_console = str(facts.get("out_refund_no", "")).startswith(CONSOLE)
        if fate == "lost" and of_the_console and not self.console_lost:
            fate = "once lost"
        self.notified[fate] += 1
        if fate == "once lost":
            self._window.after(LADDER[0], lambda: self._deliver(number, 1))
        elif fate == "late":
            self._window.after(self._chance.uniform(60, LATEST), lambda: self._deliver(number, 0))
        elif fate != "lost":
            for copy in range(2 if fate == "doubled" else 1):
                self._window.after(0.1 + copy, partial(self._deliver, number, 0, delivery))

    def _deliver(self, number: str, rung: int, first: Delivery | None = None) -> None:
        """WeChat Pay sends it, and climbs its ladder until it is answered with 2xx."""
        if first is not None:
            headers, body = first.headers, first.notification.body.decode()
        else:
            sent = self._window.control(f"notifications/{number}").json()
            headers, body = sent["headers"], sent["body"]
        began = self._window.clock.time()
        answer = self._window.invoke("notify", {"routeKey": "POST /notify", "headers": headers, "body": body})
        if answer is not None and answer["statusCode"] in (200, 204):
            self._accepted(opened(body, self._window.credentials.api_v3_key))
        elif rung < len(LADDER):
            self._window.at(
                max(began + LADDER[rung], self._window.clock.time()), lambda: self._deliver(number, rung + 1)
            )

    def _accepted(self, facts: Mapping[str, Any]) -> None:
        """Nobody will send it again: it must be in the table, or kept with the payment until it can be."""
        payments, number = self._window.images.payments, str(facts.get("out_refund_no", ""))
        item = payments.get(facts["out_trade_no"], {})
        held = any(f'"{number}"' in text for text in item.get("held", ()))
        # A refund of the console that the bank did not make has changed nothing, and is of no interest here.
        nothing = number.startswith(CONSOLE) and facts["refund_status"] == "CLOSED"
        if not held and not nothing:
            self._window.violations += invariants.committed(payments, facts)
