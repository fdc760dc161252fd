"""The commands of whoever is on call, against a running sandbox as they would be against a stack."""

import json
from pathlib import Path

from tests.kit.running import Running
from tests.kit.shop import Shop
from tests.operations.commands import Command


def paid_order(shop: Shop) -> str:
    number: str = shop.native(1).json()["data"]["outTradeNo"]
    assert shop.control("pay", {"outTradeNo": number}).status_code == 200
    return number


def events_of(sandbox: Running, number: str) -> list[tuple[str, str]]:
    sandbox.drain()
    return [
        (event["detail-type"], event["detail"]["id"])
        for event in sandbox.events()
        if event["detail"].get("outTradeNo") == number
    ]


def test_the_quarantine_is_listed_readably_and_says_so_when_it_is_empty(
    sandbox: Running, command: Command
) -> None:
    empty = command("quarantine")
    assert (empty.returncode, empty.stdout) == (0, "quarantine: empty\n")
    facts = {"out_trade_no": "WXSTRANGE", "total": 5, "transaction_id": "4200"}
    row = {
        "evidence_id": "e",
        "reason": "other_amount",
        "source": "notification",
        "out_trade_no": "WXSTRANGE",
    }
    sandbox.aws.client("dynamodb").put_item(
        TableName=sandbox.deployed.refs["QuarantineTable"],
        Item={name: {"S": value} for name, value in row.items()}
        | {"facts": {"S": json.dumps(facts)}, "seen_at": {"N": "1704110400"}},
    )
    listed = command("quarantine")
    assert listed.returncode == 3
    assert "2024-01-01 12:00:00 UTC  WXSTRANGE  by notification" in listed.stdout
    assert "other_amount: another amount or currency than the order's" in listed.stdout
    assert "transaction_id   4200" in listed.stdout


def test_events_since_a_moment_go_out_again_with_the_same_ids(sandbox: Running, command: Command) -> None:
    number = paid_order(Shop(sandbox))
    while len(before := events_of(sandbox, number)) < 2:
        continue
    again = command("republish", "--since", "2024-01-01T00:00:00Z")
    assert again.returncode == 0, again.stderr
    assert again.stdout.endswith("events sent\n")
    assert events_of(sandbox, number) == before * 2
    later = command("republish", "--since", "2099-01-01T00:00:00Z")
    assert later.stdout == "republish: 0 events sent\n"


def test_a_notification_of_another_kind_goes_out_again_too(sandbox: Running, command: Command) -> None:
    item = {name: {"S": name} for name in ("event_type", "ciphertext", "nonce", "associated_data")}
    item |= {"notification_id": {"S": "EV-again"}, "seen_at": {"N": "1900000000"}}
    table = sandbox.deployed.outputs["NotificationsTableName"]
    sandbox.aws.client("dynamodb").put_item(TableName=table, Item=item)
    sandbox.drain()
    first = [event["detail"] for event in sandbox.events() if event["detail"]["id"] == "EV-again"]
    again = command("republish", "--since", "2030-01-01T00:00:00Z")
    assert again.returncode == 0, again.stderr
    both = [event["detail"] for event in sandbox.events() if event["detail"]["id"] == "EV-again"]
    assert (len(first), both) == (1, first * 2)


def test_a_payment_that_cannot_be_read_is_named_and_keeps_no_other_back(
    sandbox: Running, command: Command
) -> None:
    tables, table = sandbox.aws.client("dynamodb"), sandbox.deployed.outputs["PaymentsTableName"]
    broken = {"out_trade_no": {"S": "WXBROKEN"}, "updated_at": {"N": "1900000000"}}
    tables.put_item(TableName=table, Item=broken)
    number = paid_order(Shop(sandbox))
    while len(before := events_of(sandbox, number)) < 2:
        continue
    again = command("republish", "--since", "2024-01-01T00:00:00Z")
    tables.delete_item(TableName=table, Key={"out_trade_no": {"S": "WXBROKEN"}})
    assert (again.returncode, again.stderr) == (1, "republish: these payments cannot be read: WXBROKEN\n")
    assert events_of(sandbox, number) == before * 2


def test_a_moment_that_is_none_is_refused(command: Command) -> None:
    wrong = command("republish", "--since", "yesterday")
    assert wrong.returncode == 2
    assert "must be UTC, like 2026-01-31T12:00:00Z" in wrong.stderr


def test_dead_letters_go_back_to_be_settled(sandbox: Running, command: Command) -> None:
    queues = sandbox.aws.client("sqs")
    dead = sandbox.deployed.outputs["SettleDeadLettersUrl"]
    for number in ("WXONE", "WXTWO"):
        queues.send_message(QueueUrl=dead, MessageBody=json.dumps({"out_trade_no": number, "lease": 1}))
    moved = command("redrive")
    told = "redrive: 2 messages moved into SettleQueue\nredrive: 0 messages moved into PaidCheckoutsQueue\n"
    assert (moved.returncode, moved.stdout) == (0, told), moved.stderr
    sandbox.drain()
    log = sandbox.lambdas.logs("SettleFunction")
    assert "WXONE" in log
    assert "WXTWO" in log
    assert "Messages" not in queues.receive_message(QueueUrl=dead)


def test_a_message_that_names_no_order_stays_and_keeps_nobody_back(
    sandbox: Running, command: Command
) -> None:
    queues = sandbox.aws.client("sqs")
    dead = sandbox.deployed.outputs["SettleDeadLettersUrl"]
    for body in ("written by hand", "[]", '{"order": 1}', json.dumps({"out_trade_no": "WXTHREE"})):
        queues.send_message(QueueUrl=dead, MessageBody=body)
    moved = command("redrive")
    assert moved.returncode == 0, moved.stderr
    assert moved.stdout.count(" names no order and stays\n") == 3
    assert "redrive: 1 messages moved into SettleQueue\n" in moved.stdout
    queues.purge_queue(QueueUrl=dead)
    sandbox.drain()


def test_a_paid_order_that_was_given_up_is_heard_of_after_all(sandbox: Running, command: Command) -> None:
    queues = sandbox.aws.client("sqs")
    dead = sandbox.deployed.outputs["PaidCheckoutsDeadLettersUrl"]
    event = (Path(__file__).parents[2] / "events/checkout_paid.json").read_bytes()
    (record,) = json.loads(event)["Records"]
    queues.send_message(QueueUrl=dead, MessageBody=record["body"])
    moved = command("redrive")
    assert moved.returncode == 0, moved.stderr
    assert moved.stdout.endswith("redrive: 1 messages moved into PaidCheckoutsQueue\n")
    sandbox.drain()
    assert "a paid order's checkout is not in the table" in sandbox.lambdas.logs("CheckoutPaidFunction")
    assert "Messages" not in queues.receive_message(QueueUrl=dead)


def test_a_stack_that_is_not_there_is_one_sentence(command: Command) -> None:
    failed = command("quarantine", "--stack", "no-such-stack")
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    assert failed.stderr.startswith("quarantine: ")
    assert "Stack with id no-such-stack does not exist" in failed.stderr
