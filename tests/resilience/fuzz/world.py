"""What a notification meets: the function, real tables behind it, orders in every state, and a watch on its sockets.

A world of its own because a million notifications come in while time stands still, and none may leave anything behind.
"""

import io
import json
import logging
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, Self

from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.wiring import Wiring
from sandbox.cloudformation.deployer import deploy
from tests.kit.environment import local_aws, operator_of
from tests.kit.functions import function
from tests.kit.logs import logged_to
from tests.kit.parameters import PARAMETERS, ROOT, TEMPLATE
from tests.kit.payments import put
from tests.kit.secrets import SecretsManager, verification
from tests.kit.sockets import SocketWatch
from tests.kit.wechat_pay import WeChatPay
from wechatpay_simulator import Credentials

APP = ROOT / "functions" / "notify" / "app.py"
PREVIOUS_KEY = "previous-api-v3-key-32-character"
RETIRED_KEY = "retired-apiv3-key-of-32-charactr"


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


class Watch(SocketWatch):
    """Counts what this thread sends while it runs product code: to the tables' port, and anywhere else."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self._thread = threading.get_ident()
        self.on = False
        self.to_tables = self.elsewhere = 0

    def seen(self, name: str, this: socket.socket, arguments: tuple[Any, ...]) -> None:
        """Count it."""
        if self.on and threading.get_ident() == self._thread:
            to = arguments[0] if name.startswith("connect") else this.getpeername()
            if to[1] == self._port:
                self.to_tables += 1
            else:
                self.elsewhere += 1


class World:
    """A context manager. Time stands still in it; `orders` are numbers by what became of the order."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))
        self.orders: dict[str, Payment] = {}
        self.rows: dict[str, dict[str, Any]] = {}  # as they were put
        self._log = io.StringIO()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.credentials = replace(
            Credentials.create(), mchid=PARAMETERS["WeChatMchId"], appid=PARAMETERS["WeChatAppId"]
        )
        self.wechat = WeChatPay(self.credentials, self)
        self.aws = self._open.enter_context(local_aws())
        deployed = deploy(TEMPLATE, aws=self.aws, parameters=PARAMETERS, stack_name="fuzz")
        self.environment = deployed.functions["NotifyFunction"].environment
        known = verification(
            self.credentials,
            WECHAT_API_V3_KEY_PREVIOUS=PREVIOUS_KEY,
            WECHAT_PLATFORM_CERTIFICATES=[self.credentials.platform_certificate],
        )
        self._secrets = SecretsManager(
            {self.environment["VERIFICATION_SECRET"]: known, self.environment["CERTIFICATES_SECRET"]: {}}
        )
        self._payments, self._quarantine = deployed.refs["PaymentsTable"], deployed.refs["QuarantineTable"]
        self._open.enter_context(operator_of(self.aws))
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
        self._open.close()

    def time(self) -> float:
        """Epoch seconds, for whoever signs."""
        return self.now

    @property
    def secret_reads(self) -> int:
        """How often the verification secret was read."""
        return self._secrets.reads[self.environment["VERIFICATION_SECRET"]]

    def fresh(self, environment: Mapping[str, str]) -> tuple[ModuleType, Any]:
        """The function as a cold start would load it, in this environment, and its wiring."""
        app = function("notify")
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
                return world._secrets

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
        watch.on = True
        try:
            with logged_to(log, app.logger):
                answer = app.lambda_handler(event, None)
        finally:
            watch.on = False
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
        from payments.core.lifecycle import REFUND_ACCEPTED, RefundNews, RefundStatus
        from payments.core.payment import Refund

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
