"""Open pages hear of their own order: who may connect, who is told, how fast, and what is left behind."""

import asyncio
import base64
import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack

import jwt
import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed

from payments.api import tokens
from tests.flows.live import PROTOCOL, Live
from tests.thorough import many

pytestmark = [pytest.mark.share(3, of_file=True), pytest.mark.in_turn]

PAGES = int(os.environ.get("PAGES") or many(50, instead=12))  # `make live` opens 300
PAID = {"version": 3, "status": "paid"}


@pytest.fixture(scope="session")
def live(sandbox):
    return Live(sandbox)


@pytest.fixture
def number(shop):
    return order(shop)


def order(shop):
    return shop.native().json()["data"]["outTradeNo"]


def pay(shop, number):
    assert shop.control("pay", {"outTradeNo": number}).status_code == 200


def news(page, seconds=15):
    return json.loads(page.recv(timeout=seconds))


# ---- who may connect ----


def test_a_ticket_opens_one_connection_with_the_protocol_that_the_page_offered_first(live, number):
    ticket = live.ticket(number)
    with live.open(number, ticket=ticket) as page:
        assert page.subprotocol == PROTOCOL
        assert live.refusal(PROTOCOL, ticket) == 403
    live.sandbox.wait_until(lambda: "connection_id" not in live.rows(number)[0])
    assert live.refusal(PROTOCOL, ticket) == 403, "a used ticket opens nothing, also when its page is gone"


def unsigned(claims):
    parts = [json.dumps({"alg": "none", "typ": "JWT"}), json.dumps(claims)]
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts) + "."


def signed(live, **claims):
    usual = {"aud": "live", "sub": "WX1", "jti": "1", "exp": int(live.sandbox.clock.time()) + 60}
    return {name: value for name, value in {**usual, **claims}.items() if value is not None}


NO_TICKETS = {
    "nothing": lambda _: (),
    "no ticket": lambda _: (PROTOCOL,),
    "garbage": lambda _: (PROTOCOL, "garbage"),
    "garbage in three parts": lambda _: (PROTOCOL, "a.b.c"),
    "a ticket alone": lambda live: (live.ticket("WX1"),),
    "a ticket first": lambda live: (live.ticket("WX1"), PROTOCOL),
    "another protocol": lambda live: ("chat", live.ticket("WX1")),
    "two tickets": lambda live: (PROTOCOL, live.ticket("WX1"), live.ticket("WX2")),
    "a ticket whose time is over": lambda live: (PROTOCOL, live.ticket("WX1", at=-61)),
    "a ticket under another key": lambda live: (PROTOCOL, live.ticket("WX1", key="k" * 64)),
    "a checkout token": lambda live: (
        PROTOCOL,
        tokens.checkout_token(out_trade_no="WX1", time_expire=2**31, keys=(live.key,)),
    ),
    "an algorithm called none": lambda live: (PROTOCOL, unsigned(signed(live))),
    "a longer algorithm": lambda live: (PROTOCOL, jwt.encode(signed(live), live.key, algorithm="HS512")),
    "no audience": lambda live: (PROTOCOL, jwt.encode(signed(live, aud=None), live.key, algorithm="HS256")),
    "no end": lambda live: (PROTOCOL, jwt.encode(signed(live, exp=None), live.key, algorithm="HS256")),
    "no order": lambda live: (PROTOCOL, jwt.encode(signed(live, sub=None), live.key, algorithm="HS256")),
    "far too long": lambda _: (PROTOCOL, "a" * 2000),
}


@pytest.mark.parametrize("name", NO_TICKETS)
def test_without_a_good_ticket_nobody_connects(live, name):
    before = live.sandbox.websockets.connections
    assert live.refusal(*NO_TICKETS[name](live)) == 401
    assert live.sandbox.websockets.connections == before
    assert live.rows("WX1") == []


def test_a_ticket_in_the_address_counts_for_nothing(live, number):
    assert live.refusal(PROTOCOL, path=f"?ticket={live.ticket(number)}") == 401


def test_ten_thousand_invented_tickets_open_nothing(live, number, monkeypatch):
    function = live.sandbox.deployed.functions["LiveConnectFunction"]
    variables = {
        **function.environment,
        **live.aws.session_credentials(function.role_arn, "invented"),
        "AWS_ENDPOINT_URL": live.aws.url,
        "AWS_DEFAULT_REGION": live.aws.region,
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    from functions.live_connect.app import lambda_handler

    chance = random.Random(20240101)
    good = live.ticket(number)
    characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    def invented():
        kind = chance.randrange(3)
        if kind == 0:  # one character of a good one changed; its very last holds two bits that mean nothing
            place = chance.randrange(len(good) - 1)
            other = chance.choice([c for c in characters if c != good[place]])
            return good[:place] + other + good[place + 1 :]
        if kind == 1:
            return jwt.encode(signed(live, sub=number), chance.randbytes(32), algorithm="HS256")
        return ".".join("".join(chance.choices(characters, k=length)) for length in (36, 90, 43))

    live.aws.take_uses()
    for index in range(10_000):
        answer = lambda_handler(
            {
                "multiValueHeaders": {"sec-websocket-protocol": [f"live, {invented()}"]},
                "requestContext": {"connectionId": f"invented-{index}"},
            },
            None,
        )
        assert answer == {"statusCode": 401}
    assert {use.action for use in live.aws.take_uses() if use.principal == function.role_arn} == {
        "secretsmanager:GetSecretValue"
    }
    assert live.rows(number) == []
    with live.open(number, ticket=good):  # and the good one was good all the time
        pass


# ---- who hears ----


def test_a_page_hears_of_payment_and_refund_within_a_second(live, shop):
    took = []
    for _ in range(5):  # the machine may be busy with something else
        number = order(shop)
        with live.open(number) as page:
            began = time.monotonic()
            pay(shop, number)
            assert news(page) == PAID
            took.append(time.monotonic() - began)
            if took[-1] < 1:
                assert shop.refund(number, 40).status_code == 200
                told = news(page)
                assert (told["status"], set(told)) == ("partially_refunded", {"version", "status"})
                assert told["version"] == shop.events(number)[-1]["detail"]["version"]
                return
    raise AssertionError(f"no page was told within a second: {took}")


def paid(shop, number):
    pay(shop, number)
    shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "succeeded")


def half_refunded(shop, number):
    assert shop.refund(number, 50).status_code == 200


def wholly_refunded(shop, number):
    assert shop.refund(number, 100).status_code == 200


def closed(shop, number):
    assert shop.close(number).status_code == 200


def over(shop, _number):
    shop.sandbox.minutes(5)


@pytest.mark.parametrize(
    ("life", "word"),
    [
        ((paid,), "paid"),
        ((paid, half_refunded), "partially_refunded"),
        ((paid, wholly_refunded), "refunded"),
        ((closed,), "closed"),
        ((over,), "expired"),
    ],
)
def test_a_page_hears_the_very_words_of_the_orders_public_view(live, shop, life, word):
    data = shop.native().json()["data"]
    number, address = data["outTradeNo"], data["checkoutUrl"].removeprefix(live.sandbox.api)
    if over in life:
        shop.sandbox.clock.advance(2 * 3600 - 120)
        assert shop.sandbox.drain(20)
    asked = {"url": live.sandbox.api + address, "headers": {"Accept": "application/json"}, "timeout": 30}
    with live.open(number) as page:
        for happens in life:
            happens(shop, number)
        shop.sandbox.wait_until(lambda: shop.http.get(**asked).json()["status"] == word)
        shown = shop.http.get(**asked).json()
        while (heard := news(page))["version"] < shown["version"]:
            pass
    assert heard == {"version": shown["version"], "status": word}


def test_a_page_hears_nothing_of_another_order(live, shop, number):
    other = order(shop)
    with live.open(number) as mine, live.open(other) as theirs:
        pay(shop, other)
        assert news(theirs) == PAID
        assert live.sandbox.drain()
        with pytest.raises(TimeoutError):
            mine.recv(timeout=0.2)


def test_every_page_of_an_order_hears_and_of_a_crowd_twenty_do(live, shop, number):
    with ExitStack() as stack:
        pages = [stack.enter_context(live.open(number)) for _ in range(22)]
        pay(shop, number)
        shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "succeeded")
        assert live.sandbox.drain(30)
        told = 0
        for page in pages:
            try:
                told += json.loads(page.recv(timeout=0.2)) == PAID
            except TimeoutError:
                continue
    assert told == 20


def test_each_of_many_pages_hears_of_its_own_payment_and_of_no_other(live, shop):
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: order(shop), range(PAGES)))
        assert len(set(numbers)) == PAGES

        async def watch():
            async with AsyncExitStack() as stack:
                few = asyncio.Semaphore(4)  # each more at once would start a process more

                async def opened(number):
                    async with few:
                        offered = [PROTOCOL, live.ticket(number)]
                        line = connect_async(live.url, subprotocols=offered, proxy=None, open_timeout=60)
                        return number, await stack.enter_async_context(line)

                pages = await asyncio.gather(*map(opened, numbers))
                # Paid in another order than opened, and one kept back: it must hear nothing at all.
                paid = random.Random(1).sample(numbers[1:], PAGES - 1)
                loop = asyncio.get_running_loop()
                await asyncio.gather(*(loop.run_in_executor(pool, pay, shop, number) for number in paid))
                heard = {
                    number: [json.loads(await asyncio.wait_for(page.recv(), 60))]
                    for number, page in pages[1:]
                }
                heard[numbers[0]] = []
                await loop.run_in_executor(pool, live.sandbox.drain, 30)

                async def anything_more(number, page):
                    try:
                        heard[number].append(json.loads(await asyncio.wait_for(page.recv(), 0.5)))
                    except TimeoutError:
                        return

                await asyncio.gather(*(anything_more(number, page) for number, page in pages))
                return heard

        heard = asyncio.run(watch())

    assert heard == {numbers[0]: [], **{number: [PAID] for number in numbers[1:]}}


# ---- what is left behind ----


def test_a_row_outlives_its_ticket_and_its_connection_and_then_ends_by_itself(live, number):
    with live.open(number):
        (row,) = live.rows(number)
    now = live.sandbox.clock.time()
    assert set(row) == {"out_trade_no", "ticket_id", "connection_id", "opened_at", "expires_at"}
    assert now + 7200 <= int(row["expires_at"]) <= now + 3 * 3600
    told = live.aws.client("dynamodb").describe_time_to_live(TableName=live.table)["TimeToLiveDescription"]
    assert (told["TimeToLiveStatus"], told["AttributeName"]) == ("ENABLED", "expires_at")


def test_a_page_that_leaves_is_forgotten_and_its_used_ticket_is_not(live, number):
    with live.open(number):
        assert "connection_id" in live.rows(number)[0]
    live.sandbox.wait_until(lambda: "connection_id" not in live.rows(number)[0])
    assert len(live.rows(number)) == 1


def test_a_connection_that_is_gone_is_forgotten_at_the_next_news_unless_it_is_just_opening(
    live, shop, number
):
    live.put(number, "gone-long-ago", age=60)
    live.put(number, "about-to-open", age=5)
    with live.open(number) as page:
        pay(shop, number)
        assert news(page) == PAID, "those who are gone keep nothing from those who are there"
        assert live.sandbox.drain()
        kept = {row["ticket_id"] for row in live.rows(number) if "connection_id" in row}
    assert "about-to-open" in kept
    assert "gone-long-ago" not in kept
    assert len(kept) == 2
    live.remove(number, "about-to-open")


def test_a_page_that_was_cut_off_comes_back_with_a_new_ticket(live, shop, number):
    with live.open(number) as page:
        live.sandbox.websockets.cut()
        with pytest.raises(ConnectionClosed):
            page.recv(timeout=10)
    with live.open(number) as page:
        pay(shop, number)
        assert news(page) == PAID


# ---- when it is down ----


def test_payments_settle_while_nobody_can_be_told(live, shop, number):
    with live.open(number) as page:
        with live.without_rights("LivePushRole"):
            pay(shop, number)
            shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "succeeded")
            assert live.sandbox.drain(20)
        assert [event["detail-type"] for event in shop.events(number)] == [
            "PaymentCreated",
            "PaymentSucceeded",
        ]
        assert shop.refund(number, 100).status_code == 200
        assert news(page)["status"] == "refunded", "the next news finds the page again"


def test_payments_settle_while_nobody_can_connect(live, shop, number):
    with live.without_rights("LiveConnectRole"):
        assert live.refusal(PROTOCOL, live.ticket(number)) in (500, 503)
        pay(shop, number)
        shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "succeeded")


# ---- what the functions use, and say ----


def test_one_put_opens_two_requests_close_and_one_query_tells(live, shop, number):
    with live.open(number):
        pass  # warm
    live.sandbox.wait_until(lambda: not live.waiting(), 60)
    live.aws.take_uses()
    with live.open(number) as page:
        pay(shop, number)
        news(page)
        assert live.sandbox.drain()
    live.sandbox.wait_until(lambda: not any("connection_id" in row for row in live.rows(number)))
    spent = [(use.principal.rsplit("-", 1)[-1], use.action) for use in live.aws.take_uses()]
    assert [use for use in spent if use[0].startswith("Live")] == [
        ("LiveConnectRole", "dynamodb:PutItem"),
        ("LivePushRole", "dynamodb:Query"),
        ("LivePushRole", "execute-api:ManageConnections"),
        ("LiveDisconnectRole", "dynamodb:Query"),
        ("LiveDisconnectRole", "dynamodb:UpdateItem"),
    ]


def test_no_log_line_holds_a_ticket_or_the_key(live, shop, number):
    ticket = live.ticket(number)
    with live.open(number, ticket=ticket) as page:
        assert live.refusal(PROTOCOL, ticket) == 403
        pay(shop, number)
        news(page)
    written = "".join(
        live.sandbox.lambdas.logs(f"Live{name}Function") for name in ("Connect", "Disconnect", "Push")
    )
    assert number in written
    for hidden in (ticket, ticket.split(".")[1], ticket.split(".")[2], live.key):
        assert hidden not in written
