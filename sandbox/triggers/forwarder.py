"""Each event of the bus posted to a web server of this machine, signed as Standard Webhooks are."""

import logging
import time

import requests

from sandbox.aws.aws import Aws
from sandbox.clock import Clock
from sandbox.triggers.deliveries import Deliveries, Event
from sandbox.triggers.webhooks import body_of, headers_of, id_of, key_of

log = logging.getLogger(__name__)

WAITS = (2.0, 10.0, 60.0, 300.0, 1800.0)
"""Seconds between one attempt and the next, by the sandbox's clock."""
TIMEOUT_SECONDS = 10


class NotTakenError(Exception):
    """The receiver answered, and not with a 2xx."""


class EventForwarder(Deliveries):
    """One delivery at a time, begun in the order of the bus; only a 2xx takes it, and no redirect is followed.

    `url` is one that `loopback.receiver` lets pass, `secret` one of `webhooks.key_of`'s form.
    """

    def __init__(self, aws: Aws, clock: Clock, *, url: str, secret: str) -> None:
        super().__init__("forward-events", aws, clock, waits=WAITS, at_once=1)
        self.url, self.secret = url, secret
        self._key = key_of(secret)

    def _takes(self, event: Event) -> bool:  # noqa: ARG002
        return True

    def _hand_over(self, event: Event) -> None:
        body = body_of(event)
        # By this machine's time, wherever the sandbox's clock stands: a receiver refuses what is five minutes off its own.
        signed = headers_of(id_of(event), body, key=self._key, now=time.time())
        headers = {"content-type": "application/json", "user-agent": "wechatpay-sandbox", **signed}
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment would take it elsewhere
            with session.post(
                self.url,
                data=body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,  # what the receiver says is not read: its status tells all
            ) as answer:
                if not 200 <= answer.status_code < 300:
                    raise NotTakenError(f"answered {answer.status_code}")

    def _tell_failure(self, event: Event, fault: Exception, wait: float | None) -> None:
        reason = str(fault) if isinstance(fault, NotTakenError) else type(fault).__name__
        then = "given up" if wait is None else f"again in {wait:g} s"
        log.warning(
            "forward-events: %s %s was not taken (%s); %s", event["detail-type"], id_of(event), reason, then
        )
