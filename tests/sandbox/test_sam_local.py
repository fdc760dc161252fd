"""What `python -m sandbox --env-file` writes is all that a function elsewhere needs to work against this sandbox."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.cloudformation.template import transformed
from sandbox.commands.sam_local import keys, variables
from tests.kit.running import Running

pytestmark = pytest.mark.in_turn

ROOT = Path(__file__).parents[2]
LAYERS = ("layers/wechatpay", "layers/payments")
HANDLE = "import app, json, sys; print(json.dumps(app.lambda_handler(json.load(sys.stdin), None)))"


@pytest.fixture(scope="module")
def sandbox():
    with Running() as running:
        yield running


def elsewhere(name, event, environment):
    """The answer of a function in a process that the sandbox knows nothing of, as in `sam`'s container."""
    path = ":".join(str(ROOT / folder) for folder in LAYERS)
    done = subprocess.run(
        [sys.executable, "-c", HANDLE],
        check=False,
        cwd=ROOT / f"functions/{name}",
        input=(ROOT / f"events/{event}.json").read_text(),
        env={**environment, "PYTHONPATH": path, "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_it_overrides_exactly_what_the_template_declares(sandbox):
    functions = {
        name: resource["Properties"]["Environment"]["Variables"]
        for name, resource in transformed(ROOT / "template.yaml")["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    written = variables(sandbox)
    assert {name: set(members) for name, members in written.items()} == {
        name: set(members) for name, members in functions.items()
    }
    assert {members["AWS_ENDPOINT_URL"] for members in written.values()} == {sandbox.aws.url}
    assert all(isinstance(value, str) for members in written.values() for value in members.values())


def test_a_function_in_a_process_of_its_own_works_with_it(sandbox):
    environment = variables(sandbox)["NativeFunction"] | keys(sandbox)
    answer = elsewhere("native", "native", environment)
    assert answer["statusCode"] == 200, answer
    number = json.loads(answer["body"])["data"]["outTradeNo"]
    assert sandbox.drain()
    assert number in [event["detail"]["outTradeNo"] for event in sandbox.events()]


def test_the_command_writes_it_and_says_which_keys_to_export(tmp_path):
    file, ready = tmp_path / "new/env.json", tmp_path / "ready.json"
    arguments = ["--port", "0", "--env-file", str(file), "--ready-file", str(ready)]
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        lines = []
        while "Ctrl-C" not in (lines[-1:] or [""])[0]:
            lines.append(process.stdout.readline())
            assert lines[-1], "it ended"
        written = json.loads(file.read_text())
        exported = dict(re.findall(r"(AWS_[A-Z_]+)=(\S+)", "".join(lines)))
        answer = elsewhere("payment", "payment", written["PaymentFunction"] | exported)
        process.terminate()
        process.communicate(timeout=10)
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["code"] == "ORDER_NOT_FOUND"
