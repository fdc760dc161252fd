"""docs/events.md: its shops hear of a payment, its rule and consumer hand one on, and what is given up on is where it says."""

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from samtranslator.yaml_helper import intrinsics_multi_constructor
from werkzeug.serving import make_server

from sandbox.cloudformation.resources import queue
from sandbox.cloudformation.template import TemplateError
from sandbox.deployed import Rule
from sandbox.stack import Sandbox
from sandbox.triggers import forwarder, webhooks
from sandbox.triggers.patterns import check
from sandbox.triggers.rules import RulePump
from tests.documents.blocks import BLOCKS, ROOT
from tests.documents.recipes import templates
from tests.documents.world import World
from tests.kit.environment import operator_of
from tests.kit.running import Running
from tests.kit.shop import Shop

pytestmark = pytest.mark.in_turn

TEXT = (ROOT / "docs/events.md").read_text()
SIGNED, CONSUMER, KEYED = [
    block.text for block in BLOCKS if (block.document, block.language) == ("docs/events.md", "python")
]
CFN_LINT = ROOT / ".venv-sam/bin/cfn-lint"


class Loader(yaml.SafeLoader):
    """With CloudFormation's short forms."""


Loader.add_multi_constructor("!", intrinsics_multi_constructor)
QUEUE, WEBHOOK = [yaml.load(text, Loader) for text in templates().values()]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with Running(schedules=False) as running:
        yield running


@contextmanager
def served(app: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/webhook"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(script: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    """The names that a block of the document leaves, as a module of somebody's has them."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    names: dict[str, Any] = {"__name__": "shop"}
    exec(script, names)
    return names


def paid(sandbox: Running) -> str:
    shop = Shop(sandbox)
    number: str = shop.native().json()["data"]["outTradeNo"]
    assert shop.control("pay", {"outTradeNo": number}).ok
    sandbox.wait_until(lambda: sandbox.drain() and f"{number}#3" in told(sandbox))
    return number


def told(sandbox: Running) -> list[str]:
    """The ids of what the bus took."""
    return [event["detail"].get("id") for event in sandbox.events()]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_shop_from_the_documents_at_another_port_sells_hears_and_refunds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = webhooks.new_secret()
    shop = run(SIGNED, monkeypatch, WEBHOOK_SECRET=secret)
    with (
        served(shop["app"]) as url,
        Running(schedules=False, forward_events=url, webhook_secret=secret) as running,
    ):
        world = World(running, tmp_path)
        order = {"contentId": "content-456", "amount": 99.99, "subject": "Premium Content Purchase"}
        order |= {"quote": world.quote("README.md"), "returnUrl": url.replace("/webhook", "/thanks")}
        opened = world.api("POST", "native", "payments:pay", order)
        number = opened["outTradeNo"]
        phone = requests.post(f"{running.api}/phone/pay", json={"codeUrl": opened["codeUrl"]}, timeout=30)
        assert phone.status_code == 200
        running.wait_until(lambda: number in shop["paid"])
        refund = {"outTradeNo": number, "refundAmount": 50.00, "refundReason": "changed their mind"}
        world.api("POST", "refund", "payments:refund", refund)
        running.wait_until(lambda: world.details(number)["refundedAmount"] == "50.00")
        running.wait_until(lambda: running.drain() and shop["handled"] >= {*told(running)})
        kinds = [event["detail-type"] for event in running.events()]
        assert kinds == ["PaymentCreated", "PaymentSucceeded", "RefundRequested", "RefundSucceeded"]
    client = shop["app"].test_client()
    assert client.post("/webhook", data=b"{}").status_code == 400


def test_the_ladder_and_the_time_are_those_that_the_document_tells() -> None:
    (told,) = re.findall(r"\| again \| (.+?) after", TEXT)
    units = {"s": 1, "min": 60}
    numbers = re.findall(r"(\d+) (s|min)", told)
    assert [int(number) * units[unit] for number, unit in numbers] == list(forwarder.WAITS)
    assert forwarder.TIMEOUT_SECONDS == 10
    assert "within ten seconds" in TEXT


# ---- rule → queue ----


def target(template: dict[str, Any]) -> dict[str, Any]:
    (one,) = template["Resources"]["Rule"]["Properties"]["Targets"]
    found: dict[str, Any] = one
    return found


def test_events_reach_the_consumer_by_way_of_the_rule_and_the_queue(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    resources = QUEUE["Resources"]
    given_up = queue(sandbox.aws, "shop", "GivenUp", resources["GivenUp"]["Properties"])
    properties = resources["Events"]["Properties"]
    assert properties["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["GivenUp", "Arn"]}
    redrive = properties["RedrivePolicy"] | {"deadLetterTargetArn": given_up.attributes["Arn"]}
    news = queue(sandbox.aws, "shop", "Events", properties | {"RedrivePolicy": redrive})
    assert target(QUEUE)["Arn"] == {"Fn::GetAtt": ["Events", "Arn"]}
    pattern = resources["Rule"]["Properties"]["EventPattern"]
    check(pattern)
    bus = sandbox.deployed.outputs["BusName"]
    arn = f"arn:aws:events:us-east-1:123456789012:rule/{bus}/shop-queue-Rule"
    sqs = sandbox.aws.client("sqs")

    def sent(_: str, event: bytes) -> None:
        sqs.send_message(QueueUrl=news.ref, MessageBody=event.decode())

    rule = RulePump(sandbox.aws, Rule("Rule", arn, "Events", bus, pattern, 0), sent, clock=sandbox.clock)
    rule.start()
    with operator_of(sandbox.aws):
        consume = run(CONSUMER, monkeypatch, QUEUE_URL=news.ref)["consume"]
        number = paid(sandbox)
        assert rule.drain(10)
        assert until_empty(consume, refusing) == 2, "what is refused stays"
        sandbox.clock.advance(properties["VisibilityTimeout"])
        heard: list[tuple[str, Any]] = []
        assert until_empty(consume, lambda *event: heard.append(event)) == 2
        sandbox.clock.advance(properties["VisibilityTimeout"])
        assert until_empty(consume, lambda *_: None) == 0, "and what was taken is gone"
    rule.stop()
    assert sorted((kind, detail["id"]) for kind, detail in heard) == [
        ("PaymentCreated", f"{number}#2"),
        ("PaymentSucceeded", f"{number}#3"),
    ]


def refusing(kind: str, detail: Any) -> None:
    raise LookupError(kind)


def until_empty(consume: Callable[[Callable[..., None]], None], handle: Callable[..., None]) -> int:
    """How many were handed over until the queue had no more."""
    total = 0

    def counting(kind: str, detail: Any) -> None:
        nonlocal total
        total += 1
        handle(kind, detail)

    before = -1
    while before != total:
        before = total
        consume(counting)
    return total


def test_the_consumer_is_as_short_as_it_is_said_to_be() -> None:
    lines = [
        line
        for line in CONSUMER.splitlines()
        if line.strip() and not line.startswith(("import", "if", "   while"))
    ]
    assert len(lines) <= 20


# ---- rule → API destination ----


def test_the_shop_with_a_key_takes_eventbridges_form(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = WEBHOOK["Resources"]["Shop"]["Properties"]["AuthParameters"]["ApiKeyAuthParameters"][
        "ApiKeyName"
    ]
    key = "k" * WEBHOOK["Parameters"]["Key"]["MinLength"]
    shop = run(KEYED, monkeypatch, WEBHOOK_KEY=key)
    sent: list[bytes] = []
    pattern = WEBHOOK["Resources"]["Rule"]["Properties"]["EventPattern"]
    bus = sandbox.deployed.outputs["BusName"]
    arn = f"arn:aws:events:us-east-1:123456789012:rule/{bus}/shop-webhook-Rule"
    pump = RulePump(
        sandbox.aws,
        Rule("Rule", arn, "Shop", bus, pattern, 0),
        lambda _, event: sent.append(event),
        clock=sandbox.clock,
    )
    pump.start()
    number = paid(sandbox)
    assert pump.drain(10)
    pump.stop()
    client = shop["app"].test_client()
    for event in sent:
        for given, status in ((key, 204), ("", 401), (key + "k", 401), ("é", 401)):
            answer = client.post(
                "/webhook", data=event, content_type="application/json", headers={header: given}
            )
            assert answer.status_code == status
    assert shop["handled"] == {f"{number}#2", f"{number}#3"}


# ---- both templates ----


@pytest.mark.skipif(not CFN_LINT.exists(), reason="needs .venv-sam; `make template` runs it as well")
def test_the_templates_are_such_as_cloudformation_takes(tmp_path: Path) -> None:
    for name, text in templates().items():
        (tmp_path / name).write_text(text)
    linted = subprocess.run(
        [str(CFN_LINT), "--non-zero-exit-code", "informational", "--", *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("template", [QUEUE, WEBHOOK], ids=["queue", "webhook"])
def test_what_is_given_up_may_be_kept_by_the_rule_alone(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    kept = target(template)["DeadLetterConfig"]["Arn"]
    (statement,) = resources["MayBeSentTo"]["Properties"]["PolicyDocument"]["Statement"]
    allowed = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
    assert kept == {"Fn::GetAtt": ["GivenUp", "Arn"]}
    assert kept in allowed
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]}}}


def test_in_our_own_template_a_rule_to_a_queue_elsewhere_is_refused_at_the_start(tmp_path: Path) -> None:
    text = (ROOT / "template.yaml").read_text()
    theirs = next(iter(templates().values())).partition("Resources:\n")[2].partition("Outputs:")[0]
    path = tmp_path / "template.yaml"
    path.write_text(
        text.replace("\nResources:\n", "\nResources:\n" + theirs.replace("!Ref BusName", "!Ref Bus"), 1)
        .replace(
            "{Id: queue, Arn: !GetAtt Events.Arn,",
            "{Id: queue, Arn: arn:aws:sqs:us-east-1:123456789012:news,",
        )
        .replace("CodeUri: functions", f"CodeUri: {ROOT}/functions")
        .replace("ContentUri: layers", f"ContentUri: {ROOT}/layers")
    )
    with pytest.raises(
        TemplateError, match="Rule: the sandbox hands events to functions and queues of this template alone"
    ):
        Sandbox(template=path).start()


def test_a_target_that_is_put_at_the_running_sandbox_is_refused_and_the_bus_goes_on(sandbox: Running) -> None:
    events = sandbox.aws.client("events")
    bus = sandbox.deployed.outputs["BusName"]
    events.put_rule(
        Name="late", EventBusName=bus, EventPattern=json.dumps({"source": ["wechatpay.payments"]})
    )
    late = [{"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:news"}]
    with pytest.raises(events.exceptions.ClientError, match="to its template's targets alone"):
        events.put_targets(Rule="late", EventBusName=bus, Targets=late)
    paid(sandbox)
