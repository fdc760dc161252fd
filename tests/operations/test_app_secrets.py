"""The secrets of the merchant's apps: `make doctor` asks WeChat about each, `make secret` writes them."""

import json

import pytest

from operations.checks.findings import Level
from operations.configuration import Configuration
from operations.doctor import diagnosed


@pytest.fixture
def apps(merchant, sandbox):
    """A `.env` file of a merchant with an official account and a mini program."""
    mine = sandbox.credentials
    return merchant | {
        "WECHAT_APPS": f"shop={mine.appid},mini-one={mine.mini_program_appid}",
        "WECHAT_MINI_PROGRAMS": "mini-one",
        "WECHAT_OPEN_PLATFORM": sandbox.open_platform,
        "WECHAT_OPEN_PLATFORMS_ALLOWED": sandbox.open_platform,
        "WECHAT_APP_SECRET": mine.app_secret,
        "WECHAT_APP_SECRET_MINI_ONE": mine.mini_program_secret,
    }


def about_apps(values, *, online=True):
    """What is found about apps: level and sentence."""
    found = [*diagnosed(Configuration(values), online=online)]
    return [
        (one.level, one.sentence)
        for one in found
        if "APP_SECRET" in one.sentence or "the app " in one.sentence
    ]


def test_secrets_that_wechat_takes_are_good(apps) -> None:
    good = [
        "WECHAT_APP_SECRET has the form of an AppSecret",
        "WECHAT_APP_SECRET_MINI_ONE has the form of an AppSecret",
        "WeChat's open platform takes the secret of the app shop",
        "WeChat's open platform takes the secret of the app mini-one",
    ]
    assert about_apps(apps) == [(Level.GOOD, sentence) for sentence in good]
    assert about_apps(apps, online=False) == [(Level.GOOD, sentence) for sentence in good[:2]]


def test_who_has_none_is_told_nothing(merchant) -> None:
    assert about_apps(merchant) == []


@pytest.mark.parametrize(
    ("changes", "level", "sentence"),
    [
        (
            {"WECHAT_APP_SECRET": "0" * 32},
            Level.FAULT,
            "WeChat's open platform refuses the app shop (errcode 40125)",
        ),
        (
            {"WECHAT_MINI_PROGRAMS": ""},
            Level.FAULT,
            "WeChat's open platform refuses the app mini-one (errcode 40013)",
        ),
        (
            {"WECHAT_APP_SECRET_MINE": "0" * 32},
            Level.WARNING,
            "WECHAT_APP_SECRET_MINE is of no app that WECHAT_APPS names",
        ),
        (
            {"WECHAT_APP_SECRET": "short"},
            Level.WARNING,
            "WECHAT_APP_SECRET has 5 characters, an AppSecret 32",
        ),
        (
            {"WECHAT_APP_SECRET": "two words"},
            Level.FAULT,
            "WECHAT_APP_SECRET has blanks, line ends or letters that no AppSecret has",
        ),
        (
            {
                "WECHAT_OPEN_PLATFORM": "http://127.0.0.1:9",
                "WECHAT_OPEN_PLATFORMS_ALLOWED": "http://127.0.0.1:9",
            },
            Level.UNCHECKED,
            "WeChat's open platform could not be asked about the app shop (ConnectionError)",
        ),
    ],
)
def test_what_is_wrong_with_one_is_told(apps, changes, level, sentence) -> None:
    assert (level, sentence) in about_apps(apps | changes)


def test_names_that_do_not_fit_are_told(apps) -> None:
    found = [*diagnosed(Configuration(apps | {"WECHAT_MINI_PROGRAMS": "other"}), online=False)]
    told = [one.sentence for one in found if one.level is Level.FAULT]
    assert told == ["WECHAT_MINI_PROGRAMS names other, and WECHAT_APPS does not"]
    found = [
        *diagnosed(Configuration(apps | {"WECHAT_OPEN_PLATFORM": "https://elsewhere.example"}), online=False)
    ]
    told = [one.sentence for one in found if one.level is Level.FAULT]
    assert told == ["WECHAT_OPEN_PLATFORM is not one of WECHAT_OPEN_PLATFORMS_ALLOWED"]


def test_they_are_written_to_a_secret_of_their_own(command, env_file, merchant, sandbox) -> None:
    client, mine = sandbox.aws.client("secretsmanager"), sandbox.credentials

    def held(output):
        text = client.get_secret_value(SecretId=sandbox.deployed.outputs[output])["SecretString"]
        return json.loads(text)

    before = {
        output: held(output) for output in ("AppsSecretArn", "SigningSecretArn", "VerificationSecretArn")
    }
    client.put_secret_value(
        SecretId=sandbox.deployed.outputs["AppsSecretArn"],
        SecretString=json.dumps({"WECHAT_APP_SECRET_MINI": mine.mini_program_secret}),
    )

    wrong = command("secret", "--file", env_file(merchant | {"WECHAT_APP_SECRET": "0" * 32}), "--yes")
    assert wrong.returncode == 1
    assert "refuses the app shop (errcode 40125)" in wrong.stdout
    done = command("secret", "--file", env_file(merchant | {"WECHAT_APP_SECRET": mine.app_secret}), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "secret: AppsSecretArn is written" in done.stdout
    assert {output: held(output) for output in before} == before
    for secret in (mine.app_secret, mine.mini_program_secret):
        assert secret not in done.stdout + done.stderr
