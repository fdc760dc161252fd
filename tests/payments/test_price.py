"""Whatever a buyer sends: they pay what the product's backend quoted them for this content, or nothing is opened."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.use_cases.evidence import apply_order
from tests.kit.keys import stranger
from tests.kit.payments import facts_of
from tests.payments.calls import QUOTE_KEY, Calls

GET, PUT, UPDATE = "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"

BUYERS = (f"buyer-{n}" for n in itertools.count())  # each with limits of their own


def now() -> int:
    return int(time.time())


class Away:
    """Secrets Manager, which does not answer."""

    def get_secret_value(self, **_: object) -> dict[str, Any]:
        raise ReadTimeoutError(endpoint_url="https://secretsmanager")


@pytest.fixture
def buyer() -> str:
    return next(BUYERS)


def quoted(buyer: str, **changes: Any) -> dict[str, Any]:
    """The claims of a good quote of 19.99 yuan; a change to None leaves a claim out."""
    claims = {"sub": buyer, "contentId": "content-1", "amount": 1999, "exp": now() + 600} | changes
    return {name: value for name, value in claims.items() if value is not None}


def signed(claims: object, key: str = QUOTE_KEY, **header: Any) -> str:
    """A JWT of any header over any claims, or over their text."""
    text = claims if isinstance(claims, str) else json.dumps(claims)
    parts = [json.dumps({"alg": "HS256", "typ": "JWT"} | header), text]
    message = ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)
    digest = hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()
    return f"{message}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def order(quote: object, **members: Any) -> dict[str, Any]:
    return {"contentId": "content-1", "amount": 19.99, "subject": "A thing", "quote": quote, **members}


# ---- the property ----

FEN = st.one_of(st.sampled_from([1, 1998, 1999, 2000, 199900, 100_000_000]), st.integers(1, 100_000_000))
WRITTEN = st.sampled_from(["{0}.{1:02d}", '"{0}.{1:02d}"'])
WHO = st.sampled_from(["the buyer", "the buyer", "the buyer", "somebody else"])
WHAT = st.sampled_from(["content-1", "content-1", "content-1", "content-2"])
LEFT = st.sampled_from(
    [600, 30, 890, 600, -1, -3600, 960, 86_400]
)  # seconds; none within the test's own duration
BEGINS = st.sampled_from([None, -600, 0, 30, None, 120, 3600])
SMUGGLED = st.dictionaries(
    st.sampled_from(["total", "price", "amount ", "fen", "currency", "paid", "status", "discount", "Amount"]),
    st.sampled_from([0, 1, "0.01", True, "CNY"]),
    max_size=1,
)


def test_nobody_pays_less_than_their_quote(calls: Calls) -> None:
    opened = []

    @given(
        price=FEN,
        asked=st.none() | st.none() | FEN,
        written=WRITTEN,
        whose=WHO,
        of_what=WHAT,
        content=WHAT,
        left=LEFT,
        begins=BEGINS,
        smuggled=st.just({}) | SMUGGLED,
        user_id=st.none() | WHO,
    )
    @settings(max_examples=150, derandomize=True, deadline=None, database=None)
    def attempt(
        price: int,
        asked: int | None,
        written: str,
        whose: str,
        of_what: str,
        content: str,
        left: int,
        begins: int | None,
        smuggled: dict[str, Any],
        user_id: str | None,
    ) -> None:
        buyer, now = next(BUYERS), int(time.time())
        names = {"the buyer": buyer, "somebody else": "victim"}
        claims = {"sub": names[whose], "contentId": of_what, "amount": price, "exp": now + left}
        claims |= {} if begins is None else {"nbf": now + begins}
        asked = price if asked is None else asked
        body = {"contentId": content, "subject": "A thing", "quote": signed(claims), **smuggled}
        body |= {} if user_id is None else {"userId": names[user_id]}
        text = json.dumps(body)[:-1] + f', "amount": {written.format(asked // 100, asked % 100)}}}'
        good = (whose, of_what, asked) == ("the buyer", content, price)
        good = good and 0 < left <= 900 and (begins is None or begins <= 60)
        calls.forget()

        status, answer = calls.as_(buyer, "payments:pay", "native", body=text)

        if status == 200:
            assert good
            number = answer["data"]["outTradeNo"]
            opened.append(number)
            stored = calls.wiring.store.get(number)
            assert stored is not None
            assert (stored.user_id, stored.content_id, stored.amount) == (buyer, content, price)
            sent = [(one["out_trade_no"], one["amount"]) for one in calls.asked]
            assert sent == [(number, {"total": price, "currency": "CNY"})]
        else:
            assert (status, answer["code"]) in ((403, "NOAUTH"), (400, "PARAM_ERROR"))
            assert not good or smuggled or user_id == "somebody else"
            assert calls.asked == []
            assert [action for action in calls.used if action.startswith("dynamodb:")] == []

    attempt()
    assert len(opened) >= 12  # or it shows nothing about what is paid


# ---- quotes that somebody tampered with ----


def of_another_algorithm(algorithm: str, key: Any) -> Any:
    return lambda buyer: jwt.encode(quoted(buyer), key, algorithm=algorithm)


RSA_KEY = stranger()
TAMPERED: dict[str, Any] = {
    "a cheaper price first": lambda buyer: signed(
        json.dumps(quoted(buyer)).replace('"amount": 1999', '"amount": 1, "amount": 1999')
    ),
    "a cheaper price last": lambda buyer: signed(
        json.dumps(quoted(buyer)).replace('"amount": 1999', '"amount": 1999, "amount": 1')
    ),
    "another buyer first": lambda buyer: signed('{"sub": "victim", ' + json.dumps(quoted(buyer))[1:]),
    "one claim twice, once escaped": lambda buyer: signed(
        json.dumps(quoted(buyer))[:-1] + ', "\\u0061mount": 1999}'
    ),
    "a time to come": lambda buyer: signed(quoted(buyer, nbf=now() + 3600)),
    "a time that is no number": lambda buyer: signed(quoted(buyer, nbf=str(now()))),
    "a time that is true": lambda buyer: signed(quoted(buyer, nbf=True)),
    "a fraction of a second": lambda buyer: signed(quoted(buyer, exp=now() + 600.5)),
    "an end without end": lambda buyer: signed(
        json.dumps(quoted(buyer, exp=1)).replace('"exp": 1', '"exp": 1e400')
    ),
    "NaN": lambda buyer: signed(json.dumps(quoted(buyer)).replace("1999", "NaN")),
    "claims in a list": lambda buyer: signed([quoted(buyer)]),
    "claims as text": lambda buyer: signed(json.dumps(json.dumps(quoted(buyer)))),
    "claims that are deep": lambda _: signed('{"a":' * 200 + "1" + "}" * 200),
    "nothing": lambda _: signed({}),
    "no claims": lambda _: signed(""),
    "a critical extension": lambda buyer: signed(quoted(buyer), crit=["exp"], exp=1),
    "an unencoded payload": lambda buyer: signed(quoted(buyer), b64=False, crit=["b64"]),
    "another algorithm's name": lambda buyer: signed(quoted(buyer), alg="HS512"),
    "no algorithm": lambda buyer: signed(quoted(buyer), alg="none"),
    "a public key's algorithm": lambda buyer: signed(quoted(buyer), alg="RS256"),
    "HS512": of_another_algorithm("HS512", QUOTE_KEY * 2),
    "RS256": of_another_algorithm("RS256", RSA_KEY),
    "unsigned": of_another_algorithm("none", None),
    "another key": lambda buyer: signed(quoted(buyer), key=QUOTE_KEY[:-1]),
    "an empty key": lambda buyer: signed(quoted(buyer), key=""),
    "a key of its own": lambda buyer: signed(quoted(buyer), key="x" * 32, jwk={"kty": "oct", "k": "eHh4"}),
    "a key from elsewhere": lambda buyer: signed(quoted(buyer), key="x" * 32, jku="https://example.com/keys"),
    "too long": lambda buyer: signed(quoted(buyer, note="x" * 13_000)),
    "a jti that is no text": lambda buyer: signed(quoted(buyer, jti=7)),
    "a jti that is null": lambda buyer: signed(json.dumps(quoted(buyer))[:-1] + ', "jti": null}'),
    "an empty jti": lambda buyer: signed(quoted(buyer, jti="")),
    "a long jti": lambda buyer: signed(quoted(buyer, jti="x" * 129)),
    "without an end": lambda buyer: signed(quoted(buyer, exp=None)),
    "without a price": lambda buyer: signed(quoted(buyer, amount=None)),
}


@pytest.mark.parametrize("forge", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_quote_with_a_fault_opens_nothing_and_names_the_quote(calls: Calls, buyer: str, forge: Any) -> None:
    status, answer = calls.as_(buyer, "payments:pay", "native", body=order(forge(buyer)))

    assert (status, answer["code"], answer["details"]["field"]) == (403, "NOAUTH", "quote")
    assert answer["error"] == f"quote {answer['details']['issue']}."
    assert calls.asked == []
    assert [action for action in calls.used if action.startswith("dynamodb:")] == []


@pytest.mark.parametrize(
    "more",
    [
        lambda: {"nbf": now() - 5},
        lambda: {"nbf": now() + 30},
        lambda: {"iat": now()},
        lambda: {"iss": "shop", "aud": ["pay"], "jti": "1"},
    ],
    ids=["nbf past", "nbf ahead", "iat", "other claims"],
)
def test_a_quote_may_claim_more_and_the_shops_clock_may_be_a_little_ahead(
    calls: Calls, buyer: str, more: Callable[[], dict[str, Any]]
) -> None:
    assert calls.as_(buyer, "payments:pay", "native", body=order(signed(quoted(buyer, **more()))))[0] == 200


@pytest.mark.parametrize(
    "key",
    [
        "",
        "short",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----",
    ],
)
def test_a_quote_key_that_is_none_makes_no_quote_good(calls: Calls, buyer: str, key: str) -> None:
    class Held:
        """The verification secret with this key in it."""

        quote_keys = (key,)

        def value(self) -> "Held":
            return self

        def require_current(self) -> None:
            """It is."""

    calls.wiring.secrets.verification = Held()  # type: ignore[assignment]
    status, answer = calls.as_(buyer, "payments:pay", "native", body=order(signed(quoted(buyer), key=key)))

    assert (status, answer["details"]["field"], calls.asked) == (403, "quote", [])


def test_a_quote_of_a_key_that_could_not_be_read_yet_is_not_refused_for_good(
    calls: Calls, buyer: str
) -> None:
    """Else a process that has slept through a change of keys would refuse every buyer while Secrets Manager is away."""
    manager, secret = calls.wiring.secrets.verification._client, calls.wiring.secrets.verification
    quote = signed(quoted(buyer), key="a newer key of thirty-two characters or more")

    def asked() -> tuple[int, str]:
        status, answer = calls.as_(buyer, "payments:pay", "native", body=order(quote))
        return status, answer["code"]

    assert asked() == (403, "NOAUTH")
    secret._client, secret._due = Away(), 0.0
    assert asked() == (503, "SYSTEMERROR")
    assert 8 <= int(calls.headers["retry-after"]) <= 10  # when it is read again
    secret._client, secret._due = manager, 0.0
    assert asked() == (403, "NOAUTH")
    assert calls.asked == []


# ---- metadata that the backend has signed ----

METADATA = '{"shelf": "B", "size": [1.50, {"deep": null}], "count": 12345678901234567890123}'


@pytest.mark.parametrize(
    "written",
    [
        METADATA,
        '{"count":12345678901234567890123,"size":[1.5,{"deep":null}],"shelf":"\\u0042"}',
    ],
    ids=["the same bytes", "written otherwise"],
)
def test_a_quote_that_holds_the_metadata_is_good_for_it(calls: Calls, buyer: str, written: str) -> None:
    quote = signed(json.dumps(quoted(buyer))[:-1] + f', "metadata": {METADATA}}}')
    body = json.dumps(order(quote))[:-1] + f', "metadata": {written}}}'

    assert calls.as_(buyer, "payments:pay", "native", body=body)[0] == 200


@pytest.mark.parametrize(
    "written",
    [
        "{}",
        METADATA.replace('"B"', '"C"'),
        METADATA.replace('"B"', '["B"]'),
        METADATA.replace("1.50", "1.5000000000000000000000001"),
        METADATA.replace("1.50", '"1.50"'),
        METADATA.replace("1.50", '{"Decimal": "1.50"}'),
        METADATA.replace("null", "false"),
        METADATA.replace("01234567890123", "01234567890124"),
        METADATA.replace("{", '{"more": 1, ', 1),
    ],
)
def test_metadata_that_is_not_the_quotes_opens_nothing(calls: Calls, buyer: str, written: str) -> None:
    quote = signed(json.dumps(quoted(buyer))[:-1] + f', "metadata": {METADATA}}}')
    body = json.dumps(order(quote))[:-1] + f', "metadata": {written}}}'
    status, answer = calls.as_(buyer, "payments:pay", "native", body=body)

    assert (status, answer["details"]["issue"]) == (403, "is for other metadata")
    assert calls.asked == []


@pytest.mark.parametrize(("signed_", "sent"), [("1", "true"), ("0", "false"), ("true", "1"), ("[]", "{}")])
def test_a_number_is_no_truth_and_a_list_is_no_object(
    calls: Calls, buyer: str, signed_: str, sent: str
) -> None:
    quote = signed(json.dumps(quoted(buyer))[:-1] + f', "metadata": {{"a": {signed_}}}}}')
    body = json.dumps(order(quote))[:-1] + f', "metadata": {{"a": {sent}}}}}'

    assert calls.as_(buyer, "payments:pay", "native", body=body)[0] == 403


@pytest.mark.parametrize("claim", ["{}", "null"])
def test_a_quote_for_no_metadata_is_good_for_none(calls: Calls, buyer: str, claim: str) -> None:
    quote = signed(json.dumps(quoted(buyer))[:-1] + f', "metadata": {claim}}}')

    assert calls.as_(buyer, "payments:pay", "native", body=order(quote, metadata={"role": "admin"}))[0] == 403
    assert calls.as_(buyer, "payments:pay", "native", body=order(quote))[0] == 200


# ---- a quote that opens one order ----


def opened(calls: Calls, buyer: str, quote: str, key: str | None = None, **members: Any) -> tuple[int, Any]:
    """Status, and the order's number or the refusal's code."""
    status, answer = calls.as_(buyer, "payments:pay", "native", body=order(quote, **members), key=key)
    return status, answer["data"]["outTradeNo"] if status == 200 else answer["code"]


def test_a_quote_with_a_jti_opens_one_order_whatever_the_keys(calls: Calls, buyer: str) -> None:
    quote = signed(quoted(buyer, jti="q-1"))
    first = opened(calls, buyer, quote, key="one")

    assert first[0] == 200
    for key in ("two", "three", None):
        assert opened(calls, buyer, quote, key=key) == (403, "NOAUTH")
    assert opened(calls, buyer, quote, key="one") == first  # a repetition is not one more
    assert len(calls.wiring.allowances.get(buyer).orders) == 1


def test_without_a_key_the_jti_finds_the_order_again_also_once_it_is_paid(calls: Calls, buyer: str) -> None:
    quote = signed(quoted(buyer, jti="q-1"))
    status, number = opened(calls, buyer, quote)
    assert (status, opened(calls, buyer, quote)) == (200, (200, number))

    apply_order(facts_of(number, total=1999), source="notification", wiring=calls.wiring)
    assert opened(calls, buyer, quote) == (409, "ORDERPAID")
    assert opened(calls, buyer, quote, key="another") == (403, "NOAUTH")
    assert opened(calls, buyer, quote, subject="Another thing") == (422, "IDEMPOTENCY_MISMATCH")


def test_a_key_finds_its_order_with_a_fresh_quote(calls: Calls, buyer: str) -> None:
    first = opened(calls, buyer, signed(quoted(buyer, jti="q-1")), key="one")

    assert opened(calls, buyer, signed(quoted(buyer, jti="q-2")), key="one") == first


def test_each_buyer_and_each_jti_has_an_order_of_its_own(calls: Calls, buyer: str) -> None:
    other = next(BUYERS)
    told = [
        opened(calls, who, signed(quoted(who, jti=jti, contentId=content)), contentId=content)
        for who in (buyer, other)
        for jti, content in (("q-1", "content-1"), ("q-2", "content-2"), ("Q-1", "content-3"))
    ]

    assert [status for status, _ in told] == [200] * 6
    assert len({number for _, number in told}) == 6


def test_of_many_requests_with_one_jti_at_once_one_opens_an_order(calls: Calls, buyer: str) -> None:
    quote = signed(quoted(buyer, jti="q-1"))
    with ThreadPoolExecutor(6) as devices:
        told = list(devices.map(lambda n: opened(calls, buyer, quote, key=f"device-{n}"), range(6)))

    assert sorted(status for status, _ in told) == [200, *[403] * 5]
    assert len(calls.asked) == 1


def test_a_quote_without_a_jti_costs_no_write_more(calls: Calls, buyer: str) -> None:
    opened(calls, buyer, signed(quoted(buyer)))
    assert [use for use in calls.used if use.startswith("dynamodb:")] == [PUT, PUT, UPDATE]

    calls.forget()
    opened(calls, buyer, signed(quoted(buyer, jti="q-1", contentId="content-2")), contentId="content-2")
    assert [use for use in calls.used if use.startswith("dynamodb:")] == [PUT, PUT, PUT, PUT, UPDATE]
