"""Notifications of every kind over HTTP, and what the bus hears of them: that they came, once, and nothing of what they say."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.notifications.kinds import SECRET, others
from tests.thorough import many

pytestmark = pytest.mark.in_turn

RECEIVED = "NotificationReceived"
THANKS = '{"code":"SUCCESS","message":"Success"}'


def body_of(wechat, other):
    resource = {} if other.original_type else {"original_type": None}
    return wechat.envelope(
        other.inside, event_type=other.event_type, original_type=other.original_type, resource=resource
    )


def told(shop, ids):
    """The events about these notifications, in order."""
    shop.sandbox.drain()
    return [event for event in shop.sandbox.events() if event["detail"]["id"] in ids]


def test_every_kind_is_thanked_for_kept_and_told_once(shop, wechat, unpaid):
    before = shop.item(unpaid)
    bodies = {}
    with shop.written_by("NotifyFunction") as lines:
        for other in others():
            body = body_of(wechat, other)
            answers = [shop.notify(body, wechat.headers(body)) for _ in range(2)]
            assert [answer.status for answer in answers] == [200, 200], other
            bodies[json.loads(body)["id"]] = (other, json.loads(body))

    events = told(shop, bodies)
    assert sorted(event["detail"]["id"] for event in events) == sorted(bodies)
    for event in events:
        other, envelope = bodies[event["detail"]["id"]]
        detail = dict(event["detail"])
        assert detail.pop("occurredAt").endswith("Z")
        expected = {
            "id": envelope["id"],
            "eventType": other.event_type,
            "originalType": other.original_type,
            "createTime": envelope["create_time"],
        }
        assert detail == {name: value for name, value in expected.items() if value is not None}
        assert (event["source"], event["detail-type"]) == ("wechatpay.payments", RECEIVED)
        assert shop.kept(envelope["id"])["ciphertext"]["S"] == envelope["resource"]["ciphertext"]
    assert SECRET not in "".join(lines)
    assert SECRET not in json.dumps(events)
    assert shop.item(unpaid) == before


def test_all_deliveries_of_one_notification_are_one_event(shop, wechat):
    other = next(each for each in others() if each.event_type == "COMPLAINT.CREATE")
    body = body_of(wechat, other)
    headers = wechat.headers(body)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shop.notify(body, headers), range(many(1000, instead=100))))

    assert {(answer.status, answer.text) for answer in answers} == {(200, THANKS)}
    (event,) = told(shop, [json.loads(body)["id"]])
    assert event["detail-type"] == RECEIVED


def test_a_notification_costs_one_write(shop, wechat):
    other = next(each for each in others() if each.event_type == "COMPLAINT.CREATE")
    body = body_of(wechat, other)
    with shop.spending("NotifyFunction") as spent:
        assert shop.notify(body, wechat.headers(body)).status == 200

    assert [use for use in spent.aws if use.startswith("dynamodb:")] == ["dynamodb:PutItem"]
    assert spent.outbound == []
