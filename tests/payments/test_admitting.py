"""A buyer's order at its limits: what is open counts as long as it can be paid, and the same wish is the same order."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest

from payments.core.allowance import Allowance, OpenOrder
from payments.core.errors import RateLimitedError, StorageUnavailableError
from payments.core.lifecycle import Status
from payments.settings import Settings
from payments.use_cases.admission import check_limits
from payments.wiring import Wiring
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run
from tests.kit.payments import a_payment, put
from tests.payments.calls import QUOTE_KEY
from tests.payments.stage import START, Between, DiedError, Lost, Stage, Told

BUYERS = (f"buyer-of-{n}" for n in itertools.count())
CODES = [f"weixin://wxpay/bizpayurl?pr={n}" for n in range(40)]
WISH: dict[str, Any] = {"contentId": "content-1", "amount": 10, "subject": "A thing"}


class Buyer:
    """One buyer of a backend that lets the limits count."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.name = next(BUYERS)
        stage.wechat.says("native", *CODES)

    def opens(self, content: str = "content-1", key: str | None = None, **changed: object) -> Told:
        body = WISH | {"userId": self.name, "contentId": content} | changed
        return self.stage.calls.as_(self.stage.shop, "payments:charge", "native", body=body, key=key)

    def number(self, content: str = "content-1", key: str | None = None, **changed: object) -> str:
        status, body = self.opens(content, key, **changed)
        assert status == 200, body
        found: str = body["data"]["outTradeNo"]
        return found

    @property
    def orders(self) -> list[str]:
        """What counts as open."""
        return [one.out_trade_no for one in self.stage.wiring.allowances.get(self.name).orders]


@pytest.fixture
def buyer(stage: Stage) -> Buyer:
    return Buyer(stage)


def limited(stage: Stage, **limits: int) -> None:
    environment = {**stage.wiring.settings._environment, **{name: str(most) for name, most in limits.items()}}
    stage.wiring.settings = Settings(environment)


# ---- the same wish ----


def test_the_same_wish_is_the_same_order_until_a_minute_before_its_end(buyer: Buyer) -> None:
    """Also long after the minute in which it was opened."""
    stage = buyer.stage
    first = buyer.number()
    for later in (1, 59, 61, 3600, 7200 - 60):
        stage.wiring.time = START + later
        assert buyer.number() == first
    stage.wiring.time = START + 7200 - 59
    assert buyer.number() != first


@pytest.mark.parametrize("act", [Stage.somebody_closes, Stage.it_is_closed, Stage.it_is_paid])
def test_an_order_that_nobody_can_pay_any_more_is_not_handed_out_for_the_same_wish(
    buyer: Buyer, act: Callable[..., object]
) -> None:
    first = buyer.number()
    act(buyer.stage, buyer.stage.stored(first))
    second = buyer.number()
    assert second != first
    assert buyer.number() == second


@pytest.mark.parametrize("changed", [{"amount": 11}, {"content": "content-2"}, {"key": "one-more"}])
def test_another_wish_is_another_order(buyer: Buyer, changed: dict[str, Any]) -> None:
    first = buyer.number()
    assert buyer.number(**changed) != first
    assert buyer.number() == first if "key" not in changed else True


def test_of_several_orders_for_one_wish_the_youngest_is_handed_out(buyer: Buyer) -> None:
    buyer.number(key="a")
    youngest = buyer.number(key="b")
    assert buyer.number() == youngest


def test_an_order_that_is_about_to_be_written_down_is_waited_for(buyer: Buyer) -> None:
    """A double click: the first was counted, and its order is not there yet."""
    stage = buyer.stage
    stage.wiring.store = Between(stage.store, "create", lambda: (_ for _ in ()).throw(DiedError()))
    with pytest.raises(DiedError):
        buyer.opens()
    (counted,) = buyer.orders
    assert buyer.opens()[0] == 503
    assert stage.retry_after == 1
    assert 3 <= stage.wiring.time - START < 3.5
    stage.wiring.time = START + 15  # nobody writes it down any more
    second = buyer.number()
    assert second != counted
    assert second in buyer.orders


# ---- how many may be open ----


def test_what_is_open_counts_until_its_time_is_over(buyer: Buyer) -> None:
    stage = buyer.stage
    limited(stage, OPEN_ORDERS=2)
    buyer.number("a")
    stage.wiring.time = START + 100
    buyer.number("b")
    for later, wait in ((0, 7100), (3600, 3500), (7099, 1)):
        stage.wiring.time = START + 100 + later
        status, body = buyer.opens("c")
        assert (status, body["code"], stage.retry_after) == (429, "RATE_LIMITED", wait)
    stage.wiring.time = START + 7200
    assert buyer.opens("c")[0] == 200
    assert len(buyer.orders) == 2


@pytest.mark.parametrize("act", [Stage.it_is_closed, Stage.it_is_paid])
def test_what_is_paid_or_closed_makes_room(buyer: Buyer, act: Callable[..., object]) -> None:
    stage = buyer.stage
    limited(stage, OPEN_ORDERS=2)
    first, second = buyer.number("a"), buyer.number("b")
    assert buyer.opens("c")[0] == 429
    act(stage, stage.stored(first))
    third = buyer.number("c")
    assert buyer.orders == [second, third]


def test_what_is_only_being_closed_makes_no_room(buyer: Buyer) -> None:
    stage = buyer.stage
    limited(stage, OPEN_ORDERS=1)
    stage.somebody_closes(stage.stored(buyer.number("a")))
    assert buyer.opens("b")[0] == 429


def test_what_was_counted_and_never_written_down_makes_room_once_nobody_can_be_writing_it(
    buyer: Buyer,
) -> None:
    stage = buyer.stage
    limited(stage, OPEN_ORDERS=1)
    stage.wiring.store = Between(stage.store, "create", lambda: (_ for _ in ()).throw(DiedError()))
    with pytest.raises(DiedError):
        buyer.opens("a")
    stage.wiring.time = START + 14
    assert buyer.opens("b")[0] == 429
    stage.wiring.time = START + 15
    assert buyer.opens("b")[0] == 200


def test_a_retry_of_an_order_that_was_let_in_is_never_one_too_many(buyer: Buyer) -> None:
    stage = buyer.stage
    limited(stage, OPEN_ORDERS=1)
    first = buyer.number("a", key="k")
    assert buyer.number("a", key="k") == first
    stage.it_is_closed(stage.stored(first))
    buyer.number("b")  # takes the place of the first
    assert buyer.opens("a", key="k")[0] == 409
    assert buyer.opens("a", key="another")[0] == 429


# ---- how many in a minute ----


def test_a_minute_has_room_for_so_many_and_the_next_one_for_as_many_again(buyer: Buyer) -> None:
    stage = buyer.stage
    limited(stage, CREATES_PER_MINUTE=2)
    assert START % 60 == 0
    stage.wiring.time = START + 20
    buyer.number("a")
    buyer.number("b")
    for later, wait in ((20, 40), (59, 1)):
        stage.wiring.time = START + later
        status, body = buyer.opens("c")
        assert (status, stage.retry_after) == (429, wait)
        assert "2 orders in this minute" in body["error"]
    stage.wiring.time = START + 60
    buyer.number("c")
    buyer.number("d")
    assert buyer.opens("e")[0] == 429


def test_repetitions_do_not_count_again(buyer: Buyer) -> None:
    limited(buyer.stage, CREATES_PER_MINUTE=1)
    first = buyer.number(key="k")
    for _ in range(3):
        assert buyer.number(key="k") == first
    assert buyer.orders == [first]


# ---- others at the same time ----


def test_an_order_that_another_device_opens_in_the_same_moment_counts_as_well(buyer: Buyer) -> None:
    stage = buyer.stage
    other: list[str] = []
    stage.wiring.allowances = Between(
        stage.wiring.allowances, "begin", lambda: other.append(buyer.number("b"))
    )
    first = buyer.number("a")
    assert buyer.orders == [*other, first]
    stage.wiring.allowances = Between(
        stage.wiring.allowances, "change", lambda: other.append(buyer.number("d"))
    )
    third = buyer.number("c")
    assert buyer.orders == [other[0], first, other[1], third]


def test_a_count_that_the_sdk_repeats_counts_once(buyer: Buyer) -> None:
    stage = buyer.stage
    stage.wiring.allowances = Lost(stage.wiring.allowances, "begin", "repeated")
    first = buyer.number("a", key="1")
    stage.wiring.allowances = Lost(stage.wiring.allowances, "change", "repeated")
    second = buyer.number("b", key="2")
    assert buyer.orders == [first, second]


# ---- whose limits, whose order ----


def test_a_backend_that_names_no_buyer_answers_for_its_own_and_no_limit_counts(buyer: Buyer) -> None:
    stage = buyer.stage
    limited(stage, OPEN_ORDERS=1, CREATES_PER_MINUTE=1)
    told = [stage.create(key=None, contentId=str(n)) for n in range(3)]
    assert [status for status, _ in told] == [200] * 3
    numbers = {body["data"]["outTradeNo"] for _, body in told}
    assert len(numbers) == 3
    assert {stage.stored(number).user_id for number in numbers} == {stage.shop}


def test_a_backends_order_belongs_to_the_buyer_that_it_names(buyer: Buyer) -> None:
    assert buyer.stage.stored(buyer.number()).user_id == buyer.name


# ---- quotes, to the second ----


def quoted(stage: Stage, buyer: str, **changed: Any) -> Told:
    """A buyer's own order at a quoted price."""
    claims: dict[str, Any] = {
        "sub": buyer,
        "contentId": "content-1",
        "amount": 1000,
        "exp": START + 600,
    } | changed
    length = claims.pop("length", None)
    if length is not None:
        claims["pad"] = "x" * 10_000
        while len(jwt.encode(claims, QUOTE_KEY, algorithm="HS256")) < length:
            claims["pad"] += "x"
    quote = jwt.encode(claims, QUOTE_KEY, algorithm="HS256")
    body = WISH | {"quote": quote}
    return stage.calls.as_(buyer, "payments:pay", "native", body=body)


@pytest.mark.parametrize(
    ("changed", "issue"),
    [
        ({"exp": START + 1}, None),
        ({"exp": START}, "has expired"),
        ({"exp": START + 900}, None),
        ({"exp": START + 901}, "must expire within 15 minutes"),
        ({"nbf": START + 60}, None),
        ({"nbf": START + 61}, "is not valid yet"),
        ({"sub": "victim"}, "is for another user or content"),
        ({"contentId": "content-2"}, "is for another user or content"),
        ({"amount": 999}, "is for another amount"),
        ({"amount": 1000.0}, "is for another amount"),
        ({"metadata": {"a": 1}}, "is for other metadata"),
        ({"jti": "x" * 128}, None),
        ({"jti": "x"}, None),
        ({"jti": "x" * 129}, "must have a jti of 1 to 128 characters, or none"),
        ({"jti": ""}, "must have a jti of 1 to 128 characters, or none"),
    ],
)
def test_a_quote_is_good_to_the_last_second_and_says_what_is_wrong_with_it(
    buyer: Buyer, changed: dict[str, Any], issue: str | None
) -> None:
    status, body = quoted(buyer.stage, buyer.name, **changed)
    assert (status, body.get("details", {}).get("issue")) == (200 if issue is None else 403, issue)
    assert issue is None or body["details"]["field"] == "quote"


@pytest.mark.parametrize("claim", ["sub", "contentId", "amount", "exp"])
def test_a_quote_without_a_claim_that_it_needs_is_told_which(buyer: Buyer, claim: str) -> None:
    claims: dict[str, Any] = {"sub": buyer.name, "contentId": "content-1", "amount": 1000, "exp": START + 600}
    del claims[claim]
    body = WISH | {"quote": jwt.encode(claims, QUOTE_KEY, algorithm="HS256")}
    status, answer = buyer.stage.calls.as_(buyer.name, "payments:pay", "native", body=body)
    assert (status, answer["details"]["issue"]) == (403, f"has no {claim}")


@pytest.mark.parametrize(
    ("quote", "issue"),
    [
        (None, "is required for a buyer's own order"),
        ("", "must be a JWT of at most 16384 characters"),
        (7, "must be a JWT of at most 16384 characters"),
        ("x" * 16385, "must be a JWT of at most 16384 characters"),
        ("x" * 16384, "is not a quote of the product's backend"),
        ("x", "is not a quote of the product's backend"),
    ],
)
def test_what_is_no_quote_is_told_so(buyer: Buyer, quote: object, issue: str) -> None:
    body = WISH | {"quote": quote}
    status, answer = buyer.stage.calls.as_(buyer.name, "payments:pay", "native", body=body)
    assert (status, answer["details"]) == (403, {"field": "quote", "issue": issue})


def test_a_jti_is_spent_for_as_long_as_its_quote_could_be_shown(buyer: Buyer) -> None:
    stage = buyer.stage
    first = quoted(stage, buyer.name, jti="one")
    assert first[0] == 200
    stage.it_is_closed(stage.stored(first[1]["data"]["outTradeNo"]))
    stage.wiring.time = START + 599
    assert quoted(stage, buyer.name, jti="one")[0] == 409  # its own order, as it is
    body = WISH | {
        "quote": jwt.encode(
            {"sub": buyer.name, "contentId": "content-1", "amount": 1000, "exp": START + 600, "jti": "one"},
            QUOTE_KEY,
            algorithm="HS256",
        )
    }
    status, answer = stage.calls.as_(buyer.name, "payments:pay", "native", body=body, key="another")
    assert (status, answer["details"]["field"]) == (403, "quote")
    assert "used for another order" in answer["error"]


def test_what_wechat_pay_is_sent_is_what_was_asked_for_and_quoted(buyer: Buyer) -> None:
    stage = buyer.stage
    number = quoted(stage, buyer.name)[1]["data"]["outTradeNo"]
    stored = stage.stored(number)
    sent = json.loads(stored.wechat_request)
    settings = stage.wiring.settings
    assert sent == {
        "appid": settings.appid,
        "mchid": settings.mchid,
        "description": "A thing",
        "out_trade_no": number,
        "time_expire": "2027-01-15T18:00:00+08:00",
        "notify_url": settings.notify_url,
        "amount": {"total": 1000, "currency": "CNY"},
    }
    assert (stored.sent_at, stored.created_at, stored.time_expire) == (START, START, START + 7200)
    assert (stored.user_id, stored.method, stored.status) == (buyer.name, "native", Status.PENDING)
    assert (stored.amount, stored.currency, stored.content_id) == (1000, "CNY", "content-1")


# ---- what one refusal costs, and whether it is right ----


def crowded(buyer: Buyer, many: int) -> list[str]:
    """So many open orders of this buyer, the numbers; each ends a second after the one before."""
    stage, allowance = buyer.stage, Allowance()
    numbers = [f"WX{buyer.name.replace('-', '').upper():0>16}{n:04}" for n in range(many)]
    for n, number in enumerate(numbers):
        until = START + 3600 + n
        order = a_payment(
            number, user_id=buyer.name, content_id=f"c-{n}", created_at=START - 60, time_expire=until
        )
        stage.store.create(order, due_at=START + 60)
        allowance = allowance.plus(OpenOrder(number, f"wish-{n}", START - 60, until))
    stage.wiring.allowances.begin(buyer.name, allowance, now=START - 60)
    return numbers


def calls_of(buyer: Buyer, *opened: Any, **named: Any) -> tuple[Told, list[str]]:
    """What one request is answered, and what it asks of DynamoDB."""
    buyer.stage.calls.forget()
    told = buyer.opens(*opened, **named)
    used = [use.removeprefix("dynamodb:") for use in buyer.stage.calls.used if use.startswith("dynamodb:")]
    return told, used


@pytest.mark.usefixtures("in_memory")
@pytest.mark.parametrize(("limit", "wait"), [(20, 3600), (100, 3600), (101, 60), (500, 60)])
@pytest.mark.parametrize("key", [None, "k"])
def test_a_refusal_at_the_limit_costs_two_round_trips_whatever_the_limit_is(
    buyer: Buyer, limit: int, wait: int, key: str | None
) -> None:
    limited(buyer.stage, OPEN_ORDERS=limit)
    crowded(buyer, limit)
    (status, body), used = calls_of(buyer, "one-more", key)
    assert (status, body["code"], used) == (429, "RATE_LIMITED", ["PutItem", "BatchGetItem"])
    # Where all were looked at, until the first of them ends; else others are looked at in a minute.
    looked_at_all = limit <= (100 if key is None else 99)
    assert buyer.stage.retry_after == (wait if looked_at_all else 60)


@pytest.mark.usefixtures("in_memory")
def test_a_refusal_for_the_minute_costs_no_more(buyer: Buyer) -> None:
    limited(buyer.stage, CREATES_PER_MINUTE=3)
    for n in range(3):
        buyer.number(key=f"k-{n}")  # alike, all of them
    for key, asked in ((None, ["PutItem"]), ("k-9", ["PutItem", "BatchGetItem"])):
        (status, _), used = calls_of(buyer, "content-2", key)
        assert (status, used) == (429, asked)  # with a key, whether it is a retry


@pytest.mark.usefixtures("in_memory")
def test_of_more_orders_than_are_looked_at_each_that_has_ended_makes_room_by_and_by(buyer: Buyer) -> None:
    """A buyer who pays one of them is let in again, whichever it is: others are looked at each time."""
    stage = buyer.stage
    limited(stage, OPEN_ORDERS=200)
    numbers = crowded(buyer, 200)
    stage.it_is_closed(stage.stored(numbers[137]))
    tries = 0
    while True:
        tries += 1
        (status, body), used = calls_of(buyer, "one-more", key="k")
        if status == 200:
            break
        assert (status, len(used), tries < 100) == (429, 2, True)
        assert "not all of them" in body["error"]
    assert numbers[137] not in buyer.orders
    assert len(buyer.orders) == 200


@pytest.mark.usefixtures("in_memory")
def test_a_limit_that_was_lowered_lets_the_buyer_in_once_enough_have_ended(buyer: Buyer) -> None:
    """What was found to have ended is forgotten, though it does not make room yet: no try is for nothing."""
    stage = buyer.stage
    numbers = crowded(buyer, 450)
    limited(stage, OPEN_ORDERS=10)
    for number in numbers[:445]:
        stage.it_is_closed(stage.stored(number))
    told = []
    while not told or told[-1][0] != 200:
        (status, _), used = calls_of(buyer, "one-more")
        told.append((status, used[:3]))
        assert len(told) < 10
    assert told[:-1] == [(429, ["PutItem", "BatchGetItem", "PutItem"])] * (len(told) - 1)
    assert 2 <= len(told) <= 6


def test_retry_after_says_when_there_is_room_and_not_when_the_first_of_many_ends(buyer: Buyer) -> None:
    stage = buyer.stage
    crowded(buyer, 8)
    limited(stage, OPEN_ORDERS=5)
    assert buyer.opens("one-more")[0] == 429
    assert stage.retry_after == 3603  # four have ended then
    stage.wiring.time = START + 3602
    assert buyer.opens("one-more")[0] == 429
    stage.wiring.time = START + 3603
    assert buyer.opens("one-more")[0] == 200


@pytest.mark.usefixtures("in_memory")
def test_a_retry_at_the_limit_finds_its_own_order_by_the_same_read(buyer: Buyer) -> None:
    stage = buyer.stage
    limited(stage, OPEN_ORDERS=2)
    first = buyer.number("a", key="k")
    stage.it_is_closed(stage.stored(first))
    buyer.number("b")
    buyer.number("c")  # takes its place
    (status, _), used = calls_of(buyer, "a", key="k")
    assert (status, used) == (409, ["PutItem", "BatchGetItem", "PutItem"])


@pytest.mark.usefixtures("in_memory")
def test_the_same_wish_again_costs_two_round_trips_however_many_of_it_have_ended(buyer: Buyer) -> None:
    stage = buyer.stage
    for n in range(5):
        stage.it_is_closed(stage.stored(buyer.number(key=f"k-{n}")))
    number = buyer.number()
    assert buyer.orders == [number]
    told, used = calls_of(buyer)
    assert (told[1]["data"]["outTradeNo"], used) == (number, ["PutItem", "BatchGetItem"])


def test_a_read_that_leaves_orders_out_refuses_nobody_for_them() -> None:
    """DynamoDB may hand a part of a batch back unread."""
    with MemoryDynamoDB.from_template() as db:
        wiring = Wiring(
            {
                **db.environment,
                "DUE_SHARDS": "2",
                "OPEN_ORDERS": "1",
                "CREATES_PER_MINUTE": "9",
                "WECHAT_APP_ID": "wx1",
            }
        )
        paid = put(wiring, Status.PAID)
        assert check_limits(paid, keyed=False, wiring=wiring) is None

        def a_part(operation: Operation, run: Run) -> Answer:
            answer = run()
            if operation.name == "BatchGetItem":
                answer["Responses"] = {operation.table: []}
                answer["UnprocessedKeys"] = operation.request["RequestItems"]
            return answer

        db.around = a_part
        wanted = replace(paid, out_trade_no="WXWANTED", content_id="content-2")
        with pytest.raises(StorageUnavailableError):
            check_limits(wanted, keyed=False, wiring=wiring)
        db.around = None
        assert check_limits(wanted, keyed=False, wiring=wiring) is None


def test_where_a_refusal_tells_nothing_the_buyers_orders_are_read() -> None:
    with MemoryDynamoDB.from_template() as db:
        wiring = Wiring(
            {
                **db.environment,
                "DUE_SHARDS": "2",
                "OPEN_ORDERS": "2",
                "CREATES_PER_MINUTE": "9",
                "WECHAT_APP_ID": "wx1",
            }
        )

        def without_the_item(operation: Operation, run: Run) -> Answer:
            operation.request.pop("ReturnValuesOnConditionCheckFailure", None)
            return run()

        db.around = without_the_item
        orders = [replace(put(wiring, Status.PENDING), content_id=f"c-{n}") for n in range(3)]
        assert [check_limits(order, keyed=True, wiring=wiring) for order in orders[:2]] == [None, None]
        with pytest.raises(RateLimitedError):
            check_limits(replace(orders[2], out_trade_no="WXNOBODY"), keyed=True, wiring=wiring)
