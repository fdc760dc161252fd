"""The deployed stack that a command is about: AWS clients, and the stack's outputs by name."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError


class CannotError(Exception):
    """The command cannot do its work; the sentence says why."""


class Stack:
    """One stack, found by name. Its outputs may be given on the command line instead (`--output Name=value`)."""

    def __init__(self, name: str, given: dict[str, str]) -> None:
        self._name = name
        self._outputs = given

    def client(self, service: str) -> Any:
        """A boto3 client; region, credentials and endpoint as the AWS CLI takes them."""
        return boto3.client(service)

    def output(self, name: str) -> str:
        """One output of the stack. Raises CannotError."""
        if name not in self._outputs:
            stacks = self.client("cloudformation").describe_stacks(StackName=self._name)["Stacks"]
            for output in stacks[0].get("Outputs", []):
                self._outputs.setdefault(output["OutputKey"], output["OutputValue"])
        if name not in self._outputs:
            raise CannotError(f"the stack {self._name} has no output {name}: is it an older version?")
        return self._outputs[name]


def run(
    description: str,
    work: Callable[[Stack, argparse.Namespace], int],
    arguments: Callable[[argparse.ArgumentParser], object] = lambda parser: parser,
) -> int:
    """Parse the command line, do `work`, and turn what goes wrong into one sentence. Returns the exit status."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--stack", default="wechatpay-dev", help="the stack's name (default wechatpay-dev)")
    parser.add_argument(
        "--output", action="append", default=[], metavar="NAME=VALUE", help="a stack output, given by hand"
    )
    arguments(parser)
    options = parser.parse_args()
    given = dict(pair.partition("=")[::2] for pair in options.output)
    try:
        return work(Stack(options.stack, given), options)
    except (CannotError, BotoCoreError, ClientError) as problem:
        print(f"{parser.prog}: {problem}", file=sys.stderr)
        return 1
