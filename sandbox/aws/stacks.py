"""CloudFormation's DescribeStacks, of the stack that the deployer made: what operators' commands find their way by."""

import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from sandbox.aws.access_control import RefusedError
from sandbox.aws.in_process import WsgiApp
from sandbox.deployed import DeployedStack

_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"


def described(
    name: str,
    stack_id: str,
    parameters: Mapping[str, str | list[str]],
    outputs: Mapping[str, str],
    *,
    hidden: Collection[str] = (),
) -> DeployedStack:
    """A stack that has just been made; list parameters become text again, as CloudFormation tells them.

    Of parameters in `hidden` (NoEcho) it tells asterisks (CloudFormation User Guide, Parameters section).
    """
    given = {key: ",".join(value) if isinstance(value, list) else value for key, value in parameters.items()}
    given |= dict.fromkeys(hidden, "****")
    return DeployedStack(name, stack_id, time.time(), given, outputs)


def application(stacks: Mapping[str, DeployedStack]) -> WsgiApp:
    """What answers CloudFormation's requests, of its query protocol; stacks by name. Raises RefusedError."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        asked = parse_qs(environ["wsgi.input"].read().decode())
        if asked.get("Action") != ["DescribeStacks"]:
            raise RefusedError(
                "InvalidAction", "the sandbox knows no action of CloudFormation but DescribeStacks"
            )
        body = _answer(_wanted(stacks, asked.get("StackName", [""])[0])).encode()
        start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]

    return app


def _wanted(stacks: Mapping[str, DeployedStack], name: str) -> list[DeployedStack]:
    """The stack of this name or id, all without one. CloudFormation's own words when there is none."""
    found = [stack for stack in stacks.values() if name in ("", stack.name, stack.stack_id)]
    if name and not found:
        raise RefusedError("ValidationError", f"Stack with id {name} does not exist")
    return found


def _answer(stacks: Iterable[DeployedStack]) -> str:
    """CloudFormation API Reference, DescribeStacks and Stack."""
    members = "".join(f"<member>{_stack(stack)}</member>" for stack in stacks)
    result = f"<DescribeStacksResult><Stacks>{members}</Stacks></DescribeStacksResult>"
    return f'<DescribeStacksResponse xmlns="{_NAMESPACE}">{result}</DescribeStacksResponse>'


def _stack(stack: DeployedStack) -> str:
    created = datetime.fromtimestamp(stack.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    plain = {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "CreationTime": created,
        "StackStatus": "CREATE_COMPLETE",
        "DisableRollback": "false",
    }
    lists = {
        "Parameters": [("ParameterKey", "ParameterValue", pair) for pair in stack.parameters.items()],
        "Outputs": [("OutputKey", "OutputValue", pair) for pair in stack.outputs.items()],
    }
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in plain.items()) + "".join(
        f"<{name}>" + "".join(_pair(*pair) for pair in pairs) + f"</{name}>" for name, pairs in lists.items()
    )


def _pair(key_name: str, value_name: str, pair: tuple[str, str]) -> str:
    key, value = map(escape, pair)
    return f"<member><{key_name}>{key}</{key_name}><{value_name}>{value}</{value_name}></member>"
