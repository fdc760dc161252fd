"""Functions called without what API Gateway promises: no claims, odd claims, other people's orders. Nothing is done."""

import random
from typing import Any

import pytest

from payments.core.payment import Payment
from sandbox.aws.aws import Aws
from sandbox.deployed import Deployed
from tests.payments.calls import Calls

NUMBER = "WX" + "A" * 26
BODIES: dict[str, Any] = {
    "native": {"contentId": "content-1", "amount": 1, "subject": "A thing"},
    "jsapi": {"contentId": "content-1", "amount": 1, "subject": "A thing", "openid": "oBuyer"},
    "query": None,
    "payment": None,
    "close": {"outTradeNo": NUMBER},
    "refund": {"outTradeNo": NUMBER, "refundAmount": 1},
}
ALL = "payments:pay payments:charge payments:refund"
NOTHING = (
    None,
    {},
    {"jwt": None},
    {"jwt": {}},
    {"jwt": {"claims": None}},
    {"jwt": {"claims": {}}},
    {"lambda": {}},
)
NOT_FOUND = (404, {"error": "There is no such order.", "code": "ORDER_NOT_FOUND", "details": {}})

routed = pytest.mark.parametrize("name", BODIES)


def refused(sentence: str) -> tuple[int, dict[str, Any]]:
    return 403, {"error": sentence, "code": "NOAUTH", "details": {}}


@routed
def test_without_claims_nobody_is_served(calls: Calls, name: str) -> None:
    for authorizer in NOTHING:
        told = calls(name, authorizer=authorizer, body=BODIES[name], number=NUMBER)
        assert told == refused("The access token names no subject."), authorizer
    assert (calls.used, calls.asked) == ([], [])


@routed
def test_claims_that_name_nobody_serve_nobody(calls: Calls, name: str) -> None:
    for sub in (None, "", 1, True, ["user-1"], {"user": 1}):
        told = calls.as_(sub, ALL, name, body=BODIES[name], number=NUMBER)
        assert told == refused("The access token names no subject."), sub
    for sub in ("x" * 256, "x" * 3000, "a\n", "a\x00b", "\x1b[31m", "\ud800", "a\u2028b", "\x7f"):
        status, answer = calls.as_(sub, ALL, name, body=BODIES[name], number=NUMBER)
        assert (status, answer["code"], "not printable" in answer["error"]) == (403, "NOAUTH", True), sub
    assert (calls.used, calls.asked) == ([], [])


ODD_SCOPES: tuple[object, ...] = (
    *(None, "", " ", "[]", "[ ]", "openid", "[openid profile]", "payments", "payments:*", "PAYMENTS:CHARGE"),
    *("payments:pay,payments:charge,payments:refund", "payments:pay\tpayments:charge", "payments:refund\n"),
    *("payments:pay\u00a0payments:charge\u00a0payments:refund", "payments:payx", "xpayments:refund"),
    *("[payments:charge", "payments:charge]", "[payments:pay]]", '["payments:charge"]', ["payments:charge"]),
    *({"payments:charge": True}, True, 1),
)


@pytest.mark.share(4)
@routed
@pytest.mark.parametrize("scope", ODD_SCOPES, ids=ascii)
def test_without_a_scope_of_the_route_nothing_is_read_and_nothing_is_asked(
    calls: Calls, name: str, scope: object
) -> None:
    status, answer = calls.as_("user-1", scope, name, body=BODIES[name], number=NUMBER)

    assert (status, answer["code"], answer["details"]) == (403, "NOAUTH", {})
    assert answer["error"].startswith("This needs the scope payments:")
    assert (calls.used, calls.asked) == ([], [])


@routed
def test_a_function_asks_for_the_scopes_that_its_route_asks_for(
    calls: Calls, deployed: tuple[Aws, Deployed], name: str
) -> None:
    (route,) = [one for one in deployed[1].routes if one.function == f"{name.capitalize()}Function"]
    served = [
        scope
        for scope in ALL.split()
        if calls.as_("user-1", scope, name, body={}, number="?")[0] != 403  # a body that goes no further
    ]

    assert sorted(served) == sorted(route.scopes)


def test_an_array_of_scopes_counts_one_by_one(calls: Calls) -> None:
    for scope in ("[payments:charge]", "[openid payments:charge profile]", "openid  payments:charge"):
        assert calls.as_("user-1", scope, "payment", number=NUMBER) == NOT_FOUND


@pytest.mark.parametrize("name", ["query", "payment", "close"])
def test_a_strangers_question_asks_nobody_changes_nothing_and_takes_as_long_for_what_is_there_as_for_what_is_not(
    calls: Calls, new_payment: Any, name: str
) -> None:
    """Told by the same calls: not even the time that it takes says whether there is such an order."""
    theirs: Payment = new_payment()
    tried = [] if name == "payment" else ["dynamodb:UpdateItem"]
    for number in (theirs.out_trade_no, NUMBER):
        calls.forget()
        told = calls.as_("user-2", "payments:pay", name, body={"outTradeNo": number}, number=number)
        assert (told, calls.used, calls.asked) == (NOT_FOUND, [*tried, "dynamodb:GetItem"], [])
        calls.forget()
        again = calls.as_("user-2", "payments:pay", name, body={"outTradeNo": number}, number=number)
        tried_again = tried if name == "close" else []
        assert (again, calls.used) == (NOT_FOUND, [*tried_again, "dynamodb:GetItem"])
    assert calls.wiring.store.get(theirs.out_trade_no) == theirs


def test_an_order_for_somebody_else_is_refused_before_anything_is_read(calls: Calls) -> None:
    for name in ("native", "jsapi"):
        status, answer = calls.as_("user-2", "payments:pay", name, body=BODIES[name] | {"userId": "user-1"})
        assert (status, answer["details"]["field"]) == (403, "userId")
    assert (calls.used, calls.asked) == ([], [])


class Shelf:
    """A payments table of thousands of orders, none of them this buyer's."""

    def __init__(self, payments: dict[str, Payment]) -> None:
        self.payments = payments
        self.hits = 0

    def get(self, out_trade_no: str) -> Payment | None:
        found = self.payments.get(out_trade_no)
        self.hits += found is not None
        return found


def test_ten_thousand_guesses_find_nothing(calls: Calls, new_payment: Any) -> None:
    """Random numbers, numbers that differ from one's own in one place, and numbers that somebody let slip."""
    chance, digits = random.Random(22), "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    one: Payment = new_payment()

    def number() -> str:
        return "WX" + "".join(chance.choices(digits, k=26))

    shelf = Shelf(dict.fromkeys((number() for _ in range(5000)), one))
    calls.wiring.store = shelf  # type: ignore[assignment]
    mine = number()
    for turn in range(10_000):
        guess = number()
        if turn % 2:
            place = chance.randrange(2, 28)
            guess = mine[:place] + chance.choice(digits) + mine[place + 1 :]
        if turn % 1000 == 0:
            guess = chance.choice(list(shelf.payments))
        assert calls.as_("guesser", "payments:pay", "payment", number=guess) == NOT_FOUND
    assert shelf.hits == 10  # those that were let slip, and they looked like all others
    assert calls.asked == []
