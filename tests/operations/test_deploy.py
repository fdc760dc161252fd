"""`make deploy`, as far as it goes without AWS: a SAM that writes down what it was asked, a CloudFormation that knows what it did."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.operations.cloud import NOTIFY, Cloud, Issuer, overrides, words

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.share(3, of_file=True)

DECLINED = """#!{python}
# Somebody answers No to the change set: a stack that is not there yet is in review from then on, and all is well.
import pathlib
folder = pathlib.Path({folder!r})
if not (folder / "calls").exists():
    (folder / "state").write_text("REVIEW_IN_PROGRESS")
"""


def test_a_first_deployment_learns_its_notify_url_and_goes_on_with_it(deploy, needed, calls) -> None:
    done = deploy(*needed)
    assert done.returncode == 0, done.stderr
    first, second = calls()
    assert first[:4] == ["deploy", "--config-env", "dev", "--no-fail-on-empty-changeset"]
    assert first[4:6] == [
        "--config-file",
        str(ROOT / "samconfig.toml"),
    ]  # not the one beside what was built: there is none
    assert first[8:10] == ["--stack-name", "wechatpay-dev"]
    assert first[-1 - len(words(first))] == "--parameter-overrides"
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


def test_whoever_may_read_no_secret_has_deployed_all_the_same(deploy, needed, cloud: Cloud) -> None:
    """As the role of GitHub's workflow: it fails only where the deployment did."""
    cloud.refused = {"secretsmanager": "AccessDeniedException"}
    done = deploy(*needed)
    assert done.returncode == 0, done.stderr
    assert "deploy: done. Next:" in done.stdout
    assert "make secret" not in done.stdout
    assert "make doctor ENV=dev" in done.stdout


def test_parameters_come_from_the_env_file_and_the_command_line_wins(
    deploy, calls, issuer: Issuer, env_file: Callable[[dict[str, str]], str]
) -> None:
    values = {
        "WECHAT_APP_ID": "wx1111111111111111",
        "WECHAT_MCH_ID": "1900000109",
        "WECHAT_PRIVATE_KEY": "a secret that deploying has no use for",
        "WECHAT_GATEWAY": "https://api.mch.weixin.qq.com",
        "WECHAT_NOTIFY_URL": "https://pay.example.com/api/v1/payments/wechat/notify",
        "JWT_ISSUER": issuer.url,
        "JWT_AUDIENCE": "pay",
    }
    done = deploy("--file", env_file(values), "WeChatAppId=wx2222222222222222")
    assert done.returncode == 0, done.stderr
    call, _ = calls()
    given = overrides(call)
    assert given["WeChatAppId"] == "wx2222222222222222"
    assert given["WeChatNotifyUrl"] == values["WECHAT_NOTIFY_URL"]
    assert "WeChatGateway" not in given
    assert "a secret" not in json.dumps(call) + done.stdout
    assert (
        "WeChat Pay is told https://pay.example.com/api/v1/payments/wechat/notify; if that is not yours"
        in done.stdout
    )


def test_a_later_deployment_needs_only_what_changes(deploy, needed, calls) -> None:
    deploy(*needed)
    done = deploy("LogLevel=DEBUG")
    assert done.returncode == 0, done.stderr
    assert overrides(calls()[-1]).keys() == {"LogLevel", "Release", "DeletionProtection"}
    assert overrides(calls()[-1])["DeletionProtection"] == "true"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["WeChatMchId=12"], "parameter WeChatMchId must match [0-9]{8,10}"),
        (["WeChatAppId=gh_1234567890"], "parameter WeChatAppId must match wx[0-9a-zA-Z]{16}"),
        (["WeChatApps=shop=gh_1234567890"], "parameter WeChatApps must match"),
        (
            ["WeChatAppId=wx8888888888888888", "WeChatApps=mini=wx0123456789abcdef"],
            "WeChatAppId must be one of the appids in WeChatApps: it is the default",
        ),
        (
            ["WeChatApps=shop=wx8888888888888888,shop=wx0123456789abcdef"],
            "WeChatApps has the name shop twice",
        ),
        (["WechatMchId=1900000109"], "the template has no parameter WechatMchId; did you mean WeChatMchId?"),
        (["LogLevel"], "LogLevel is not Name=value"),
        (
            ["RefundScope=payments:pay"],
            "PayScope, ChargeScope, RefundScope, ReadScope, ReconcileScope must differ: with one name, every buyer may do all of it",
        ),
        (
            ["--env", "test"],
            "test is not an environment of samconfig.toml; those are dev, staging, restored, prod",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_sam_is_asked(deploy, needed, calls, arguments, sentence) -> None:
    done = deploy(*needed, *arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert calls() == []


def test_a_first_deployment_is_told_what_it_lacks(deploy, calls) -> None:
    done = deploy()
    assert done.returncode == 1
    assert (
        "a first deployment needs these too:\n  WECHAT_APP_ID in the .env file, or WeChatAppId: appid of the official account"
        in done.stderr
    )
    assert calls() == []


def test_a_faulty_env_file_is_refused_with_its_fix(deploy, needed, calls, env_file) -> None:
    done = deploy("--file", env_file({"WECHAT_NOTIFY_URL": "http://pay.example.com/notify"}), *needed)
    assert done.returncode == 1
    assert "fault      WECHAT_NOTIFY_URL is not https" in done.stdout
    assert calls() == []


def test_a_sam_that_fails_is_not_a_deployment(deploy, needed) -> None:
    done = deploy(*needed, status=3)
    assert done.returncode == 1
    assert "sam deploy ended with 3" in done.stderr
    assert "Next" not in done.stdout


def test_who_declines_the_change_set_has_deployed_nothing_and_may_begin_again(deploy, needed, calls) -> None:
    declined = deploy(*needed, script=DECLINED)
    assert declined.returncode == 1
    assert "nothing was deployed" in declined.stderr
    assert "done" not in declined.stdout

    done = deploy(*needed)  # the stack in review has no parameters that could be kept
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
        (
            "RefundScope=payments:charge",
            "PayScope, ChargeScope, RefundScope, ReadScope, ReconcileScope must differ",
        ),
        ("StackScope=other", "order numbers derive from the scope dev"),
        ("Stage=development", "order numbers derive from the scope dev"),
    ],
)
def test_what_a_stack_with_payments_must_keep_is_kept(deploy, needed, calls, change, sentence) -> None:
    deploy(*needed)
    done = deploy(change)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(calls()) == 2  # those of the first deployment


def real_sam() -> Path:
    sam = ROOT / ".venv-sam" / "bin" / "sam"
    if not sam.exists():
        pytest.skip("SAM is not here; make template brings it")
    return sam


def test_sam_itself_finds_the_settings_of_the_environment(deploy, needed, tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text((ROOT / "template.yaml").read_text())
    done = deploy("--sam", str(real_sam()), *needed)
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
    "WeChatApps": "shop=wx8888888888888888, mini=wx0123456789abcdef",
}


def test_values_with_blanks_quotes_or_nothing_in_them_reach_sam_whole(deploy, needed, calls) -> None:
    done = deploy(*needed, *(f"{name}={value}" for name, value in HARD.items()))
    assert done.returncode == 0, done.stderr
    assert overrides(calls()[0]).items() >= HARD.items()

    python = real_sam().with_name("python")
    read = subprocess.run(
        [str(python), "-c", READ, *words(calls()[0])], check=True, capture_output=True, timeout=60
    )
    assert json.loads(read.stdout).items() >= HARD.items()


def test_a_value_that_sam_cannot_take_is_refused(deploy, needed, calls) -> None:
    done = deploy(*needed, "MerchantName=back\\slash")
    assert done.returncode == 1
    assert "MerchantName has a backslash" in done.stderr
    assert calls() == []
