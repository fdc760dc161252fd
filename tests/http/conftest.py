"""The whole sandbox, once for all tests here; and the people who stand around it: buyers, backends, WeChat Pay."""

import http.client
import json
import secrets
import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from sandbox.stack import NOTIFY_PATH, Sandbox
from tests.contract.document import DOCUMENT
from tests.wechat_pay import WeChatPay

WECHAT = "/api/v1/payments/wechat"
UNUSED_V2_KEY = secrets.token_hex(16)
PREVIOUS_KEY = secrets.token_hex(16)
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, its header names in lower case, its body as it came."""

    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    @cached_property
    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        assert self.status == 200, (self.status, self.text)
        assert self.json["success"] is True
        return self.json["data"]

    @property
    def refusal(self):
        """Status, code and the field that is to blame."""
        return self.status, self.json.get("code"), self.json.get("details", {}).get("field")


class Port:
    """Plain HTTP to one origin: path, header lines and body go out exactly as given. One connection per thread."""

    def __init__(self, origin):
        self._host = urlsplit(origin).netloc
        self._here = threading.local()
        self._all = []
        self.answers = []  # (path, answer)

    def send(self, method, path, body=b"", headers=()):
        connection = self._connection()
        named = any(name.lower() == "host" for name, _ in headers)
        connection.putrequest(method, path, skip_host=named, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body or method == "POST":
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        with connection.getresponse() as response:
            content = response.read()
        self._here.used = time.monotonic()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, content)
        self.answers.append((path, answer))
        return answer

    def _connection(self):
        connection = getattr(self._here, "connection", None)
        if (
            connection is None or time.monotonic() - self._here.used > 2
        ):  # the server ends idle ones after five
            if connection is not None:
                connection.close()
            connection = self._here.connection = http.client.HTTPConnection(self._host, timeout=40)
            self._all.append(connection)
        return connection

    def close(self):
        for connection in self._all:
            connection.close()


class ApiPort(Port):
    """The API's port. An answer that docs/openapi.yaml does not know fails whoever asked."""

    def send(self, method, path, body=b"", headers=()):
        answer = super().send(method, path, body, headers)
        problem = DOCUMENT.problem(method, path, answer.status, answer.headers, answer.body)
        assert not problem, problem
        return answer


@dataclass(frozen=True)
class Exchange:
    """One request that passed the wire, and its answer."""

    method: str
    path: str
    body: bytes
    answer: Answer
    authorization: str = ""

    @property
    def is_outbound(self):
        """Whether one of our functions asked WeChat Pay: the rest are notifications, which come when they like."""
        return self.path.startswith("/v3/")

    def is_about(self, out_trade_no):
        """Whether one of our functions asked WeChat Pay about this order."""
        return self.is_outbound and (out_trade_no in self.path or out_trade_no.encode() in self.body)


class Wire:
    """The line between our functions and WeChat Pay, both ways: it counts what passes, and can lose notifications."""

    def __init__(self):
        self.exchanges = []
        self.wechat = self.api = ""
        self.deaf = self.down = False
        self.lost = set()  # ids of notifications
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536
            disable_nagle_algorithm = True

            def do_GET(self):
                self.pass_on()

            def do_POST(self):
                self.pass_on()

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                answer = wire.carry(self.command, self.path, body, self.headers.items())
                self.send_response_only(answer.status)
                for name, value in answer.headers.items():
                    if name not in HOP_BY_HOP:
                        self.send_header(name, value)
                if answer.status != 204:
                    self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def carry(self, method, path, body, headers):
        inwards = path.startswith(NOTIFY_PATH)
        if inwards and self.loses(body):
            return Answer(500, {}, b"")
        kept = [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]
        if self.down and not inwards:
            answer = Answer(502, {"content-type": "text/html"}, b"<html>Bad Gateway</html>")
        else:
            port = Port(self.api if inwards else self.wechat)
            try:
                answer = port.send(method, path, body, kept)
            finally:
                port.close()
        authorization = next((value for name, value in kept if name.lower() == "authorization"), "")
        self.exchanges.append(Exchange(method, path, body, answer, authorization))
        return answer

    def loses(self, body):
        """Whether a notification is lost: what is lost once is lost each time, or it came in the middle of another test."""
        notification = json.loads(body)["id"]
        if self.deaf:
            self.lost.add(notification)
        return notification in self.lost

    def about(self, out_trade_no):
        """What our functions asked WeChat Pay about one order, in order."""
        return [exchange for exchange in self.exchanges if exchange.is_about(out_trade_no)]

    @contextmanager
    def wechat_pay_down(self):
        """WeChat Pay answers 502 and hears nothing."""
        self.down = True
        try:
            yield
        finally:
            self.down = False

    @contextmanager
    def notifications_lost(self):
        """WeChat Pay's notifications of meanwhile do not reach us, however often it tries."""
        self.deaf = True
        try:
            yield
        finally:
            self.deaf = False

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Spent:
    """What a function's role used of AWS, action by action, and what passed the wire meanwhile."""

    aws: list = field(default_factory=list)
    exchanges: list = field(default_factory=list)

    @property
    def outbound(self):
        """What our functions asked WeChat Pay, whichever order it was about."""
        return [one for one in self.exchanges if one.is_outbound]

    def asked(self, out_trade_no):
        """Method and status of what our functions asked WeChat Pay about this order."""
        return [(one.method, one.answer.status) for one in self.exchanges if one.is_about(out_trade_no)]


class Shop:
    """Whoever calls the API, and whoever looks behind it."""

    def __init__(self, sandbox, wire):
        self.sandbox = sandbox
        self.wire = wire
        self.port = ApiPort(sandbox.api)
        self.simulator = Port(sandbox.simulator)
        self.payments = sandbox.deployed.refs["PaymentsTable"]
        self.quarantine = sandbox.deployed.refs["QuarantineTable"]
        self.refused_on_purpose = []
        self.tokens = set()
        self._tokens = {}

    # ---- callers ----

    def token(self, sub, scope):
        now = self.sandbox.clock.time()
        known, until = self._tokens.get((sub, scope), ("", 0))
        if now >= until:
            known, until = self.sandbox.tokens.token(sub, scope), now + 1800
            self._tokens[sub, scope] = known, until
            self.tokens.add(known)
        return known

    @property
    def backend(self):
        return self.token("shop-backend", "payments:charge")

    @property
    def office(self):
        return self.token("back-office", "payments:refund")

    def buyer(self, sub):
        return self.token(sub, "payments:pay")

    # ---- calls ----

    def native(self, body, **given):
        """POST …/native; see `post`."""
        return self.post("native", body, **given)

    def post(self, what, body, *, token=None, key=None, headers=()):
        """POST …/{what}; `body` is bytes, JSON text, or a dict."""
        if isinstance(body, dict):
            body = json.dumps(body)
        raw = body.encode() if isinstance(body, str) else body
        lines = [("Authorization", f"Bearer {token or self.backend}"), *headers]
        if not any(name.lower() == "content-type" for name, _ in headers):
            lines.append(("Content-Type", "application/json"))
        if key is not None:
            lines.append(("Idempotency-Key", key))
        return self.port.send("POST", f"{WECHAT}/{what}", raw, lines)

    def read(self, what, out_trade_no, *, token=None):
        """GET …/query/{outTradeNo} or …/payment/{outTradeNo}."""
        lines = [("Authorization", f"Bearer {token or self.backend}")]
        return self.port.send("GET", f"{WECHAT}/{what}/{out_trade_no}", headers=lines)

    def notify(self, body, headers, *, content_type="application/json"):
        """POST …/notify; `headers` is a dict or a list of lines."""
        lines = list(headers.items() if isinstance(headers, dict) else headers)
        return self.port.send("POST", NOTIFY_PATH, body, [("Content-Type", content_type), *lines])

    def order(self, **members):
        """An order that somebody may pay now, a buyer of its own unless one is named: the answer's data."""
        body = {
            "userId": f"user-{secrets.token_hex(4)}",
            "contentId": "content-1",
            "amount": "19.99",
            "subject": "A photograph",
        }
        return self.native(body | members).data

    def pay(self, out_trade_no):
        """The buyer pays; returns when our side has heard of it."""
        assert self.control("POST", "pay", {"outTradeNo": out_trade_no}).status == 200
        deadline = time.monotonic() + 10
        while self.item(out_trade_no)["status"]["S"] != "PAID":
            assert time.monotonic() < deadline, "the notification did not arrive"
            time.sleep(0.01)

    def control(self, method, path, body=None):
        """A control of the simulator."""
        raw = b"" if body is None else json.dumps(body).encode()
        return self.simulator.send(method, f"/_sandbox/{path}", raw, [("Content-Type", "application/json")])

    # ---- behind the API ----

    def item(self, out_trade_no):
        """The payment's row as DynamoDB has it, or None."""
        return (
            self.sandbox.aws.client("dynamodb")
            .get_item(TableName=self.payments, Key={"out_trade_no": {"S": out_trade_no}}, ConsistentRead=True)
            .get("Item")
        )

    def ledger(self):
        """WeChat Pay's orders by number."""
        return {order["out_trade_no"]: order for order in self.control("GET", "orders").json["orders"]}

    def census(self):
        """How many orders there are in our table, and how many times anybody posted to WeChat Pay."""
        table = self.sandbox.aws.client("dynamodb").describe_table(TableName=self.payments)["Table"]
        sent = sum(one.method == "POST" and one.is_outbound for one in self.wire.exchanges)
        return table["ItemCount"], sent

    def numbers(self):
        """The numbers of all orders in our table."""
        pages = self.sandbox.aws.client("dynamodb").get_paginator("scan").paginate(TableName=self.payments)
        return {item["out_trade_no"]["S"] for page in pages for item in page["Items"]}

    def quarantined(self, out_trade_no):
        """Why evidence about this order was set aside, each reason once per row."""
        rows = self.sandbox.aws.client("dynamodb").scan(TableName=self.quarantine)["Items"]
        return sorted(row["reason"]["S"] for row in rows if row["out_trade_no"]["S"] == out_trade_no)

    def kept(self, notification_id):
        """The row of a notification of a kind that nobody handles, or None."""
        table = self.sandbox.deployed.refs["NotificationsTable"]
        key = {"notification_id": {"S": notification_id}}
        client = self.sandbox.aws.client("dynamodb")
        return client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")

    def events(self, out_trade_no):
        """What went out about this order, in order."""
        self.sandbox.drain()
        return [event for event in self.sandbox.events() if event["detail"].get("outTradeNo") == out_trade_no]

    def event_names(self, out_trade_no):
        return [event["detail-type"] for event in self.events(out_trade_no)]

    @contextmanager
    def written_by(self, function):
        """The lines that `function` logs meanwhile, one each; metrics are none."""
        lines = []
        self.sandbox.lambdas.logs(function)  # what it has said before has arrived then
        before = len(self.sandbox.written)
        yield lines
        self.sandbox.lambdas.logs(function)
        lines += [
            line
            for name, line in self.sandbox.written[before:]
            if name == function and line and not line.startswith('{"_aws"')
        ]

    @contextmanager
    def logged(self, function):
        """The same, parsed."""
        lines = []
        with self.written_by(function) as written:
            yield lines
        lines += [json.loads(line) for line in written]

    def role(self, function):
        return self.sandbox.deployed.functions[function].role_arn

    @contextmanager
    def spending(self, function):
        """Counts what `function` uses meanwhile; what its poller reads of a stream is not the function's.

        WeChat Pay's own notifications of meanwhile are lost, where it is notify that is counted.
        """
        spent, role = Spent(), self.role(function)
        uses, exchanges = len(self.sandbox.aws.uses), len(self.wire.exchanges)
        with self.wire.notifications_lost() if function == "NotifyFunction" else nullcontext():
            yield spent
        spent.aws = [
            use.action
            for use in self.sandbox.aws.uses[uses:]
            if use.principal == role and "/stream/" not in use.resource
        ]
        spent.exchanges = self.wire.exchanges[exchanges:]


@pytest.fixture(scope="session")
def wire():
    running = Wire()
    yield running
    running.close()


class Listening(Sandbox):
    """Everything says all that it can: root logger and product at DEBUG; what functions write and are given is kept.

    No schedule fires by itself: with each minute more of these many unpaid orders would be due for a look.
    """

    def __init__(self, **parameters):
        self.written = []  # (function, line)
        self.given = []  # (function, event) of queue and schedule
        super().__init__(
            parameters={**parameters, "LogLevel": "DEBUG"},
            log_sink=lambda function, line: self.written.append((function, line)),
            schedules=False,
        )

    def _start_pumps(self, credentials_of):
        for function in self.deployed.functions.values():
            # What Lambda sets where somebody chooses JSON logs at DEBUG for all of a function's libraries.
            function.environment.update(AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="DEBUG")
        invoke = self.lambdas.invoke

        def heard(function, event):
            self.given.append((function, event))
            return invoke(function, event)

        self.lambdas.invoke = heard
        super()._start_pumps(credentials_of)


@pytest.fixture(scope="session")
def sandbox(wire):
    gateways = dict.fromkeys(("WeChatGateway", "WeChatBackupGateway", "WeChatGatewaysAllowed"), wire.url)
    with Listening(**gateways, WeChatNotifyUrl=wire.url + NOTIFY_PATH) as running:
        wire.wechat, wire.api = running.simulator, running.api
        hide_canaries(running)
        running.warm()
        yield running


def hide_canaries(running):
    """Into the secrets, beside what is used: values that are nobody's, and must turn up nowhere."""
    store = running.aws.client("secretsmanager")
    for secret, extra in {
        "SigningSecret": {"WECHAT_API_KEY": UNUSED_V2_KEY},
        "VerificationSecret": {"WECHAT_API_V3_KEY_PREVIOUS": PREVIOUS_KEY},
    }.items():
        name = running.deployed.refs[secret]
        members = json.loads(store.get_secret_value(SecretId=name)["SecretString"])
        store.put_secret_value(SecretId=name, SecretString=json.dumps(members | extra))


@pytest.fixture(scope="session")
def shop(sandbox, wire):
    shop = Shop(sandbox, wire)
    yield shop
    shop.port.close()
    shop.simulator.close()


@pytest.fixture(scope="session")
def wechat(sandbox):
    return WeChatPay(sandbox.credentials, sandbox.clock)


@pytest.fixture
def nothing_created(shop):
    """Whatever the test sends, no order comes of it."""
    before = shop.census()
    yield
    assert shop.census() == before


@pytest.fixture
def unpaid(shop):
    """The number of a fresh order that waits for its buyer."""
    return shop.order()["outTradeNo"]


def pytest_collection_modifyitems(items):
    """What looks back over the whole session comes last."""
    items.sort(key=lambda item: item.name.startswith("test_over_the_whole_session"))
