"""What one buyer and one back office may ask for: open orders, orders a minute, refunds a day; and a double click."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
import requests

from tests.kit.running import Running
from tests.kit.shop import Shop

pytestmark = [pytest.mark.share(3, of_file=True), pytest.mark.in_turn]

OPEN, PER_MINUTE, REFUNDS = 3, 5, 2
NAMES = (f"buyer-{n}" for n in count())


@pytest.fixture(scope="module")
def narrow() -> Iterator[Running]:
    """A stack with small limits."""
    limits = {"OpenOrders": OPEN, "CreatesPerMinute": PER_MINUTE, "RefundsPerDay": REFUNDS}
    with Running(parameters={name: str(value) for name, value in limits.items()}) as running:
        yield running


@pytest.fixture
def shop(narrow: Running) -> Shop:
    narrow.clock.advance(60 - narrow.clock.time() % 60)  # a minute of its own for each test
    return Shop(narrow)


@pytest.fixture
def buyer() -> str:
    return next(NAMES)


def buy(shop: Shop, buyer: str, content: str = "photo-1", fen: int = 1000, **given: Any) -> requests.Response:
    """A buyer opens an order from their own device."""
    method = given.pop("method", "native")
    body = {"contentId": content, "amount": fen / 100, "subject": "A photograph"}
    body["quote"] = shop.sandbox.tokens.quote(buyer, content, fen)
    body |= {"openid": given.pop("openid", "oBuyer-1")} if method == "jsapi" else {}
    return shop.call("POST", f"/{method}", body, scope="payments:pay", sub=buyer, **given)


def opened(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def refused(answer: requests.Response) -> tuple[int, int]:
    """The status, which says that a limit is reached, and the seconds to wait."""
    assert answer.json()["code"] == "RATE_LIMITED", answer.text
    return answer.status_code, int(answer.headers["retry-after"])


# ---- one open order for one wish ----


@pytest.mark.parametrize("method", ["native", "jsapi"])
def test_a_second_click_without_a_key_is_answered_with_the_open_order(
    shop: Shop, buyer: str, method: str
) -> None:
    first, second = (opened(buy(shop, buyer, method=method)) for _ in range(2))

    assert second["outTradeNo"] == first["outTradeNo"]
    assert [first.get(name) for name in ("codeUrl", "prepayId")] == [
        second.get(name) for name in ("codeUrl", "prepayId")
    ]


def test_ten_clicks_at_once_are_one_order_at_wechat_pay(shop: Shop, buyer: str) -> None:
    before = len(books(shop))
    with ThreadPoolExecutor(10) as clicks:
        answers = list(clicks.map(lambda _: buy(shop, buyer), range(10)))

    assert len({opened(answer)["outTradeNo"] for answer in answers}) == 1
    assert len(books(shop)) == before + 1


def test_other_words_about_the_same_content_are_still_the_same_wish(shop: Shop, buyer: str) -> None:
    order = {"contentId": "photo-1", "amount": 10, "subject": "A photograph", "userId": buyer}
    first = opened(shop.call("POST", "/native", order))
    second = opened(shop.call("POST", "/native", order | {"subject": "A photo", "metadata": {"click": 2}}))

    assert second == first


def test_an_order_that_a_backend_opened_for_the_buyer_counts(shop: Shop, buyer: str) -> None:
    order = {"contentId": "photo-1", "amount": 10, "subject": "A photograph", "userId": buyer}

    assert opened(shop.call("POST", "/native", order)) == opened(buy(shop, buyer))


@pytest.mark.parametrize(
    "other",
    [{"content": "photo-2"}, {"fen": 1001}, {"method": "jsapi"}, {"key": "another-wish"}],
    ids=lambda other: next(iter(other)),
)
def test_another_wish_is_another_order(shop: Shop, buyer: str, other: dict[str, Any]) -> None:
    first, second = opened(buy(shop, buyer)), opened(buy(shop, buyer, **other))

    assert first["outTradeNo"] != second["outTradeNo"]


def test_another_payer_within_wechat_is_another_order(shop: Shop, buyer: str) -> None:
    one, other = (opened(buy(shop, buyer, method="jsapi", openid=openid)) for openid in ("oOne", "oOther"))

    assert one["outTradeNo"] != other["outTradeNo"]


def test_two_buyers_never_share_an_order(shop: Shop) -> None:
    one, other = (opened(buy(shop, next(NAMES))) for _ in range(2))

    assert one["outTradeNo"] != other["outTradeNo"]


def test_what_is_paid_closed_or_nearly_over_is_not_handed_out_again(shop: Shop, buyer: str) -> None:
    paid = opened(buy(shop, buyer))["outTradeNo"]
    shop.control("pay", {"outTradeNo": paid})
    shop.sandbox.wait_until(lambda: shop.details(paid)["status"] == "succeeded")
    closed = opened(buy(shop, buyer))["outTradeNo"]
    assert shop.close(closed).status_code == 200
    ending = opened(buy(shop, buyer))["outTradeNo"]
    shop.sandbox.clock.advance(2 * 3600 - 30)
    last = opened(buy(shop, buyer))["outTradeNo"]

    assert len({paid, closed, ending, last}) == 4


def test_a_backend_that_names_no_buyer_answers_for_its_own_limits(shop: Shop) -> None:
    numbers = {opened(shop.native("10.00"))["outTradeNo"] for _ in range(PER_MINUTE + 2)}

    assert len(numbers) == PER_MINUTE + 2


# ---- limits ----


def test_one_open_order_too_many_is_refused_until_one_is_paid_or_closed(shop: Shop, buyer: str) -> None:
    orders = [opened(buy(shop, buyer, f"photo-{n}"))["outTradeNo"] for n in range(OPEN)]
    before = len(books(shop))

    status, wait = refused(buy(shop, buyer, "photo-9"))
    assert status == 429
    assert 7000 < wait <= 7200  # until the first of them ends by itself
    assert len(books(shop)) == before
    assert opened(buy(shop, buyer, "photo-1"))["outTradeNo"] == orders[1]  # what is open is not one more

    assert shop.close(orders[0]).status_code == 200
    assert opened(buy(shop, buyer, "photo-9"))["outTradeNo"] not in orders


def test_a_retry_finds_its_own_order_when_the_limit_is_reached(shop: Shop, buyer: str) -> None:
    first = opened(buy(shop, buyer, key="mine"))
    for n in range(OPEN - 1):
        opened(buy(shop, buyer, f"album-{n}"))
    refused(buy(shop, buyer, "photo-9", key="another"))

    assert opened(buy(shop, buyer, key="mine")) == first


def test_a_retry_of_a_paid_order_is_told_so_when_the_limit_is_reached(shop: Shop, buyer: str) -> None:
    number = opened(buy(shop, buyer, key="mine"))["outTradeNo"]
    shop.control("pay", {"outTradeNo": number})
    shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "succeeded")
    for n in range(OPEN):
        opened(buy(shop, buyer, f"photo-{n}"))

    assert buy(shop, buyer, key="mine").json()["code"] == "ORDERPAID"


def test_one_order_too_many_in_a_minute_waits_for_the_next(shop: Shop, buyer: str) -> None:
    for n in range(PER_MINUTE):
        assert shop.close(opened(buy(shop, buyer, f"photo-{n}"))["outTradeNo"]).status_code == 200

    status, wait = refused(buy(shop, buyer, "photo-9"))
    assert (status, 0 < wait <= 60) == (429, True)
    assert opened(buy(shop, next(NAMES)))  # another buyer's minute is another

    shop.sandbox.clock.advance(wait)
    assert opened(buy(shop, buyer, "photo-9"))


def test_crowded_creates_of_one_buyer_never_pass_the_limit(shop: Shop, buyer: str) -> None:
    with ThreadPoolExecutor(12) as devices:
        answers = list(devices.map(lambda n: buy(shop, buyer, f"photo-{n}"), range(12)))

    kinds = sorted(answer.status_code for answer in answers)
    assert kinds == [200] * OPEN + [429] * (12 - OPEN)


def test_one_refund_too_many_in_a_day_waits_for_beijings_midnight(shop: Shop) -> None:
    number = shop.paid_order()

    def refund(fen: int, sub: str = "office", key: str | None = None) -> requests.Response:
        body = {"outTradeNo": number, "refundAmount": fen / 100}
        return shop.call("POST", "/refund", body, scope="payments:refund", sub=sub, key=key)

    for n in range(REFUNDS):
        assert refund(100 + n, key=f"refund-{n}").status_code == 200
    status, wait = refused(refund(200))

    assert status == 429
    assert (int(shop.sandbox.clock.time()) + wait + 8 * 3600) % 86400 in (0, 1)
    assert refund(100, key="refund-0").json()["data"]["duplicate"] is True  # a retry is not one more
    assert refund(300, sub="another office").status_code == 200
    shop.sandbox.clock.advance(wait)
    assert refund(200).status_code == 200


def test_a_refund_counts_when_wechat_pay_is_asked_for_it_and_not_when_we_refuse_it(shop: Shop) -> None:
    number, unpaid = shop.paid_order(), opened(shop.native("10.00"))["outTradeNo"]

    def refund(number: str, yuan: float, key: str) -> requests.Response:
        body = {"outTradeNo": number, "refundAmount": yuan}
        return shop.call("POST", "/refund", body, scope="payments:refund", sub="counted office", key=key)

    for n in range(REFUNDS + 1):
        assert refund(number, 1000, f"too-much-{n}").json()["code"] == "REFUND_EXCEEDS"
        assert refund(unpaid, 1, f"unpaid-{n}").json()["code"] == "REFUND_NOT_ALLOWED"
        assert refund(f"WX{n:026}", 1, f"nobodys-{n}").status_code == 404
    shop.faults({"on": "refund", "effect": "status", "status": 400, "code": "PARAM_ERROR"})
    for n in range(REFUNDS):
        assert refund(number, 1, f"refused-{n}").json()["code"] == "WECHAT_REFUSED"
    shop.faults()

    assert refused(refund(number, 1, "one-more"))[0] == 429


def books(shop: Shop) -> list[dict[str, Any]]:
    """WeChat Pay's orders."""
    orders: list[dict[str, Any]] = shop.http.get(
        f"{shop.sandbox.simulator}/_sandbox/orders", timeout=30
    ).json()["orders"]
    return orders
