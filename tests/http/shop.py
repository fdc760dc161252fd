"""The people who stand around the sandbox: buyers, backends, WeChat Pay."""

import json
import secrets
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import jwt

from sandbox.stack import NOTIFY_PATH
from tests.http.port import ApiPort, Port
from tests.kit.shop import WECHAT

POLLED = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
)  # by Lambda, with the function's role


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

    def checkout(self, checkout_id):
        """The checkout's row as DynamoDB has it."""
        table, key = self.sandbox.deployed.refs["CheckoutsTable"], {"checkout_id": {"S": checkout_id}}
        client = self.sandbox.aws.client("dynamodb")
        return client.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]

    @staticmethod
    def opens(path):
        """What the token in a checkout address opens."""
        return jwt.decode(path.rpartition("/")[2], options={"verify_signature": False})["sub"]

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
        """Counts what `function` uses meanwhile; what its poller takes from a stream or a queue is not the function's.

        WeChat Pay's own notifications of meanwhile are lost, where it is notify that is counted.
        """
        spent, role = Spent(), self.role(function)
        uses, exchanges = len(self.sandbox.aws.uses), len(self.wire.exchanges)
        with self.wire.notifications_lost() if function == "NotifyFunction" else nullcontext():
            yield spent
        spent.aws = [
            use.action
            for use in self.sandbox.aws.uses[uses:]
            if use.principal == role and "/stream/" not in use.resource and use.action not in POLLED
        ]
        spent.exchanges = self.wire.exchanges[exchanges:]
