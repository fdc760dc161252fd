"""`make journal` against a running sandbox, as it would be against a stack."""

from typing import Any

from payments.core.books.journal import rows_of
from payments.storage.books.journal_item import row_of
from payments.storage.items import payment_of
from tests.kit.running import Running
from tests.kit.shop import Shop
from tests.operations.commands import Command
from tests.operations.test_operations import events_of, paid_order


def items(sandbox: Running, logical_id: str) -> list[dict[str, Any]]:
    table = sandbox.deployed.refs[logical_id]
    pages = sandbox.aws.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


def test_the_stream_writes_the_books_and_the_command_writes_the_same_where_they_are_lost(
    sandbox: Running, command: Command
) -> None:
    shop = Shop(sandbox)
    number = paid_order(shop)
    while len(events_of(sandbox, number)) < 2:
        continue
    shop.native(2)
    sandbox.drain()
    by_stream = items(sandbox, "JournalTable")
    payments = items(sandbox, "PaymentsTable")
    assert {row_of(item) for item in by_stream} == {
        row for item in payments for row in rows_of(payment_of(item))
    }
    same = command("journal")
    assert same.returncode == 0, same.stderr
    assert same.stdout == (
        f"journal: {len(payments)} payments, {len(by_stream)} rows;"
        " 0 rows that fitted no payment were put right, 0 were left to the stream, which has something newer\n"
    )
    tables, name = sandbox.aws.client("dynamodb"), sandbox.deployed.refs["JournalTable"]
    for item in by_stream:
        tables.delete_item(TableName=name, Key={key: item[key] for key in ("day_shard", "row")})
    assert command("journal").returncode == 0
    by_key = lambda item: (item["day_shard"]["S"], item["row"]["S"])  # noqa: E731
    assert sorted(items(sandbox, "JournalTable"), key=by_key) == sorted(by_stream, key=by_key)


def test_a_payment_that_cannot_be_read_is_named(sandbox: Running, command: Command) -> None:
    tables, table = sandbox.aws.client("dynamodb"), sandbox.deployed.outputs["PaymentsTableName"]
    tables.put_item(TableName=table, Item={"out_trade_no": {"S": "WXBROKEN"}})
    done = command("journal")
    tables.delete_item(TableName=table, Key={"out_trade_no": {"S": "WXBROKEN"}})
    assert (done.returncode, done.stderr) == (1, "journal: these payments cannot be read: WXBROKEN\n")
