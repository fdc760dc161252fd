"""The deployed stack that a command is about: AWS clients, and the stack's outputs by name."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.checks.access import sentence

# A create that was never carried out, or that failed: no output, and nothing that could be changed.
NEVER_CREATED = (
    "REVIEW_IN_PROGRESS",
    "CREATE_FAILED",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
)


_CUT_OFF = 141  # exit status, as a shell has it: what was to be told has not been told


class CannotError(Exception):
    """The command cannot do its work; the sentence says why."""


class Stack:
    """One stack, found by name. Its outputs and parameters may be given on the command line instead.

    (`--output Name=value`, `--parameter Name=value`)
    """

    def __init__(self, name: str, outputs: dict[str, str], parameters: dict[str, str]) -> None:
        self.name = name
        self._given = outputs, parameters
        self._outputs, self._parameters = dict(outputs), dict(parameters)
        self._asked = False
        self._state: dict[str, Any] = {}

    @property
    def env(self) -> str:
        """Which ENV the commands of `make` about it need; without one they are about another."""
        return self.name.removeprefix("wechatpay-")

    def client(self, service: str) -> Any:
        """A boto3 client; region, credentials and endpoint as the AWS CLI takes them."""
        return boto3.client(service)

    def exists(self) -> bool:
        """Whether it has been deployed."""
        return bool(self._outputs) or self.status() not in ("", *NEVER_CREATED)

    def status(self) -> str:
        """CloudFormation's word for its state; empty where there is no such stack."""
        try:
            if not self._asked:
                self._ask()
        except ClientError as problem:
            if "does not exist" in problem.response["Error"]["Message"]:
                return ""
            raise
        return str(self._state["StackStatus"])

    @property
    def protected(self) -> bool:
        """Whether CloudFormation refuses to delete it."""
        return bool(self.status()) and bool(self._state.get("EnableTerminationProtection"))

    @property
    def arn(self) -> str:
        """Its id, by which it is found even when it is deleted."""
        return str(self._state["StackId"]) if self.status() else ""

    def forget(self) -> None:
        """It has been deployed anew: ask again for whatever was not given by hand."""
        self._asked = False
        self._outputs, self._parameters = dict(self._given[0]), dict(self._given[1])

    @property
    def scope(self) -> str:
        """What its order numbers derive from. Raises CannotError."""
        if self.has_output("StackScope"):
            return self.output("StackScope")
        return self.parameter("StackScope") or self.parameter("Stage")  # of a version without the output

    def has_output(self, name: str) -> bool:
        """Whether it has this output, which some have under a condition only."""
        try:
            self.output(name)
        except CannotError:
            return False
        return True

    def output(self, name: str) -> str:
        """One output of the stack. Raises CannotError."""
        return self._found("output", self._outputs, name)

    def parameter(self, name: str, default: str | None = None) -> str:
        """One parameter, as the stack was deployed with it; `default` where it comes from before there was one.

        Raises CannotError.
        """
        try:
            return self._found("parameter", self._parameters, name)
        except CannotError:
            if default is None:
                raise
            return default

    def _found(self, kind: str, known: dict[str, str], name: str) -> str:
        if name not in known and not self._asked:
            self._ask()
        if name not in known:
            raise CannotError(f"the stack {self.name} has no {kind} {name}: is it an older version?")
        return known[name]

    def _ask(self) -> None:
        (stack,) = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        self._asked, self._state = True, stack
        for output in stack.get("Outputs", []):
            self._outputs.setdefault(output["OutputKey"], output["OutputValue"])
        for parameter in stack.get("Parameters", []):
            self._parameters.setdefault(parameter["ParameterKey"], parameter["ParameterValue"])


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and not how all the rest is written."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _command() -> str:
    """The target of `make` that this program is: of `operations/cancel_refund.py` `cancel-refund`."""
    path = Path(sys.argv[0])
    return (path.parent.name if path.stem == "__main__" else path.stem).replace("_", "-")


def run(
    description: str,
    work: Callable[[Stack, argparse.Namespace], int],
    arguments: Callable[[argparse.ArgumentParser], object] = lambda parser: parser,
    *,
    cannot: int = 1,
) -> int:
    """Parse the command line, do `work`, and turn what goes wrong into one sentence. Returns the exit status.

    `cannot` is the one for work that could not be done.
    """
    parser = _Parser(prog=_command(), description=description)
    parser.add_argument("--stack", default="wechatpay-dev", help="the stack's name (default wechatpay-dev)")
    for kind in ("output", "parameter"):
        parser.add_argument(
            f"--{kind}",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help=f"a stack {kind}, given by hand",
        )
    arguments(parser)
    options = parser.parse_args()
    given = [
        dict(pair.partition("=")[::2] for pair in pairs) for pairs in (options.output, options.parameter)
    ]
    try:
        status = work(Stack(options.stack, *given), options)
        sys.stdout.flush()  # so that a reader who has gone is met here
    except BrokenPipeError:  # whoever reads has enough: `make orders … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _CUT_OFF
    except EOFError:  # at a question
        print(f"\n{parser.prog}: nobody has agreed, and nothing was done", file=sys.stderr)
        return cannot
    except (CannotError, BotoCoreError, ClientError) as problem:
        told = problem if isinstance(problem, CannotError) else sentence(problem)
        print(f"{parser.prog}: {told}", file=sys.stderr)
        return cannot
    return status
