"""POST /_sandbox/notify: a notification of any kind, signed and encrypted as every other."""

import json
import time

import pytest

COMPLAINT = {"complaint_id": "200201820200101080076610000", "action_type": "CREATE_COMPLAINT"}


def notify(merchant, **body):
    return merchant.control(
        "POST", "notify", {"eventType": "COMPLAINT.CREATE", "plaintext": COMPLAINT} | body
    )


def test_any_kind_is_sent_signed_and_encrypted(merchant, receiver):
    answer = notify(merchant, originalType="complaint", url=receiver.url, summary="用户投诉")
    [received] = receiver.wait(1)
    merchant.verify(received.headers, received.body)
    envelope = json.loads(received.body)
    assert answer.json == {"notification_id": envelope["id"]}
    assert (envelope["event_type"], envelope["summary"]) == ("COMPLAINT.CREATE", "用户投诉")
    assert envelope["resource_type"] == "encrypt-resource"
    assert envelope["resource"]["original_type"] == envelope["resource"]["associated_data"] == "complaint"
    assert merchant.decrypt(envelope["resource"]) == COMPLAINT


def test_without_an_original_type_the_resource_has_none(merchant, receiver):
    notify(merchant, url=receiver.url)
    [received] = receiver.wait(1)
    resource = json.loads(received.body)["resource"]
    assert "original_type" not in resource
    assert resource["associated_data"] == ""
    assert merchant.decrypt(resource) == COMPLAINT


def test_kinds_that_hide_behind_known_names_can_be_sent(merchant, receiver):
    shared = {"mchid": "1900000100", "transaction_id": "4208450740201411110007820472"}
    notify(
        merchant,
        eventType="TRANSACTION.SUCCESS",
        originalType="profitsharing",
        plaintext=shared,
        url=receiver.url,
    )
    combined = {"combine_out_trade_no": "P20150806125346", "sub_orders": []}
    notify(
        merchant,
        eventType="TRANSACTION.SUCCESS",
        originalType="transaction",
        plaintext=combined,
        url=receiver.url,
    )
    resources = [json.loads(each.body)["resource"] for each in receiver.wait(2)]
    found = {each["original_type"]: merchant.decrypt(each) for each in resources}
    assert found == {"profitsharing": shared, "transaction": combined}


def test_the_newest_orders_address_is_the_default(merchant, receiver):
    merchant.placed(notify_url="http://127.0.0.1:9/older")
    merchant.placed(notify_url=receiver.url)
    assert notify(merchant).status == 200
    assert len(receiver.wait(1)) == 1


def test_without_any_order_the_address_has_to_be_said(merchant):
    response = notify(merchant)
    assert (response.status, response.code) == (409, "NO_NOTIFY_URL")


def test_resource_type_and_associated_data_can_be_others(merchant, receiver):
    notify(merchant, url=receiver.url, originalType="a", resourceType="plain", associatedData="b")
    [received] = receiver.wait(1)
    envelope = json.loads(received.body)
    assert envelope["resource_type"] == "plain"
    assert (envelope["resource"]["original_type"], envelope["resource"]["associated_data"]) == ("a", "b")
    assert merchant.decrypt(envelope["resource"]) == COMPLAINT


def test_a_plaintext_that_is_a_string_is_sent_as_it_is(merchant, receiver):
    notify(merchant, url=receiver.url, plaintext="[1, 2]")
    [received] = receiver.wait(1)
    assert merchant.decrypt(json.loads(received.body)["resource"]) == [1, 2]


def test_it_climbs_the_ladder_and_can_be_sent_again(merchant, receiver):
    receiver.statuses = [500, 200]
    sent = notify(merchant, url=receiver.url).json["notification_id"]
    receiver.wait(1)
    merchant.advance(15)
    receiver.wait(2)
    assert merchant.control("POST", f"notifications/{sent}").json["status"] == 200
    assert [each["event_type"] for each in merchant.deliveries()] == ["COMPLAINT.CREATE"] * 3


def test_faults_of_notifications_meet_it(merchant, receiver):
    fault = {"on": "notification", "effect": "no_signature", "times": 1}
    merchant.control("POST", "faults", {"rules": [fault]})
    notify(merchant, url=receiver.url)
    [received] = receiver.wait(1)
    assert "Wechatpay-Signature" not in received.headers


def test_it_leaves_this_machine_never(merchant):
    notify(merchant, url="http://198.51.100.1/notify")
    end = time.monotonic() + 5
    while (status := merchant.deliveries()[0]["status"]) == "sending" and time.monotonic() < end:
        time.sleep(0.01)
    assert status == "not_sent: notify_url is not on this machine (--notify-host allows others)"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"eventType": ...}, "eventType is missing."),
        ({"eventType": ""}, "eventType is a string that is not empty."),
        ({"originalType": None}, "originalType is a string that is not empty."),
        ({"plaintext": ...}, "plaintext is missing."),
        ({"plaintext": [1]}, "plaintext is an object, or a string that is sent as it is."),
        ({"url": 7}, "url is a string that is not empty."),
        ({"associatedData": 7}, "associatedData is a string."),
        ({"event_type": "A"}, "There is no member 'event_type' here"),
    ],
)
def test_what_is_not_understood_is_said(shared_merchant, changes, said):
    body = {"eventType": "A.B", "plaintext": {}, "url": "http://127.0.0.1:9/"} | changes
    body = {name: value for name, value in body.items() if value is not ...}
    response = shared_merchant.control("POST", "notify", body)
    assert (response.status, response.code) == (400, "BAD_CONTROL")
    assert response.json["error"].startswith(said)
