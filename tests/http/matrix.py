"""The authorization matrix: who calls, what about, and what each must be told. Two tables, CALLERS and ROWS.

ROWS has one row for each route of template.yaml, by its key (`POST /path`); the suite fails for a route without one, and
for a row without a route. To enter a route, give its row the scopes that API Gateway asks for (`admits`; none: the
route is open), its things (what a call may be about, how that is called, and what owner, stranger, backend and back
office are told; of an open route everybody is told what the owner is), and the headers of its own answers (`shown`) where
they are not those of all others. What tokens that are refused before any function are told need not be said again. A
WebSocket route goes into LIVE_ROWS: the second protocol that a page offers, and the status of the handshake.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.kit.keys import stranger
from tests.kit.shop import WECHAT

ALICE, BOB = "alice-of-the-matrix", "bob-of-the-matrix"
PAGE = Path(__file__).parents[2] / "functions/checkout/page"
PAY, CHARGE, REFUND, READ = "payments:pay", "payments:charge", "payments:refund", "payments:read"
RECONCILE = "payments:reconcile"

# ---- what is told ----


@dataclass(frozen=True)
class Told:
    """Status and body; `body` makes the exact bytes of the order number, `check` looks at what no table can foretell."""

    status: int
    body: Callable[[str], bytes] | None = None
    check: Callable[[Any, "Call"], None] | None = None


def refusal(http_status, code, sentence, **details):
    """The product's own no, byte for byte."""

    def body(number):
        named = {name: number if value is ... else value for name, value in details.items()}
        members = {"error": sentence, "code": code, "details": named}
        return json.dumps(members, separators=(",", ":")).encode()

    return Told(http_status, body)


def param(name, issue):
    return refusal(400, "PARAM_ERROR", f"{name} {issue}.", field=name, issue=issue)


def noauth(name, issue):
    return refusal(403, "NOAUTH", f"{name} {issue}.", field=name, issue=issue)


def gateways(status, message):
    """API Gateway's own no."""
    return Told(status, lambda _: json.dumps({"message": message}, separators=(",", ":")).encode())


UNAUTHORIZED, FORBIDDEN = gateways(401, "Unauthorized"), gateways(403, "Forbidden")
NOT_FOUND = refusal(404, "ORDER_NOT_FOUND", "There is no such order.")
PAID_ALREADY = refusal(409, "ORDERPAID", "The order is already paid.", outTradeNo=...)
NO_SUBJECT = refusal(403, "NOAUTH", "The access token names no subject.")
ODD_SUBJECT = refusal(403, "NOAUTH", "The access token's subject is over 255 characters, or not printable.")


def seen_as_the_backend_sees_it(answer, call):
    assert answer.body == call.world.as_backend(call.path).body
    assert call.number in answer.text


def opened_at_the_asked_price(answer, call):
    asked = json.loads(call.body)
    item = call.world.shop.item(answer.data["outTradeNo"])
    wanted = (asked.get("userId") or call.sub, str(round(asked["amount"] * 100)))
    assert (item["user_id"]["S"], item["amount"]["N"]) == wanted
    assert answer.data["amount"] == asked["amount"]


def refunded_as_asked(answer, call):
    assert (answer.data["outTradeNo"], answer.data["refundAmount"]) == (call.number, 0.01)
    assert call.world.shop.item(call.number)["refunds"]["M"][answer.data["outRefundNo"]]


SEEN = Told(200, check=seen_as_the_backend_sees_it)
OPENED = Told(200, check=opened_at_the_asked_price)


def closed_for_good(answer, call):
    assert answer.json == {"success": True, "data": {"outTradeNo": call.number, "closed": True}}
    call.world.replace_the_spare_one()


CLOSED_NOW = Told(200, check=closed_for_good)
CLOSED = Told(
    200, lambda number: b'{"success":true,"data":{"outTradeNo":"%s","closed":true}}' % number.encode()
)
REFUNDED = Told(200, check=refunded_as_asked)
UNSIGNED = Told(
    401, lambda _: b'{"code":"FAIL","message":"SIGN_ERROR: the header wechatpay-timestamp is missing"}'
)

# ---- what is called ----


@dataclass(frozen=True)
class Call:
    """One request about one order, and who sends it."""

    world: Any
    sub: str
    path: str
    number: str = ""
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Thing:
    """What a call may be about: `call` makes the request, the rest is what each kind of caller is told."""

    call: Callable[[Any, str], Call]
    owner: Told
    stranger: Told
    backend: Told
    office: Told = FORBIDDEN
    reader: Told | None = None  # whoever lists and exports; None: as the back office
    books: Told | None = None  # whoever sees to the books; None: as the back office
    by_backend: Callable[[Any, str], Call] | None = None  # what a backend sends instead, where that differs


def everybody(call, told, office=None):
    return Thing(call, told, told, told, office or told)


# What every answer of ours tells a browser not to do with it.
SHOWN = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=63072000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@dataclass(frozen=True)
class Row:
    """One route: the scopes of which one is needed, what it is called about, and the headers of its own answers."""

    admits: frozenset[str]
    things: dict[str, Thing]
    shown: Mapping[str, str] = field(default_factory=lambda: SHOWN)


MISSING = f"WX{'7' * 26}"
NUMBER_RULE = "must be 6 to 32 characters of 0-9 A-Z a-z _ - | *"


def reading(what):
    """A route that shows one order."""

    def about(number):
        def call(world, sub):
            found = number(world)
            return Call(world, sub, f"{WECHAT}/{what}/{found}", found)

        return call

    return Row(
        frozenset({PAY, CHARGE, REFUND}),
        {
            "hers, waiting": Thing(about(lambda world: world.waiting), SEEN, NOT_FOUND, SEEN, SEEN),
            "hers, paid": Thing(about(lambda world: world.paid), SEEN, NOT_FOUND, SEEN, SEEN),
            "missing": everybody(about(lambda _: MISSING), NOT_FOUND),
            "malformed": everybody(about(lambda _: "WX%2F12345"), param("outTradeNo", NUMBER_RULE)),
        },
    )


def opening(what, opened=OPENED, **members):
    """A route that opens an order, or keeps what is to be paid; `opened` is what is told then."""

    def wanting(*, quoted=True, user_id=None, without=""):
        def call(world, sub):
            body = {"contentId": world.new_content(), "amount": 1.23, "subject": "A photograph", **members}
            if quoted:
                body["quote"] = world.shop.sandbox.tokens.quote(sub, body["contentId"], 123)
            if user_id:  # another for each caller: a buyer may have so many open orders
                body["userId"] = f"{user_id}-{world.new_content()}"
            body.pop(without, None)
            return Call(world, sub, f"{WECHAT}/{what}", body=json.dumps(body).encode())

        return call

    not_own = noauth("userId", "must be the caller's own")
    unquoted = noauth("quote", "is required for a buyer's own order")
    return Row(
        frozenset({PAY, CHARGE}),
        {
            "for oneself": everybody(wanting(), opened, FORBIDDEN),
            "for somebody else": Thing(wanting(user_id="carol"), not_own, not_own, opened),
            "without a quote": Thing(wanting(quoted=False), unquoted, unquoted, opened),
            "malformed": everybody(wanting(without="subject"), param("subject", "is required"), FORBIDDEN),
        },
    )


def opening_h5():
    """As every other, and who says where the buyer is: the connection of a buyer's own, a backend for its buyer."""
    for_oneself, spoken = opening("h5"), opening("h5", clientIp="127.0.0.1")
    things = {
        name: replace(thing, by_backend=spoken.things[name].call)
        for name, thing in for_oneself.things.items()
    }
    not_a_buyers = noauth("clientIp", "is a backend's to say; a buyer's own is seen")
    unsaid = param("clientIp", "is required: the buyer's own address, as your server sees it")
    chosen = Thing(spoken.things["for oneself"].call, not_a_buyers, not_a_buyers, OPENED)
    unspoken = Thing(for_oneself.things["for oneself"].call, OPENED, OPENED, unsaid)
    return replace(for_oneself, things=things | {"an address said": chosen, "an address unsaid": unspoken})


def posting(what, number, **members):
    def call(world, sub):
        found = number(world)
        body = json.dumps({"outTradeNo": found, **members}).encode()
        return Call(world, sub, f"{WECHAT}/{what}", found, body)

    return call


NO_NUMBER = param("outTradeNo", "must be a string")
CLOSE = Row(
    frozenset({PAY, CHARGE}),
    {
        "hers, waiting": Thing(
            posting("close", lambda world: world.spare), CLOSED_NOW, NOT_FOUND, CLOSED_NOW
        ),
        "hers, closed": Thing(posting("close", lambda world: world.closed), CLOSED, NOT_FOUND, CLOSED),
        "hers, paid": Thing(
            posting("close", lambda world: world.paid), PAID_ALREADY, NOT_FOUND, PAID_ALREADY
        ),
        "missing": everybody(posting("close", lambda _: MISSING), NOT_FOUND, FORBIDDEN),
        "malformed": everybody(posting("close", lambda _: None), NO_NUMBER, FORBIDDEN),
    },
)


def giving_back(number, told, amount=0.01):
    call = posting("refund", number, refundAmount=amount)
    return Thing(call, FORBIDDEN, FORBIDDEN, FORBIDDEN, told)


UNPAID = refusal(
    409, "REFUND_NOT_ALLOWED", "The order is pending; only a paid order can be refunded.", status="pending"
)
GIVE_BACK = Row(
    frozenset({REFUND}),
    {
        "hers, paid": giving_back(lambda world: world.refundable, REFUNDED),
        "hers, waiting": giving_back(lambda world: world.waiting, UNPAID),
        "missing": giving_back(lambda _: MISSING, NOT_FOUND),
        "malformed": giving_back(lambda _: None, NO_NUMBER),
    },
)


def sending_on(number, told):
    call = posting("refund/abnormal", number, outRefundNo="RF1", type="MERCHANT_BANK_CARD")
    return Thing(call, FORBIDDEN, FORBIDDEN, FORBIDDEN, told)


NO_REFUND = refusal(404, "REFUND_NOT_FOUND", "The order has no such refund.")
SEND_ON = Row(
    frozenset({REFUND}),
    {
        "hers, paid": sending_on(lambda world: world.refundable, NO_REFUND),
        "hers, waiting": sending_on(lambda world: world.waiting, NO_REFUND),
        "missing": sending_on(lambda _: MISSING, NOT_FOUND),
        "malformed": sending_on(lambda _: None, NO_NUMBER),
    },
)


def exchanged(answer, call):
    assert answer.json == {"success": True, "data": {"openid": call.number}}


VOID = (
    "is not one that this app can use: a code is one app's, works once, and lives five minutes; get a new one"
)


def code_of(person, **members):
    """A code that somebody's WeChat has given the mini program; `number` is the openid that it stands for."""

    def call(world, sub):
        login = world.shop.control("POST", "login", {"person": person}).json if person else {"openid": ""}
        body = {"code": login.get("code", "0" * 32), "app": "mini", **members}
        return Call(world, sub, f"{WECHAT}/openid", login["openid"], json.dumps(body).encode())

    return call


EXCHANGE = Row(
    frozenset({PAY, CHARGE}),
    {
        "a code": everybody(code_of("alice"), Told(200, check=exchanged), FORBIDDEN),
        "no code of WeChat's": everybody(
            code_of(None),
            refusal(400, "PARAM_ERROR", f"code {VOID}.", field="code", issue=VOID, wechatCode="40029"),
            FORBIDDEN,
        ),
        "malformed": everybody(
            code_of(None, app="none"), param("app", "must be one of mini, mobile, shop"), FORBIDDEN
        ),
    },
)


def unsigned_notification(world, sub):
    return Call(world, sub, f"{WECHAT}/notify", body=b'{"id":"EV-1"}')


def ticket(key=None, algorithm="HS256", **changes):
    """What opens a live line; `changes` replace its claims, None leaves one out."""

    def make(world):
        now = int(world.shop.sandbox.clock.time())
        claims = {"aud": "live", "sub": world.waiting, "jti": secrets.token_hex(8), "exp": now + 50}
        claims |= {name: now + value if name == "exp" and value else value for name, value in changes.items()}
        claims = {name: value for name, value in claims.items() if value is not None}
        ours = key or world.checkout_key
        return jwt.encode(claims, "" if algorithm == "none" else ours, algorithm=algorithm)

    return make


def looking(token):
    """A program's look at a checkout address; the page is the same view in HTML."""

    def call(world, sub):
        json_please = (("Accept", "application/json"),)
        return Call(world, sub, f"/checkout/{token(world)}", world.waiting, headers=json_please)

    return call


def shown_to_the_public(answer, call):
    assert (answer.json["status"], answer.json["subject"]) == ("waiting", "A photograph")
    assert {"userId", "paymentId", "openid", "metadata"}.isdisjoint(answer.json)


def file(name):
    return lambda world, sub: Call(world, sub, f"/checkout/assets/{name}")


STYLE = hashlib.sha256((PAGE / "checkout.css").read_bytes()).hexdigest()[:12]


CHECKOUT = Row(
    frozenset(),
    {
        "her address": everybody(looking(ticket(aud="checkout")), Told(200, check=shown_to_the_public)),
        "an address that is over": everybody(looking(ticket(aud="checkout", exp=-1)), NOT_FOUND),
        "an address of nothing": everybody(looking(ticket(aud="checkout", sub=MISSING)), NOT_FOUND),
        "an address of another key": everybody(looking(ticket(aud="checkout", key="x" * 64)), NOT_FOUND),
        "an unsigned address": everybody(looking(ticket(aud="checkout", algorithm="none")), NOT_FOUND),
        "a live ticket": everybody(looking(ticket()), NOT_FOUND),
        "an access token": everybody(looking(lambda world: world.shop.backend), NOT_FOUND),
        "an order number": everybody(looking(lambda world: world.waiting), NOT_FOUND),
    },
)
FILES = Row(
    frozenset(),
    {
        "a file": everybody(file(f"checkout.{STYLE}.css"), Told(200)),
        "no such file": everybody(file("app.py"), NOT_FOUND),
        "a way out": everybody(file("..%2Fapp.py"), NOT_FOUND),
    },
    shown={"x-content-type-options": "nosniff"},
)


def kept_and_nothing_opened(answer, call):
    found = call.world.shop.checkout(answer.data["checkoutId"])
    asked = json.loads(call.body)
    assert found["user_id"]["S"] == (asked.get("userId") or call.sub)
    assert int(found["amount"]["N"]) == round(asked["amount"] * 100)
    assert "current" not in found


KEPT = Told(200, check=kept_and_nothing_opened)
KEEP = opening("checkout", opened=KEPT)


def opening_a_checkout(token, body=b'{"kind":"native"}', **changed):
    def call(world, sub):
        headers = tuple(({"Content-Type": "application/json"} | changed).items())
        return Call(world, sub, f"/checkout/{token(world)}/open", world.waiting, body=body, headers=headers)

    return call


def held_by_the_first(answer, call):
    assert (answer.json["status"], answer.json["subject"]) == ("waiting", "A photograph")
    assert {"userId", "outTradeNo", "paymentId", "openid", "metadata"}.isdisjoint(answer.json)
    assert answer.json["codeUrl"].startswith("weixin://")


def seen_of_the_checkout(answer, call):
    assert answer.json["subject"] == "A photograph"
    assert answer.json["status"] in ("ready", "waiting")
    assert {"userId", "outTradeNo", "paymentId", "openid", "metadata"}.isdisjoint(answer.json)


NOT_THE_PAGE = refusal(403, "NOAUTH", "Only the checkout's own page opens it.")
NOT_JSON = refusal(
    403,
    "NOAUTH",
    "Content-Type must be application/json.",
    field="Content-Type",
    issue="must be application/json",
)


def of_the_checkout(**changes):
    return lambda world: ticket(**{"aud": "checkout", "sub": world.checkout} | changes)(world)


def going_to_wechat(token, query=""):
    """Nobody whom WeChat's browser does not ask for is sent there, so everybody ends at the page."""

    def call(world, sub):
        return Call(world, sub, f"/checkout/{token(world)}/wechat{query}")

    return call


def led_to_the_page(answer, call):
    assert answer.headers["location"] == call.path.partition("?")[0].removesuffix("/wechat")
    assert (answer.body, "set-cookie" in answer.headers) == (b"", False)


LED = Told(302, check=led_to_the_page)
TO_WECHAT = Row(
    frozenset(),
    {
        "her checkout": everybody(going_to_wechat(of_the_checkout()), LED),
        "a forged return": everybody(going_to_wechat(of_the_checkout(), f"?code=0&state={'A' * 26}"), LED),
        "her order": everybody(going_to_wechat(ticket(aud="checkout")), NOT_FOUND),
        "an address that is over": everybody(going_to_wechat(of_the_checkout(exp=-1)), NOT_FOUND),
        "an access token": everybody(going_to_wechat(lambda world: world.shop.backend), NOT_FOUND),
    },
    shown={name: value for name, value in SHOWN.items() if name not in ("content-type",)},
)
OPEN_CHECKOUT = Row(
    frozenset(),
    {
        "her checkout": everybody(opening_a_checkout(of_the_checkout()), Told(200, check=held_by_the_first)),
        "her order": everybody(opening_a_checkout(ticket(aud="checkout")), NOT_FOUND),
        "an address that is over": everybody(opening_a_checkout(of_the_checkout(exp=-1)), NOT_FOUND),
        "an address of nothing": everybody(
            opening_a_checkout(of_the_checkout(sub=f"CO{'7' * 26}")), NOT_FOUND
        ),
        "an address of another key": everybody(opening_a_checkout(of_the_checkout(key="x" * 64)), NOT_FOUND),
        "a live ticket": everybody(opening_a_checkout(of_the_checkout(aud="live")), NOT_FOUND),
        "by another site": everybody(
            opening_a_checkout(of_the_checkout(), **{"Sec-Fetch-Site": "cross-site"}), NOT_THE_PAGE
        ),
        "by a form": everybody(
            opening_a_checkout(of_the_checkout(), **{"Content-Type": "text/plain"}), NOT_JSON
        ),
        "malformed": everybody(
            opening_a_checkout(of_the_checkout(), body=b'{"takeover":true}'),
            param("takeover", "is not a known field"),
        ),
    },
)
LOOK_AT_A_CHECKOUT = {
    "her checkout": everybody(looking(of_the_checkout()), Told(200, check=seen_of_the_checkout)),
}

VERIFY_FILE = "MP_verify_YnNtMB6ewuyKkEqm.txt"
NO_ROUTE = gateways(404, "Not Found")


def at_the_root(name):
    return everybody(lambda world, sub: Call(world, sub, f"/{name}"), NO_ROUTE)


VERIFYING = Row(
    frozenset(),
    {
        "the file": everybody(
            lambda world, sub: Call(world, sub, f"/{VERIFY_FILE}"), Told(200, lambda _: b"YnNtMB6ewuyKkEqm")
        ),
        "another file": at_the_root("MP_verify_other.txt"),
        "no file": at_the_root("favicon.ico"),
        "a way out": at_the_root("..%2Fapp.py"),
    },
    shown={"x-content-type-options": "nosniff", "cache-control": "no-store"},
)


def listing(query):
    return lambda world, sub: Call(world, sub, f"{WECHAT}/orders?{query}")


def nobody_elses(answer, call):
    """Whether an order that is new is there already, the journal says."""
    assert {order["userId"] for order in answer.data["orders"]} <= {call.sub}


def alices(answer, call):
    assert {order["userId"] for order in answer.data["orders"]} <= {ALICE}


def a_list(answer, call):
    assert answer.data["orders"] is not None


OWN = Told(200, check=nobody_elses)
NOT_ONES_OWN = noauth("userId", "must be the caller's own")
UNNAMED = param("day", "is required, or from and to, userId or contentId")
NO_PARAMETER = param("user", "is not a parameter here")
LIST = Row(
    frozenset({PAY, READ}),
    {
        "hers": Thing(
            listing(f"userId={ALICE}"), OWN, NOT_ONES_OWN, FORBIDDEN, reader=Told(200, check=alices)
        ),
        "a content's": Thing(
            listing("contentId=content-1"), OWN, OWN, FORBIDDEN, reader=Told(200, check=a_list)
        ),
        "nothing said": Thing(listing(""), OWN, OWN, FORBIDDEN, reader=UNNAMED),
        "malformed": Thing(listing("user=x"), NO_PARAMETER, NO_PARAMETER, FORBIDDEN, reader=NO_PARAMETER),
    },
)


def export_begun(answer, call):
    assert answer.json["data"]["status"] in ("running", "done")


def exporting(told, **members):
    body = json.dumps({"from": "2024-01-01", "to": "2024-01-31", "kind": "orders"} | members).encode()

    def call(world, sub):
        return Call(world, sub, f"{WECHAT}/exports", body=body)

    return Thing(call, FORBIDDEN, FORBIDDEN, FORBIDDEN, reader=told)


NO_EXPORT = refusal(404, "EXPORT_NOT_FOUND", "There is no such export.")


def looking_at_an_export(number):
    def call(world, sub):
        return Call(world, sub, f"{WECHAT}/exports/{number}")

    return Thing(call, FORBIDDEN, FORBIDDEN, FORBIDDEN, reader=NO_EXPORT)


EXPORT = Row(
    frozenset({READ}),
    {
        "january": exporting(Told(202, check=export_begun)),
        "malformed": exporting(param("kind", "must be one of movements, orders"), kind="all"),
    },
)
LOOK_AT_AN_EXPORT = Row(
    frozenset({READ}),
    {"none": looking_at_an_export("EX" + "7" * 26), "malformed": looking_at_an_export("EX1")},
)


def for_the_books(path, told):
    """A route of whoever sees to the books; nobody else's scope is admitted."""
    return Thing(
        lambda world, sub: Call(world, sub, f"{WECHAT}/bills{path}"),
        FORBIDDEN,
        FORBIDDEN,
        FORBIDDEN,
        books=told,
    )


def no_days(answer, call):
    assert answer.json == {"success": True, "data": {"days": []}}


NO_BILL = refusal(404, "BILL_NOT_FOUND", "Nothing is known of that day's bills.")
DAY_RULE = "must be a day like 2026-11-28 (Beijing's)"
DAYS = Row(
    frozenset({RECONCILE}),
    {
        "long ago": for_the_books("?from=2020-01-01&to=2020-01-31", Told(200, check=no_days)),
        "malformed": for_the_books("?from=today", param("from", DAY_RULE)),
    },
)
A_DAY = Row(
    frozenset({RECONCILE}),
    {
        "long ago": for_the_books("/2020-01-01", NO_BILL),
        "malformed": for_the_books("/2020-02-30", param("date", DAY_RULE)),
    },
)
COMPARE = Row(
    frozenset({RECONCILE}),
    {
        "to come": for_the_books("/2099-01-01", param("date", "must be a day that is over, in Beijing")),
        "long ago": for_the_books(
            "/2020-01-01",
            param("date", "must not be over three months ago: WeChat Pay has no bills of it any more"),
        ),
        "malformed": for_the_books("/2020-02-30", param("date", DAY_RULE)),
    },
)
ROWS = {
    f"GET {WECHAT}/orders": LIST,
    f"GET {WECHAT}/bills": DAYS,
    f"GET {WECHAT}/bills/{{date}}": A_DAY,
    f"POST {WECHAT}/bills/{{date}}": COMPARE,
    f"POST {WECHAT}/exports": EXPORT,
    f"GET {WECHAT}/exports/{{exportId}}": LOOK_AT_AN_EXPORT,
    f"POST {WECHAT}/native": opening("native"),
    f"POST {WECHAT}/jsapi": opening("jsapi", openid="oBuyer"),
    f"POST {WECHAT}/app": opening("app"),
    f"POST {WECHAT}/checkout": KEEP,
    f"POST {WECHAT}/h5": opening_h5(),
    f"POST {WECHAT}/openid": EXCHANGE,
    f"GET {WECHAT}/query/{{outTradeNo}}": reading("query"),
    f"GET {WECHAT}/payment/{{outTradeNo}}": reading("payment"),
    f"POST {WECHAT}/close": CLOSE,
    f"POST {WECHAT}/refund": GIVE_BACK,
    f"POST {WECHAT}/refund/abnormal": SEND_ON,
    "GET /checkout/{token}": replace(CHECKOUT, things=CHECKOUT.things | LOOK_AT_A_CHECKOUT),
    "POST /checkout/{token}/open": OPEN_CHECKOUT,
    "GET /checkout/{token}/wechat": TO_WECHAT,
    "GET /checkout/assets/{name}": FILES,
    "GET /{file}": VERIFYING,
    f"POST {WECHAT}/notify": Row(frozenset(), {"unsigned": everybody(unsigned_notification, UNSIGNED)}),
}
LIVE_ROWS = {
    "$connect": {
        "a ticket": (ticket(), 101),
        "no ticket": (lambda _: None, 401),
        "garbage": (lambda _: "a.b.c", 401),
        "an access token": (lambda world: world.shop.backend, 401),
        "a quote": (lambda world: world.shop.sandbox.tokens.quote(ALICE, "content-1", 1), 401),
        "a checkout address's token": (ticket(aud="checkout"), 401),
        "a ticket for nothing": (ticket(aud=None), 401),
        "a ticket of nobody's order": (ticket(sub=None), 401),
        "a ticket that is over": (ticket(exp=-1), 401),
        "a ticket without end": (ticket(exp=None), 401),
        "a ticket of another key": (ticket(key="a key of somebody else, long enough"), 401),
        "a ticket without a signature": (ticket(algorithm="none"), 401),
        "a ticket of another algorithm": (ticket(algorithm="HS512"), 401),
    },
    "$disconnect": {},  # API Gateway's own call
}

# ---- who calls ----


@dataclass(frozen=True)
class Caller:
    """A header, and what comes of it: `told` where it is the same everywhere, else the scopes that the token has."""

    authorization: Callable[[Any], str | None]
    sub: str = ""
    scopes: frozenset[str] = field(default_factory=frozenset)
    told: Told | None = None


def turned_away(authorization):
    return Caller(authorization, told=UNAUTHORIZED)


def holding(sub, scope, *scopes, told=None, **claims):
    """Somebody whose token has the claim `scope`, which API Gateway reads as `scopes`."""
    return Caller(
        lambda tokens: f"Bearer {tokens.token(sub, scope, **claims)}", sub or "", frozenset(scopes), told
    )


def forged(make):
    """Header and claims of a good token, in another's hands."""

    def header(tokens):
        good = tokens.token(ALICE, f"{PAY} {CHARGE} {REFUND}")
        claims = jwt.decode(good, options={"verify_signature": False})
        return f"Bearer {make(tokens, good, claims)}"

    return turned_away(header)


def stale(seconds, claim):
    all_scopes = f"{PAY} {CHARGE} {REFUND}"
    return turned_away(
        lambda tokens: (
            f"Bearer {tokens.token(ALICE, all_scopes, **{claim: int(tokens._clock.time()) + seconds})}"
        )
    )


def claiming(**claims):
    return turned_away(lambda tokens: f"Bearer {tokens.token(ALICE, f'{PAY} {CHARGE} {REFUND}', **claims)}")


def encoded(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def hmac_with_the_public_key(tokens, _good, claims):
    pem = tokens.public_keys[tokens.kid].public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    message = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': tokens.kid})}.{encoded(claims)}"
    digest = hmac.new(pem, message.encode(), hashlib.sha256).digest()
    return f"{message}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def under_another_key(kid):
    key = stranger()

    def make(tokens, _good, claims):
        named = {} if kid is None else {"kid": kid or tokens.kid}
        return jwt.encode(claims, key, algorithm="RS256", headers=named)

    return make


def with_other_claims(_tokens, good, claims):
    head, _, signature = good.split(".")
    return f"{head}.{encoded(claims | {'sub': BOB})}.{signature}"


CALLERS = {
    # Turned away before any function.
    "no token": turned_away(lambda _: None),
    "an empty header": turned_away(lambda _: ""),
    "a bare Bearer": turned_away(lambda _: "Bearer "),
    "a password": turned_away(lambda _: "Basic YWxpY2U6c2VjcmV0"),
    "garbage": turned_away(lambda _: "Bearer a.b.c"),
    "a quote": turned_away(lambda tokens: f"Bearer {tokens.quote(ALICE, 'content-1', 1)}"),
    "two tokens in one header": turned_away(
        lambda tokens: f"Bearer {tokens.token(ALICE, PAY)},Bearer {tokens.token(BOB, CHARGE)}"
    ),
    "expired": stale(-1, "exp"),
    "without an end": claiming(exp=None),
    "not yet valid": stale(600, "nbf"),
    "issued in the future": stale(600, "iat"),
    "another audience": claiming(aud="another-app"),
    "another audience, our client id": claiming(aud=["another-app"], client_id="wechatpay-sandbox"),
    "no audience": claiming(aud=None, client_id=None),
    "another issuer": claiming(iss="https://issuer.example.com"),
    "no issuer": claiming(iss=None),
    "alg none": forged(lambda _, __, claims: f"{encoded({'alg': 'none'})}.{encoded(claims)}."),
    "alg none under our kid": forged(
        lambda tokens, _, claims: f"{encoded({'alg': 'none', 'kid': tokens.kid})}.{encoded(claims)}."
    ),
    "HS256 with the public key": forged(hmac_with_the_public_key),
    "another key under our kid": forged(under_another_key("")),
    "an unknown kid": forged(under_another_key("another")),
    "no kid": forged(under_another_key(None)),
    "claims exchanged": forged(with_other_claims),
    "signature cut": forged(lambda _, good, __: good[:-4]),
    "signature gone": forged(lambda _, good, __: good.rpartition(".")[0] + "."),
    # A good token without any scope of ours.
    "no scope": holding(ALICE, None),
    "an empty scope": holding(ALICE, ""),
    "other scopes": holding(ALICE, "openid profile payments"),
    "a wildcard": holding(ALICE, "payments:*"),
    "capital letters": holding(ALICE, "PAYMENTS:CHARGE Payments:Pay"),
    "scopes with a comma": holding(ALICE, "payments:pay,payments:charge,payments:refund"),
    "a longer scope": holding(ALICE, "payments:payx payments:chargex xpayments:refund"),
    "a list written as text": holding(ALICE, "[payments:charge payments:refund]"),
    # A good token with a scope, of nobody.
    "nobody": holding(None, f"{PAY} {CHARGE} {REFUND}", PAY, CHARGE, REFUND, told=NO_SUBJECT),
    "an empty name": holding("", f"{PAY} {CHARGE} {REFUND}", PAY, CHARGE, REFUND, told=NO_SUBJECT),
    "a name with a line feed": holding(
        f"{ALICE}\n", f"{PAY} {CHARGE} {REFUND}", PAY, CHARGE, REFUND, told=ODD_SUBJECT
    ),
    "a name without end": holding(
        "x" * 256, f"{PAY} {CHARGE} {REFUND}", PAY, CHARGE, REFUND, told=ODD_SUBJECT
    ),
    # Somebody.
    "the owner": holding(ALICE, PAY, PAY),
    "the owner, among other scopes": holding(ALICE, f"openid {PAY} profile", PAY),
    "a stranger": holding(BOB, PAY, PAY),
    "a stranger by list": holding(BOB, None, PAY, scp=["openid", PAY]),
    "a stranger with half a bracket": holding(BOB, f"[{CHARGE} {PAY}", PAY),
    "a stranger in capital letters": holding(ALICE.upper(), PAY, PAY),
    "a stranger whose name goes on": holding(f"{ALICE}x", PAY, PAY),
    "a backend": holding("shop-backend", CHARGE, CHARGE),
    "a backend by list": holding("shop-backend", None, CHARGE, scp=[CHARGE, "openid"]),
    "the back office": holding("back-office", REFUND, REFUND),
    "a reader": holding("support", READ, READ),
    "a reader by list": holding("support", None, READ, scp=["openid", READ]),
    "the bookkeeper": holding("books", RECONCILE, RECONCILE),
    "the bookkeeper by list": holding("books", None, RECONCILE, scp=["openid", RECONCILE]),
    "pay and read": holding("carol-of-the-matrix", f"{PAY} {READ}", PAY, READ),
    "pay and charge": holding(BOB, f"{PAY} {CHARGE}", PAY, CHARGE),
    "pay and refund": holding(BOB, f"{REFUND}  {PAY}", PAY, REFUND),
    "the owner with refund": holding(ALICE, f"{PAY} {REFUND}", PAY, REFUND),
    "charge and refund": holding("operator", f"{CHARGE} {REFUND}", CHARGE, REFUND),
    "all three": holding("operator", f"{PAY} {CHARGE} {REFUND}", PAY, CHARGE, REFUND),
    "all four": holding("overseer", f"{PAY} {CHARGE} {REFUND} {READ}", PAY, CHARGE, REFUND, READ),
}


def told(caller, row, thing):
    """The cell: what this caller is told about this thing."""
    if not row.admits:
        return thing.owner
    if caller.told is UNAUTHORIZED:
        return UNAUTHORIZED
    held = caller.scopes & row.admits
    if not held:
        return FORBIDDEN
    if caller.told is not None:
        return caller.told
    if CHARGE in held:
        return thing.backend
    if REFUND in held:
        return thing.office
    if READ in held:
        return thing.reader or thing.office
    if RECONCILE in held:
        return thing.books or thing.office
    return thing.owner if caller.sub == ALICE else thing.stranger
