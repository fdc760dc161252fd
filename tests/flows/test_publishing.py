"""Events while the bus is not there: late, but all of them, once it is back; and again from the table's own history."""

import json
from collections.abc import Iterator

import pytest

from tests.kit.running import Running
from tests.kit.shop import Shop, counted

pytestmark = pytest.mark.in_turn


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


def test_records_that_nobody_can_read_hold_up_nothing_and_lie_whole_in_the_bucket(shop: Shop) -> None:
    tables, table = shop.sandbox.aws.client("dynamodb"), shop.sandbox.deployed.refs["PaymentsTable"]
    number = shop.native().json()["data"]["outTradeNo"]
    sound = tables.get_item(TableName=table, Key={"out_trade_no": {"S": number}})["Item"]
    entry = sound["history"]["L"][0]["M"]
    broken = {
        "WXUNKNOWNSTATUS": sound | {"history": {"L": [{"M": entry | {"to": {"S": "PARKED"}}}]}},
        "WXNOSTATUS": sound | {"history": {"L": [{"M": {"cause": {"S": "create"}}}]}},
        "WXOTHERKIND": sound | {"history": {"S": "none"}},
        "WXNOHISTORY": {name: value for name, value in sound.items() if name != "history"},
        "WXBROKENAMOUNT": sound | {"amount": {"N": "1.5"}},
    }
    numbers = []
    for name, item in broken.items():
        tables.put_item(TableName=table, Item=item | {"out_trade_no": {"S": name}})
        numbers.append(shop.native().json()["data"]["outTradeNo"])
    shop.sandbox.wait_until(
        lambda: {event["detail"]["outTradeNo"] for event in shop.sandbox.events()} >= set(numbers)
    )
    shop.sandbox.drain()
    images = {image["out_trade_no"]["S"]: image for image in _put_aside(shop)}
    assert images == {name: item | {"out_trade_no": {"S": name}} for name, item in broken.items()}
    assert counted(shop, "PublishFunction", "Unpublished") == [1.0] * len(broken)


def test_a_number_that_only_some_can_read_is_published_once_and_holds_up_nothing(shop: Shop) -> None:
    tables, table = shop.sandbox.aws.client("dynamodb"), shop.sandbox.deployed.refs["PaymentsTable"]
    before = shop.native().json()["data"]["outTradeNo"]
    item = tables.get_item(TableName=table, Key={"out_trade_no": {"S": before}})["Item"]
    number = "WX" + "LARGE".ljust(26, "A")
    large = {"out_trade_no": {"S": number}, "metadata": {"S": '{"n":1E+400}'}}
    tables.put_item(TableName=table, Item=item | large)
    after = shop.native().json()["data"]["outTradeNo"]
    shop.sandbox.drain()
    told = [event["detail"]["outTradeNo"] for event in shop.sandbox.events()]
    assert [told.count(each) for each in (before, number, after)] == [1, 1, 1]


def test_payments_that_nobody_can_read_keep_the_sweep_from_no_other(shop: Shop) -> None:
    tables, table = shop.sandbox.aws.client("dynamodb"), shop.sandbox.deployed.refs["PaymentsTable"]
    number = shop.native().json()["data"]["outTradeNo"]
    sound = tables.get_item(TableName=table, Key={"out_trade_no": {"S": number}})["Item"]
    long_due = {"due_at": {"N": "1"}}
    for shard in range(4):
        for name, change in {"A": {"history": {"S": "none"}}, "B": {"amount": {"N": "1.5"}}}.items():
            ours = {"out_trade_no": {"S": f"WXBROKEN{shard}{name}"}, "due_shard": {"S": str(shard)}}
            tables.put_item(TableName=table, Item=sound | long_due | change | ours)
    shop.faults({"on": "notification", "effect": "drop"})
    assert shop.control("pay", {"outTradeNo": number}).status_code == 200
    shop.sandbox.clock.advance(15)
    shop.sandbox.minutes(1)
    assert shop.details(number)["status"] == "succeeded"
    assert len(counted(shop, "SweepFunction", "Unreadable")) >= 8


def _put_aside(shop: Shop) -> list[dict]:
    """The new images of the records that `publish` has put into the bucket itself."""
    bucket, store = shop.sandbox.deployed.refs["UnpublishedBucket"], shop.sandbox.aws.client("s3")
    rows = store.list_objects_v2(Bucket=bucket, Prefix="unreadable/").get("Contents", [])
    kept = [json.loads(store.get_object(Bucket=bucket, Key=row["Key"])["Body"].read()) for row in rows]
    return [json.loads(one["payload"])["Records"][0]["dynamodb"]["NewImage"] for one in kept]
