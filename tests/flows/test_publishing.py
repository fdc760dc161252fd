"""Events while the bus is not there: late, but all of them, once it is back; and again from the table's own history."""

import json
from collections.abc import Iterator

import pytest

from tests.flows.conftest import Running, Shop


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """One of its own: its bus vanishes."""
    with Running() as running:
        yield running


def test_events_of_a_time_without_a_bus_come_once_it_is_back(shop: Shop) -> None:
    events, bus = shop.sandbox.aws.client("events"), shop.sandbox.deployed.refs["Bus"]
    events.delete_event_bus(Name=bus)
    number = shop.native().json()["data"]["outTradeNo"]
    shop.sandbox.wait_until(lambda: "not taken" in shop.sandbox.lambdas.logs("PublishFunction"))
    assert shop.sandbox.events() == []
    events.create_event_bus(Name=bus)
    shop.sandbox.wait_until(
        lambda: [event["detail"]["outTradeNo"] for event in shop.sandbox.events()] == [number]
    )


def test_what_could_not_be_published_for_a_day_lies_whole_in_the_bucket(shop: Shop) -> None:
    events, bus = shop.sandbox.aws.client("events"), shop.sandbox.deployed.refs["Bus"]
    bucket, store = shop.sandbox.deployed.refs["UnpublishedBucket"], shop.sandbox.aws.client("s3")
    events.delete_event_bus(Name=bus)
    number = shop.native().json()["data"]["outTradeNo"]
    shop.sandbox.clock.advance(24 * 3600)
    shop.sandbox.wait_until(lambda: store.list_objects_v2(Bucket=bucket).get("KeyCount"), 40)
    kept = [
        json.loads(json.loads(store.get_object(Bucket=bucket, Key=row["Key"])["Body"].read())["payload"])
        for row in store.list_objects_v2(Bucket=bucket)["Contents"]
    ]
    events.create_event_bus(Name=bus)
    images = [record["dynamodb"]["NewImage"] for batch in kept for record in batch["Records"]]
    assert number in {image["out_trade_no"]["S"] for image in images}
