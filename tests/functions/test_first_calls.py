"""After its start a function is ready: its first call loads nothing any more, and makes no client."""

import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from sandbox.commands.samples import ABOUT_AN_ORDER, EVENTS, SampleOrder
from sandbox.functions.lambdas import environment_of

FUNCTIONS = sorted(file.parent.name for file in Path(__file__).parents[2].glob("functions/*/app.py"))

FIRST_CALL = """
import json, sys

class Context:
    @staticmethod
    def get_remaining_time_in_millis():
        return 10_000

opened = []
sys.addaudithook(lambda event, arguments: opened.append(arguments[0]) if event == "open" else None)
import app
before, opened[:] = set(sys.modules), []
answer = app.lambda_handler(json.loads(sys.stdin.read()), Context)
print(json.dumps([sorted(set(sys.modules) - before), [str(file) for file in opened], answer]))
"""
GOOD: dict[
    str, list[object]
] = {  # what a call answers that had nothing to complain of, for those whose answers have no status code
    "bills": [{"sent": 1, "overdue": 0}, {"sent": 1, "overdue": 1}],  # by the hour in Beijing
    "certificates": [{"stored": 0}],
    "checkout_paid": [{"batchItemFailures": []}],
    "export": [None],
    "echo": [{"missed": 0}, {"missed": 1}],  # by how long the sandbox's `notify` takes to start
    "live_push": [None],
    "journal": [{"batchItemFailures": []}],
    "publish": [{"batchItemFailures": []}],
    "reconcile": [{"batchItemFailures": []}],
    "settle": [{"batchItemFailures": []}],
    "sweep": [{"sent": 0, "failed": 0}],
}
OTHERWISE = {
    "verify_file": 404,  # which has no file here
    "checkout_wechat": 302,  # which leads on
    "bill_again": 400,  # of a day that WeChat Pay has no bill of any more
    "bill_day": 404,  # of a day that nobody has looked at
    "export_begin": 202,
    "export_status": 404,  # of an export that nobody has asked for
}


def event_for(function, sandbox):
    """The sample event, about an order that is there."""
    if function in ABOUT_AN_ORDER:
        return SampleOrder(sandbox, lambda _: None).event(function)
    event = json.loads((EVENTS / f"{function}.json").read_bytes())
    if function in ("native", "jsapi", "app", "h5"):  # an order that nobody has asked for yet
        event["headers"].pop("idempotency-key", None)
        event["body"] = json.dumps({**json.loads(event["body"]), "contentId": secrets.token_hex(8)})
    if function == "openid":  # a code that somebody's WeChat has just given
        code = requests.post(f"{sandbox.simulator}/_sandbox/login", json={}, timeout=10).json()["code"]
        event["body"] = json.dumps({**json.loads(event["body"]), "code": code})
    if function in ("checkout_open", "checkout_wechat"):
        event["pathParameters"]["token"] = new_checkout(sandbox).rpartition("/")[2]
    return event


def new_checkout(sandbox):
    """The address of one."""
    return requests.post(
        f"{sandbox.api}/api/v1/payments/wechat/checkout",
        json={"contentId": "content-1", "amount": 1, "subject": "A photograph"},
        headers={"Authorization": f"Bearer {sandbox.tokens.token('shop', 'payments:charge')}"},
        timeout=30,
    ).json()["data"]["checkoutUrl"]


def run(script, function, sandbox, event, **changes):
    """What `script` says in a process that is as fresh as Lambda's, with the environment that it has there."""
    (deployed,) = (made for made in sandbox.deployed.functions.values() if made.code.name == function)
    environment = environment_of(
        deployed,
        sandbox.aws.region,
        sandbox.aws.url,
        sandbox.aws.session_credentials(deployed.role_arn, deployed.name),
        sandbox.clock,
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment | changes,
        cwd=deployed.code,
        input=json.dumps(event),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.share(4)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_first_call_loads_no_module_and_reads_no_file(function, sandbox):
    loaded, opened, answer = run(FIRST_CALL, function, sandbox, event_for(function, sandbox))

    if function in GOOD:
        assert answer in GOOD[function]
    else:
        assert answer["statusCode"] == OTHERWISE.get(function, 200)
    assert (loaded, opened) == ([], [])


def test_what_cannot_be_made_ahead_is_told_by_the_call_that_needs_it(sandbox):
    unfit = {"WECHAT_GATEWAY": "https://elsewhere.example"}
    event = event_for("native", sandbox)

    _, _, answer = run(FIRST_CALL, "native", sandbox, event, **unfit)

    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["code"] == "INTERNAL_ERROR"
