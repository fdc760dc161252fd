"""`python -m sandbox.commands.invoke FUNCTION [EVENT.json]`: one function once, under Lambda's runtime client, without Docker."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NoReturn

from sandbox.cloudformation.template import translate
from sandbox.commands.samples import ABOUT_AN_ORDER, EVENTS, SampleError, SampleOrder, invoke, logs
from sandbox.functions.lambdas import FunctionError
from sandbox.stack import TEMPLATE, Sandbox
from wechatpay_simulator import CredentialsError

USAGE = "usage: make invoke F=FUNCTION [E=EVENT.json] [CREDENTIALS=FILE]"
CHANGING = ("notify", "close", "settle")
"""After these it is worth saying what the payment has become."""


class MisuseError(Exception):
    """There is nothing to call, or nothing to call it with; the sentence says what there is."""


def main(arguments: list[str]) -> int:
    """The answer goes to standard output, all else to standard error. 1: the function failed, 2: misuse.

    Without an event it is events/FUNCTION.json; the order that it is about is opened first. An event that is given is
    passed on as it is.
    """
    try:
        function, event, credentials = _asked_for(arguments)
        sandbox = Sandbox(credentials=credentials).start()
    except (MisuseError, CredentialsError) as error:
        _say(str(error))
        return 2
    answer: Any
    try:
        order = SampleOrder(sandbox, _say) if event is None else None
        answer, failed = invoke(sandbox, function, event if order is None else order.event(function)), False
        if order is not None and function in CHANGING:
            _say(f"the payment is now {order.status}")
        sandbox.drain(timeout=2)  # what publishes its events is not ended in the middle of it
    except FunctionError as error:
        answer, failed = {"errorType": error.type, "errorMessage": error.message}, True
    except SampleError as error:
        answer, failed = {"errorType": "SampleError", "errorMessage": str(error)}, True
    finally:
        sys.stderr.write(logs(sandbox, function))
        sandbox.stop()
    print(json.dumps(answer, indent=2, ensure_ascii=False))
    return 1 if failed else 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise MisuseError(f"{message}; {USAGE}")


def _asked_for(arguments: list[str]) -> tuple[str, Any, Path | None]:
    """Function, event (None: the sample about an order that is still to be opened) and credentials file."""
    parser = _Parser(prog="python -m sandbox.commands.invoke", description=__doc__)
    parser.add_argument("function", nargs="?", help="a folder below functions/")
    parser.add_argument("event", nargs="?", type=Path, help="a file (default: events/FUNCTION.json)")
    parser.add_argument(
        "--credentials", type=Path, help="WeChat Pay credentials, a file to re-use or to write"
    )
    wanted = parser.parse_args(arguments)
    functions = _functions()
    known = ", ".join(functions)
    if wanted.function is None:
        raise MisuseError(f"{USAGE}; functions are {known}")
    if wanted.function not in functions:
        raise MisuseError(f"there is no function {wanted.function}; functions are {known}")
    if wanted.event is None and wanted.function in ABOUT_AN_ORDER:
        return wanted.function, None, wanted.credentials
    file = wanted.event or EVENTS / f"{wanted.function}.json"
    try:
        return wanted.function, json.loads(file.read_bytes()), wanted.credentials
    except OSError as error:
        raise MisuseError(f"{file} cannot be read ({error.strerror}); functions are {known}") from error
    except ValueError as error:
        raise MisuseError(f"{file} is not JSON") from error


def _functions() -> list[str]:
    """The folders below functions/ that template.yaml deploys."""
    template, folders = translate(TEMPLATE, {})
    return sorted(
        folders[logical_id].name
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function"
    )


def _say(sentence: str) -> None:
    print(f"sandbox.commands.invoke: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
