"""What a notification meets: the function, real tables behind it, orders in every state, and a watch on its sockets."""

import importlib.util
import io
import itertools
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.wiring import Wiring
from sandbox.aws.aws import Aws
from sandbox.aws.shim import ADMIN_ACCESS_KEY
from sandbox.cloudformation.deployer import deploy
from sandbox.simulator import Credentials
from tests.kit.parameters import PARAMETERS
from tests.kit.payments import put
from tests.kit.wechat_pay import WeChatPay

ROOT = Path(__file__).parents[2]
APP = ROOT / "functions" / "notify" / "app.py"
PREVIOUS_KEY = "previous-api-v3-key-32-character"
RETIRED_KEY = "retired-apiv3-key-of-32-charactr"
_MODULES = itertools.count(1)
_SENDS = ("connect", "connect_ex", "send", "sendall", "sendto", "sendmsg")


@dataclass
class Answer:
    """What came of one notification: the answer, the line it left, and what it did outside."""

    status: int
    body: dict[str, Any]
    line: dict[str, Any]
    to_tables: int  # socket calls
    elsewhere: int
    payments_written: int
    quarantined: int
    counted: list[str]


class Secret:
    """A Secrets Manager that holds the verification secret and counts its reads; in any other secret there is nothing."""

    def __init__(self, secret_id: str, members: dict[str, Any]) -> None:
        self._secret_id = secret_id
        self._text = json.dumps(members)
        self.reads = 0

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803  AWS's own word
        if SecretId != self._secret_id:
            return {"SecretString": "{}"}
        self.reads += 1
        return {"SecretString": self._text}


class Watch:
    """Counts what this thread sends while it runs product code: to the tables' port, and anywhere else."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._thread = threading.get_ident()
        self._own: dict[str, Any] = {}
        self.on = False
        self.to_tables = self.elsewhere = 0

    def install(self) -> None:
        for name in _SENDS:
            self._own[name] = socket.socket.__dict__.get(name)
            setattr(socket.socket, name, self._counting(name, getattr(socket.socket, name)))

    def remove(self) -> None:
        for name, own in self._own.items():
            if own is None:
                delattr(socket.socket, name)
            else:
                setattr(socket.socket, name, own)

    def _counting(self, name: str, original: Any) -> Any:
        def counted(this: socket.socket, *arguments: Any) -> Any:
            if self.on and threading.get_ident() == self._thread:
                to = arguments[0] if name.startswith("connect") else this.getpeername()
                if to[1] == self._port:
                    self.to_tables += 1
                else:
                    self.elsewhere += 1
            return original(this, *arguments)

        return counted


class World:
    """A context manager. Time stands still in it; `orders` are numbers by what became of the order."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))
        self.orders: dict[str, Payment] = {}
        self.rows: dict[str, dict[str, Any]] = {}  # as they were put
        self._log = io.StringIO()
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> Self:
        self.credentials = replace(
            Credentials.create(), mchid=PARAMETERS["WeChatMchId"], appid=PARAMETERS["WeChatAppId"]
        )
        self.wechat = WeChatPay(self.credentials, self)
        self.aws = Aws()
        self.aws.start()
        deployed = deploy(ROOT / "template.yaml", aws=self.aws, parameters=PARAMETERS, stack_name="fuzz")
        self.environment = deployed.functions["NotifyFunction"].environment
        self.secret = Secret(
            self.environment["VERIFICATION_SECRET"],
            {
                "WECHAT_API_V3_KEY": self.credentials.api_v3_key,
                "WECHAT_API_V3_KEY_PREVIOUS": PREVIOUS_KEY,
                "WECHAT_PUBLIC_KEY_ID": self.credentials.wechat_public_key_id,
                "WECHAT_PUBLIC_KEY": self.credentials.wechat_public_key,
                "WECHAT_PLATFORM_CERTIFICATES": [self.credentials.platform_certificate],
            },
        )
        self._payments, self._quarantine = deployed.refs["PaymentsTable"], deployed.refs["QuarantineTable"]
        ours = {
            "AWS_ACCESS_KEY_ID": ADMIN_ACCESS_KEY,  # what the role may do is another test's matter
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_ENDPOINT_URL": self.aws.url,
            "AWS_REGION": self.aws.region,
            "AWS_DEFAULT_REGION": self.aws.region,
        }
        self._before = {name: os.environ.get(name) for name in [*ours, "AWS_SESSION_TOKEN"]}
        os.environ.pop("AWS_SESSION_TOKEN", None)
        os.environ.update(ours)
        self.app, self.wiring = self.fresh(self.environment)
        self._put_orders()
        self._logger = logging.getLogger(self.app.logger.name)
        self._logger.propagate = False  # a million records are too many for whoever collects them
        self.watch = Watch(int(self.aws.url.rsplit(":", 1)[1]))
        self.watch.install()
        return self

    def __exit__(self, *_: object) -> None:
        self.watch.remove()
        self._logger.propagate = True
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self.aws.stop()

    def time(self) -> float:
        """Epoch seconds, for whoever signs."""
        return self.now

    def fresh(self, environment: Mapping[str, str]) -> tuple[ModuleType, Any]:
        """The function as a cold start would load it, in this environment, and its wiring."""
        app = load()
        return app, self.wire(app, environment)

    def wire(self, app: ModuleType, environment: Mapping[str, str]) -> Any:
        """Give `app` a wiring of this world: its clock, its secret, its tables, and counts that are only noted."""
        world, base = self, app.Wiring

        class FrozenWiring(base):  # type: ignore[misc, valid-type]
            counted: list[str]

            def now(self) -> float:
                return world.now

            def count(self, metric: str, **dimensions: str) -> None:
                self.counted.append(":".join([metric, *dimensions.values()]))

            def measure(self, values: Mapping[str, float], unit: str = "Count", **dimensions: str) -> None:
                """Not noted: figures of every call."""

            @property
            def _secrets_manager(self) -> Any:
                return world.secret

        wiring = FrozenWiring(environment)
        wiring.counted = []
        app.wiring = wiring  # type: ignore[attr-defined]
        return wiring

    def notify(self, event: dict[str, Any], app: ModuleType | None = None) -> Answer:
        """One invocation of the function."""
        app = app or self.app
        wiring = app.wiring
        wiring.counted = []
        written, kept = self.aws.writes(self._payments), self.aws.writes(self._quarantine)
        watch, log = self.watch, self._log
        watch.to_tables = watch.elsewhere = 0
        log.seek(0)
        log.truncate()
        stdout = app.logger.registered_handler.setStream(log)
        watch.on = True
        try:
            answer = app.lambda_handler(event, None)
        finally:
            watch.on = False
            app.logger.registered_handler.setStream(stdout)
        return Answer(
            status=answer["statusCode"],
            body=json.loads(answer["body"]),
            line=json.loads(log.getvalue()),  # fails unless it is exactly one
            to_tables=watch.to_tables,
            elsewhere=watch.elsewhere,
            payments_written=self.aws.writes(self._payments) - written,
            quarantined=self.aws.writes(self._quarantine) - kept,
            counted=wiring.counted,
        )

    def item(self, out_trade_no: str) -> dict[str, Any]:
        """The row as DynamoDB has it."""
        found: dict[str, Any] = self._dynamodb.get_item(
            TableName=self._payments, Key={"out_trade_no": {"S": out_trade_no}}, ConsistentRead=True
        )["Item"]
        return found

    def only_held(self, order: str) -> bool:
        """Whether evidence is kept with this order, and nothing else about it has changed; it is gone afterwards."""
        before, now = self.rows[order], self.item(self.orders[order].out_trade_no)
        self.restore()
        looks = ("held", "due_at", "due_shard", "due_since")
        unchanged = {name: value for name, value in now.items() if name not in looks}
        return "held" in now and unchanged == {
            name: value for name, value in before.items() if name not in looks
        }

    def restore(self) -> None:
        """Put every order back as it was at the beginning."""
        for row in self.rows.values():
            self._dynamodb.put_item(TableName=self._payments, Item=row)

    @property
    def _dynamodb(self) -> Any:
        return self.aws.client("dynamodb")

    def _put_orders(self) -> None:
        wiring: Wiring = self.wiring
        for status in (
            Status.CREATING,
            Status.PENDING,
            Status.CLOSING,
            Status.FAILED,
            Status.CLOSED,
            Status.PAID,
        ):
            self.orders[status.value.lower()] = put(wiring, status)
        self.orders["refunding"] = self._refunding(wiring)
        torn = put(wiring, Status.PENDING)  # a row that no transition of ours makes
        self._dynamodb.update_item(
            TableName=self._payments,
            Key={"out_trade_no": {"S": torn.out_trade_no}},
            UpdateExpression="SET transaction_id = :t",
            ExpressionAttributeValues={":t": {"S": "42" + "7" * 26}},
        )
        self.orders["torn"] = torn
        self.rows = {name: self.item(order.out_trade_no) for name, order in self.orders.items()}

    def _refunding(self, wiring: Wiring) -> Payment:
        """Paid; 300 of its 1000 fen are on their way back, 200 have gone back, and 100 were not taken."""
        from payments.core.lifecycle import REFUND_ACCEPTED, RefundStatus
        from payments.core.payment import Refund
        from payments.storage.refunds import RefundNews

        payment = put(wiring, Status.PAID)
        for letter, amount in (("P", 300), ("S", 200), ("C", 100)):
            number, now = refund_number(letter), int(self.now)
            refund = Refund(number, RefundStatus.REQUESTED, amount, now, sent_at=now)
            payment = wiring.refunds.reserve(payment, refund, cause="refund", due_at=now + 60, now=now)
            known = RefundNews("refund", now, refund_id(letter))
            payment = wiring.refunds.advance(payment, number, REFUND_ACCEPTED, known)
            if letter == "S":
                payment = wiring.refunds.settle_success(payment, number, known)
            if letter == "C":
                payment = wiring.refunds.release(payment, number, known)
        return payment


def refund_number(letter: str) -> str:
    """Our number of one of the refunds of the order `refunding`."""
    return "RF" + letter * 26


def refund_id(letter: str) -> str:
    """WeChat Pay's number of it."""
    return "50" + str(ord(letter)) * 13


def load() -> ModuleType:
    """A fresh instance of functions/notify/app.py, as a cold start would load it."""
    spec = importlib.util.spec_from_file_location(f"fuzz_notify_{next(_MODULES)}", APP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
