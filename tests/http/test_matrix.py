"""Every route, every caller, every object: the exact answer of each cell, and nothing moved where the answer is no."""

import json
import secrets
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from sandbox.cloudformation.template import transformed
from tests.http.matrix import (
    ALICE,
    BOB,
    CALLERS,
    CHARGE,
    FORBIDDEN,
    LIVE_ROWS,
    MISSING,
    ROWS,
    UNAUTHORIZED,
    told,
)

ROOT = Path(__file__).parents[2]
CHANGING = ("apigw-requestid", "date")
TABLE_IS_WAITED_FOR = 3  # seconds at least: three attempts of one


class World:
    """Alice's orders, one in each state that a call may be about."""

    def __init__(self, shop):
        self.shop = shop
        self.waiting, self.paid, self.closed, self.refundable = (self._fresh() for _ in range(4))
        self.replace_the_spare_one()
        shop.pay(self.paid)
        shop.pay(self.refundable)
        assert shop.post("close", {"outTradeNo": self.closed}).status == 200
        kept = {"userId": ALICE, "contentId": "content-1", "amount": 1.23, "subject": "A photograph"}
        self.checkout = shop.post("checkout", kept).data["checkoutId"]
        self._views = {}
        secret = shop.sandbox.aws.client("secretsmanager").get_secret_value(
            SecretId=shop.sandbox.deployed.refs["CheckoutSecret"]
        )
        self.checkout_key = json.loads(secret["SecretString"])["CHECKOUT_KEY"]

    def replace_the_spare_one(self):
        """`spare` is an order that waits for its buyer; whoever closes it calls this."""
        self.spare = self._fresh()

    def _fresh(self):
        """One more order of hers, of an old account that no limit counts any more."""
        number = self.shop.order(userId=f"somebody-{secrets.token_hex(4)}")["outTradeNo"]
        table = {"TableName": self.shop.payments, "Key": {"out_trade_no": {"S": number}}}
        self.shop.sandbox.aws.client("dynamodb").update_item(
            **table, UpdateExpression="SET user_id = :a", ExpressionAttributeValues={":a": {"S": ALICE}}
        )
        return number

    def new_content(self):
        return f"content-{secrets.token_hex(6)}"

    def as_backend(self, path):
        """What a trusted backend is shown there, read once."""
        if path not in self._views:
            lines = [("Authorization", f"Bearer {self.shop.backend}")]
            self._views[path] = self.shop.port.send("GET", path, headers=lines)
        return self._views[path]


@pytest.fixture(scope="module")
def world(shop):
    return World(shop)


def ask(shop, route_key, caller, call):
    lines = list(({"Content-Type": "application/json"} | dict(call.headers)).items())
    header = CALLERS[caller].authorization(shop.sandbox.tokens)
    if header is not None:
        lines.append(("Authorization", header))
    method, began = route_key.split()[0], time.monotonic()
    answer = shop.port.send(method, call.path, call.body, lines)
    if answer.status == 503 and time.monotonic() - began >= TABLE_IS_WAITED_FOR:
        answer = shop.port.send(
            method, call.path, call.body, lines
        )  # the machine stood still: none of the cells
    return answer


def writes(shop, route_key, done_before):
    """What the route's function has written since; a question to WeChat Pay is written down before it is asked."""
    (function,) = {
        route.function
        for route in shop.sandbox.deployed.routes
        if route_key == f"{route.method} {route.path}"
    }
    role, harmless = shop.role(function), {"dynamodb:GetItem", "secretsmanager:GetSecretValue"}
    if function in (
        "QueryFunction",
        "CloseFunction",
    ):  # whose order it must be is in the update's own condition
        harmless.add("dynamodb:UpdateItem")
    if function == "OpenidFunction":  # a buyer's tries are counted; of payments it may read and write nothing
        harmless.add("dynamodb:UpdateItem")
    return [
        use.action
        for use in shop.sandbox.aws.uses[done_before:]
        if use.principal == role and use.action not in harmless
    ]


def stored(shop, call):
    """The order that a call is about, as it lies in the table."""
    return shop.item(call.number) if call.number else None


@pytest.mark.share(10)
@pytest.mark.parametrize("route_key", ROWS)
@pytest.mark.parametrize("caller", CALLERS)
def test_each_cell_is_answered_exactly_so(shop, world, route_key, caller):
    row = ROWS[route_key]
    for name, thing in row.things.items():
        expected = told(CALLERS[caller], row, thing)
        make = (
            thing.call
            if thing.by_backend is None or CHARGE not in CALLERS[caller].scopes
            else thing.by_backend
        )
        call = make(world, CALLERS[caller].sub or ALICE)
        done_before, was = len(shop.sandbox.aws.uses), stored(shop, call)

        answer = ask(shop, route_key, caller, call)

        assert answer.status == expected.status, (name, answer.text)
        if expected.body is not None:
            assert answer.body == expected.body(call.number or ""), name
        if expected.check is not None:
            expected.check(answer, call)
        if expected is UNAUTHORIZED:
            assert answer.headers["www-authenticate"].startswith("Bearer")
        if expected not in (UNAUTHORIZED, FORBIDDEN):
            assert {line: answer.headers.get(line) for line in row.shown} == row.shown, name
        if expected.status in (400, 401, 403, 404):
            assert writes(shop, route_key, done_before) == [], name
            assert stored(shop, call) == was, name


def test_every_route_of_the_template_has_its_row_and_asks_for_the_rows_scopes(shop):
    deployed = {
        f"{route.method} {route.path}": frozenset(route.scopes) for route in shop.sandbox.deployed.routes
    }

    assert deployed == {route_key: row.admits for route_key, row in ROWS.items()}, (
        "enter the route into ROWS of tests/http/matrix.py, which says how"
    )
    for route in shop.sandbox.deployed.routes:
        assert (route.authorizer is None) == (not route.scopes)


def test_every_websocket_route_of_the_template_has_its_row():
    resources = transformed(ROOT / "template.yaml")["Resources"].values()
    live = {one["Properties"]["RouteKey"] for one in resources if one["Type"] == "AWS::ApiGatewayV2::Route"}

    assert live == set(LIVE_ROWS), "enter the route into LIVE_ROWS of tests/http/matrix.py, which says how"


def shake_hands(shop, ticket):
    """The status of a WebSocket handshake."""
    protocols: Any = ["live"] if ticket is None else ["live", ticket]
    try:
        with connect(shop.sandbox.api.replace("http", "ws") + "/live", subprotocols=protocols, proxy=None):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize("caller", LIVE_ROWS["$connect"])
def test_each_ticket_opens_what_it_says_once_and_nothing_else_opens_anything(shop, world, caller):
    make, status = LIVE_ROWS["$connect"][caller]
    ticket = make(world)

    assert shake_hands(shop, ticket) == status
    assert shake_hands(shop, ticket) == (403 if status == 101 else status)


@pytest.mark.parametrize("route_key", [key for key, row in ROWS.items() if "missing" in row.things])
def test_not_hers_and_not_there_are_the_same_bytes_and_headers_to_a_stranger(shop, world, route_key):
    things = ROWS[route_key].things
    answers = [
        ask(shop, route_key, "a stranger", thing.call(world, BOB))
        for name, thing in things.items()
        if name.startswith(("hers", "missing"))
    ]

    assert MISSING not in answers[0].text
    first, *others = [
        (one.status, one.body, [line for line in one.headers.items() if line[0] not in CHANGING])
        for one in answers
    ]
    assert others
    assert all(other == first for other in others)
