"""Whoever lists and exports over HTTP: the functions' own handlers, on tables in memory."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from payments.api.http import endpoint
from payments.core.books.journal import changes
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.wiring import Wiring
from tests.kit.document import DOCUMENT
from tests.kit.functions import function
from tests.kit.payments import a_payment
from tests.kit.shop import WECHAT

READ, PAY = "payments:read", "payments:pay"


def order_number(n: int) -> str:
    """An order number of ours."""
    return "WX" + base64.b32encode((n << 6).to_bytes(17, "big")).decode()[:26]


def query_members(asked: Mapping[str, object]) -> dict[str, Any]:
    """A query as API Gateway hands it over; a list's members each stand for themselves, and come joined by commas.

    Source: API Gateway developer guide, Lambda proxy integration, payload format 2.0.
    """
    if not asked:
        return {}
    joined = {
        name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in asked.items()
    }
    return {"queryStringParameters": joined, "rawQueryString": urlencode(asked, doseq=True)}


@dataclass
class Reader:
    """One who asks; `payments` are those that the journal has heard of."""

    wiring: Wiring
    payments: dict[str, Payment] = field(default_factory=dict)

    def open(self, number: str, **members: Any) -> Payment:
        """An order that the journal has heard of."""
        payment = a_payment(number, **members)
        self.wiring.journal.write(changes([None, payment]), now=payment.created_at)
        self.payments[number] = payment
        return payment

    def move(self, number: str, **members: Any) -> Payment:
        """…and of what has become of it."""
        seen = self.payments[number]
        payment = replace(seen, version=seen.version + 1, **members)
        self.wiring.journal.write(changes([seen, payment]), now=payment.created_at)
        self.payments[number] = payment
        return payment

    def pay(self, number: str, success_time: str) -> Payment:
        """The buyer pays; WeChat Pay's moment of it is RFC 3339."""
        seen = self.payments[number]
        told = {
            "paid": seen.amount,
            "refundable": seen.amount,
            "transaction_id": "4200001234567890123456789012",
        }
        return self.move(number, status=Status.PAID, success_time=success_time, **told)

    def ask(self, *, scope: str = READ, sub: str = "support", **query: object) -> tuple[int, Any]:
        """GET …/orders: status, and `data` or the refusal. A name of the query that Python has itself ends with `_`."""
        asked = {name.rstrip("_"): value for name, value in query.items() if value is not None}
        return self._called("orders", "GET", "/orders", sub, scope, query_members(asked))

    def all_pages(self, **query: Any) -> list[dict[str, Any]]:
        """The orders of every page of a list."""
        orders, cursor = list[dict[str, Any]](), None
        for _ in range(10_000):
            status, page = self.ask(cursor=cursor, **query)
            assert status == 200, page
            orders += page["orders"]
            if (cursor := page.get("cursor")) is None:
                return orders
        raise AssertionError("a list without end")

    def begin(
        self, body: object, *, scope: str = READ, sub: str = "support", key: str | None = None
    ) -> tuple[int, Any]:
        """POST …/exports."""
        headers = {} if key is None else {"idempotency-key": key}
        event = {"headers": headers, "body": json.dumps(body)}
        return self._called("export_begin", "POST", "/exports", sub, scope, event, status=202)

    def export(self, number: str, *, scope: str = READ) -> tuple[int, Any]:
        """GET …/exports/{exportId}."""
        event = {"pathParameters": {"exportId": number}}
        return self._called("export_status", "GET", f"/exports/{number}", "support", scope, event)

    def _called(
        self,
        name: str,
        method: str,
        path: str,
        sub: str,
        scope: str,
        event: dict[str, Any],
        status: int = 200,
    ) -> tuple[int, Any]:
        claims = {"sub": sub, "scope": scope}
        told = endpoint(function(name).answer, self.wiring, status=status)(
            {"routeKey": name, "requestContext": {"authorizer": {"jwt": {"claims": claims}}}, **event}, None
        )
        problem = DOCUMENT.problem(
            method, WECHAT + path, told["statusCode"], told["headers"], told["body"].encode()
        )
        assert not problem, problem  # an answer that docs/openapi.yaml does not know
        members = json.loads(told["body"])
        return told["statusCode"], members.get("data", members)
