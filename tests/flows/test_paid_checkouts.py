"""A checkout hears that it is paid, also where that could not be written down for a while: nothing of it stays open, no second payment untold."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from tests.kit.running import Running
from tests.kit.shop import Shop

pytestmark = [pytest.mark.share(2, of_file=True), pytest.mark.in_turn]

QUEUE, DEAD = "PaidCheckoutsQueue", "PaidCheckoutsDeadLetters"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """One of its own: rights are taken away here, and time passes."""
    with Running(schedules=False) as running:
        yield running


@contextmanager
def without_tables(sandbox: Running) -> Iterator[None]:
    """For a while `checkout_paid` may ask no table."""
    iam, name = sandbox.aws.client("iam"), sandbox.deployed.refs["CheckoutPaidRole"]
    kept: dict[str, Any] = iam.get_role_policy(RoleName=name, PolicyName="checkout-paid")["PolicyDocument"]

    def grant(statements: list[dict[str, Any]]) -> None:
        document = json.dumps(kept | {"Statement": statements})
        iam.put_role_policy(RoleName=name, PolicyName="checkout-paid", PolicyDocument=document)

    grant([each for each in kept["Statement"] if "dynamodb:" not in json.dumps(each)])
    try:
        yield
    finally:
        grant(kept["Statement"])


def paid_while_nobody_could_hear(shop: Shop, tries: int) -> str:
    """The number of a checkout's order; it is paid, and so many times nothing came of the event."""
    shop.sandbox.clock.advance(1)  # so that it is the last one
    order = {"contentId": "content-1", "amount": 5, "subject": "A photograph"}
    url = str(shop.call("POST", "/checkout", order).json()["data"]["checkoutUrl"])
    assert requests.post(f"{url}/open", json={"kind": "native"}, timeout=30).json()["status"] == "waiting"
    number = stored(shop)["current"]["M"]["out_trade_no"]["S"]
    with without_tables(shop.sandbox):
        assert shop.control("pay", {"outTradeNo": number}).status_code == 200
        shop.sandbox.wait_until(lambda: shop.details(number)["status"] == "succeeded")
        for _ in range(tries):
            shop.sandbox.drain()
            assert "paid_by" not in stored(shop)
            shop.sandbox.clock.advance(91)
    shop.sandbox.drain()
    return number


def stored(shop: Shop) -> dict[str, Any]:
    """The last checkout's item."""
    table = shop.sandbox.aws.client("dynamodb").scan(TableName=shop.sandbox.deployed.refs["CheckoutsTable"])
    newest: dict[str, Any] = max(table["Items"], key=lambda item: int(item["created_at"]["N"]))
    return newest


def given_up(shop: Shop) -> list[dict[str, Any]]:
    url = shop.sandbox.deployed.refs[DEAD]
    answer = shop.sandbox.aws.client("sqs").receive_message(QueueUrl=url, VisibilityTimeout=0)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def test_what_failed_for_a_quarter_of_an_hour_is_heard_of_all_the_same(shop: Shop) -> None:
    number = paid_while_nobody_could_hear(shop, 9)
    assert stored(shop)["paid_by"]["S"] == number
    assert given_up(shop) == []


def test_what_fails_ten_times_is_kept_whole_for_a_person(shop: Shop) -> None:
    number = paid_while_nobody_could_hear(shop, 11)
    (event,) = given_up(shop)
    assert (event["detail-type"], event["detail"]["status"]) == ("PaymentSucceeded", "succeeded")
    assert event["detail"]["outTradeNo"] == number
    assert "paid_by" not in stored(shop)
    log = shop.sandbox.lambdas.logs("CheckoutPaidFunction")
    assert log.count(f'"out_trade_no":"{number}"') >= 10
    shop.sandbox.aws.client("sqs").send_message(
        QueueUrl=shop.sandbox.deployed.refs[QUEUE], MessageBody=json.dumps(event)
    )
    shop.sandbox.drain()
    assert stored(shop)["paid_by"]["S"] == number
