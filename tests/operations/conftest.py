"""A running sandbox for all tests here, the commands run against it, and its merchant's `.env` file."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.commands.sam_local import keys
from sandbox.stack import STACK_NAME, Sandbox
from tests.kit import warm
from tests.kit.running import Running
from tests.operations.cloud import Cloud, Issuer
from tests.operations.commands import ROOT, SAM, Command, terminal


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    with Running(schedules=False) as running:
        yield running


@pytest.fixture
def command(sandbox: Sandbox) -> Command:
    """Runs one command about the stack that the sandbox has deployed; a test may name another."""

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(
                str(ROOT / layer) for layer in ("layers/payments", "layers/wechatpay")
            ),
            "AWS_ENDPOINT_URL": sandbox.aws.url,
            **keys(sandbox),
        }
        return warm.run([f"operations.{name}", "--stack", STACK_NAME, *arguments], env=environment)

    return run


@pytest.fixture
def merchant(sandbox: Sandbox) -> dict[str, str]:
    """What the sandbox's merchant would write into a `.env` file; a test spoils its copy."""
    known = sandbox.credentials
    return {
        "WECHAT_APP_ID": known.appid,
        "WECHAT_MCH_ID": known.mchid,
        "WECHAT_API_KEY": "unused-by-version-3",
        "WECHAT_API_V3_KEY": known.api_v3_key,
        "WECHAT_CERT_SERIAL_NO": known.merchant_serial_no,
        "WECHAT_PRIVATE_KEY": known.merchant_private_key,
        "WECHAT_CERTIFICATE": known.merchant_certificate,
        "WECHAT_PUBLIC_KEY_ID": known.wechat_public_key_id,
        "WECHAT_PUBLIC_KEY": known.wechat_public_key,
        "WECHAT_GATEWAY": sandbox.simulator,
        "WECHAT_GATEWAYS_ALLOWED": sandbox.simulator,
        "WECHAT_NOTIFY_URL": f"{sandbox.api}/api/v1/payments/wechat/notify",
        "WECHAT_QUOTE_KEY": sandbox.tokens.quote_key,
        "JWT_ISSUER": sandbox.tokens.issuer,
        "JWT_AUDIENCE": sandbox.tokens.audience,
    }


@pytest.fixture
def env_file(tmp_path: Path) -> Callable[[dict[str, str]], str]:
    """Writes a `.env` file and gives its path."""

    def write(values: dict[str, str]) -> str:
        path = tmp_path / ".env"
        lines = (f'{name}="{value.replace(chr(10), chr(92) + "n")}"' for name, value in values.items())
        path.write_text("# WeChat Pay Configuration\n" + "\n".join(lines) + "\n")
        return str(path)

    return write


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """CloudFormation, and what else deploying asks of AWS."""
    fake = Cloud(tmp_path)
    yield fake
    fake.stop()


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    """Who issues the tokens."""
    fake = Issuer(tmp_path)
    yield fake
    fake.stop()


@pytest.fixture
def calls(cloud: Cloud) -> Callable[[], list[list[str]]]:
    """What SAM was called with so far."""
    return cloud.calls


@pytest.fixture
def operate(tmp_path: Path, cloud: Cloud, issuer: Issuer):
    """Runs one command against that cloud, in a region and a shell that a test may choose; nobody is there, or somebody who types.

    What is None in `shell` is not set.
    """

    def run(
        name: str,
        *arguments: str,
        region: str = "us-east-1",
        typed: str | None = None,
        shell: dict[str, str | None] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        usual: dict[str, str | None] = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(
                str(ROOT / f"layers/{layer}") for layer in ("payments", "wechatpay")
            ),
            "AWS_ENDPOINT_URL": cloud.url,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_EC2_METADATA_DISABLED": "true",
            "REQUESTS_CA_BUNDLE": str(issuer.authority),
            "SAM_CLI_TELEMETRY": "0",
            "HOME": str(tmp_path),
        }
        usual |= shell or {}
        environment = {variable: value for variable, value in usual.items() if value is not None}
        if typed is None:
            return warm.run([f"operations.{name}", *arguments], env=environment)
        with terminal(typed) as end:
            return subprocess.run(
                [sys.executable, "-m", f"operations.{name}", *arguments],
                env=environment,
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
                timeout=180,
                stdin=end,
            )

    return run


@pytest.fixture
def needed(issuer: Issuer) -> list[str]:
    """The parameters that a first deployment cannot do without."""
    return [
        "WeChatAppId=wx8888888888888888",
        "WeChatMchId=1900000109",
        f"JwtIssuer={issuer.url}",
        "JwtAudience=pay",
    ]


@pytest.fixture
def deploy(tmp_path: Path, operate):
    """Runs `make deploy`'s command with a SAM that writes down what it was asked, on something that is built."""
    built = tmp_path / "template.yaml"
    built.touch()

    def run(
        *arguments: str,
        status: int = 0,
        script: str = SAM,
        region: str = "us-east-1",
        typed: str | None = None,
        shell: dict[str, str | None] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        sam = tmp_path / "sam"
        sam.write_text(script.format(python=sys.executable, folder=str(tmp_path), status=status))
        sam.chmod(0o755)
        command = ("deploy", "--sam", str(sam), f"--template-file={built}")
        return operate(*command, *arguments, region=region, typed=typed, shell=shell)

    return run
