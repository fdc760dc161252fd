"""Both of our clients verify what the sandbox posts, and what a foreign library signs; nothing that has been changed."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from sandbox.triggers.webhooks import body_of, headers_of, key_of, new_secret
from tests.clients.caller import Caller
from tests.kit.shop import Shop

SECRET = new_secret()
BODY = '{"type":"PaymentSucceeded","timestamp":"2026-01-01T12:00:00Z","data":{"id":"WX7#3","note":"古琴"}}'


def signed(body: str = BODY, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    return headers_of("WX7#3", body.encode(), key=key_of(secret), now=time.time() if at is None else at)


def test_what_the_sandbox_posts_is_an_event(client: Caller, shop: Shop) -> None:
    number = shop.paid_order("9.99")
    for event in shop.events(number):
        body = body_of(event | {"detail_text": json.dumps(event["detail"])}).decode()
        told = client.verified(body, signed(body), SECRET)
        assert told == {"answer": json.loads(body)}


def test_what_a_foreign_library_signs_is_an_event(client: Caller) -> None:
    now = datetime.now(UTC)
    theirs = Webhook(SECRET).sign("WX7#3", now, BODY)
    headers = {"Webhook-Id": "WX7#3", "WEBHOOK-TIMESTAMP": str(int(now.timestamp()))}
    for signature in (
        theirs,
        f"v1a,AAAA v1,{'A' * 43}= {theirs}",
    ):  # other versions, and another key's, beside it
        told = client.verified(BODY, headers | {"webhook-signature": signature}, SECRET)
        assert told == {"answer": json.loads(BODY)}


def without(name: str) -> dict[str, str]:
    return {header: value for header, value in signed().items() if header != name}


CHANGED: dict[str, Callable[[], dict[str, str]]] = {  # made when they are sent: they age
    "another body": lambda: signed(BODY + " "),
    "another secret": lambda: signed(secret=new_secret()),
    "another id": lambda: signed() | {"webhook-id": "WX7#4"},
    "no value": lambda: signed() | {"webhook-signature": "v1,"},
    "no base64": lambda: signed() | {"webhook-signature": "v1,é"},
    "another version": lambda: (
        signed() | {"webhook-signature": signed()["webhook-signature"].replace("v1,", "v2,")}
    ),
    "long ago": lambda: signed(at=0),
    "in the future": lambda: signed() | {"webhook-timestamp": "9" * 12},
    "no time": lambda: signed() | {"webhook-timestamp": "now"},
    "no digit of ASCII": lambda: signed() | {"webhook-timestamp": "٣"},
    "no signature": lambda: without("webhook-signature"),
    "no timestamp": lambda: without("webhook-timestamp"),
    "no id": lambda: without("webhook-id"),
}
WHY = {
    "long ago": "five minutes",
    "in the future": "five minutes",
    "no time": "seconds",
    "no digit of ASCII": "seconds",
    "no signature": "is missing",
    "no timestamp": "is missing",
    "no id": "is missing",
}


@pytest.mark.parametrize("what", CHANGED)
def test_everything_else_is_none(client: Caller, what: str) -> None:
    told = client.verified(BODY, CHANGED[what](), SECRET)
    assert told["refusal"].startswith("WebhookError: ")
    assert WHY.get(what, "no signature is of this secret") in told["refusal"]


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", SECRET.removeprefix("whsec_"), "whsec_" + "A" * 120]
)
def test_what_is_no_secret_is_a_fault_of_the_shop(client: Caller, secret: str) -> None:
    told: dict[str, Any] = client.verified(BODY, signed(), secret)
    assert told["refusal"].partition(":")[0] in ("TypeError", "ValueError")
    assert "whsec_" in told["refusal"]
