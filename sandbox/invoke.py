"""`python -m sandbox.invoke FUNCTION [EVENT.json]`: one function once, under Lambda's runtime client, without Docker."""

import json
import sys
from pathlib import Path
from typing import Any

from sandbox.lambdas import FunctionError
from sandbox.stack import TEMPLATE, Sandbox
from sandbox.template import translate

EVENTS = TEMPLATE.parent / "events"


class MisuseError(Exception):
    """There is nothing to call, or nothing to call it with; the sentence says what there is."""


def main(arguments: list[str]) -> int:
    """The answer goes to standard output, log lines to standard error. 1: the function failed, 2: misuse."""
    try:
        logical_id, event = _asked_for(arguments)
    except MisuseError as error:
        print(f"sandbox.invoke: {error}", file=sys.stderr)
        return 2
    with Sandbox() as sandbox:
        try:
            answer, failed = sandbox.lambdas.invoke(logical_id, event), False
        except FunctionError as error:
            answer, failed = {"errorType": error.type, "errorMessage": error.message}, True
        sys.stderr.write(sandbox.lambdas.logs(logical_id))
    print(json.dumps(answer, indent=2, ensure_ascii=False))
    return 1 if failed else 0


def _asked_for(arguments: list[str]) -> tuple[str, Any]:
    functions = _functions()
    known = ", ".join(sorted(functions))
    if not 1 <= len(arguments) <= 2:
        raise MisuseError(f"usage: make invoke F=FUNCTION [E=EVENT.json]; functions are {known}")
    name = arguments[0]
    if name not in functions:
        raise MisuseError(f"there is no function {name}; functions are {known}")
    file = Path(arguments[1]) if len(arguments) == 2 else EVENTS / f"{name}.json"
    try:
        return functions[name], json.loads(file.read_bytes())
    except OSError as error:
        raise MisuseError(f"{file} cannot be read ({error.strerror}); functions are {known}") from error
    except ValueError as error:
        raise MisuseError(f"{file} is not JSON") from error


def _functions() -> dict[str, str]:
    """Logical ids by the names of their folders below functions/."""
    template, folders = translate(TEMPLATE, {})
    return {
        folders[logical_id].name: logical_id
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function"
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
