"""Commands of the AWS CLI, of documents and of what our own commands print: held to the model that the CLI is made from."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache

import botocore.session
import pytest
import yaml
from botocore import xform_name

from tests.documents.blocks import BLOCKS, DOCUMENTS, ROOT

OF_THE_CLI_ALONE = {
    ("s3", "rm"): {"--recursive"},
    ("s3", "rb"): set(),
    ("cloudformation", "deploy"): {
        "--template-file",
        "--stack-name",
        "--capabilities",
        "--parameter-overrides",
    },
    ("cloudformation", "wait"): {"--stack-name"},
}
"""Its own commands, which no service has (AWS CLI Command Reference), and the options that we name."""


def of_documents() -> Iterator[tuple[str, str]]:
    """In blocks and within text, with the place."""
    for document in DOCUMENTS:
        text = document.read_text().replace("\\\n", " ")
        for found in re.findall(
            r"^ *(aws [a-z0-9]+ .+)$|`(aws [a-z0-9]+ [a-z-]+ [^`]+)`", text, re.MULTILINE
        ):
            for command in "".join(found).split("&&"):
                yield document.name, command.strip()


def of_operations() -> Iterator[tuple[str, str]]:
    """In what our own commands print."""
    for file in sorted((ROOT / "operations").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(p.value) if isinstance(p, ast.Constant) else "<it>" for p in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            for line in text.splitlines():
                if re.match(r" *aws [a-z0-9]+ [a-z-]+ .*--", line):
                    yield file.name, line.strip()


AWS_COMMANDS = [*of_documents(), *of_operations()]


def test_there_are_commands_to_check() -> None:
    assert len(AWS_COMMANDS) > 10


@pytest.mark.parametrize(("place", "command"), AWS_COMMANDS)
def test_a_command_of_the_aws_cli_is_one(place: str, command: str) -> None:
    assert wrong_with_aws(command) is None


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("aws dynamodb delete-table --table-name x", None),
        ("aws dynamodb drop-table --table-name x", "dynamodb has no drop-table"),
        ("aws dynamodb delete-table --name x", "delete-table takes no --name"),
        ("aws dynamodb update-table --no-deletion-protection-enabled --table-name x", None),
        ("aws s3 rm --force s3://x", "rm takes no --force"),
    ],
)
def test_what_is_wrong_with_a_command_of_the_aws_cli_is_told(command: str, wrong: str | None) -> None:
    assert wrong_with_aws(command) == wrong


def wrong_with_aws(command: str) -> str | None:
    """What does not exist of it: the operation, or an option."""
    _, service, operation, *rest = command.split()
    known = options_of(service, operation)
    if known is None:
        return f"{service} has no {operation}"
    named = re.findall(r"(?<=\s)--[a-z-]+", " ".join(["", *rest]))
    return next((f"{operation} takes no {option}" for option in named if option not in known), None)


@cache
def options_of(service: str, operation: str) -> set[str] | None:
    if (service, operation) in OF_THE_CLI_ALONE:
        return OF_THE_CLI_ALONE[service, operation]
    model = botocore.session.get_session().get_service_model(service)
    shapes = {
        xform_name(name, "-"): model.operation_model(name).input_shape for name in model.operation_names
    }
    if operation not in shapes:
        return None
    members = shapes[operation].members if shapes[operation] else {}
    options = {f"--{xform_name(name, '-')}" for name in members}
    return options | {
        f"--no-{xform_name(name, '-')}" for name, shape in members.items() if shape.type_name == "boolean"
    }


def test_the_roles_of_the_workflow_are_deployed_with_parameters_that_they_have() -> None:
    (block,) = [block for block in BLOCKS if block.begins("docs/ci.md", "aws cloudformation deploy")]
    words = shlex.split(block.text.replace("\\\n", " "))
    template = yaml.load((ROOT / words[words.index("--template-file") + 1]).read_text(), yaml.BaseLoader)
    given = {word.split("=")[0] for word in words[words.index("--parameter-overrides") + 1 :]}
    needed = {name for name, rules in template["Parameters"].items() if "Default" not in rules}
    assert needed <= given <= set(template["Parameters"])
