"""Every sample event in events/ still does what it is there for; `python -m sandbox.commands.invoke` as its users call it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.commands.samples import ABOUT_AN_ORDER, SampleOrder, invoke
from tests.kit import warm
from tests.kit.running import Running

pytestmark = [pytest.mark.share(4, of_file=True), pytest.mark.in_turn]

ROOT = Path(__file__).parents[2]

ANSWERS = {
    "native": (200, None),
    "native-bad-amount": (400, "PARAM_ERROR"),
    "native-buyer-without-quote": (403, "NOAUTH"),
    "jsapi": (200, None),
    "app": (200, None),
    "openid": (400, "PARAM_ERROR"),  # its code is long over
    "checkout_intent": (200, None),
    "checkout_open": (404, "ORDER_NOT_FOUND"),  # its checkout is not there
    "checkout_wechat": (404, "ORDER_NOT_FOUND"),
    "orders": (200, None),
    "export_begin": (202, None),
    "export_status": (404, "EXPORT_NOT_FOUND"),
    "verify_file": (404, None),  # a stack has none until it is given some
    "h5": (200, None),
    "query": (404, "ORDER_NOT_FOUND"),  # its order is not there; make invoke opens one, see below
    "payment": (404, "ORDER_NOT_FOUND"),
    "close": (404, "ORDER_NOT_FOUND"),
    "refund": (404, "ORDER_NOT_FOUND"),
    "abnormal_refund": (404, "ORDER_NOT_FOUND"),
    "refund-too-precise": (400, "PARAM_ERROR"),
    "bill_days": (200, None),
    "bill_day": (404, "BILL_NOT_FOUND"),
    "bill_again": (400, "PARAM_ERROR"),  # its day is too long ago
    "checkout": (404, None),  # a page
    "notify": (401, "FAIL"),  # signed with another merchant's keys, and long ago
}
"""Status and code of the functions behind a route, by the name of the event's file."""


@pytest.fixture(scope="module")
def sandbox():
    with Running() as running:
        yield running


def sample(name):
    return json.loads((ROOT / f"events/{name}.json").read_text())


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_sample_event_is_answered_as_expected(sandbox, name):
    answer = invoke(sandbox, name.partition("-")[0], sample(name))
    is_page = answer["headers"]["content-type"].startswith("text/html")
    code = None if is_page else json.loads(answer["body"]).get("code")
    assert (answer["statusCode"], code) == ANSWERS[name]


def test_a_stream_event_is_published_whole(sandbox):
    assert invoke(sandbox, "publish", sample("publish")) == {"batchItemFailures": []}
    assert sandbox.events()[-1]["detail-type"] == "PaymentCreated"


def test_every_sample_event_of_a_route_has_its_line_in_the_table():
    http = [file.stem for file in (ROOT / "events").glob("*.json") if "routeKey" in sample(file.stem)]
    assert sorted(http) == sorted(ANSWERS)


@pytest.mark.parametrize(
    ("function", "member", "value"),
    [
        ("query", "tradeState", "NOTPAY"),
        ("payment", "status", "pending"),
        ("close", "closed", True),
        ("refund", "refundAmount", 50),
        ("abnormal_refund", "userReceivedAccount", "工商银行借记卡3445"),
    ],
)
def test_with_its_order_opened_first_it_succeeds(sandbox, function, member, value):
    answer = invoke(sandbox, function, SampleOrder(sandbox, print).event(function))
    assert answer["statusCode"] == 200, answer
    assert json.loads(answer["body"])["data"][member] == value


def test_every_sample_that_names_the_order_has_it_opened():
    named = {name.partition("-")[0] for name in ANSWERS if ANSWERS[name][1] == "ORDER_NOT_FOUND"}
    named -= {"checkout_open", "checkout_wechat"}  # these name a checkout
    assert named | {"checkout", "notify", "settle", "live_connect"} == set(ABOUT_AN_ORDER)


def test_every_function_has_a_sample_event():
    events = {file.stem for file in (ROOT / "events").glob("*.json")}
    assert {file.parent.name for file in (ROOT / "functions").glob("*/app.py")} <= events


def test_days_are_sent_to_be_fetched(sandbox):
    assert invoke(sandbox, "bills", sample("bills"))["sent"] == 1


def test_a_day_that_wechat_pay_has_no_bills_of_any_more_is_no_failure_of_the_function(sandbox):
    assert invoke(sandbox, "reconcile", sample("reconcile")) == {"batchItemFailures": []}


def test_certificates_are_looked_after(sandbox):
    assert invoke(sandbox, "certificates", sample("certificates")) == {"stored": 0}  # the public key's mode


def test_a_checkout_shows_its_order(sandbox):
    answer = invoke(sandbox, "checkout", SampleOrder(sandbox, print).event("checkout"))
    assert answer["statusCode"] == 200
    assert "Premium Content Purchase" in answer["body"]


def test_settle_finds_the_payment_that_nobody_was_told_of(sandbox):
    order = SampleOrder(sandbox, print)
    event = order.event("settle")
    assert order.status == "pending"
    assert invoke(sandbox, "settle", event) == {"batchItemFailures": []}
    assert order.status == "succeeded"


def test_a_live_connection_needs_a_ticket_and_gets_one(sandbox):
    assert invoke(sandbox, "live_connect", sample("live_connect")) == {"statusCode": 401}
    event = SampleOrder(sandbox, print).event("live_connect")
    opened = {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "live"}}
    assert invoke(sandbox, "live_connect", event) == opened
    assert invoke(sandbox, "live_disconnect", sample("live_disconnect")) == {"statusCode": 200}


def test_an_event_of_the_bus_is_told_to_whoever_waits(sandbox):
    assert invoke(sandbox, "live_push", sample("live_push")) is None
    assert '"told":0' in sandbox.lambdas.logs("LivePushFunction")


def command(*arguments):
    return warm.run(["sandbox.commands.invoke", *map(str, arguments)], timeout=60)


@pytest.mark.parametrize(
    ("function", "member"), [("notify", ("statusCode", 200)), ("settle", ("batchItemFailures", []))]
)
def test_what_moves_a_payment_needs_no_event_and_says_what_it_has_become(function, member):
    done = command(function)
    assert done.returncode == 0, done.stderr
    assert member in json.loads(done.stdout).items()
    assert "the payment is now succeeded" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_credentials_file_is_written_once_and_then_used_again(tmp_path):
    file, event = tmp_path / "credentials.json", tmp_path / "notify.json"
    assert command("publish", "--credentials", file).returncode == 0
    written = file.read_text()
    sign = [sys.executable, "events/sign_notify.py", "--credentials", str(file)]
    event.write_bytes(subprocess.run(sign, check=True, cwd=ROOT, capture_output=True, timeout=30).stdout)

    done = command("notify", event, "--credentials", file)

    answer = json.loads(done.stdout)
    assert answer["statusCode"] == 503  # verified and decrypted; nobody knows the order
    assert "unknown_order" in done.stderr
    assert file.read_text() == written


def test_a_credentials_file_that_is_none_is_one_sentence():
    done = command("native", "--credentials", "events/env.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_make_invoke_hands_its_three_variables_on():
    variables = ["F=notify", "E=fresh.json", "CREDENTIALS=wechat.json"]
    told = subprocess.run(["make", "-n", "invoke", *variables], check=True, cwd=ROOT, capture_output=True)
    assert b"-m sandbox.commands.invoke notify fresh.json --credentials wechat.json" in told.stdout
