"""`make restore`: a restored table into a second stack, where keys find their orders, no event goes out twice, and no money does."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.commands.sam_local import keys
from tests.kit import warm
from tests.kit.running import Running
from tests.kit.shop import Shop
from tests.operations.cloud import Cloud

pytestmark = pytest.mark.in_turn

ROOT = Path(__file__).parents[2]
TABLE = "payments-as-they-were"
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def old() -> Iterator[Shop]:
    with Running(schedules=False) as running:
        yield Shop(running)


@pytest.fixture(scope="module")
def new(old: Shop) -> Iterator[Shop]:
    """A second stack of the same merchant at the same WeChat Pay, with the scope and checkout key of the first and other shards."""
    gateways = ("WeChatGateway", "WeChatBackupGateway", "WeChatGatewaysAllowed")
    parameters = {
        "Stage": "restored",
        "StackScope": old.sandbox.deployed.outputs["StackScope"],
        "RefundsHeld": "true",
        "DueShards": "7",
    } | dict.fromkeys(gateways, old.sandbox.simulator)
    with Running(parameters=parameters, credentials=old.sandbox.credentials_path, schedules=False) as running:
        kept, own = (
            (each.aws.client("secretsmanager"), each.deployed.refs["CheckoutSecret"])
            for each in (old.sandbox, running)
        )
        signs = kept[0].get_secret_value(SecretId=kept[1])["SecretString"]
        own[0].put_secret_value(SecretId=own[1], SecretString=signs)
        yield Shop(running)


def items(shop: Shop, table: str) -> list[dict[str, Any]]:
    pages = shop.sandbox.aws.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


def as_they_were(
    old: Shop, new: Shop, table: str = TABLE, of: str = "PaymentsTable", key: str = "out_trade_no"
) -> None:
    """Point-in-time recovery: another table with the items of a moment, and nothing of the stack around it."""
    client = new.sandbox.aws.client("dynamodb")
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
    )
    for item in items(old, old.sandbox.deployed.refs[of]):
        client.put_item(TableName=table, Item=item)


def run(new: Shop, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command against the new stack."""
    environment = new.sandbox.deployed.functions["NativeFunction"].environment
    known = {
        "WeChatMchId": environment["WECHAT_MCH_ID"],
        "DueShards": environment["DUE_SHARDS"],
        "RefundsHeld": environment["REFUNDS_HELD"],
    }
    given = [f"--output={key}={value}" for key, value in new.sandbox.deployed.outputs.items()]
    given += [f"--parameter={key}={value}" for key, value in known.items()]
    return warm.run(
        [f"operations.{name}", *given, *arguments],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(
                str(ROOT / f"layers/{layer}") for layer in ("payments", "wechatpay")
            ),
            "AWS_ENDPOINT_URL": new.sandbox.aws.url,
            **keys(new.sandbox),
        },
    )


def test_keys_find_their_orders_after_a_restore_and_nothing_is_told_or_paid_twice(
    old: Shop, new: Shop
) -> None:
    open_order = old.native(key="open").json()["data"]["outTradeNo"]
    paid = old.native(key="paid").json()["data"]["outTradeNo"]
    old.control("pay", {"outTradeNo": paid})
    old.sandbox.wait_until(lambda: old.details(paid)["status"] == "succeeded")
    old.faults({"on": "refund", "effect": "reset_before", "times": 4})
    assert old.refund(paid, 3, key="kept").status_code == 503  # the table has a refund that was never taken
    old.faults()
    as_they_were(old, new)

    done = run(new, "restore", f"--table={TABLE}", "--scope=sandbox")
    assert done.returncode == 0, done.stderr
    assert "2 payments copied, 0 had been copied before" in done.stdout
    assert "make republish SINCE=" in done.stdout
    again = run(new, "restore", f"--table={TABLE}", "--scope=sandbox")
    assert "0 payments copied, 2 had been copied before" in again.stdout

    # The same keys, the same orders; WeChat Pay hears of no other.
    assert new.native(key="open").json()["data"]["outTradeNo"] == open_order
    answer = new.native(key="paid")
    assert (answer.status_code, answer.json()["code"]) == (409, "ORDERPAID")
    assert {book["out_trade_no"] for book in old.books()} == {open_order, paid}

    # No event of before goes out again; what happens from now on does.
    assert new.events(open_order) == new.events(paid) == []
    assert new.close(open_order).status_code == 200
    assert [event["detail-type"] for event in new.events(open_order)] == ["PaymentClosed"]

    # It is looked after in the shards of this stack, and no refund goes out: neither a new one nor the kept one.
    held = new.refund(paid, 5, key="during-the-hold")
    assert (held.status_code, held.headers["retry-after"]) == (503, "600")
    (kept,) = [item for item in items(new, new.sandbox.deployed.refs["PaymentsTable"]) if "due_at" in item]
    assert kept["out_trade_no"]["S"] == paid
    for _ in range(3):
        new.sandbox.clock.advance(75)
        new.sandbox.schedules["SweepFunctionEachMinute"].run_now()
        assert new.sandbox.drain(30)
    assert '"message":"settled"' in new.sandbox.lambdas.logs("SettleFunction")
    assert all(not book["refunds"] for book in old.books())
    assert new.details(paid)["refunds"][0]["status"] == "PROCESSING"

    # And whoever needs the events of before for once gets them under their old ids.
    said = run(new, "republish", "--since=2020-01-01T00:00:00Z")
    assert said.returncode == 0, said.stderr
    ids = {event["detail"]["id"] for event in old.events(paid)}
    assert ids <= {event["detail"]["id"] for event in new.events(paid)}


def test_the_doctor_holds_the_scope_against_what_was_restored_and_reminds_of_the_hold(new: Shop) -> None:
    told = run(new, "doctor", "--stack=wechatpay-restored", *parameters(new)).stdout
    assert "order numbers derive from the scope sandbox" in told
    assert "warning    refunds are held back" in told
    # Without ENV it would be another stack's deployment.
    assert "make deploy ENV=restored PARAMETERS=RefundsHeld=false" in told
    wrong = run(new, "doctor", *parameters(new), "--output=StackScope=restored").stdout
    assert "fault      order numbers derive from the scope restored, restored payments from sandbox" in wrong


def parameters(new: Shop) -> list[str]:
    environment = new.sandbox.deployed.functions["H5Function"].environment
    from operations.configuration import DEFAULTS, PARAMETERS

    given = {
        parameter: environment.get(name, DEFAULTS.get(name, "")) for name, parameter in PARAMETERS.items()
    }
    given |= dict.fromkeys(("SettleReservedConcurrency", "NotifyReservedConcurrency"), "0")
    given["SettleConcurrency"] = "4"
    return [f"--parameter={name}={value}" for name, value in given.items()]


def test_a_table_of_another_merchant_is_refused(old: Shop, new: Shop) -> None:
    as_other = [f"--parameter=WeChatMchId={'9' * 10}"]
    done = run(new, "restore", f"--table={TABLE}", "--scope=sandbox", *as_other)
    assert done.returncode == 1
    assert f"is of the merchant {old.sandbox.credentials.mchid}, the stack of 9999999999" in done.stderr


def test_what_is_known_already_is_left_alone_and_named(old: Shop, new: Shop) -> None:
    """Its refunds of before are not in it: a person has to compare them."""
    number = new.native(key="made-here-first").json()["data"]["outTradeNo"]
    before = [one for one in items(new, new.sandbox.deployed.refs["PaymentsTable"]) if here(one) == number]
    table, client = "payments-of-one-order", new.sandbox.aws.client("dynamodb")
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "out_trade_no", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "out_trade_no", "KeyType": "HASH"}],
    )
    (item,) = before
    client.put_item(TableName=table, Item=item | {"version": {"N": "7"}})
    done = run(new, "restore", f"--table={table}", "--scope=sandbox")
    assert done.returncode == 0, done.stderr
    assert "0 payments copied, 0 had been copied before" in done.stdout
    assert "1 are known here already, as they are now, and were left alone" in done.stdout
    assert f"    {number}\n" in done.stdout
    after = [one for one in items(new, new.sandbox.deployed.refs["PaymentsTable"]) if here(one) == number]
    assert after == before


def here(item: dict[str, Any]) -> str:
    return str(item["out_trade_no"]["S"])


@pytest.mark.parametrize("key", ["notification_id", "out_trade_no"])
def test_a_table_that_holds_no_payments_is_refused(new: Shop, key: str) -> None:
    """Somebody at night names another table than the right one; pages and their connections have numbers, too."""
    table, client = f"no-payments-by-{key.replace('_', '-')}", new.sandbox.aws.client("dynamodb")
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
    )
    client.put_item(TableName=table, Item={key: {"S": "1"}})
    done = run(new, "restore", f"--table={table}", "--scope=sandbox")
    assert done.returncode == 1
    assert f"{table} is no table of payments" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--table="], "which table?"),
        (["--table=t"], "whose table was it?"),
        (["--table=t", "--scope=prod"], "there is no stack wechatpay-dev yet: make deploy ENV=restored"),
    ],
)
def test_what_is_not_said_is_asked_for(operate, arguments, sentence) -> None:
    done = operate("restore", *arguments)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_a_stack_of_another_scope_or_with_refunds_on_their_way_is_not_restored_into(
    deploy, needed, operate, cloud: Cloud
) -> None:
    """With the old stack's name alone in StackScope, as one might think, keys would make second orders."""
    deploy(*needed, "StackScope=wechatpay-prod")
    done = operate("restore", "--table=t", "--scope=prod")
    assert done.returncode == 1
    assert "derive from the scope wechatpay-prod, those of the table from prod" in done.stderr
    assert 'make deploy ENV=restored PARAMETERS="StackScope=prod RefundsHeld=true' in done.stderr
    done = operate("restore", "--table=t", "--scope=wechatpay-prod")
    assert done.returncode == 1
    assert "refunds must be held back first" in done.stderr
    assert "make deploy ENV=restored PARAMETERS=RefundsHeld=true" in done.stderr
    assert cloud.asked == []


def test_scope_and_merchant_are_the_old_stacks_where_it_is_still_there(deploy, needed, operate) -> None:
    deploy(*needed, "Stage=production")
    mine = [
        "--output=PaymentsTableName=new",
        "--output=StackScope=prod",
        "--parameter=WeChatMchId=1900000110",
    ]
    done = operate("restore", "--table=t", "--old=wechatpay-dev", *mine)
    assert "derive from the scope prod, those of the table from production" in done.stderr
    # The first step of the runbook, which may have been forgotten.
    held = "make deploy ENV=dev PARAMETERS=RefundsHeld=true"
    assert f"wechatpay-dev still pays refunds out, of which the table knows nothing: {held}" in done.stdout
    mine[1] = "--output=StackScope=production"
    done = operate("restore", "--table=t", "--old=wechatpay-dev", *mine)
    assert "is of another merchant than wechatpay-dev" in done.stderr
    assert "WeChatMchId=1900000109" in done.stderr


# ---- checkouts ----


class Link:
    """One checkout's address, at the stack that made it and at the restored one."""

    def __init__(self, old: Shop) -> None:
        order = {"contentId": "content-1", "amount": 5, "subject": "A photograph"}
        kept = old.call("POST", "/checkout", order).json()["data"]
        self.checkout_id, self.path = (
            kept["checkoutId"],
            "/checkout/" + kept["checkoutUrl"].rpartition("/")[2],
        )

    def open(self, shop: Shop, kind: str, *, take_over: bool = False) -> dict[str, Any]:
        told: dict[str, Any] = shop.http.post(
            f"{shop.sandbox.api}{self.path}/open", json={"kind": kind, "takeOver": take_over}, timeout=60
        ).json()
        return told

    def look(self, shop: Shop, kind: str = "native") -> str:
        url, accept = f"{shop.sandbox.api}{self.path}", {"Accept": "application/json"}
        return str(shop.http.get(url, params={"kind": kind}, headers=accept, timeout=60).json()["status"])

    def stored(self, shop: Shop) -> dict[str, Any]:
        (item,) = [
            each
            for each in items(shop, shop.sandbox.deployed.refs["CheckoutsTable"])
            if each["checkout_id"]["S"] == self.checkout_id
        ]
        return item

    def number(self, shop: Shop) -> str:
        return str(self.stored(shop)["current"]["M"]["out_trade_no"]["S"])


def later(old: Shop, new: Shop, seconds: float) -> None:
    """Time passes, for both stacks alike: the simulator is the old one's."""
    clocks = (old.sandbox.clock, new.sandbox.clock)
    moment = max(clock.time() for clock in clocks) + seconds
    for clock in clocks:
        clock.advance(moment - clock.time())


def payable(old: Shop, numbers: set[str]) -> list[str]:
    return [
        book["out_trade_no"]
        for book in old.books()
        if book["trade_state"] == "NOTPAY" and book["out_trade_no"] in numbers
    ]


def test_addresses_of_checkouts_stay_good_and_never_come_to_two_payable_orders(old: Shop, new: Shop) -> None:
    paid, left, forgotten = Link(old), Link(old), Link(old)
    assert paid.open(old, "native")["status"] == "waiting"
    old.control("pay", {"outTradeNo": paid.number(old)})
    assert left.open(old, "native")["status"] == "waiting"
    assert forgotten.open(old, "native")["status"] == "waiting"
    old.sandbox.drain()
    old.sandbox.wait_until(lambda: paid.look(old) == "paid")
    as_they_were(old, new, "payments-with-checkouts")
    # The next moment belongs to the checkouts' table alone: a phone has taken one over.
    first = forgotten.number(old)
    old.sandbox.clock.advance(3)
    assert forgotten.open(old, "h5", take_over=True)["status"] == "waiting"
    second = forgotten.number(old)
    as_they_were(old, new, "checkouts-as-they-were", "CheckoutsTable", "checkout_id")
    assert payable(old, {first, second}) == [second]

    named = ("--table=payments-with-checkouts", "--checkouts=checkouts-as-they-were", "--scope=sandbox")
    done = run(new, "restore", *named)
    assert done.returncode == 0, done.stderr
    assert "3 checkouts copied, 0 had been copied before" in done.stdout
    assert "0 checkouts copied, 3 had been copied before" in run(new, "restore", *named).stdout

    assert paid.look(new) == "paid"
    assert left.look(new) == "waiting"
    assert left.look(new, "h5") == "elsewhere"
    # What the phone opened after the payments' moment is found at WeChat Pay by whoever comes next, and closed first.
    later(old, new, 3)
    seen = []
    for _ in range(8):
        seen.append(forgotten.open(new, "native", take_over=True)["status"])
        assert len(payable(old, {first, second, forgotten.number(new)})) <= 1
        if seen[-1] == "waiting":
            break
        later(old, new, 75)
        new.sandbox.schedules["SweepFunctionEachMinute"].run_now()
        assert new.sandbox.drain(30)
    assert seen[0] == "closing", seen
    assert seen[-1] == "waiting", seen
    assert payable(old, {first, second, forgotten.number(new)}) == [forgotten.number(new)]


def test_a_checkout_that_was_paid_by_an_order_that_nobody_has_is_named(old: Shop, new: Shop) -> None:
    as_they_were(old, new, "payments-before-the-last")
    link = Link(old)
    assert link.open(old, "native")["status"] == "waiting"
    table, client = "checkouts-of-one", new.sandbox.aws.client("dynamodb")
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "checkout_id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "checkout_id", "KeyType": "HASH"}],
    )
    old.control("pay", {"outTradeNo": link.number(old)})
    old.sandbox.wait_until(lambda: "paid_by" in link.stored(old))
    client.put_item(TableName=table, Item=link.stored(old))
    before = "--table=payments-before-the-last"
    done = run(new, "restore", before, f"--checkouts={table}", "--scope=sandbox")
    assert done.returncode == 0, done.stderr
    assert "1 checkouts were paid by orders that the table of payments has not" in done.stdout
    assert f"    {link.number(old)}\n" in done.stdout
    later(old, new, 3)
    assert link.open(new, "native")["status"] == "paid", "whoever opens it finds it at WeChat Pay, too"
    assert {link.number(old)} == {link.number(new)}


def test_a_table_that_is_not_there_is_named_before_anything_is_copied(old: Shop, new: Shop) -> None:
    as_they_were(old, new, "payments-beside-nowhere")
    for variable, tables in (
        ("TABLE", ("--table=nowhere",)),
        ("CHECKOUTS", ("--table=payments-beside-nowhere", "--checkouts=nowhere")),
    ):
        done = run(new, "restore", *tables, "--scope=sandbox")
        said = f"restore: {variable}: there is no table nowhere in this account and region\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_a_table_that_holds_no_checkouts_is_refused(new: Shop) -> None:
    done = run(new, "restore", f"--table={TABLE}", f"--checkouts={TABLE}", "--scope=sandbox")
    assert done.returncode == 1
    assert f"{TABLE} is no table of checkouts" in done.stderr
