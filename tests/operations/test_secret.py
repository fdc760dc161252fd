"""`make secret`: both secrets from one file, checked first, shown by name, and nothing lost that stood there."""

import json
from typing import Any

import pytest

from sandbox.stack import Sandbox


@pytest.fixture
def secrets(sandbox: Sandbox):
    """Reads and writes the two; what was there comes back in the end."""
    client = sandbox.aws.client("secretsmanager")

    class Secrets:
        def __getitem__(self, name: str) -> dict[str, Any]:
            text = client.get_secret_value(SecretId=sandbox.deployed.outputs[name])["SecretString"]
            members: dict[str, Any] = json.loads(text)
            return members

        def __setitem__(self, name: str, members: dict[str, Any]) -> None:
            client.put_secret_value(SecretId=sandbox.deployed.outputs[name], SecretString=json.dumps(members))

    both = Secrets()
    before = {name: both[name] for name in ("SigningSecretArn", "VerificationSecretArn")}
    yield both
    for name, members in before.items():
        both[name] = members


def test_both_secrets_are_written_by_name_and_nothing_that_stood_there_is_dropped(
    command, env_file, merchant, secrets
) -> None:
    secrets["SigningSecretArn"] = {"WECHAT_PRIVATE_KEY": "the old one", "ANOTHER_TOOLS": "member"}
    secrets["VerificationSecretArn"] = {"WECHAT_API_V3_KEY": "o" * 32}
    for name in ("WECHAT_PRIVATE_KEY", "WECHAT_CERTIFICATE"):
        merchant[name] = merchant[name].strip()

    done = command("secret", "--file", env_file(merchant), "--yes")

    assert done.returncode == 0, done.stdout + done.stderr
    assert secrets["SigningSecretArn"] == {
        "ANOTHER_TOOLS": "member",
        **{
            name: merchant[name]
            for name in (
                *("WECHAT_PRIVATE_KEY", "WECHAT_CERT_SERIAL_NO"),
                *("WECHAT_CERTIFICATE", "WECHAT_API_KEY"),
            )
        },
    }
    assert secrets["VerificationSecretArn"] == {
        "WECHAT_API_V3_KEY_PREVIOUS": "o" * 32,  # what was encrypted with it is still on its way
        **{
            name: merchant[name]
            for name in ("WECHAT_API_V3_KEY", "WECHAT_PUBLIC_KEY_ID", "WECHAT_PUBLIC_KEY", "WECHAT_QUOTE_KEY")
        },
    }
    lines = [line.strip() for line in done.stdout.splitlines()]
    for line in ("changes  WECHAT_PRIVATE_KEY", "stays    ANOTHER_TOOLS", "new      WECHAT_QUOTE_KEY"):
        assert line in lines
    for name in ("WECHAT_API_V3_KEY", "WECHAT_QUOTE_KEY", "WECHAT_API_KEY"):
        assert merchant[name] not in done.stdout + done.stderr

    again = command("secret", "--file", env_file(merchant), "--yes")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "secret: there is nothing to write")


def test_an_apiv3_key_that_was_none_does_not_stay_as_the_previous_one(
    command, env_file, merchant, secrets
) -> None:
    """With it no function could start."""
    secrets["VerificationSecretArn"] = {"WECHAT_API_V3_KEY": "put the APIv3 key here"}
    done = command("secret", "--file", env_file(merchant), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WECHAT_API_V3_KEY_PREVIOUS" not in secrets["VerificationSecretArn"]
    assert command("doctor").returncode == 0


def test_a_faulty_file_changes_nothing(command, env_file, merchant, secrets) -> None:
    before = secrets["VerificationSecretArn"]
    done = command("secret", "--file", env_file(merchant | {"WECHAT_API_V3_KEY": "short"}), "--yes")
    assert done.returncode == 1
    assert "fault      WECHAT_API_V3_KEY: an APIv3 key has 32 characters, this one 5" in done.stdout
    assert done.stdout.endswith("secret: nothing was written; mend the faults first\n")
    assert secrets["VerificationSecretArn"] == before


def test_a_file_of_another_merchant_is_refused(command, env_file, merchant, secrets) -> None:
    done = command(
        "secret", "--file", env_file(merchant | {"WECHAT_MCH_ID": "1999999999"}), "--offline", "--yes"
    )
    assert done.returncode == 1
    assert "WECHAT_MCH_ID of the file is not the stack's WeChatMchId" in done.stdout


def test_nothing_is_written_while_nobody_agrees(command, env_file, merchant, secrets) -> None:
    secrets["SigningSecretArn"] = {}
    done = command("secret", "--file", env_file(merchant))
    assert done.returncode == 2
    assert "nobody is there to agree" in done.stderr
    assert secrets["SigningSecretArn"] == {}


def test_a_file_meant_for_another_account_is_refused(command, env_file, merchant, secrets) -> None:
    before = secrets["VerificationSecretArn"]
    values = merchant | {"AWS_ACCOUNT_ID": "210987654321", "WECHAT_QUOTE_KEY": "q" * 32}
    done = command("secret", "--file", env_file(values), "--offline", "--yes")
    assert done.returncode == 1
    assert "AWS_ACCOUNT_ID of the file is 210987654321, and" in done.stdout
    assert secrets["VerificationSecretArn"] == before
    account = {"AWS_ACCOUNT_ID": "123456789012"}
    assert command("secret", "--file", env_file(merchant | account), "--offline", "--yes").returncode == 0
