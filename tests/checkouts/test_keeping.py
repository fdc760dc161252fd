"""POST …/checkout: what is to be paid is kept, once for each wish, and nobody at WeChat Pay hears of it."""

import jwt
import pytest

from tests.checkouts.counter import START, Counter, Told
from tests.kit.secrets import QUOTE_KEY


def quote(counter: Counter, **claims: object) -> str:
    members = {
        "sub": "buyer-1",
        "contentId": "content-1",
        "amount": 1000,
        "exp": int(counter.clock.time) + 600,
    }
    return jwt.encode(members | claims, QUOTE_KEY, algorithm="HS256")


def by_buyer(counter: Counter, **asked: object) -> Told:
    given = {"quote": quote(counter)} | asked
    return counter.ask(sub="buyer-1", scope="payments:pay", **given)  # type: ignore[arg-type]


def test_a_checkout_is_kept_and_nothing_is_opened(counter: Counter) -> None:
    told = counter.ask(metadata={"n": 1.5})
    assert told.status == 200
    data = told.body["data"]
    assert set(data) == {"checkoutId", "checkoutUrl", "expiresAt"}
    assert data["checkoutId"].startswith("CO")
    assert len(data["checkoutId"]) == 28
    assert data["checkoutUrl"].startswith("https://pay.example.com/checkout/")
    assert data["expiresAt"] == "2027-01-15T10:00:00Z"  # two hours later
    assert (counter.ledger.calls, counter.db.items("PaymentsTable")) == ([], [])
    assert counter.effects == ["CheckoutsTable.PutItem"]


def test_a_named_buyers_checkout_costs_one_write_more(counter: Counter) -> None:
    assert counter.ask(userId="buyer-1").status == 200
    assert counter.effects == ["BuyersTable.PutItem", "CheckoutsTable.PutItem"]


def test_the_same_key_finds_the_same_checkout_and_refuses_another_wish(counter: Counter) -> None:
    first = counter.kept(key="k")
    counter.wait(60)
    assert counter.kept(key="k") == first
    assert counter.kept(key="k", amount="10.0") == first  # ten yuan, however they are written
    for other in ({"amount": "10.01"}, {"subject": "Another"}, {"expiresAt": "2027-01-15T09:00:00Z"}):
        told = counter.ask(key="k", **other)
        assert (told.status, told.body["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert counter.kept(key="l") != first
    assert len(counter.db.items("CheckoutsTable")) == 2


def test_a_repetition_whose_first_answer_was_lost_is_the_same_checkout(counter: Counter) -> None:
    def lost(name: str, call: object) -> object:
        counter.around = lambda _, each: each()
        call()  # type: ignore[operator]
        return call()  # type: ignore[operator]  # as the SDK repeats it

    counter.around = lost
    assert counter.ask(key="k").status == 200
    assert len(counter.db.items("CheckoutsTable")) == 1


def test_a_double_click_without_a_key_is_one_checkout_for_a_buyer(counter: Counter) -> None:
    first, second = by_buyer(counter), by_buyer(counter)
    assert first.status == 200
    assert first.body == second.body
    assert len(counter.db.items("CheckoutsTable")) == 1


def test_a_buyers_limits_count_checkouts(counter: Counter) -> None:
    for n in range(20):
        assert counter.ask(userId="buyer-1", key=str(n), contentId=f"content-{n}").status == 200
    told = counter.ask(userId="buyer-1", key="one-more")
    assert (told.status, told.body["code"]) == (429, "RATE_LIMITED")
    assert "20 open checkouts" in told.body["error"]
    assert (
        counter.ask(userId="buyer-1", key="0", contentId="content-0").status == 200
    )  # a retry is not one more
    assert counter.ask(userId="buyer-2", key="another").status == 200


def test_a_quote_opens_one_checkout_and_says_its_price(counter: Counter) -> None:
    once = quote(counter, jti="once")
    first = by_buyer(counter, quote=once)
    assert by_buyer(counter, quote=once).body == first.body
    assert by_buyer(counter, quote=once, key="another").status == 403
    told = by_buyer(counter, quote=quote(counter), amount="9.00")
    assert (told.status, told.body["details"]["field"]) == (403, "quote")
    assert by_buyer(counter, quote=...).status == 403


def test_a_buyers_checkout_ends_as_the_quote_says(counter: Counter) -> None:
    until = START + 3 * 86400
    told = by_buyer(counter, quote=quote(counter, checkoutUntil=until))
    assert told.body["data"]["expiresAt"] == "2027-01-18T08:00:00Z"


@pytest.mark.parametrize("until", [START + 8 * 86400, "2027-01-18T08:00:00Z", True, 1.5, START + 119, 0])
def test_a_quote_that_fixes_no_usable_end_is_refused(counter: Counter, until: object) -> None:
    told = by_buyer(counter, quote=quote(counter, checkoutUntil=until))
    assert told.status in (400, 403)
    assert told.body["details"]["field"] == "quote"
    assert counter.db.items("CheckoutsTable") == []


def test_a_backend_fixes_the_end_itself_within_a_week(counter: Counter) -> None:
    assert counter.kept(expiresAt="2027-01-22T16:00:00+08:00")["expiresAt"] == "2027-01-22T08:00:00Z"
    for at, issue in (
        ("2027-01-22T08:00:01Z", "at most seven days"),
        ("2027-01-15T08:01:59Z", "120 seconds"),
        ("2027-01-20", "ISO 8601"),
        ("2027-13-20T00:00:00Z", "exists"),
        ("2027-01-20T00:00:00", "time zone"),
    ):
        told = counter.ask(expiresAt=at)
        assert (told.status, told.body["details"]["field"]) == (400, "expiresAt"), at
        assert issue in told.body["details"]["issue"]


def test_a_retry_near_the_end_still_finds_its_checkout(counter: Counter) -> None:
    first = counter.kept(key="k", expiresAt="2027-01-15T08:10:00Z")
    counter.wait(590)
    assert counter.kept(key="k", expiresAt="2027-01-15T08:10:00Z") == first


def test_no_buyer_fixes_the_end_without_a_quote(counter: Counter) -> None:
    told = by_buyer(counter, expiresAt="2027-01-20T00:00:00Z")
    assert (told.status, told.body["details"]["field"]) == (403, "expiresAt")


def test_who_may_not_open_orders_may_keep_no_checkout(counter: Counter) -> None:
    assert counter.ask(scope="payments:refund").status == 403
    assert by_buyer(counter, userId="buyer-2").status == 403
    told = counter.ask(returnUrl="https://elsewhere.example/")
    assert (told.status, told.body["details"]["field"]) == (400, "returnUrl")
    told = counter.ask(openid="o-1")
    assert (told.status, told.body["details"]["field"]) == (400, "openid")
