"""Everything outside of the product, once for many runs: AWS on loopback, the simulator, the functions' code.

A world of its own because each effect outside is met one by one: no sandbox delivers, retries or wakes anything by itself.
"""

import io
import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from types import ModuleType
from typing import Any, Self

import requests

from payments.core.books.journal import Row
from payments.core.payment import Payment
from payments.storage.books.journal_item import JournalItem, row_of
from payments.storage.checkouts.item import CheckoutItem
from payments.storage.items import payment_of
from payments.storage.tables import AllowanceItem, PaymentItem, QuarantineItem
from sandbox.aws.aws import Aws
from sandbox.cloudformation.deployer import deploy
from sandbox.deployed import QueueMapping
from tests.kit.aws_line import new_line
from tests.kit.environment import operator_of
from tests.kit.functions import function
from tests.kit.logs import logged_to
from tests.kit.parameters import NEEDED, TEMPLATE
from tests.kit.secrets import QUOTE_KEY, signing, verification
from tests.resilience.crash.clock import VirtualClock
from tests.resilience.crash.guard import Guard
from tests.resilience.crash.stream import Stream
from wechatpay_simulator import Credentials, Simulator

MAX_WAIT_SECONDS = 30  # seconds for a table's answer: a busy machine is none of the faults
TABLES = (PaymentItem, QuarantineItem, AllowanceItem, CheckoutItem, JournalItem)
RUNS_PER_SIMULATOR = 40  # its ledger is read whole, again and again


class World:
    """A context manager. Between runs only time remains: every run has items of its own, removed after it."""

    def __init__(self) -> None:
        self.clock = VirtualClock(int(time.time()))
        self.guard = Guard()
        self.aws = Aws(now=self.clock.time)
        self.credentials = Credentials.create()
        self.environment: dict[str, str] = {}
        self.logs = io.StringIO()
        self._http = requests.Session()
        self._http.trust_env = False
        self._simulator: Simulator | None = None
        self._runs = 0
        self._open = ExitStack()
        self._patience = [(table.Meta, table.Meta.read_timeout_seconds) for table in TABLES]
        self._known_secrets: dict[str, dict[str, Any]] = {}
        self.stirred = 0
        """How often somebody has played with the simulator: only then can there be more to see."""

    def __enter__(self) -> Self:
        for meta, _ in self._patience:
            meta.read_timeout_seconds = MAX_WAIT_SECONDS
        self._open.enter_context(new_line())
        self.aws.start()
        merchant = {"WeChatAppId": self.credentials.appid, "WeChatMchId": self.credentials.mchid}
        parameters = NEEDED | merchant | {"DueShards": "1", "Stage": "crash"}
        self.deployed = deploy(TEMPLATE, aws=self.aws, parameters=parameters, stack_name="crash")
        self._write_secrets()
        for each in self.deployed.functions.values():
            self.environment |= each.environment
        self._open.enter_context(operator_of(self.aws))
        self.queues = [queue for queue in self.deployed.queues if queue.function == "SettleFunction"]
        self.table = self.deployed.refs["PaymentsTable"]
        self.stream = Stream(self.aws, self.table)
        self._open.enter_context(logged_to(self.logs))
        self.guard.install()
        return self

    def __exit__(self, *_: object) -> None:
        self.guard.remove()
        for meta, seconds in self._patience:
            meta.read_timeout_seconds = seconds
        self._open.close()
        self._http.close()
        self._end(self._simulator)
        self.aws.stop()

    def next_run(self, phase: int) -> int:
        """Make ready for one more run, at `phase` seconds past a full hour; its number."""
        if self._runs % RUNS_PER_SIMULATOR == 0:
            self._end(self._simulator)
            self._simulator = Simulator(self.credentials, clock=self.clock)
            self._simulator.start()
            gateway = self._simulator.url
            for name in ("WECHAT_GATEWAY", "WECHAT_BACKUP_GATEWAY", "WECHAT_GATEWAYS_ALLOWED"):
                self.environment[name] = gateway
        self._runs += 1
        # In this order: an hour lies between two purges then, and SQS refuses a second one within a minute.
        self.clock.advance(3600 - self.clock.time() % 3600 + phase)
        for queue in self.queues:  # what the last run still had there
            self.aws.client("sqs").purge_queue(QueueUrl=queue.queue_url)
        self.logs.seek(0)
        self.logs.truncate()
        return self._runs

    def function(self, name: str) -> ModuleType:
        """A fresh instance of functions/<name>/app.py, as a cold start would load it."""
        return function(name)

    def control(
        self, path: str, body: dict[str, Any] | None = None, *, method: str = "POST"
    ) -> requests.Response:
        """One of the simulator's unsigned controls."""
        assert self._simulator is not None
        self.stirred += method == "POST"
        return self._http.request(method, f"{self._simulator.url}/_sandbox/{path}", json=body, timeout=30)

    def client(self, service: str) -> Any:
        """For invocations that are not counted: secrets are read once in the whole session."""
        return _Remembering(self) if service == "secretsmanager" else self.aws.client(service)

    def secret(self, secret_id: str) -> dict[str, Any]:
        """A secret as it was the first time."""
        if secret_id not in self._known_secrets:
            found = self.aws.client("secretsmanager").get_secret_value(SecretId=secret_id)
            self._known_secrets[secret_id] = found
        return self._known_secrets[secret_id]

    def rules(self, rules: list[dict[str, object]]) -> None:
        """What goes wrong at WeChat Pay from now on; none ends it."""
        if rules:
            assert self.control("faults", {"rules": rules}).status_code == 200
        else:
            self.control("faults", method="DELETE")

    def orders(self, description: str) -> list[dict[str, Any]]:
        """WeChat Pay's ledger, as far as it is one run's."""
        orders = self.control("orders", method="GET").json()["orders"]
        return [order for order in orders if order["description"] == description]

    def notifications(self) -> list[dict[str, Any]]:
        """The first delivery of every notification, oldest first."""
        first: dict[str, dict[str, Any]] = {}
        for delivery in self.control("notifications", method="GET").json()["notifications"]:
            first.setdefault(delivery["id"], delivery)
        return list(first.values())

    def received(self, queue: QueueMapping) -> Iterator[list[dict[str, Any]]]:
        """What is visible in a queue, in batches as Lambda would take them."""
        client, size = self.aws.client("sqs"), queue.batch_size
        while messages := client.receive_message(
            QueueUrl=queue.queue_url, MaxNumberOfMessages=size, MessageSystemAttributeNames=["All"]
        ).get("Messages", []):
            yield messages
            if len(messages) < size:
                return

    def books(self, numbers: Iterable[str]) -> tuple[list[Payment], list[Row]]:
        """These payments, and the rows of the journal that are of them."""
        client, wanted = self.aws.client("dynamodb"), set(numbers)
        keys = [{"out_trade_no": {"S": number}} for number in sorted(wanted)]
        found = [client.get_item(TableName=self.table, Key=key)["Item"] for key in keys]
        pages = client.get_paginator("scan").paginate(TableName=self.deployed.refs["JournalTable"])
        rows = (row_of(item) for page in pages for item in page["Items"])
        return [payment_of(item) for item in found], [
            row for row in rows if row and row.out_trade_no in wanted
        ]

    def forget(self, out_trade_no: str) -> None:
        """Remove a run's item: the next run's sweep must not find it."""
        self.aws.client("dynamodb").delete_item(
            TableName=self.table, Key={"out_trade_no": {"S": out_trade_no}}
        )

    def _write_secrets(self) -> None:
        merchant = self.credentials
        members = {
            "SigningSecret": signing(merchant),
            "VerificationSecret": verification(merchant, WECHAT_QUOTE_KEY=QUOTE_KEY),
        }
        for secret, content in members.items():
            self.aws.client("secretsmanager").put_secret_value(
                SecretId=self.deployed.refs[secret], SecretString=json.dumps(content)
            )

    def _end(self, simulator: Simulator | None) -> None:
        if simulator is not None:  # its end takes a fifth of a second, and nobody waits for it
            threading.Thread(target=simulator.stop, daemon=True).start()


class _Remembering:
    """A Secrets Manager that is asked once."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803  AWS's name
        """As AWS answers it."""
        return self._world.secret(SecretId)
