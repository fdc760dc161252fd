"""The one object through which use cases reach the outside: store, WeChat Pay, clock, randomness, secrets.

Functions build it from their environment; tests hand in their own. Each part is made on first use and then kept, so a
function loads only what it uses.
"""

import os
import secrets as randomness
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from payments import metrics
from payments.book_wiring import BookWiring
from payments.cold_start import prepare
from payments.settings import Settings

if TYPE_CHECKING:
    from payments.openplatform.client import OpenPlatform
    from payments.stack_secrets import StackSecrets
    from payments.storage.allowances import AllowanceStore
    from payments.storage.certificates import CertificateStore
    from payments.storage.checkouts.checkouts import CheckoutStore
    from payments.storage.checkouts.visits import VisitStore
    from payments.storage.connections import ConnectionStore
    from payments.storage.echoes import EchoStore
    from payments.storage.looks import LookStore
    from payments.storage.notifications import NotificationStore
    from payments.storage.payments import PaymentStore
    from payments.storage.quarantine import Quarantine
    from payments.storage.refunds import RefundStore
    from payments.storage.unpublished import Unpublished
    from wechatpay.client import Client
    from wechatpay.errors import RefusedError, UnknownOutcomeError

# Each part is imported where it is made: `payment` must not pay for cryptography, nor `notify` for requests.
# ruff: noqa: PLC0415


class Wiring(BookWiring):
    """Everything outside, made from environment variables.

    `ahead` names the parts that a usual call needs: they are made while the function starts (`cold_start`).
    """

    def __init__(self, environment: Mapping[str, str] | None = None, *, ahead: Sequence[str] = ()) -> None:
        self.settings = Settings(os.environ if environment is None else environment)
        self._deadline = float("inf")
        prepare(self, ahead)

    def begin(self, seconds: float) -> None:
        """Start a piece of work that must be done within so many seconds; `remaining` says what is left of them."""
        self._deadline = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds that the work at hand may still take."""
        return self._deadline - time.monotonic()

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    def pause(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def entropy(self) -> bytes:
        """Twenty random bytes."""
        return randomness.token_bytes(20)

    def nonce(self) -> str:
        """A fresh nonce_str of 32 characters."""
        return randomness.token_hex(16)

    def count(self, metric: str, **dimensions: str) -> None:
        """Count one occurrence of something (CloudWatch metric, namespace WeChatPay)."""
        self.measure({metric: 1}, **dimensions)

    def measure(self, values: Mapping[str, float], unit: str = "Count", **dimensions: str) -> None:
        """Write metrics down, by name, all in one of CloudWatch's units."""
        service, now = self.settings.service, self.now()
        print(
            metrics.metric_line(values, service=service, now=now, unit=unit, dimensions=dimensions),
            flush=True,
        )

    @cached_property
    def store(self) -> "PaymentStore":
        """The payments table."""
        from payments.storage.payments import PaymentStore

        return PaymentStore(payments_table=self.settings.payments_table, due_shards=self.settings.due_shards)

    @cached_property
    def looks(self) -> "LookStore":
        """When the payments in the payments table are looked into."""
        from payments.storage.looks import LookStore

        return LookStore(payments_table=self.settings.payments_table, due_shards=self.settings.due_shards)

    @cached_property
    def refunds(self) -> "RefundStore":
        """The refunds in the payments table."""
        from payments.storage.refunds import RefundStore

        return RefundStore(due_shards=self.settings.due_shards)

    @cached_property
    def quarantine(self) -> "Quarantine":
        """The quarantine table."""
        from payments.storage.quarantine import Quarantine

        return Quarantine(quarantine_table=self.settings.quarantine_table)

    @cached_property
    def notifications(self) -> "NotificationStore":
        """The table `notifications`."""
        from payments.storage.notifications import NotificationStore

        return NotificationStore(notifications_table=self.settings.notifications_table)

    @cached_property
    def echoes(self) -> "EchoStore":
        """The echoes in the same table."""
        from payments.storage.echoes import EchoStore

        return EchoStore(notifications_table=self.settings.notifications_table)

    @cached_property
    def allowances(self) -> "AllowanceStore":
        """The table `buyers`."""
        from payments.storage.allowances import AllowanceStore

        return AllowanceStore(buyers_table=self.settings.buyers_table)

    @cached_property
    def checkouts(self) -> "CheckoutStore":
        """The table `checkouts`."""
        from payments.storage.checkouts.checkouts import CheckoutStore

        return CheckoutStore(checkouts_table=self.settings.checkouts_table)

    @cached_property
    def visits(self) -> "VisitStore":
        """The visits in the same table."""
        from payments.storage.checkouts.visits import VisitStore

        return VisitStore(checkouts_table=self.settings.checkouts_table)

    @cached_property
    def connections(self) -> "ConnectionStore":
        """The table `connections`."""
        from payments.storage.connections import ConnectionStore

        return ConnectionStore(connections_table=self.settings.connections_table)

    @cached_property
    def secrets(self) -> "StackSecrets":
        """The stack's secrets, to be read."""
        from payments.stack_secrets import StackSecrets

        return StackSecrets(self.settings, client=lambda: self._secrets_manager, clock=self.now)

    @cached_property
    def certificates(self) -> "CertificateStore":
        """The secret of downloaded platform certificates, to be written."""
        from payments.storage.certificates import CertificateStore

        return CertificateStore(client=self._secrets_manager, secret_id=self.settings.certificates_secret)

    @cached_property
    def wechat(self) -> "Client":
        """The client that calls WeChat Pay APIv3 as this merchant."""
        from wechatpay.client import Client

        return Client(
            signer=self.secrets.signing.value,
            keys=self.secrets.keys,
            gateways=self.settings.gateways,
            clock=self.now,
            nonce=self.nonce,
            remaining=self.remaining,
            on_call=self._measure_call,
        )

    @cached_property
    def open_platform(self) -> "OpenPlatform":
        """The client that asks WeChat's open platform whose code this is."""
        from payments.openplatform.client import OpenPlatform

        return OpenPlatform(origin=self.settings.open_platform, clock=self.now, remaining=self.remaining)

    def _measure_call(
        self, operation: str, seconds: float, problem: "RefusedError | UnknownOutcomeError | None"
    ) -> None:
        from wechatpay.errors import RefusedError

        refused = isinstance(problem, RefusedError)
        # Noughts and ones, so that an average is a rate.
        outcome = {"WeChatUnknown": int(problem is not None and not refused), "WeChatRefused": int(refused)}
        self.measure(outcome, operation=operation)
        if operation in ("native", "jsapi", "app", "h5"):
            self.measure({"OrderFailed": int(problem is not None)})
        self.measure({"WeChatTime": round(seconds * 1000)}, "Milliseconds", operation=operation)
        if problem is not None:
            code = problem.code if isinstance(problem, RefusedError) else problem.code or problem.reason
            self.count("WeChatErrors", code=code)

    @cached_property
    def _secrets_manager(self) -> Any:
        from payments.storage.aws import client

        # Two attempts, for a third could outlast notify's five seconds, and with the process the keys in use would be lost.
        return client("secretsmanager", attempts=2)

    @cached_property
    def queue(self) -> Any:
        """An SQS client."""
        from payments.storage.aws import client

        return client("sqs")

    @cached_property
    def live(self) -> Any:
        """A client that reaches open live connections; the address of their API is the page's, over HTTP."""
        from payments.storage.aws import client

        endpoint = "http" + self.settings.live_url.removeprefix("ws")
        return client("apigatewaymanagementapi", endpoint)

    @cached_property
    def events(self) -> Any:
        """An EventBridge client."""
        from payments.storage.aws import client

        return client("events")

    @cached_property
    def unpublished(self) -> "Unpublished":
        """The bucket for stream records that cannot be published."""
        from payments.storage.aws import client
        from payments.storage.unpublished import Unpublished

        return Unpublished(bucket=self.settings.unpublished_bucket, client=client("s3"))
