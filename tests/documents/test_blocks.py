"""Each block of code in a document is run, here or by the test that is named, or it is listed with the reason why it cannot be."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import jwt
import pytest
import requests
import yaml
from botocore import xform_name

from sandbox.sam_local import keys
from sandbox.simulator import Credentials
from sandbox.stack import NOTIFY_PATH, Sandbox
from tests.documents.blocks import (
    BEGINNING,
    BLOCKS,
    CANNOT_BE_RUN_HERE,
    DOCUMENTS,
    READ_BY_A_TEST,
    ROOT,
    SHOWS_NO_COMMAND,
    Block,
)
from tests.program import Program

WECHAT = "/api/v1/payments/wechat"


class World:
    """One sandbox for all blocks, a folder to run them in, and the people of the examples."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder

    def token(self, scope: str) -> str:
        return self.sandbox.tokens.token("user-123", scope)

    def control(self, name: str, body: dict[str, Any]) -> Any:
        answer = requests.post(f"{self.sandbox.simulator}/_sandbox/{name}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def quote(self, document: str) -> str:
        """What the document's own lines sign."""
        (block,) = [one for one in BLOCKS if one.document == document and one.text.startswith("quote = jwt")]
        names: dict[str, Any] = {"jwt": jwt, "time": time, "user_id": "user-123", "content_id": "content-456"}
        exec(block.text, names | {"WECHAT_QUOTE_KEY": self.sandbox.tokens.quote_key}, names)
        return str(names["quote"])

    def paid(self) -> str:
        """An order of more than the examples give back."""
        answer = requests.post(
            f"{self.sandbox.api}{WECHAT}/native",
            json={"contentId": "content-456", "amount": 99.99, "subject": "Premium Content Purchase"},
            headers={"Authorization": f"Bearer {self.token('payments:charge')}"},
            timeout=30,
        )
        number = str(answer.json()["data"]["outTradeNo"])
        self.control("pay", {"outTradeNo": number})
        self.until(lambda: self._status(number) == "succeeded")
        return number

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < end, "it did not happen within 30 seconds"
            self.sandbox.drain()

    def _status(self, number: str) -> str:
        answer = requests.get(
            f"{self.sandbox.api}{WECHAT}/payment/{number}",
            headers={"Authorization": f"Bearer {self.token('payments:charge')}"},
            timeout=30,
        )
        return str(answer.json()["data"]["status"])

    def shell(self, text: str, *, cwd: Path | None = None, **variables: str) -> str:
        """What the commands print; all of them must succeed. What a document puts into .sandbox goes into the folder."""
        # The environment that this test runs in, whose making is another test's matter.
        ready = f'make() {{ command make -o "{sys.prefix}/.ready" V="{sys.prefix}" "$@"; }}\n'
        text = text.replace(".venv/bin/python", sys.executable).replace(".sandbox/", f"{self.folder}/")
        done = subprocess.run(
            ["bash", "-ec", ready + text],
            cwd=cwd or self.folder,
            env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Sandbox(schedules=False) as sandbox:
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


def a_refund(block: Block, world: World) -> None:
    authorization = f"\nAuthorization: Bearer {world.token('payments:refund')}\n\n"
    said = block.text.replace("WX…", world.paid()).replace("\n\n", authorization, 1)
    assert called(said, world)["refundAmount"] == 50


def called(text: str, world: World) -> dict[str, Any]:
    """The data with which a request is answered that was sent as it is printed."""
    head, _, body = text.strip().partition("\n\n")
    request, *lines = head.splitlines()
    method, path = request.split()
    headers = dict(line.split(": ", 1) for line in lines) | {"Content-Type": "application/json"}
    headers["Idempotency-Key"] += f"-{time.time_ns()}"  # several documents have the same example
    answer = requests.request(
        method, world.sandbox.api + path, data=body.encode(), headers=headers, timeout=30
    )
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def an_order_that_nobody_has(block: Block, world: World) -> None:
    answer = world.shell(block.text, TOKEN=world.token("payments:pay"), API=world.sandbox.api)
    assert answer.startswith("HTTP/1.1 404")
    assert json.loads(answer.splitlines()[-1])["code"] == "ORDER_NOT_FOUND"


def a_token_of_a_form(block: Block, world: World) -> None:
    assert set(json.loads(world.shell(block.text, API=world.sandbox.api))) == {"token"}


def an_event_of_the_bus(block: Block, world: World) -> None:
    kind = {"eventType": "COMPLAINT.CREATE", "originalType": "complaint", "plaintext": {"complaint_id": "1"}}
    world.control("notify", kind | {"url": f"{world.sandbox.api}{NOTIFY_PATH}"})

    def told() -> list[dict[str, Any]]:
        return [event for event in world.sandbox.events() if event["detail-type"] == "NotificationReceived"]

    world.until(lambda: bool(told()))
    shown = json.loads(block.text)
    assert told()[0]["detail"].keys() == shown.keys()
    assert told()[0]["detail"]["eventType"] == shown["eventType"]


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
    ("", "quote = jwt"): a_price,
    ("", "POST /api/v1/payments/wechat/refund"): a_refund,
    ("docs/identity.md", "curl -i"): an_order_that_nobody_has,
    ("docs/identity.md", "curl -s $API/_sandbox/token"): a_token_of_a_form,
    ("docs/notifications.md", '{"id":'): an_event_of_the_bus,
    ("docs/local-invocation.md", "make invoke"): a_notification_of_ones_own,
    ("docs/local-invocation.md", ".venv/bin/python -m sandbox --env-file"): a_sandbox_for_sam,
    ("", "python -m sandbox.simulator"): a_simulator,
    ("sandbox/simulator/README.md", "from sandbox.simulator"): a_simulator_in_a_test_suite,
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
    return found + [way for place, way in READ_BY_A_TEST.items() if place == (block.document, block.language)]


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


# ---- commands of the AWS CLI: no account here, but botocore has the model that the CLI is made from ----

OF_THE_CLI_ALONE = {
    ("s3", "rm"): {"--recursive"},
    ("s3", "rb"): set(),
    ("cloudformation", "deploy"): {
        "--template-file",
        "--stack-name",
        "--capabilities",
        "--parameter-overrides",
    },
    ("cloudformation", "wait"): {"--stack-name"},
}
"""Its own commands, which no service has (AWS CLI Command Reference), and the options that we name."""


def of_documents() -> Iterator[tuple[str, str]]:
    """In blocks and within text, with the place."""
    for document in DOCUMENTS:
        text = document.read_text().replace("\\\n", " ")
        for found in re.findall(
            r"^ *(aws [a-z0-9]+ .+)$|`(aws [a-z0-9]+ [a-z-]+ [^`]+)`", text, re.MULTILINE
        ):
            for command in "".join(found).split("&&"):
                yield document.name, command.strip()


def of_operations() -> Iterator[tuple[str, str]]:
    """In what our own commands print."""
    for file in sorted((ROOT / "operations").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(p.value) if isinstance(p, ast.Constant) else "<it>" for p in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            for line in text.splitlines():
                if re.match(r" *aws [a-z0-9]+ [a-z-]+ .*--", line):
                    yield file.name, line.strip()


AWS_COMMANDS = [*of_documents(), *of_operations()]


def test_there_are_commands_to_check() -> None:
    assert len(AWS_COMMANDS) > 10


@pytest.mark.parametrize(("place", "command"), AWS_COMMANDS)
def test_a_command_of_the_aws_cli_is_one(place: str, command: str) -> None:
    assert wrong_with_aws(command) is None


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("aws dynamodb delete-table --table-name x", None),
        ("aws dynamodb drop-table --table-name x", "dynamodb has no drop-table"),
        ("aws dynamodb delete-table --name x", "delete-table takes no --name"),
        ("aws dynamodb update-table --no-deletion-protection-enabled --table-name x", None),
        ("aws s3 rm --force s3://x", "rm takes no --force"),
    ],
)
def test_what_is_wrong_with_a_command_of_the_aws_cli_is_told(command: str, wrong: str | None) -> None:
    assert wrong_with_aws(command) == wrong


def wrong_with_aws(command: str) -> str | None:
    """What does not exist of it: the operation, or an option."""
    _, service, operation, *rest = command.split()
    known = options_of(service, operation)
    if known is None:
        return f"{service} has no {operation}"
    named = re.findall(r"(?<=\s)--[a-z-]+", " ".join(["", *rest]))
    return next((f"{operation} takes no {option}" for option in named if option not in known), None)


@cache
def options_of(service: str, operation: str) -> set[str] | None:
    if (service, operation) in OF_THE_CLI_ALONE:
        return OF_THE_CLI_ALONE[service, operation]
    model = botocore.session.get_session().get_service_model(service)
    shapes = {
        xform_name(name, "-"): model.operation_model(name).input_shape for name in model.operation_names
    }
    if operation not in shapes:
        return None
    members = shapes[operation].members if shapes[operation] else {}
    options = {f"--{xform_name(name, '-')}" for name in members}
    return options | {
        f"--no-{xform_name(name, '-')}" for name, shape in members.items() if shape.type_name == "boolean"
    }


def test_the_roles_of_the_workflow_are_deployed_with_parameters_that_they_have() -> None:
    (block,) = [block for block in BLOCKS if block.begins("docs/ci.md", "aws cloudformation deploy")]
    words = shlex.split(block.text.replace("\\\n", " "))
    template = yaml.load((ROOT / words[words.index("--template-file") + 1]).read_text(), yaml.BaseLoader)
    given = {word.split("=")[0] for word in words[words.index("--parameter-overrides") + 1 :]}
    needed = {name for name, rules in template["Parameters"].items() if "Default" not in rules}
    assert needed <= given <= set(template["Parameters"])
