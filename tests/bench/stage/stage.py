"""Everything around the measured processes: a local AWS for each product, the simulator, the canned server, the variants."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import requests

from sandbox.aws.access_control import ADMIN_ACCESS_KEY
from sandbox.aws.aws import Aws
from sandbox.clock import Clock
from sandbox.cloudformation.deployer import deploy
from sandbox.cloudformation.template import parameters_of
from sandbox.deployed import Deployed
from sandbox.first_deployment import chosen_parameters, write_secrets
from sandbox.tokens import Tokens
from tests.bench.measuring.calling import Called
from tests.bench.stage.authority import server_context
from tests.bench.stage.canned import HOSTS, Canned
from tests.bench.stage.endpoints import NOTIFY_URL
from tests.bench.stage.packages import Packages, bare_python, compiled, site_packages
from tests.bench.stage.variants import (
    BUILD,
    FLOOR,
    HERE,
    IDEMPOTENCY_TABLE,
    PEER,
    Variant,
    checked_out,
    product,
    reference,
)
from tests.kit.parameters import ROOT
from wechatpay_simulator import Credentials, Simulator

ADMIN = {
    "AWS_ACCESS_KEY_ID": ADMIN_ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": "sandbox",
    "AWS_SESSION_TOKEN": "sandbox",
}


class Stage:
    """A context manager. `environment` is the virtual environment whose packages are measured, ours unless given.

    `before` is a git revision, which makes one variant more; `only` names the variants that are wanted.
    Raises MissingPackageError, subprocess.CalledProcessError, TemplateError.
    """

    def __init__(
        self,
        *,
        environment: Path | None = None,
        before: str | None = None,
        only: Collection[str] | None = None,
    ) -> None:
        self._environment, self._before, self._only = environment, before, only
        self._ends = ExitStack()
        self.variants: dict[str, Variant] = {}
        self.aws: dict[str, Aws] = {}  # by variant
        self.credentials: Credentials
        self.simulator: str
        self.canned: Canned

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._ends.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def _start(self) -> None:
        self._folder = folder = Path(tempfile.mkdtemp(prefix="wechatpay-bench-"))
        self._ends.callback(shutil.rmtree, folder, ignore_errors=True)
        self._clock = Clock()
        self._tokens = Tokens(self._clock, issuer="https://issuer.example.com")
        self.credentials = Credentials.load_or_create(folder / "credentials.json")
        simulator = Simulator(self.credentials, clock=self._clock)
        self._ends.callback(simulator.stop)
        self.simulator = simulator.start()
        tls, self._trusted = server_context(HOSTS, folder)
        subprocess.run([sys.executable, BUILD / "roots.py", self._trusted], check=True)
        self.canned = Canned(tls)
        self._ends.callback(self.canned.close)
        packages = Packages(site_packages(self._environment))
        base = getattr(sys, "_base_executable", sys.executable)
        if self._environment is not None:
            base = str((self._environment / "bin" / "python").resolve())
        self.python = bare_python(folder / "python", base)
        self.shim = folder / "shim"
        shutil.copytree(HERE / "child", self.shim, ignore=shutil.ignore_patterns("__pycache__"))
        compiled(self.shim)
        code = folder / "variants"
        ours = self._deployed("ours", ROOT)
        aws = self.aws["ours"]
        self._add("floor", aws, lambda: reference("floor", FLOOR, ours, packages, code))
        self._add("ours", aws, lambda: product("ours", ROOT, ours, packages, code))
        if self._before:
            checkout = checked_out(self._before, folder / "checkout")
            then = self._deployed("before", checkout)
            self._add("before", self.aws["before"], lambda: product("before", checkout, then, packages, code))
        self._add("peer", aws, lambda: reference("peer", PEER, ours, packages, code))

    def _add(self, name: str, aws: Aws, made: Callable[[], Variant]) -> None:
        if self._only is None or name in self._only:
            self.variants[name], self.aws[name] = made(), aws

    def _deployed(self, name: str, checkout: Path) -> Deployed:
        aws = self.aws[name] = Aws()
        aws.start()
        self._ends.callback(aws.stop)
        template = checkout / "template.yaml"
        given = chosen_parameters(
            self.credentials,
            self._tokens,
            api="https://shop.example",
            notify_url=NOTIFY_URL,
            simulator="",
            open_platform="",
            shop_name="",
        )
        declared = parameters_of(template)
        elsewhere = ("WeChatGateway", "WeChatBackupGateway", "WeChatOpenPlatform", "WeChatAuthorize")
        wanted = {k: v for k, v in given.items() if k in declared and not k.startswith(elsewhere)}
        deployed = deploy(template, aws=aws, parameters=wanted, websocket_origin="wss://live.example")
        write_secrets(aws, deployed, self.credentials, self._tokens, mode="pubkey")
        aws.client("dynamodb").create_table(
            TableName=IDEMPOTENCY_TABLE,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return deployed

    def environment(self, variant: Variant, endpoint: str, *, recording: bool = False) -> dict[str, str]:
        """Of a measured process, or of one that asks moto, which wants credentials of its own."""
        granted = None
        if recording and variant.is_product:
            function = variant.role(endpoint)
            granted = self.aws[variant.name].session_credentials(function.role_arn, function.name)
        elif recording:
            granted = ADMIN
        return {
            **variant.environment(endpoint, self.shim, granted),
            "BENCH_HOSTS": ",".join(HOSTS),
            "BENCH_PORT": str(self.canned.port),
            "BENCH_AUTHORITIES": str(self._trusted),
        }

    def log(self, variant: Variant, endpoint: str) -> Path:
        """What its processes write."""
        return self._folder / f"{variant.name}-{endpoint}.log"

    def started(self, variant: Variant, endpoint: str, *, recording: bool = False) -> Called:
        """A process that waits for calls."""
        return Called(
            [self.python, str(self.shim / "calls.py"), variant.handler(endpoint)],
            variant.code(endpoint),
            self.environment(variant, endpoint, recording=recording),
            self.log(variant, endpoint),
        )

    def control(self, name: str, members: Mapping[str, Any] | None = None) -> Any:
        """One of the simulator's."""
        with requests.Session() as phone:
            phone.trust_env = False
            url = f"{self.simulator}/_sandbox/{name}"
            told = (
                phone.get(url, timeout=10) if members is None else phone.post(url, json=members, timeout=10)
            )
        told.raise_for_status()
        return json.loads(told.content)
