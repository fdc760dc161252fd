"""What is measured: the product of a checkout, the floor, the peer; each laid out as it would be deployed."""

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.clock import Clock
from sandbox.deployed import Deployed, Function
from sandbox.functions.lambdas import environment_of
from tests.bench.stage.endpoints import NOTIFY_URL
from tests.bench.stage.packages import RUNTIME, Packages, compiled, required
from tests.kit.parameters import ROOT

HERE = Path(__file__).parents[1]
BUILD = ROOT / "layers" / "dependencies"
IDEMPOTENCY_TABLE = "idempotency"
REGION = "us-east-1"
# Names of their own packages; what those need comes with them.
FLOOR = ("botocore", "cryptography", "qrcode", "requests", *RUNTIME)
PEER = (
    "aws-lambda-powertools", "boto3", "pydantic", "pyjwt", "pypng", "qrcode", "requests", "wechatpayv3", *RUNTIME,
)  # fmt: skip
# As long as those of a role in Lambda are.
ROLE = {
    "AWS_ACCESS_KEY_ID": "ASIABENCHMARK0000000",
    "AWS_SECRET_ACCESS_KEY": "benchmark" * 4,
    "AWS_SESSION_TOKEN": "t" * 760,
}


@dataclass(frozen=True)
class Variant:
    """One way to write the endpoints. `deployed` says what environment its functions get."""

    name: str
    path: tuple[Path, ...]
    folder: Path
    deployed: Deployed
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_product(self) -> bool:
        """Whether it has one folder per function and module `app` in it."""
        return self.name not in ("floor", "peer")

    def handler(self, endpoint: str) -> str:
        """As Lambda is told it."""
        return "app.lambda_handler" if self.is_product else f"{endpoint}.lambda_handler"

    def code(self, endpoint: str) -> Path:
        """The folder of the handler's module."""
        return self.folder / endpoint if self.is_product else self.folder

    def environment(
        self, endpoint: str, shim: Path, credentials: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Of a function's process: Lambda's variables and the template's, with the real AWS's addresses."""
        function = self._function(endpoint)
        given = environment_of(function, REGION, "", credentials or ROLE, Clock())
        path = [shim, self.code(endpoint), *self.path]
        return {
            **given,
            **self.more,
            "LAMBDA_TASK_ROOT": str(self.code(endpoint)),
            "PYTHONPATH": os.pathsep.join(map(str, path)),
        }

    def role(self, endpoint: str) -> Function:
        """The deployed function, for its role."""
        return self._function(endpoint)

    def _function(self, endpoint: str) -> Function:
        found = {function.code.name: function for function in self.deployed.functions.values()}
        return found[endpoint]


def checked_out(revision: str, folder: Path) -> Path:
    """The product at a git revision, in `folder`. Raises subprocess.CalledProcessError."""
    archive = subprocess.run(
        ["git", "archive", revision, "functions", "layers", "template.yaml"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def product(name: str, checkout: Path, deployed: Deployed, packages: Packages, folder: Path) -> Variant:
    """The product of a checkout, copied and compiled as a build does."""
    place = folder / name
    for part in ("functions", "layers"):
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(checkout / part, place / part, ignore=ignored)
    dependencies = checkout / "layers" / "dependencies"
    installed = place / "packages"
    wanted = {*required(dependencies / "requirements.txt"), *packages.closure(RUNTIME)}
    packages.lay_out(wanted, installed, dependencies)
    compiled(place)
    layers = (place / "layers" / "wechatpay", place / "layers" / "payments")
    return Variant(name, (*layers, installed), place / "functions", deployed)


def reference(
    name: str, wanted: tuple[str, ...], deployed: Deployed, packages: Packages, folder: Path
) -> Variant:
    """The floor, with botocore's data as the product's build leaves it, or the peer, with the models of all that is called."""
    place = folder / name
    shutil.copytree(HERE / name, place / "code", ignore=shutil.ignore_patterns("__pycache__"))
    packages.lay_out(packages.closure(wanted), place / "packages", BUILD, usual=name == "peer")
    compiled(place)
    more = {"IDEMPOTENCY_TABLE": IDEMPOTENCY_TABLE} if name == "peer" else {}
    if name == "peer":  # which has all secrets everywhere, as is usual
        query = next(f for f in deployed.functions.values() if f.code.name == "jsapi").environment
        more |= {name: value for name, value in query.items() if name.endswith("_SECRET")}
        more["WECHAT_NOTIFY_URL"] = NOTIFY_URL
    return Variant(name, (place / "packages",), place / "code", deployed, more)
