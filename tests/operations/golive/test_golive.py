"""`make golive` on a running stack: every row proven, and with each thing broken its row, and no other, to be mended."""

import ast
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import requests
from botocore.exceptions import ClientError, EndpointConnectionError

from operations.checks.findings import Findings, Level, good
from operations.configuration import Configuration
from operations.golive.bills import check_compared
from operations.golive.checklist import CHECKLIST
from operations.golive.rows import Mark, NotDeployedError, Row, Target, judged
from operations.stack import CannotError, Stack
from payments.core.books.bill_day import days_before
from payments.core.times import day_text
from sandbox.deployed import DeployedStack
from sandbox.stack import STACK_NAME, Sandbox
from tests.kit.environment import operator_of
from tests.kit.keys import stranger
from tests.kit.serving import Answering, serving
from tests.operations.commands import ROOT, Command
from tests.operations.test_doctor import private_pem
from tests.operations.test_doctor_echo import fault, secret_with

pytestmark = pytest.mark.in_turn

Golive = Callable[..., tuple[int, str]]
CELLS = re.compile(r"^\| (.) \| (.+?) \| (.+) \|$", re.MULTILINE)
DATED = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00 in Beijing\)"


@pytest.fixture
def golive(command: Command) -> Golive:
    """Its exit status and the report. An echo that must be heard is waited for longer, on a busy machine."""

    def run(*arguments: str, wait: int = 30) -> tuple[int, str]:
        done = command("golive", "--wait", str(wait), *arguments)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout

    return run


def rows(report: str) -> dict[str, tuple[str, str]]:
    """Mark and last cell by demand."""
    return {demand: (mark, told) for mark, demand, told in CELLS.findall(report)}


def test_every_row_is_proven_on_a_sandbox(golive: Golive) -> None:
    status, report = golive()
    told = rows(report)
    assert {mark for mark, _ in told.values()} == {"✓"}, report
    assert status == 0
    assert list(told) == [row.demand for row in CHECKLIST]
    assert report.startswith(f"# Go-live report: {STACK_NAME}\n")
    assert re.search(DATED, report)
    for row in CHECKLIST:
        assert all(f"`{test}`" in told[row.demand][1] for test in row.tests)


def test_each_test_that_is_named_is_there() -> None:
    named = [test for row in CHECKLIST for test in row.tests]
    assert len(named) > 20
    for test in named:
        path, _, function = test.partition("::")
        defined = {
            each.name
            for each in ast.parse((ROOT / path).read_text()).body
            if isinstance(each, ast.FunctionDef)
        }
        assert function in defined, test


# ---- each thing broken in turn ----

PACE, PROBE = "Callbacks are answered in five seconds", "Callbacks are verified"
Breaking = Callable[[Sandbox], AbstractContextManager[list[str]]]


def door(*, probes: int = 0, seconds: float = 0) -> Breaking:
    """Something stands in front of the stack, which answers probes by itself, or lets them wait."""

    @contextmanager
    def standing(sandbox: Sandbox) -> Iterator[list[str]]:
        there = urlsplit(sandbox.api)

        class Handler(Answering):
            def do_POST(self) -> None:
                body = self.body()
                if self.headers.get("wechatpay-signature", "").startswith("WECHATPAY/SIGNTEST/"):
                    time.sleep(seconds)
                    if probes:
                        self.answer(probes, b'{"code": "SUCCESS"}')
                        return
                inner = HTTPConnection(there.hostname or "", there.port or 80, timeout=10)
                inner.request("POST", self.path, body, dict(self.headers))
                answer = inner.getresponse()
                self.answer(answer.status, answer.read())
                inner.close()

        with serving(Handler) as url:
            yield [f"--parameter=WeChatNotifyUrl={url}/api/v1/payments/wechat/notify"]

    return standing


def secret(output: str, **members: str) -> Breaking:
    @contextmanager
    def broken(sandbox: Sandbox) -> Iterator[list[str]]:
        with secret_with(sandbox, output, **members):
            yield []

    return broken


def at_wechat_pay(**rule: object) -> Breaking:
    @contextmanager
    def broken(sandbox: Sandbox) -> Iterator[list[str]]:
        with fault(sandbox, **rule):
            yield []

    return broken


def deployed_with(**parameters: str) -> Breaking:
    @contextmanager
    def broken(_sandbox: Sandbox) -> Iterator[list[str]]:
        yield [f"--parameter={name}={value}" for name, value in parameters.items()]

    return broken


@contextmanager
def day(sandbox: Sandbox, **said: str) -> Iterator[None]:
    """Yesterday and the day before, as the table of bills has them; without `status` nobody has looked at them."""
    client, table = sandbox.aws.client("dynamodb"), sandbox.deployed.refs["BillsTable"]
    today = day_text(int(time.time()))
    keys = [{"bill_date": {"S": days_before(today, back)}, "part": {"S": "day"}} for back in (1, 2)]
    for key in keys:
        client.delete_item(TableName=table, Key=key)
        if said:
            item = {name: {"N" if value.isdigit() else "S": value} for name, value in said.items()}
            client.put_item(TableName=table, Item={**key, **item})
    yield
    for key in keys:
        client.delete_item(TableName=table, Key=key)


@contextmanager
def a_day_that_differs(sandbox: Sandbox) -> Iterator[list[str]]:
    with day(sandbox, status="differs", attempts="1", updated_at="1"):
        yield []


@contextmanager
def another_apiv3_key(sandbox: Sandbox) -> Iterator[list[str]]:
    """Set at WeChat Pay, and nowhere else."""
    controls = f"{sandbox.simulator}/_sandbox/keys"
    requests.post(controls, json={"apiV3Key": "a" * 32}, timeout=10).raise_for_status()
    yield []
    before = {"apiV3Key": sandbox.credentials.api_v3_key}
    requests.post(controls, json=before, timeout=10).raise_for_status()


@contextmanager
def nobody_listens(sandbox: Sandbox) -> Iterator[list[str]]:
    client, topic = sandbox.aws.client("sns"), sandbox.deployed.refs["AlarmTopic"]
    (one,) = client.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    client.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    yield []
    client.subscribe(TopicArn=topic, Protocol=one["Protocol"], Endpoint=one["Endpoint"])


@contextmanager
def an_alarm_rings(sandbox: Sandbox) -> Iterator[list[str]]:
    client, name = sandbox.aws.client("cloudwatch"), sandbox.deployed.refs["PaymentFailuresAlarm"]
    client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    yield []
    client.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="a test")


@contextmanager
def an_alarm_is_switched_off(sandbox: Sandbox) -> Iterator[list[str]]:
    client, name = sandbox.aws.client("cloudwatch"), sandbox.deployed.refs["PaymentFailuresAlarm"]
    client.disable_alarm_actions(AlarmNames=[name])
    yield []
    client.enable_alarm_actions(AlarmNames=[name])


@contextmanager
def a_table_without_protection(sandbox: Sandbox) -> Iterator[list[str]]:
    client, table = sandbox.aws.client("dynamodb"), sandbox.deployed.refs["PaymentsTable"]
    client.update_table(TableName=table, DeletionProtectionEnabled=False)
    yield []
    client.update_table(TableName=table, DeletionProtectionEnabled=True)


@contextmanager
def evidence_waits(sandbox: Sandbox) -> Iterator[list[str]]:
    client, table = sandbox.aws.client("dynamodb"), sandbox.deployed.refs["QuarantineTable"]
    (key,) = client.describe_table(TableName=table)["Table"]["KeySchema"]
    item = {key["AttributeName"]: {"S": "somebody's"}}
    client.put_item(TableName=table, Item=item)
    yield []
    client.delete_item(TableName=table, Key=item)


@contextmanager
def settle_gave_up(sandbox: Sandbox) -> Iterator[list[str]]:
    client, url = sandbox.aws.client("sqs"), sandbox.deployed.outputs["SettleDeadLettersUrl"]
    client.send_message(QueueUrl=url, MessageBody=json.dumps({"out_trade_no": "WX"}))
    yield []
    client.purge_queue(QueueUrl=url)


@contextmanager
def an_older_stack(sandbox: Sandbox) -> Iterator[list[str]]:
    """From before there was one of the parameters."""
    (told,) = sandbox.aws.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in told["Parameters"]}
    outputs = {each["OutputKey"]: each["OutputValue"] for each in told["Outputs"]}
    now = DeployedStack(
        told["StackName"], told["StackId"], told["CreationTime"].timestamp(), parameters, outputs
    )
    older = {name: value for name, value in parameters.items() if name != "GradualDeployment"}
    sandbox.aws.describe(replace(now, parameters=older))
    yield []
    sandbox.aws.describe(now)


BROKEN: dict[str, tuple[Breaking, str, str]] = {
    "a merchant number with a letter": (
        deployed_with(WeChatMchId="190000010A"),
        "Keys, numbers and names",
        "WECHAT_MCH_ID is not a merchant number",
    ),
    "the private key of another": (
        secret("SigningSecretArn", WECHAT_PRIVATE_KEY=private_pem(stranger()), WECHAT_CERTIFICATE=""),
        "Requests are signed",
        "does not take our signature (SIGN_ERROR)",
    ),
    "an unsigned answer": (
        at_wechat_pay(on="query", effect="bad_signature"),
        "Requests are signed",
        "answers with a signature that the configured key does not verify",
    ),
    "another APIv3 key": (another_apiv3_key, "Callbacks arrive", "is not noted"),
    "callbacks that are lost": (
        at_wechat_pay(on="notification", effect="drop"),
        "Callbacks arrive",
        "is not noted",
    ),
    "a slow way to us": (door(seconds=3.1), PACE, "WeChat Pay counts 3 as slow"),
    "somebody who thanks for probes": (door(probes=200), PROBE, "is taken (HTTP 200)"),
    "a firewall that stops probes": (door(probes=403), PROBE, "is answered with HTTP 403"),
    "Native that is not granted": (
        at_wechat_pay(on="native", effect="status", status=403, code="NO_AUTH"),
        "Native:",
        "this merchant may not do this (NO_AUTH) → have the product",
    ),
    "H5 that is not granted": (
        at_wechat_pay(on="h5", effect="status", status=403, code="NO_AUTH"),
        "H5:",
        "or leave h5 out of PRODUCTS=",
    ),
    "an app that is not bound": (
        at_wechat_pay(on="app", effect="status", status=400, code="APPID_MCHID_NOT_MATCH"),
        "APP:",
        "appid and merchant number are not bound",
    ),
    "bills that are not handed out": (
        at_wechat_pay(on="tradeBill", effect="status", status=403, code="NO_AUTH"),
        "The trade bill",
        "does not hand its trade bill to this merchant (NO_AUTH)",
    ),
    "a day that differs": (a_day_that_differs, "Yesterday's bill", "differs from our own records"),
    "nobody to wake": (nobody_listens, "Alarms wake somebody", "nobody hears what the alarms tell"),
    "an alarm that rings": (an_alarm_rings, "Alarms wake somebody", "docs/operations.md#payment-failures"),
    "an alarm that is switched off": (
        an_alarm_is_switched_off,
        "Alarms wake somebody",
        "enable-alarm-actions",
    ),
    "a table that can be deleted": (a_table_without_protection, "The tables are protected", "can be deleted"),
    "refunds that are held back": (
        deployed_with(RefundsHeld="true"),
        "The tables are protected",
        "refunds are held back",
    ),
    "no room": (deployed_with(SettleConcurrency="1000"), "There is room", "leaves nobody a place"),
    "evidence that waits": (evidence_waits, "Nothing waits", "make quarantine ENV=sandbox"),
    "a stack from before": (an_older_stack, "What is deployed", "it has no parameter GradualDeployment"),
    "messages that were given up": (settle_gave_up, "Nothing waits", "make redrive ENV=sandbox"),
}
UNHEARD = ("another APIv3 key", "callbacks that are lost")


@pytest.mark.share(4)
@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_told_in_its_row_and_in_no_other(
    what: str, sandbox: Sandbox, golive: Golive
) -> None:
    breaking, demand, sentence = BROKEN[what]
    with breaking(sandbox) as arguments:
        status, report = golive(*arguments, wait=3 if what in UNHEARD else 30)
    told = rows(report)
    wrong = {row: cell for row, (mark, cell) in told.items() if mark == "✗"}
    assert status == 1, report
    assert [row.startswith(demand) for row in wrong] == [True], report
    (cell,) = wrong.values()
    assert sentence in cell
    assert " → " in cell, "and what to do"
    assert {mark for mark, _ in told.values()} <= {"✓", "✗", "○"}


def test_what_rests_on_what_is_broken_is_left_open(sandbox: Sandbox, golive: Golive) -> None:
    with deployed_with(WeChatMchId="190000010A")(sandbox) as arguments:
        _, report = golive(*arguments)
    open_ = {
        row.partition(":")[0].partition(",")[0] for row, (mark, _) in rows(report).items() if mark == "○"
    }
    assert open_ == {
        "Requests are signed",
        "Callbacks arrive",
        "Native",
        "H5",
        "APP",
        "The trade bill and the fund-flow bill are fetched",
    }


def test_bills_are_fetched_and_read_to_their_end(sandbox: Sandbox, golive: Golive) -> None:
    trade = {
        "交易时间": "2026-11-28 09:30:00",
        "商户订单号": "WX1",
        "交易状态": "SUCCESS",
        "订单金额": "1.00",
    }
    fund = {"记账时间": "2026-11-28 09:30:00", "收支类型": "收入", "收支金额(元)": "1.00"}
    controls, today = f"{sandbox.simulator}/_sandbox/bills", day_text(int(time.time()))
    for back in (1, 2):
        for bill, row in (("trade", trade), ("fundflow", fund)):
            planted = {"date": days_before(today, back), "bill": bill, "changes": [{"add": row}] * 2}
            requests.post(controls, json=planted, timeout=10).raise_for_status()
    try:
        _, report = golive()
        with fault(sandbox, on="billDownload", effect="truncate"):
            _, cut = golive()
    finally:
        requests.delete(controls, timeout=10)
    (read,), (lost,) = (
        [told for demand, told in rows(each).items() if demand.startswith("The trade bill")]
        for each in (report, cut)
    )
    assert read[0] == "✓"
    for kind in ("trade", "fund"):
        assert re.search(
            rf"the {kind} bill of \S+ is the one that WeChat Pay has signed, with 2 rows", read[1]
        )
    assert lost[0] == "○", "what is cut off behind the last row proves nothing"
    assert "gave no usable answer" in lost[1]


def test_a_day_that_nobody_has_compared_is_compared_then(sandbox: Sandbox, golive: Golive) -> None:
    with day(sandbox):
        status, report = golive()
    (told,) = (cell for demand, (_, cell) in rows(report).items() if demand.startswith("Yesterday's bill"))
    assert status == 0, report
    assert re.fullmatch(r"\d{4}-\d\d-\d\d was compared with our own records: empty", told)


def test_a_day_that_cannot_be_compared_says_why(sandbox: Sandbox, golive: Golive) -> None:
    with (
        day(sandbox),
        fault(sandbox, on="fundFlowBill", effect="status", status=403, code="NO_AUTH"),
    ):
        status, report = golive()
    wrong = {demand: cell for demand, (mark, cell) in rows(report).items() if mark == "✗"}
    fetched, compared = wrong.values()
    assert status == 1
    assert "does not hand its fund bill to this merchant (NO_AUTH)" in fetched
    assert (
        "was not compared with our own records: WeChat Pay refuses the fund-flow bill (NO_AUTH)" in compared
    )


def test_a_day_that_is_being_compared_is_left_open(sandbox: Sandbox) -> None:
    later = str(int(time.time()) + 3600)
    running = {
        "status": "running",
        "run": "another",
        "leased_until": later,
        "attempts": "1",
        "updated_at": "1",
    }
    with operator_of(sandbox.aws), day(sandbox, **running):
        (found,) = check_compared(Stack(STACK_NAME, {}, {}), wait=1)
    assert found.level is Level.UNCHECKED
    assert "is being compared with our own records" in found.sentence


# ---- what is not used, not deployed, not allowed ----


def test_a_product_that_is_not_used_is_said_to_be_that(golive: Golive) -> None:
    status, report = golive("--products", "native, jsapi")
    unused = {demand: told for demand, (mark, told) in rows(report).items() if mark == "–"}
    assert status == 0
    assert [demand.partition(":")[0] for demand in unused] == ["Mini program", "H5", "APP"]
    assert set(unused.values()) == {"product not used"}
    assert "– 3 product not used" in report


def test_the_parameters_say_it_too(golive: Golive) -> None:
    _, report = golive("--parameter=H5Payments=false", "--parameter=WeChatMiniPrograms=")
    unused = [demand.partition(":")[0] for demand, (mark, _) in rows(report).items() if mark == "–"]
    assert unused == ["Mini program", "H5"]


def test_a_product_that_nobody_knows_is_told_by_name(command: Command) -> None:
    done = command("golive", "--products", "native,applepay")
    assert (done.returncode, done.stdout) == (2, "")
    assert "PRODUCTS knows native jsapi mini h5 app, not applepay" in done.stderr


def test_a_file_leaves_open_what_only_a_stack_can_show(
    merchant: dict[str, str], env_file: Callable[[dict[str, str]], str], command: Command
) -> None:
    path = env_file(merchant)
    done = command("golive", "--file", path)
    told = rows(done.stdout)
    assert done.stdout.startswith(f"# Go-live report: {path}\n")
    open_ = {demand: cell for demand, (mark, cell) in told.items() if mark == "○"}
    assert {mark for mark, _ in told.values()} == {"✓", "○", "–"}, done.stdout
    assert done.returncode == 2
    assert set(open_.values()) == {
        "only a deployed stack can show it → make deploy, make secret, then make golive ENV=…"
    }
    assert told["Requests are signed, and every answer is verified"][0] == "✓"


NO = {"Error": {"Code": "AccessDeniedException", "Message": "not allowed to dynamodb:Scan"}}


@pytest.mark.parametrize(
    ("problem", "mark", "sentence"),
    [
        (ClientError(NO, "Scan"), Mark.OPEN, "may not do Scan: not allowed to dynamodb:Scan"),
        (EndpointConnectionError(endpoint_url="https://x"), Mark.OPEN, "AWS cannot be reached from here"),
        (CannotError("the stack x has no output Y: is it an older version?"), Mark.MISSING, "no output Y"),
        (NotDeployedError(), Mark.OPEN, "only a deployed stack can show it"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_check_that_ends_badly_is_a_row_and_no_end_of_the_report(
    problem: Exception, mark: Mark, sentence: str
) -> None:
    def check(_target: Target) -> Findings:
        yield good("so far")
        raise problem

    verdict = judged(Row("It holds", live=check), Target(Configuration({}), None, frozenset(), 0))
    assert verdict.mark is mark
    assert sentence in verdict.found[-1].sentence
    assert verdict.found[-1].fix
