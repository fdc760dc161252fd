"""`make deploy`, as far as it goes without AWS: a SAM that writes down what it was asked, a CloudFormation that knows what it did."""

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

ROOT = Path(__file__).parents[2]
NOTIFY = "https://api.execute-api.us-east-1.amazonaws.com/api/v1/payments/wechat/notify"
NEEDED = [
    "WeChatAppId=wx8888888888888888",
    "WeChatMchId=1900000109",
    "JwtIssuer=https://i.example.com",
    "JwtAudience=pay",
]
OUTPUTS = {
    "ApiUrl": "https://api.execute-api.us-east-1.amazonaws.com",
    "NotifyUrl": NOTIFY,
    "DashboardUrl": "https://console.example.com/dashboard",
    "SigningSecretArn": "arn:signing",
    "VerificationSecretArn": "arn:verification",
}
SAM = """#!{python}
import json, sys
with open({calls!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
sys.exit({status})
"""
DECLINED = """#!{python}
# Somebody answers No to the change set: a stack that is not there yet is in review from then on, and all is well.
open({calls!r} + ".declined", "a")
"""


def words(call: list[str]) -> list[str]:
    return call[call.index("--parameter-overrides") + 1 :]


def overrides(call: list[str]) -> dict[str, str]:
    pairs = [word.split("=", 1) for word in words(call)]
    assert all(value[0] == value[-1] == '"' for _, value in pairs), pairs
    return {name: value[1:-1].replace('\\"', '"') for name, value in pairs}


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[list[str]]]:
    """What SAM was called with so far."""
    file = tmp_path / "calls"
    return lambda: [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def cloud(calls: Callable[[], list[list[str]]], tmp_path: Path) -> Iterator[str]:
    """CloudFormation and Secrets Manager: no stack until SAM was called, then one with the parameters that it was given."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["content-length"])).decode()
            if "secretsmanager" in self.headers.get("x-amz-target", ""):
                self.answer(400, json.dumps({"__type": "ResourceNotFoundException", "message": "no value"}))
            elif "DescribeStacks" in asked and calls():
                self.answer(200, self.stack("UPDATE_COMPLETE"))
            elif "DescribeStacks" in asked and (tmp_path / "calls.declined").exists():
                self.answer(200, self.stack("REVIEW_IN_PROGRESS"))
            else:
                self.answer(
                    400,
                    "<ErrorResponse><Error><Code>ValidationError</Code>"
                    "<Message>Stack with id wechatpay-dev does not exist</Message></Error></ErrorResponse>",
                )

        def stack(self, status: str) -> str:
            parameters = {"DueShards": "16"}  # a default
            for call in calls():
                parameters |= overrides(call)

            def members(what: str, pairs: dict[str, str]) -> str:
                return "".join(
                    f"<member><{what}Key>{key}</{what}Key><{what}Value>{escape(value)}</{what}Value></member>"
                    for key, value in pairs.items()
                )

            return (
                "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>wechatpay-dev</StackName>"
                f"<StackStatus>{status}</StackStatus>"
                f"<Outputs>{members('Output', OUTPUTS if calls() else {})}</Outputs>"
                f"<Parameters>{members('Parameter', parameters)}</Parameters>"
                "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
            )

        def answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def deploy(tmp_path: Path, cloud: str):
    """Runs the command with that SAM and that cloud, on something that is built."""
    built = tmp_path / "template.yaml"
    built.touch()

    def run(*arguments: str, status: int = 0, script: str = SAM) -> subprocess.CompletedProcess[str]:
        sam = tmp_path / "sam"
        sam.write_text(script.format(python=sys.executable, calls=str(tmp_path / "calls"), status=status))
        sam.chmod(sam.stat().st_mode | stat.S_IXUSR)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(str(ROOT / f"layers/{name}") for name in ("payments", "wechatpay")),
            "AWS_ENDPOINT_URL": cloud,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "SAM_CLI_TELEMETRY": "0",
            "HOME": str(tmp_path),
        }
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "operations.deploy",
                "--sam",
                str(sam),
                f"--template-file={built}",
                *arguments,
            ],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_a_first_deployment_learns_its_notify_url_and_goes_on_with_it(deploy, calls) -> None:
    done = deploy(*NEEDED)
    assert done.returncode == 0, done.stderr
    first, second = calls()
    assert first[:4] == ["deploy", "--config-env", "dev", "--no-fail-on-empty-changeset"]
    assert first[4:6] == [
        "--config-file",
        str(ROOT / "samconfig.toml"),
    ]  # not the one beside what was built: there is none
    assert first[8:11] == ["--stack-name", "wechatpay-dev", "--parameter-overrides"]
    given = overrides(first)
    assert given.items() >= {"Stage": "dev", "WeChatMchId": "1900000109", "JwtAudience": "pay"}.items()
    assert given["WeChatNotifyUrl"].startswith("https://not-yet.example.com/")
    assert overrides(second)["WeChatNotifyUrl"] == NOTIFY
    assert overrides(second)["Release"] not in (
        "",
        given["Release"],
    )  # or the first versions would go on running
    assert f"NotifyUrl     {NOTIFY}" in done.stdout
    assert "1. make secret ENV=dev FILE=.env" in done.stdout
    assert "2. make doctor ENV=dev" in done.stdout


def test_parameters_come_from_the_env_file_and_the_command_line_wins(
    deploy, calls, env_file: Callable[[dict[str, str]], str]
) -> None:
    values = {
        "WECHAT_APP_ID": "wx1111111111111111",
        "WECHAT_MCH_ID": "1900000109",
        "WECHAT_PRIVATE_KEY": "a secret that deploying has no use for",
        "WECHAT_GATEWAY": "https://api.mch.weixin.qq.com",
        "WECHAT_NOTIFY_URL": "https://pay.example.com/api/v1/payments/wechat/notify",
        "JWT_ISSUER": "https://i.example.com",
        "JWT_AUDIENCE": "pay",
    }
    done = deploy("--file", env_file(values), "WeChatAppId=wx2222222222222222")
    assert done.returncode == 0, done.stderr
    (call,) = calls()
    given = overrides(call)
    assert given["WeChatAppId"] == "wx2222222222222222"
    assert given["WeChatNotifyUrl"] == values["WECHAT_NOTIFY_URL"]
    assert "WeChatGateway" not in given
    assert "a secret" not in json.dumps(call) + done.stdout
    assert (
        "WeChat Pay is told https://pay.example.com/api/v1/payments/wechat/notify; if that is not yours"
        in done.stdout
    )


def test_a_later_deployment_needs_only_what_changes(deploy, calls) -> None:
    deploy(*NEEDED)
    done = deploy("LogLevel=DEBUG")
    assert done.returncode == 0, done.stderr
    assert set(overrides(calls()[-1])) == {"LogLevel", "Stage", "Release"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "a first deployment needs these parameters too:\n  WeChatAppId: appid of the official account"),
        ((*NEEDED, "WeChatMchId=12"), "parameter WeChatMchId must match [0-9]{8,10}"),
        ((*NEEDED, "WechatMchId=1900000109"), "parameters that the template does not have: WechatMchId"),
        ((*NEEDED, "LogLevel"), "LogLevel is not Name=value"),
        (
            ("--env", "test", *NEEDED),
            "test is not an environment of samconfig.toml; those are dev, staging, prod",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_sam_is_asked(deploy, calls, arguments, sentence) -> None:
    done = deploy(*arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert calls() == []


def test_a_faulty_env_file_is_refused_with_its_fix(deploy, calls, env_file) -> None:
    done = deploy("--file", env_file({"WECHAT_NOTIFY_URL": "http://pay.example.com/notify"}), *NEEDED)
    assert done.returncode == 1
    assert "fault      WECHAT_NOTIFY_URL is not https" in done.stdout
    assert calls() == []


def test_a_sam_that_fails_is_not_a_deployment(deploy) -> None:
    done = deploy(*NEEDED, status=3)
    assert done.returncode == 1
    assert "sam deploy ended with 3" in done.stderr
    assert "Next" not in done.stdout


def test_who_declines_the_change_set_has_deployed_nothing_and_may_begin_again(deploy, calls) -> None:
    declined = deploy(*NEEDED, script=DECLINED)
    assert declined.returncode == 1
    assert "nothing was deployed" in declined.stderr
    assert "done" not in declined.stdout

    done = deploy(*NEEDED)  # the stack in review has no parameters that could be kept
    assert done.returncode == 0, done.stderr
    assert overrides(calls()[0])["WeChatNotifyUrl"].startswith("https://not-yet.example.com/")

    declined = deploy("LogLevel=DEBUG", script=DECLINED)
    assert declined.returncode == 1
    assert "nothing was deployed" in declined.stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("WeChatMchId=1900000110", "WeChatMchId stays 1900000109"),
        ("DueShards=8", "DueShards is 16 and only ever rises"),
    ],
)
def test_what_a_stack_with_payments_must_keep_is_kept(deploy, calls, change, sentence) -> None:
    deploy(*NEEDED)
    done = deploy(change)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(calls()) == 2  # those of the first deployment


def real_sam() -> Path:
    sam = ROOT / ".venv-sam" / "bin" / "sam"
    if not sam.exists():
        pytest.skip("SAM is not here; make template brings it")
    return sam


def test_sam_itself_finds_the_settings_of_the_environment(deploy, tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text((ROOT / "template.yaml").read_text())
    done = deploy("--sam", str(real_sam()), *NEEDED)
    assert done.returncode == 1  # for there is no AWS
    # That is resolve_s3, which nobody but samconfig.toml asks for.
    assert "managed resources" in done.stdout + done.stderr


READ = """
import json, sys
from samcli.cli.types import CfnParameterOverridesType as Overrides
print(json.dumps(Overrides().convert(tuple(sys.argv[1:]), None, None)))
"""
HARD = {
    "MerchantName": 'The "Ink" Shop A=B',
    "ReturnOrigins": "https://a.example, https://b.example",
    "AlarmEmail": "",
}


def test_values_with_blanks_quotes_or_nothing_in_them_reach_sam_whole(deploy, calls) -> None:
    done = deploy(*NEEDED, *(f"{name}={value}" for name, value in HARD.items()))
    assert done.returncode == 0, done.stderr
    assert overrides(calls()[0]).items() >= HARD.items()

    python = real_sam().with_name("python")
    read = subprocess.run(
        [str(python), "-c", READ, *words(calls()[0])], check=True, capture_output=True, timeout=60
    )
    assert json.loads(read.stdout).items() >= HARD.items()


def test_a_value_that_sam_cannot_take_is_refused(deploy, calls) -> None:
    done = deploy(*NEEDED, "MerchantName=back\\slash")
    assert done.returncode == 1
    assert "MerchantName has a backslash" in done.stderr
    assert calls() == []
