"""`make deploy` in a wrong environment: the sentence that mends it, before anything is built and before AWS is asked for more than it takes to know."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.operations.cloud import ACCOUNT, Cloud, Issuer
from tests.operations.commands import ROOT

pytestmark = pytest.mark.share(3, of_file=True)

Build = Callable[[], bool]
KEY = "AKIAEXAMPLESECRETVALUE"
BUILT = """#!{python}
import json, os, pathlib, sys
pathlib.Path({folder!r}, "built").write_text(json.dumps(dict(os.environ)))
sys.exit({status})
"""
SAM_AFTER = """#!{python}
import json, pathlib, sys
folder = pathlib.Path({folder!r})
assert (folder / "built").exists(), "SAM came before what it deploys"
with open(folder / "calls", "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
"""


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., str]:
    """A command that leaves `built` behind, with the environment that it was run in."""

    def write(status: int = 0) -> str:
        path = tmp_path / "build"
        path.write_text(BUILT.format(python=sys.executable, folder=str(tmp_path), status=status))
        path.chmod(0o755)
        return str(path)

    return write


NO_KEYS: dict[str, str | None] = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
WHO = ["GetCallerIdentity"]
WRONG: list[tuple[str, dict[str, str | None], str, list[str]]] = [
    (
        "no region",
        {"AWS_DEFAULT_REGION": None},
        "there is no region: export AWS_DEFAULT_REGION=…, or `aws configure`; docs/regions.md says which to take",
        [],
    ),
    (
        "the region in another tool's variable",
        {"AWS_DEFAULT_REGION": None, "AWS_REGION": "eu-west-1"},
        "AWS_REGION is read by other tools alone; export AWS_DEFAULT_REGION=eu-west-1 too",
        [],
    ),
    (
        "two regions",
        {"AWS_REGION": "eu-west-1"},
        "AWS_REGION is eu-west-1, and the region that counts here is us-east-1",
        [],
    ),
    (
        "a region misspelt",
        {"AWS_DEFAULT_REGION": "us-esat-1"},
        "us-esat-1 is not a region that this AWS SDK knows; did you mean us-east-1?",
        [],
    ),
    (
        "a region of another partition",
        {"AWS_DEFAULT_REGION": "cn-north-1"},
        "cn-north-1 is in the partition aws-cn",
        [],
    ),
    ("no credentials", NO_KEYS, "there are no AWS credentials: log in", []),
    (
        "half of the credentials",
        {"AWS_SECRET_ACCESS_KEY": None},
        "the AWS credentials are not whole, one of the two keys is missing: log in",
        [],
    ),
    (
        "a profile misspelt",
        {**NO_KEYS, "AWS_PROFILE": "shpo"},
        "there is no AWS profile shpo; did you mean shop?",
        [],
    ),
    (
        "a profile of somebody else's",
        {**NO_KEYS, "AWS_PROFILE": "another"},
        "there is no AWS profile another: `aws configure list-profiles` tells which there are",
        [],
    ),
    (
        "nobody at AWS",
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        "AWS cannot be reached from here: check network, proxy and region.",
        [],
    ),
]


@pytest.mark.parametrize(
    ("shell", "sentence", "heard"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG]
)
def test_a_wrong_shell_is_named_before_anything_is_built(
    deploy, needed, build, cloud: Cloud, tmp_path: Path, shell, sentence, heard
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text("[default]\n[profile shop]\nregion = us-east-1\n")
    done = deploy("--build", build(), *needed, shell={"AWS_ACCESS_KEY_ID": KEY, **shell})
    assert done.returncode == 1
    assert sentence in done.stderr
    assert_nothing_done(done, cloud, tmp_path, heard)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("ExpiredToken", "the AWS credentials have expired: get new ones"),
        ("InvalidClientTokenId", "AWS does not know this access key"),
        (
            "SignatureDoesNotMatch",
            "AWS_SECRET_ACCESS_KEY is not the one of this access key, or this clock is wrong",
        ),
        ("AccessDenied", "may not do GetCallerIdentity"),
    ],
)
def test_credentials_that_aws_does_not_take_are_named_before_anything_is_built(
    deploy, needed, build, cloud: Cloud, tmp_path: Path, code, sentence
) -> None:
    cloud.unbelieved = code
    done = deploy("--build", build(), *needed, shell={"AWS_ACCESS_KEY_ID": KEY})
    assert done.returncode == 1
    assert sentence in done.stderr
    assert_nothing_done(done, cloud, tmp_path, WHO)


def test_another_account_than_the_file_is_meant_for_is_refused(
    deploy, needed, build, cloud: Cloud, tmp_path: Path, env_file
) -> None:
    done = deploy("--build", build(), "--file", env_file({"AWS_ACCOUNT_ID": "210987654321"}), *needed)
    assert done.returncode == 1
    assert (
        f"AWS_ACCOUNT_ID is 210987654321, and these AWS credentials are of account {ACCOUNT}" in done.stderr
    )
    assert_nothing_done(done, cloud, tmp_path, WHO)


SECRET = "s3cr3tVALUEthatNobodyMayEverSeeOK"
FILES: list[tuple[str, dict[str, str], str, str]] = [
    (
        "the merchant number under another name",
        {"MCHID": "1900000109"},
        "fault      MCHID is not read by anything here: did you mean WECHAT_MCH_ID?",
        "-> rename it to WECHAT_MCH_ID, if that is meant",
    ),
    (
        "the appid under its parameter's name",
        {"WeChatAppId": "wx8888888888888888"},
        "fault      WeChatAppId is not read by anything here: did you mean WECHAT_APP_ID?",
        "-> rename it to WECHAT_APP_ID, if that is meant",
    ),
    (
        "a switch misspelt",
        {"WECHAT_REQIRE_QUOTE": "false"},
        "fault      WECHAT_REQIRE_QUOTE is not read by anything here: did you mean REQUIRE_QUOTE?",
        "-> rename it to REQUIRE_QUOTE, if that is meant",
    ),
    (
        "a parameter without a variable",
        {"RefundsHeld": "true"},
        "fault      RefundsHeld is not read from a .env file; RefundsHeld is a parameter of the template",
        '-> make deploy … PARAMETERS="RefundsHeld=…"',
    ),
    (
        "a region in the file",
        {"AWS_DEFAULT_REGION": "eu-west-1"},
        "fault      AWS_DEFAULT_REGION is read from the shell, not from this file",
        "-> export AWS_DEFAULT_REGION in the shell, and take it out of the file",
    ),
    (
        "a secret of AWS's in the file",
        {"AWS_SECRET_ACCESS_KEY": SECRET},
        "fault      AWS_SECRET_ACCESS_KEY is read from the shell, not from this file",
        "-> export AWS_SECRET_ACCESS_KEY in the shell",
    ),
    (
        "an account that is none",
        {"AWS_ACCOUNT_ID": "shop-prod"},
        "fault      AWS_ACCOUNT_ID is not an account of AWS, 12 digits",
        "-> aws sts get-caller-identity tells it",
    ),
    (
        "the appid of the sample",
        {"WECHAT_APP_ID": "your_wechat_app_id"},
        "fault      WECHAT_APP_ID is not an appid",
        "-> copy the AppID",
    ),
]


@pytest.mark.parametrize(
    ("values", "sentence", "fix"), [case[1:] for case in FILES], ids=[case[0] for case in FILES]
)
def test_a_wrong_file_is_named_before_anything_is_built_and_before_aws_is_asked(
    deploy, needed, build, env_file, cloud: Cloud, tmp_path: Path, values, sentence, fix
) -> None:
    secret = {"WECHAT_PRIVATE_KEY": SECRET}
    done = deploy("--build", build(), "--file", env_file(secret | values), *needed)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    (place,) = [number for number, line in enumerate(lines) if line.startswith(sentence)]
    assert lines[place + 1].strip().startswith(fix)
    assert_nothing_done(done, cloud, tmp_path, [])


def test_what_is_another_programs_is_noted_and_deployed_past(
    deploy, needed, build, env_file, cloud: Cloud
) -> None:
    values = {
        "DATABASE_URL": SECRET,
        "LOG_LEVEL": "DEBUG",
        "JWT_SECRET": SECRET,
        "ALIPAY_PRIVATE_KEY": SECRET,
    }
    done = deploy("--build", build(), "--file", env_file(values), *needed, script=SAM_AFTER)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("DATABASE_URL", "JWT_SECRET", "ALIPAY_PRIVATE_KEY"):
        assert f"note       {name} is not read by anything here\n" in done.stdout
    assert "LogLevel is a parameter of the template" in done.stdout
    assert SECRET not in done.stdout + done.stderr


def test_a_piece_of_a_key_that_looks_like_a_name_is_not_printed(
    deploy, needed, build, tmp_path: Path
) -> None:
    stray = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    (tmp_path / "stray.env").write_text(f"WECHAT_API_V3_KEY=\n{stray}==\n")
    done = deploy("--build", build(), "--file", str(tmp_path / "stray.env"), *needed)
    assert "a name of 32 characters is not read by anything here" in done.stdout
    assert stray not in done.stdout + done.stderr


def test_a_first_deployment_is_told_the_variables_that_it_lacks(
    deploy, build, env_file, cloud, tmp_path
) -> None:
    done = deploy("--build", build(), "--file", env_file({"WECHAT_MCH_ID": "1900000109"}))
    assert done.returncode == 1
    told = done.stderr
    assert "WECHAT_APP_ID in the .env file, or WeChatAppId: appid" in told
    assert "JWT_ISSUER in the .env file, or JwtIssuer: " in told
    assert "WECHAT_MCH_ID" not in told
    assert ".env.example says each in words" in told
    assert_nothing_done(done, cloud, tmp_path, [*WHO, "DescribeStacks"])


def test_an_issuer_that_is_none_is_named_before_anything_is_built(
    deploy, needed, build, issuer: Issuer, cloud: Cloud, tmp_path: Path
) -> None:
    issuer.keys = {"keys": []}
    done = deploy("--build", build(), *needed)
    assert done.returncode == 1
    assert "JwtIssuer's key set has no RSA key for signatures" in done.stdout
    assert_nothing_done(done, cloud, tmp_path, [*WHO, "DescribeStacks"])


def test_where_it_goes_is_said_and_the_root_user_is_spoken_of(deploy, needed, build, cloud: Cloud) -> None:
    cloud.caller = f"arn:aws:iam::{ACCOUNT}:root"
    done = deploy("--build", build(), *needed, script=SAM_AFTER)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        f"ok         wechatpay-dev goes into account {ACCOUNT}, region us-east-1, as {cloud.caller}"
        in done.stdout
    )
    assert "warning    these AWS credentials are the root user's" in done.stdout


def test_it_builds_after_the_checks_without_the_accounts_keys_and_before_sam(
    deploy, needed, build, cloud: Cloud, tmp_path: Path
) -> None:
    done = deploy("--build", build(), *needed, script=SAM_AFTER, shell={"AWS_ACCESS_KEY_ID": KEY})
    assert done.returncode == 0, done.stdout + done.stderr
    assert KEY not in (tmp_path / "built").read_text()
    assert len(cloud.calls()) == 2


def test_a_build_that_fails_is_no_deployment(deploy, needed, build, cloud: Cloud) -> None:
    done = deploy("--build", build(status=3), *needed)
    assert done.returncode == 1
    assert "ended with 3, and nothing was deployed" in done.stderr
    assert cloud.calls() == []


def test_make_itself_checks_before_it_builds(tmp_path: Path) -> None:
    """The target as it stands: without a region it ends, and neither SAM's environment nor a build is begun."""
    ready = ["-o", f"{sys.prefix}/.ready", f"V={sys.prefix}", f"SAM={tmp_path}/sam"]
    done = subprocess.run(
        ["make", *ready, "deploy", "ENV=dev"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    assert "there is no region" in done.stderr
    assert not (tmp_path / "sam").exists()


def assert_nothing_done(done: Any, cloud: Cloud, folder: Path, heard: list[str]) -> None:
    """Neither built nor deployed, AWS asked for what it takes to know, and no value of a secret told."""
    said = done.stdout + done.stderr
    assert not (folder / "built").exists()
    assert cloud.calls() == []
    assert list(dict.fromkeys(cloud.heard)) == heard
    assert "Traceback" not in said
    assert SECRET not in said
    assert KEY not in said
