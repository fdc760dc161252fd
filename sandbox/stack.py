"""The whole sandbox: template.yaml deployed on this machine, with AWS, Lambda, API Gateway and WeChat Pay around it."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from starlette.routing import BaseRoute

from sandbox import loopback
from sandbox.apigateway.gateway import Gateway
from sandbox.apigateway.handshake import Refusable
from sandbox.apigateway.payload import Api
from sandbox.apigateway.websocket_gateway import WebSocketGateway
from sandbox.aws.aws import Aws
from sandbox.clock import Clock
from sandbox.cloudformation.deployer import deploy
from sandbox.cloudformation.template import parameters_of
from sandbox.controls import Front
from sandbox.deployed import Deployed, Function
from sandbox.first_deployment import chosen_parameters, write_secrets
from sandbox.functions.artefacts import Artefacts
from sandbox.functions.lambdas import Lambdas
from sandbox.pages import routes
from sandbox.pages.prices import SHOP_NAME
from sandbox.tokens import Tokens
from sandbox.triggers.triggers import Triggers
from sandbox.triggers.webhooks import key_of, new_secret
from wechatpay_simulator import Credentials, Simulator
from wechatpay_simulator.serving import Served

TEMPLATE = Path(__file__).parent.parent / "template.yaml"
STACK_NAME = "wechatpay-sandbox"  # what `make doctor ENV=sandbox` and the like ask for
NOTIFY_PATH = "/api/v1/payments/wechat/notify"


class Sandbox:
    """Starts everything on loopback ports of its own; use it as a context manager, or `start` and `stop`.

    `port` is the API's (0: a free one; OSError when it is taken, at once). `credentials` is a file of the simulator's to
    re-use or write, `parameters` override the template's, `pages` replace shop and phone on the API's port (read at start),
    `forward_events` is the web server of this machine (loopback.receiver) that each event is posted to as a webhook, signed
    with `webhook_secret` (a new one by default). `log_sink` takes (logical id, line) of what functions write, `wechat_log` the simulator's lines. With `schedules=False` no schedule fires by itself;
    `schedules[logical id].run_now()` does it then.

    Where the variable SANDBOX_BUILT names the folder that `make build` fills, functions run from there.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        credentials: Path | None = None,
        mode: str = "pubkey",
        parameters: Mapping[str, str] | None = None,
        template: Path = TEMPLATE,
        pages: Iterable[BaseRoute] | None = None,
        max_processes: int = 10,
        log_sink: Callable[[str, str], None] | None = None,
        schedules: bool = True,
        forward_events: str | None = None,
        webhook_secret: str | None = None,
        wechat_log: TextIO | None = None,
    ) -> None:
        self.webhook: dict[str, str] | None = None
        if forward_events is not None:
            secret = webhook_secret or new_secret()
            key_of(secret)
            self.webhook = {"url": loopback.receiver(forward_events), "secret": secret}
        self._template, self._mode, self._wechat_log = template, mode, wechat_log
        self._overrides = dict(parameters or {})
        self._max_processes, self._log_sink = max_processes, log_sink
        self._front = Front(self, routes(self) if pages is None else pages)
        self._served = Served(self._front, port=port, websockets=Refusable)
        self.api = self._served.url
        self._state = Path(tempfile.mkdtemp(prefix="wechatpay-sandbox-"))
        self.credentials_path = credentials or self._state / "credentials.json"
        self.clock = Clock(self._state / "clock")
        self.tokens = Tokens(self.clock, issuer=f"{self.api}/_sandbox/issuer")
        self.aws = Aws(now=self.clock.time)
        self._ends = ExitStack()  # called last first, and all of them even if one fails
        self._ends.callback(shutil.rmtree, self._state, ignore_errors=True)
        self._ends.callback(self._served.stop)
        self._fire_schedules = schedules
        self._triggers = Triggers(self.aws, self.clock)
        self.schedules = self._triggers.schedules
        self.simulator: str
        self.open_platform: str
        self.credentials: Credentials
        self.merchant_name: str
        self.deployed: Deployed
        self.lambdas: Lambdas
        self.websockets: WebSocketGateway | None

    def start(self) -> Self:
        """Start everything; what had started is ended again when something does not."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        with ThreadPoolExecutor(1) as side:
            aws = side.submit(self.aws.start)
            self._ends.callback(self.aws.stop)
            self.credentials = Credentials.load_or_create(self.credentials_path)
            simulator = Simulator(self.credentials, clock=self.clock, mode=self._mode, log=self._wechat_log)
            self._ends.callback(simulator.stop)
            self.simulator = simulator.start()
            self.open_platform = simulator.open_platform_url
            aws.result()
        parameters = self._parameters()
        self.merchant_name = parameters.get("MerchantName") or SHOP_NAME
        self.deployed = deploy(
            self._template,
            aws=self.aws,
            parameters=parameters,
            stack_name=STACK_NAME,
            websocket_origin="ws" + self.api.removeprefix("http"),
        )
        loopback.allow_returns(self.deployed)
        write_secrets(self.aws, self.deployed, self.credentials, self.tokens, mode=self._mode)
        # Asked for once, here: every call that starts a process would otherwise pay for it.
        roles = {function.role_arn: function.name for function in self.deployed.functions.values()}
        granted = {arn: self.aws.session_credentials(arn, name) for arn, name in roles.items()}

        def credentials_of(function: Function) -> Mapping[str, str]:
            return granted[function.role_arn]

        functions, python = self.deployed.functions, sys.executable
        if built := os.environ.get("SANDBOX_BUILT"):
            artefacts = Artefacts(Path(built))
            functions = {name: artefacts.of(function) for name, function in functions.items()}
            python = artefacts.python
        self.lambdas = Lambdas(
            functions,
            python=python,
            region=self.aws.region,
            endpoint_url=self.aws.url,
            credentials=credentials_of,
            clock=self.clock,
            max_processes=self._max_processes,
            log_sink=self._log_sink,
        )
        self._ends.callback(self._end_calls)
        self._start_pumps(credentials_of)
        gateway = Gateway(
            self.deployed.routes,
            self.deployed.cors,
            self.lambdas.invoke,
            keys=self.tokens.public_keys,
            limits=self.deployed.limits,
            clock=self.clock,
            api=Api(self.aws.account, self.deployed.refs.get("Api", "sandbox"), self.aws.region),
            also_allowed=loopback.is_origin,
        )
        self._ends.callback(gateway.close)
        self.websockets = None
        if self.deployed.websocket is not None:
            self.websockets = WebSocketGateway(
                self.deployed.websocket, self.lambdas.invoke, aws=self.aws, clock=self.clock
            )
        self._front.open(gateway, self.websockets)
        self._served.start()
        self._ends.callback(self._served.stop)
        if self.websockets is not None:
            self._ends.callback(self.websockets.close)

    def _start_pumps(self, credentials_of: Callable[[Function], Mapping[str, str]]) -> None:
        self._triggers.start(
            self.deployed,
            self.lambdas.invoke,
            lambda logical_id: dict(credentials_of(self.deployed.functions[logical_id])),
            fire_schedules=self._fire_schedules,
        )
        if self.webhook is not None:
            self._triggers.forward(**self.webhook)

    def stop(self) -> None:
        """The API takes no more requests, then functions, pumps, schedules, simulator and AWS end. May be called again."""
        self._ends.close()

    def _end_calls(self) -> None:
        # A trigger's end waits for its call under way, which ends with the functions: so both at once.
        with ThreadPoolExecutor(1) as side:
            side.submit(self._triggers.stop)
            self.lambdas.stop()

    def warm(self) -> None:
        """Start a process of every function, so that no first call waits for one."""
        self.lambdas.warm()

    def drain(self, timeout: float = 10.0) -> bool:
        """Wait until no schedule is due, no message visible, no record or event undelivered, also not from each other.

        False when `timeout` seconds were too few.
        """
        return self._triggers.drain(timeout)

    @property
    def pumped(self) -> int:
        """How many batches streams and queues have given to functions."""
        return self._triggers.pumped

    def info(self) -> dict[str, Any]:
        """Where everything runs: base URLs, the credentials file, our process number; and where events are forwarded."""
        told: dict[str, Any] = {
            "api": self.api,
            "simulator": self.simulator,
            "openPlatform": self.open_platform,
            "aws": self.aws.url,
            "credentials": str(self.credentials_path.resolve()),
            "pid": os.getpid(),
        }
        return told if self.webhook is None else told | {"webhook": self.webhook}

    def events(self) -> list[dict[str, Any]]:
        """What the event bus took, in order."""
        return self.aws.events

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _parameters(self) -> dict[str, str]:
        ours = chosen_parameters(
            self.credentials,
            self.tokens,
            api=self.api,
            notify_url=self.api + NOTIFY_PATH,
            simulator=self.simulator,
            open_platform=self.open_platform,
            shop_name=SHOP_NAME,
        )
        declared = parameters_of(self._template)
        return {**{name: value for name, value in ours.items() if name in declared}, **self._overrides}
