"""Who may do what, and at which price: buyers, a trusted backend, the back office, strangers."""

import base64
import json
import re
import secrets
from pathlib import Path
from types import SimpleNamespace

import jwt
import pytest

ORDER = {"contentId": "content-1", "amount": "19.99", "subject": "A photograph"}
README = Path(__file__).parents[2] / "README.md"
NOT_FOUND = b'{"error":"There is no such order.","code":"ORDER_NOT_FOUND","details":{}}'


@pytest.fixture
def buyer():
    return f"buyer-{secrets.token_hex(6)}"


@pytest.fixture
def quote(shop, buyer):
    """What the shop's backend signs for this buyer and ORDER; members may be replaced, None leaves one out."""

    def sign(**changes):
        exp = int(shop.sandbox.clock.time()) + 600
        claims = {"sub": buyer, "contentId": "content-1", "amount": 1999, "exp": exp} | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return signed(claims, shop.sandbox.tokens.quote_key, algorithm="HS256")

    return sign


# ---- the gateway's part ----


def call_all(shop, *lines):
    routes = [
        ("POST", "native", json.dumps(ORDER).encode()),
        ("GET", "query/WX123456", b""),
        ("GET", "payment/WX123456", b""),
    ]
    return [
        shop.port.send(method, f"/api/v1/payments/wechat/{path}", body, lines)
        for method, path, body in routes
    ]


def signed(claims, key="a key of somebody else, long enough", **options):
    return jwt.encode(claims, key, **options)


BAD_TOKENS = {
    "expired": lambda tokens: tokens.token("user-1", "payments:charge", exp=int(tokens._clock.time()) - 1),
    "without an end": lambda tokens: tokens.token("user-1", "payments:charge", exp=None),
    "not valid yet": lambda tokens: tokens.token(
        "user-1", "payments:charge", nbf=int(tokens._clock.time()) + 600
    ),
    "of another issuer": lambda tokens: tokens.token("user-1", "payments:charge", iss="https://example.com"),
    "for another audience": lambda tokens: tokens.token("user-1", "payments:charge", aud="another-app"),
    "for nobody": lambda tokens: tokens.token("user-1", "payments:charge", aud=None, client_id=None),
    "unsigned": lambda tokens: signed(claims_of(tokens), "", algorithm="none", headers={"kid": tokens.kid}),
    "signed with a shared key": lambda tokens: signed(
        claims_of(tokens), algorithm="HS256", headers={"kid": tokens.kid}
    ),
    "of an unknown key": lambda tokens: signed(
        claims_of(tokens), algorithm="HS256", headers={"kid": "other"}
    ),
    "cut off": lambda tokens: tokens.token("user-1", "payments:charge")[:-8],
    "altered": lambda tokens: altered(tokens.token("user-1", "payments:pay")),
    "a quote": lambda tokens: tokens.quote("user-1", "content-1", 1999),
    "a word": lambda _: "token",
    "empty": lambda _: "",
}


def claims_of(tokens):
    return jwt.decode(tokens.token("user-1", "payments:charge"), options={"verify_signature": False})


def altered(token):
    head, claims, signature = token.split(".")
    members = json.loads(base64.urlsafe_b64decode(claims + "=="))
    members["scope"] = "payments:charge payments:refund"
    changed = base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")
    return f"{head}.{changed}.{signature}"


@pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
def test_a_bad_token_opens_no_route(shop, nothing_created, make):
    for answer in call_all(shop, ("Authorization", f"Bearer {make(shop.sandbox.tokens)}")):
        assert (answer.status, answer.json) == (401, {"message": "Unauthorized"})


def test_no_token_opens_no_route(shop, nothing_created):
    for answer in call_all(shop):
        assert (answer.status, answer.json) == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize(
    "scope", [None, "", "openid profile", "payments", "payments:*", "PAYMENTS:PAY", "payments:pay2"]
)
def test_a_token_without_one_of_our_scopes_opens_no_route(shop, nothing_created, scope):
    token = shop.sandbox.tokens.token("user-1", scope)
    for answer in call_all(shop, ("Authorization", f"Bearer {token}")):
        assert (answer.status, answer.json) == (403, {"message": "Forbidden"})


def test_the_back_office_opens_no_orders(shop, nothing_created):
    answer = shop.native(ORDER, token=shop.office)

    assert (answer.status, answer.json) == (403, {"message": "Forbidden"})


@pytest.mark.parametrize("scope", ["payments:charge", "payments:pay", "payments:pay payments:charge"])
@pytest.mark.parametrize("sub", [None, ""])
def test_a_token_that_names_nobody_may_do_nothing(shop, nothing_created, scope, sub):
    token = shop.sandbox.tokens.token(sub, scope)
    for answer in call_all(shop, ("Authorization", f"Bearer {token}")):
        assert answer.refusal == (403, "NOAUTH", None)


def test_scopes_may_come_as_a_list_under_scp(shop, buyer, quote):
    token = shop.sandbox.tokens.token(buyer, None, scp=["openid", "payments:pay"])
    number = shop.native(ORDER | {"quote": quote()}, token=token).data["outTradeNo"]

    assert shop.read("payment", number, token=token).data["userId"] == buyer
    assert shop.native(ORDER, token=token).refusal == (403, "NOAUTH", "quote")


# ---- whose order it is ----


def test_a_buyer_orders_for_themselves_at_the_quoted_price(shop, buyer, quote):
    data = shop.native(ORDER | {"quote": quote()}, token=shop.buyer(buyer)).data

    item = shop.item(data["outTradeNo"])
    assert (item["user_id"]["S"], item["amount"]["N"]) == (buyer, "1999")
    assert "quote" not in item["wechat_request"]["S"]


def test_a_buyer_may_name_themselves_and_nobody_else(shop, buyer, quote):
    assert shop.native(ORDER | {"quote": quote(), "userId": buyer}, token=shop.buyer(buyer)).status == 200

    before = shop.census()
    for other in ("somebody-else", buyer.upper(), f"{buyer} ", f" {buyer}", f"{buyer}x", buyer[:-1]):
        answer = shop.native(ORDER | {"quote": quote(), "userId": other}, token=shop.buyer(buyer))
        assert answer.refusal == (403, "NOAUTH", "userId")
    assert shop.census() == before


def test_a_backend_orders_for_anybody_at_its_own_price(shop, buyer):
    number = shop.order(userId=buyer, amount="0.01")["outTradeNo"]

    assert shop.item(number)["user_id"]["S"] == buyer
    assert shop.read("payment", number, token=shop.buyer(buyer)).data["amount"] == "0.01"


def test_a_backend_that_names_nobody_orders_for_itself(shop):
    number = shop.native(ORDER).data["outTradeNo"]

    assert shop.item(number)["user_id"]["S"] == "shop-backend"


def test_a_token_with_both_scopes_counts_as_the_backends(shop, buyer):
    token = shop.token(buyer, "payments:pay payments:charge")
    data = shop.native(ORDER | {"userId": "somebody-else"}, token=token).data

    assert shop.item(data["outTradeNo"])["user_id"]["S"] == "somebody-else"
    assert shop.read("query", data["outTradeNo"], token=token).status == 200


@pytest.mark.parametrize("what", ["query", "payment"])
def test_owner_backend_and_back_office_see_an_order(shop, buyer, what):
    number = shop.order(userId=buyer)["outTradeNo"]

    for token in (
        shop.buyer(buyer),
        shop.backend,
        shop.office,
        shop.token("another-backend", "payments:charge"),
    ):
        assert shop.read(what, number, token=token).status == 200


@pytest.mark.parametrize("what", ["query", "payment"])
def test_not_yours_and_not_there_are_the_same_bytes(shop, buyer, what):
    number = shop.order(userId=buyer)["outTradeNo"]
    before = shop.item(number)
    strangers = [
        shop.buyer(name) for name in ("stranger", buyer.upper(), buyer[:-1], f"{buyer}x", "shop-backend")
    ]

    for token in strangers:
        theirs, nobodys = shop.read(what, number, token=token), shop.read(what, f"WX{'7' * 26}", token=token)
        assert (theirs.status, theirs.body) == (nobodys.status, nobodys.body) == (404, NOT_FOUND)
        changing = ("apigw-requestid", "date")
        assert [(k, v) for k, v in theirs.headers.items() if k not in changing] == [
            (k, v) for k, v in nobodys.headers.items() if k not in changing
        ]
    assert shop.item(number) == before
    assert [exchange.method for exchange in shop.wire.about(number)] == [
        "POST"
    ]  # the order itself, no question


def test_a_backends_customer_is_not_the_backend(shop, buyer):
    number = shop.native(ORDER).data["outTradeNo"]

    assert shop.read("payment", number, token=shop.buyer(buyer)).status == 404
    assert (
        shop.read("payment", number, token=shop.buyer("shop-backend")).status == 200
    )  # the order's own user


# ---- the price ----


def refused_quote(shop, buyer, quote, **members):
    answer = shop.native(ORDER | {"quote": quote} | members, token=shop.buyer(buyer))
    assert answer.refusal == (403, "NOAUTH", "quote")
    assert answer.json["error"] == f"quote {answer.json['details']['issue']}."


@pytest.mark.parametrize("quote", ["", "x", "a.b.c", "x" * 4097, 1, 1.5, True, [], ["a"], {}, {"a": "b"}])
def test_what_is_no_quote_at_all_is_refused_as_one(shop, nothing_created, buyer, quote):
    refused_quote(shop, buyer, quote)


def test_a_buyers_order_needs_a_quote(shop, nothing_created, buyer):
    answer = shop.native(ORDER, token=shop.buyer(buyer))

    assert answer.refusal == (403, "NOAUTH", "quote")
    assert answer.json["details"]["issue"] == "is required for a buyer's own order"


@pytest.mark.share(4)
@pytest.mark.parametrize(
    "changes",
    [
        *(
            {"amount": 1998},
            {"amount": 2000},
            {"amount": 0},
            {"amount": -1999},
            {"amount": "1999"},
            {"amount": "19.99"},
        ),
        *(
            {"amount": 19.99},
            {"amount": 1999.0},
            {"amount": True},
            {"amount": [1999]},
            {"amount": {"total": 1999}},
        ),
        *({"sub": "somebody-else"}, {"sub": ""}, {"sub": 1}, {"contentId": "content-2"}, {"contentId": ""}),
        *(
            {"contentId": ["content-1"]},
            {"contentId": 1},
            {"exp": 0},
            {"exp": -1},
            {"exp": True},
            {"exp": 1.7e9},
        ),
        *({"exp": "4102444800"}, {"exp": 4102444800}, {"exp": 10**30}, {"exp": []}, {"exp": {}}),
        *({"sub": None}, {"contentId": None}, {"amount": None}, {"exp": None}),
    ],
    ids=str,
)
def test_a_quote_for_something_else_is_refused(shop, nothing_created, buyer, quote, changes):
    refused_quote(shop, buyer, quote(**changes))


@pytest.mark.parametrize("amount", ["19.98", "20", "0.01", 19, "1000000"])
def test_the_price_in_the_body_must_be_the_quoted_one(shop, nothing_created, buyer, quote, amount):
    refused_quote(shop, buyer, quote(), amount=amount)


def test_the_content_in_the_body_must_be_the_quoted_one(shop, nothing_created, buyer, quote):
    refused_quote(shop, buyer, quote(), contentId="content-2")


def test_one_buyers_quote_is_no_good_to_another(shop, nothing_created, buyer, quote):
    refused_quote(shop, "somebody-else", quote())


def test_the_shops_own_quote_is_good_for_its_buyer(shop, buyer):
    quote = shop.sandbox.tokens.quote(buyer, "content-1", 1999)

    assert shop.native(ORDER | {"quote": quote}, token=shop.buyer(buyer)).data["amount"] == 19.99


def test_a_quote_lives_fifteen_minutes_at_most(shop, buyer, quote):
    now = int(shop.sandbox.clock.time())
    for exp in (now + 930, now + 3600, now, now - 1, now - 3600):
        refused_quote(shop, buyer, quote(exp=exp))
    for exp in (now + 880, now + 30):
        assert shop.native(ORDER | {"quote": quote(exp=exp)}, token=shop.buyer(buyer)).status == 200


def test_a_quote_of_anybody_else_is_refused(shop, nothing_created, buyer, quote):
    claims = jwt.decode(quote(), options={"verify_signature": False})
    head, body, signature = quote().split(".")
    ours = shop.sandbox.tokens.quote_key
    unsigned = jwt.encode(claims, "", algorithm="none")
    cheaper = base64.urlsafe_b64encode(json.dumps(claims | {"amount": 1}).encode()).decode().rstrip("=")
    for forgery in (
        signed(claims, algorithm="HS256"),
        signed(claims, ours[:-1], algorithm="HS256"),
        signed(claims, ours.swapcase(), algorithm="HS256"),
        signed(claims, ours * 2, algorithm="HS512"),
        signed(claims, ours * 2, algorithm="HS384"),
        unsigned,
        unsigned + signature,
        f"{unsigned.split('.')[0]}.{body}.{signature}",
        f"{head}.{cheaper}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.{body}.{signature[:-4]}",
        f"{head}.{body}.{signature}.{signature}",
        f"{signature}.{body}.{head}",
        shop.buyer(buyer),
        shop.backend,
        "..",
        "quote",
        "\U0001f600.\u4e2d.\u6587",
    ):
        refused_quote(shop, buyer, forgery)


@pytest.mark.parametrize(
    "header",
    [
        *(
            {"alg": "none"},
            {"alg": "NONE"},
            {"alg": None},
            {"alg": ["HS256"]},
            {"alg": {"HS256": 1}},
            {"alg": 256},
            {},
        ),
        *(
            {"alg": "RS256"},
            {"alg": "HS256", "kid": 1},
            {"alg": "HS256", "b64": False},
            {"alg": "HS256", "crit": ["x"]},
        ),
        *([], "HS256", None, 1),
    ],
    ids=str,
)
def test_a_quote_with_an_odd_header_is_a_bad_quote_and_nothing_worse(
    shop, nothing_created, buyer, quote, header
):
    text = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    refused_quote(shop, buyer, ".".join([text, *quote().split(".")[1:]]))


def test_a_quote_nested_without_end_is_a_bad_quote_and_nothing_worse(shop, nothing_created, buyer):
    deep = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 2900).decode().rstrip("=")
    refused_quote(shop, buyer, f"{deep}.e30.e30")


def test_a_backend_needs_no_quote_and_none_binds_it(shop):
    assert shop.native(ORDER | {"quote": "nonsense"}).status == 200


def test_the_readmes_lines_sign_a_quote_that_is_good(shop, buyer):
    """The product's backend runs them as they stand there."""
    (lines,) = re.findall(r"```python\n(.*?jwt\.encode.*?)```", README.read_text(), re.DOTALL)
    names = {"user_id": buyer, "content_id": "content-1", "WECHAT_QUOTE_KEY": shop.sandbox.tokens.quote_key}
    clock = SimpleNamespace(time=shop.sandbox.clock.time)
    exec(lines, names | {"jwt": jwt, "time": clock}, names)

    order = ORDER | {"amount": 99.99}
    assert shop.native(order | {"quote": names["quote"]}, token=shop.buyer(buyer)).data["amount"] == 99.99
    cheaper = order | {"amount": 99.98, "quote": names["quote"]}
    assert shop.native(cheaper, token=shop.buyer(buyer)).refusal == (403, "NOAUTH", "quote")


def test_two_idempotency_keys_in_one_request_are_one_other_key(shop, buyer):
    """API Gateway joins repeated headers by a comma; whoever repeats the request repeats that."""
    order, keys = ORDER | {"userId": buyer}, [("Idempotency-Key", f"{buyer}-{n}") for n in (1, 2)]
    both, again = (shop.post("native", order, headers=keys).data["outTradeNo"] for _ in range(2))
    one = shop.native(order, key=f"{buyer}-1").data["outTradeNo"]

    assert both == again
    assert both != one
