"""`make secret`: checks a `.env` file as `make doctor` does, then writes the stack's secrets from it."""

import argparse
import json
import sys
from itertools import chain
from pathlib import Path
from typing import Any

from operations.checks.findings import Findings, Level, fault, has, shown
from operations.configuration import (
    ACCOUNT,
    APPS_SECRET,
    PARAMETERS,
    SECRETS,
    Configuration,
    of_file,
    parameters_of,
    secrets_of,
)
from operations.doctor import diagnosed
from operations.stack import CannotError, Stack, run
from wechatpay.decryption import apiv3_key
from wechatpay.errors import KeyFormatError

V3_KEY, V3_KEY_BEFORE = "WECHAT_API_V3_KEY", "WECHAT_API_V3_KEY_PREVIOUS"


def main() -> int:
    """Check and write. Returns the exit status: 0 written, 1 refused or findings, 2 could not."""
    return run(__doc__ or "", _write, _arguments, cannot=2)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", type=Path, required=True, help="the .env file")
    parser.add_argument("--offline", action="store_true", help="do not ask WeChat Pay before writing")
    parser.add_argument("--yes", action="store_true", help="do not ask me, either")


def _write(stack: Stack, options: argparse.Namespace) -> int:
    given = of_file(options.file)
    before = secrets_of(stack)
    deployed = Configuration(parameters_of(stack))
    kept = Configuration({name: value for members in before.values() for name, value in members.items()})
    print(f"secret: {options.file} for {stack.name}")
    findings = shown(chain(_other_account(given, stack), _other_stage(given, deployed)))
    findings += shown(diagnosed(given.over(deployed).over(kept), online=not options.offline))
    if has(findings, Level.FAULT):
        print("secret: nothing was written; mend the faults first")
        return 1
    names = SECRETS | {APPS_SECRET: given.app_secrets}
    after = {output: _merged(members, given, names[output]) for output, members in before.items()}
    changed = [output for output in before if after[output] != before[output]]
    for output in before:
        _tell(output, before[output], after[output])
    if not changed:
        print("secret: there is nothing to write")
        return 0
    if not options.yes and not _agreed():
        print("secret: nothing was written")
        return 1
    for output in changed:
        stack.client("secretsmanager").put_secret_value(
            SecretId=stack.output(output), SecretString=json.dumps(after[output])
        )
        print(f"secret: {output} is written", flush=True)
    print("secret: functions that run already follow within five minutes")
    return 0


def _other_account(given: Configuration, stack: Stack) -> Findings:
    """A file for one account must not end in another one's secrets."""
    account, theirs = given.text(ACCOUNT), stack.arn.split(":")
    if account and theirs[4:5] != [account]:
        yield fault(
            f"{ACCOUNT} of the file is {account}, and {stack.name} is in another account",
            "take the other profile, or mend the file",
        )


def _other_stage(given: Configuration, deployed: Configuration) -> Findings:
    """A file for one stage must not end in another one's secrets."""
    for name in ("WECHAT_MCH_ID", "WECHAT_APP_ID"):
        if given.text(name) and given.text(name) != deployed.text(name):
            yield fault(
                f"{name} of the file is not the stack's {PARAMETERS[name]}",
                "choose the right ENV, or deploy with the other value first",
            )


def _merged(before: dict[str, Any], given: Configuration, names: tuple[str, ...]) -> dict[str, Any]:
    """What is there, members that nobody here knows included, and the file's values over it.

    An APIv3 key that is replaced stays as the previous one, for what WeChat Pay has encrypted with it is on its way.
    """
    after = before | given.members(names)
    held = Configuration(before).text(V3_KEY)
    if _is_apiv3_key(held) and after[V3_KEY] != held and not given.text(V3_KEY_BEFORE):
        after[V3_KEY_BEFORE] = held
    return after


def _is_apiv3_key(text: str) -> bool:
    """Whether anything can be encrypted with it: kept as the previous one, another text would stop every function."""
    try:
        apiv3_key(text)
    except KeyFormatError:
        return False
    return True


def _tell(output: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    print(f"{output}:")
    for name in sorted(after):
        changed = "stays" if after[name] == before.get(name) else "changes"
        print(f"    {changed if name in before else 'new':8} {name}")


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise CannotError("nobody is there to agree; give --yes (ARGS=--yes)")
    return input("secret: write? [y/N] ").strip().lower() in ("y", "yes")


if __name__ == "__main__":
    sys.exit(main())
