"""Each block of code in a document is run, here or by the test that is named, or it is listed with the reason why it cannot be."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from sandbox.commands.sam_local import keys
from sandbox.stack import NOTIFY_PATH
from tests.documents.blocks import (
    BEGINNING,
    BLOCKS,
    CANNOT_BE_RUN_HERE,
    READ_BY_A_TEST,
    ROOT,
    SHOWS_NO_COMMAND,
    Block,
)
from tests.documents.world import World
from tests.kit.program import Program
from tests.kit.running import Running
from wechatpay_simulator import Credentials


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Running(schedules=False) as sandbox:
        yield World(sandbox, tmp_path_factory.mktemp("blocks"))


# ---- the blocks that are run here, each by the function that knows what must come of it ----


def a_buyers_order(block: Block, world: World) -> None:
    said = block.text.replace("<JWT>", world.quote(block.document))
    order = called(said.replace("<access token>", world.token("payments:pay")), world)
    assert order["outTradeNo"].startswith("WX")
    assert order["codeUrl"].startswith("weixin://")


def a_price(block: Block, world: World) -> None:
    signed = jwt.decode(world.quote(block.document), world.sandbox.tokens.quote_key, algorithms=["HS256"])
    assert (signed["sub"], signed["contentId"], signed["amount"]) == ("user-123", "content-456", 9999)


def a_code_that_is_exchanged(block: Block, world: World) -> None:
    code = world.control("login", {})["code"]
    authorization = f"\nAuthorization: Bearer {world.token('payments:pay')}\n\n"
    said = block.text.replace("031qFBFa1nLmuJ0FhRGa1JrGXA0qFBF9", code).replace("\n\n", authorization, 1)
    assert called(said, world).keys() == {"openid"}


def a_refund(block: Block, world: World) -> None:
    authorization = f"\nAuthorization: Bearer {world.token('payments:refund')}\n\n"
    said = block.text.replace("WX…", world.paid()).replace("\n\n", authorization, 1)
    assert called(said, world)["refundAmount"] == 50


def a_refund_to_a_card(block: Block, world: World) -> None:
    number, refund = world.not_taken_by_the_bank()
    said = block.text.replace("\n\n", f"\nAuthorization: Bearer {world.token('payments:refund')}\n\n", 1)
    for short, whole in {"WX…": number, "RF…": refund, "6222…": "6222020200112233445"}.items():
        said = said.replace(short, whole)
    assert called(said, world)["userReceivedAccount"] == "工商银行借记卡3445"


def a_list_of_orders(block: Block, world: World) -> None:
    assert called(block.text.replace("<access token>", world.token("payments:read")), world) == {"orders": []}


def days_of_the_books(block: Block, world: World) -> None:
    said = block.text.replace("<access token>", world.token("payments:reconcile"))
    assert set(called(said, world)) == {"days"}


def an_export(block: Block, world: World) -> None:
    said = block.text.replace("<access token>", world.token("payments:read"))
    assert called(said, world, status=202)["status"] == "running"


def called(text: str, world: World, *, status: int = 200) -> dict[str, Any]:
    """The data with which a request is answered that was sent as it is printed."""
    head, _, body = text.strip().partition("\n\n")
    request, *lines = head.splitlines()
    method, path = request.split()
    headers = dict(line.split(": ", 1) for line in lines) | {"Content-Type": "application/json"}
    if "Idempotency-Key" in headers:  # several documents have the same example
        headers["Idempotency-Key"] += f"-{time.time_ns()}"
    answer = requests.request(
        method, world.sandbox.api + path, data=body.encode(), headers=headers, timeout=30
    )
    assert answer.status_code == status, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def an_order_that_nobody_has(block: Block, world: World) -> None:
    answer = world.shell(block.text, TOKEN=world.token("payments:pay"), API=world.sandbox.api)
    assert answer.startswith("HTTP/1.1 404")
    assert json.loads(answer.splitlines()[-1])["code"] == "ORDER_NOT_FOUND"


def a_token_of_a_form(block: Block, world: World) -> None:
    assert set(json.loads(world.shell(block.text, API=world.sandbox.api))) == {"token"}


def an_order_of_a_strangers_shop(block: Block, world: World) -> None:
    told = world.shell(block.text, API=world.sandbox.api)
    assert told.startswith(f"pay at {world.sandbox.api}/checkout/")
    assert json.loads((world.folder / "order.json").read_text())["data"]["outTradeNo"].startswith("WX")


def a_payment_of_a_strangers_shop(block: Block, world: World) -> None:
    (ordered,) = [one for one in BLOCKS if one.begins(block.document, "member()")]
    an_order_of_a_strangers_shop(ordered, world)
    number = json.loads((world.folder / "order.json").read_text())["data"]["outTradeNo"]
    if (
        world.details(number)["status"] == "pending"
    ):  # the example's key makes it one order, however often it is run
        world.shell(block.text, SIMULATOR=world.sandbox.simulator)
    world.until(lambda: world.details(number)["status"] == "succeeded")


def an_event_of_the_bus(block: Block, world: World) -> None:
    kind = {"eventType": "COMPLAINT.CREATE", "originalType": "complaint", "plaintext": {"complaint_id": "1"}}
    world.control("notify", kind | {"url": f"{world.sandbox.api}{NOTIFY_PATH}"})

    def told() -> list[dict[str, Any]]:
        events = [
            event["detail"]
            for event in world.sandbox.events()
            if event["detail-type"] == "NotificationReceived"
        ]
        return [
            detail for detail in events if detail["eventType"] == kind["eventType"]
        ]  # an echo may have come, too

    world.until(lambda: bool(told()))
    shown = json.loads(block.text)
    assert told()[0].keys() == shown.keys()
    assert told()[0]["eventType"] == shown["eventType"]


def a_notification_of_ones_own(block: Block, world: World) -> None:
    told = world.shell(block.text.replace("WX…", "WXABCDEFGHIJKLMNOPQRSTUVWX23"), cwd=ROOT)
    # As the document says: the order is taken, and the notification is believed of an order that nobody knows by then.
    assert re.findall(r'"statusCode": (\d+)', told) == ["200", "503"]
    assert "apiV3Key" in json.loads((world.folder / "wechat.json").read_text())


def a_simulator(block: Block, world: World) -> None:
    words = shlex.split(block.text.replace("8181", "0"))
    assert words[0] == "python"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with Program(
        [sys.executable, *words[1:]], cwd=world.folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "http://127.0.0.1:" in process.stdout.readline()
        process.terminate()
        process.communicate(timeout=20)


def a_triggered_notification(block: Block, world: World) -> None:
    """Each command of the document, to the sandbox's own backend, with the exit status that the comment behind it tells."""
    kinds = 0
    for line in block.text.splitlines():
        command, _, comment = line.partition("#")
        words = shlex.split(
            command.replace("http://127.0.0.1:3000/notify", f"{world.sandbox.api}{NOTIFY_PATH}")
        )
        assert words[:2] == ["wechatpay-simulator", "trigger"]
        file = words.index("credentials.json")
        words[file] = str(world.sandbox.credentials_path)
        done = subprocess.run(
            [sys.executable, "-m", "wechatpay_simulator", *words[1:]],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == (1 if "an order that nobody knows" in comment else 0), (
            done.stdout + done.stderr
        )
        kinds += 1
    assert kinds > 3


def a_simulator_in_a_test_suite(block: Block, world: World) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block.text.replace("...", "print(url)")],
        cwd=world.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.startswith("http://127.0.0.1:"), done.stderr


def a_key_as_a_file(block: Block, world: World) -> None:
    known = Credentials.load_or_create(world.folder / "credentials.json")
    world.shell(block.text)
    assert (world.folder / "apiclient_key.pem").read_text() == known.merchant_private_key


def a_sandbox_for_sam(block: Block, world: World) -> None:
    """Written by the command that test_sam_local starts; here it is the one that the document names."""
    started = (ROOT / "tests/sandbox/test_sam_local.py").read_text()
    for word in shlex.split(block.text, comments=True)[1:]:
        assert word.startswith(".sandbox/") or f'"{word}"' in started, word


RUN_HERE: dict[tuple[str, str], Callable[[Block, World], None]] = {
    ("README.md", "POST /api/v1/payments/wechat/native"): a_buyers_order,
    ("README.zh-CN.md", "POST /api/v1/payments/wechat/native"): a_buyers_order,
    ("docs/api.md", "POST /api/v1/payments/wechat/native"): a_buyers_order,
    ("docs/api.md", "POST /api/v1/payments/wechat/openid"): a_code_that_is_exchanged,
    ("", "quote = jwt"): a_price,
    ("", "POST /api/v1/payments/wechat/refund\n"): a_refund,
    ("docs/api.md", "POST /api/v1/payments/wechat/refund/abnormal\n"): a_refund_to_a_card,
    ("docs/api.md", "GET /api/v1/payments/wechat/orders"): a_list_of_orders,
    ("docs/api.md", "POST /api/v1/payments/wechat/exports"): an_export,
    ("docs/api.md", "GET /api/v1/payments/wechat/bills"): days_of_the_books,
    ("docs/identity.md", "curl -i"): an_order_that_nobody_has,
    ("docs/identity.md", "curl -s $API/_sandbox/token"): a_token_of_a_form,
    ("docs/notifications.md", '{"id":'): an_event_of_the_bus,
    ("docs/sandbox.md", "member()"): an_order_of_a_strangers_shop,
    ("docs/sandbox.md", "curl -s $SIMULATOR"): a_payment_of_a_strangers_shop,
    ("docs/local-invocation.md", "make invoke"): a_notification_of_ones_own,
    ("docs/local-invocation.md", ".venv/bin/python -m sandbox --env-file"): a_sandbox_for_sam,
    ("", "python -m wechatpay_simulator --"): a_simulator,
    ("wechatpay_simulator/README.md", "wechatpay-simulator trigger"): a_triggered_notification,
    ("wechatpay_simulator/README.md", "from wechatpay_simulator"): a_simulator_in_a_test_suite,
    ("docs/simulator.md", "python3 -c"): a_key_as_a_file,
}
BY_BEGINNING = (RUN_HERE, BEGINNING, SHOWS_NO_COMMAND, CANNOT_BE_RUN_HERE)


def ways(block: Block) -> list[object]:
    """How it is settled: one way, or somebody has to think."""
    found: list[object] = [
        way
        for table in BY_BEGINNING
        for (document, start), way in table.items()
        if block.begins(document, start)
    ]
    found += [way for place, way in READ_BY_A_TEST.items() if place == (block.document, block.language)]
    return found + ([block.shown] if block.shown else [])  # test_shown.py holds it to the file


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_run_or_says_why_it_cannot_be(block: Block) -> None:
    assert len(ways(block)) == 1, "run it, name the test that does, or list it with the reason"


def test_nothing_is_settled_that_is_in_no_document() -> None:
    for table in BY_BEGINNING:
        for document, start in table:
            assert any(block.begins(document, start) for block in BLOCKS), (document, start)
    assert set(READ_BY_A_TEST) <= {(block.document, block.language) for block in BLOCKS}


def test_a_test_that_is_named_reads_the_document() -> None:
    for (document, _), test in (READ_BY_A_TEST | BEGINNING).items():
        text, name = (ROOT / test).read_text(), Path(document).name
        assert name in text or "DOCUMENTS" in text, f"{test} does not read {document}"


@pytest.mark.share(3)
@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if any(callable(way) for way in ways(block))], ids=str
)
def test_a_block_does_what_it_is_printed_for(block: Block, world: World) -> None:
    if block.text.startswith("curl") and shutil.which("curl") is None:
        pytest.skip("needs curl")
    (does,) = ways(block)
    assert callable(does)
    does(block, world)


def test_the_keys_that_sam_needs_are_the_sandboxes(world: World) -> None:
    (block,) = [block for block in BLOCKS if block.text.startswith("export AWS_ACCESS_KEY_ID")]
    assert dict(pair.split("=") for pair in block.text.splitlines()[0].split()[1:]) == keys(world.sandbox)
