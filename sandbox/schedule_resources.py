"""What the template says of schedules, EventBridge Scheduler's and those of rules, as `deployed.Schedule`."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.deployed import Function, Schedule
from sandbox.resources import only
from sandbox.template import TemplateError

_RATE = re.compile(r"rate\(([1-9][0-9]*) (minute|hour|day)(s?)\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


def schedule(logical_id: str, properties: Mapping[str, Any], function: Function, arn: str) -> Schedule:
    """An AWS::Scheduler::Schedule as SAM makes it of ScheduleV2.

    What a retry policy and a dead-letter queue are for, an invocation that cannot be handed over, does not happen here.
    """
    known = "Name Description ScheduleExpression ScheduleExpressionTimezone FlexibleTimeWindow State Target"
    only(logical_id, properties, known)
    only(logical_id, properties["Target"], "Arn RoleArn Input RetryPolicy DeadLetterConfig")
    if properties["FlexibleTimeWindow"] != {"Mode": "OFF"}:
        raise TemplateError(f"{logical_id}: a flexible time window is not supported")
    return _schedule(logical_id, properties, function, arn=arn, source="aws.scheduler")


def rule_target(logical_id: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The one target of an AWS::Events::Rule with a schedule."""
    only(logical_id, properties, "Name Description ScheduleExpression State Targets")
    if len(properties["Targets"]) != 1:
        raise TemplateError(f"{logical_id}: the sandbox supports one target of a rule")
    target: dict[str, Any] = properties["Targets"][0]
    only(logical_id, target, "Arn Id Input RetryPolicy DeadLetterConfig")
    return target


def rule(logical_id: str, properties: Mapping[str, Any], function: Function, arn: str) -> Schedule:
    """An AWS::Events::Rule with a schedule, as SAM makes it of Schedule."""
    target = rule_target(logical_id, properties)
    return _schedule(logical_id, {**properties, "Target": target}, function, arn=arn, source="aws.events")


def check_permissions(
    schedules: Iterable[Schedule], functions: Mapping[str, Function], permissions: Iterable[Mapping[str, Any]]
) -> None:
    """A rule invokes a function only if an AWS::Lambda::Permission lets it (EventBridge User Guide, resource-based policies)."""
    for wanted in schedules:
        function = functions[wanted.function]
        if wanted.source == "aws.events" and not any(
            permission["Principal"] == "events.amazonaws.com"
            and permission["Action"] == "lambda:InvokeFunction"
            and permission["FunctionName"] in (function.name, function.arn)
            and permission.get("SourceArn", wanted.arn) == wanted.arn
            for permission in permissions
        ):
            raise TemplateError(f"{wanted.logical_id}: no permission lets it invoke {wanted.function}")


def _schedule(
    logical_id: str,
    properties: Mapping[str, Any],
    function: Function,
    *,
    arn: str,
    source: str,
) -> Schedule:
    if properties.get("State", "ENABLED") != "ENABLED":
        raise TemplateError(f"{logical_id}: a disabled schedule is not supported")
    return Schedule(
        logical_id=logical_id,
        arn=arn,
        function=function.logical_id,
        rate=_rate(logical_id, properties["ScheduleExpression"]),
        source=source,
        input=_input(logical_id, properties["Target"].get("Input")),
    )


def _rate(logical_id: str, expression: str) -> int:
    found = _RATE.fullmatch(expression)
    if found is None or (found[1] == "1") == bool(found[3]):  # one minute, but two minutes
        raise TemplateError(f"{logical_id}: the sandbox supports rate(...) only, not {expression}")
    return int(found[1]) * _SECONDS[found[2]]


def _input(logical_id: str, text: str | None) -> Any:
    if text is None:
        return None
    if "<aws.scheduler." in text:
        raise TemplateError(f"{logical_id}: context attributes in an Input are not supported")
    try:
        return json.loads(text)
    except ValueError:
        raise TemplateError(f"{logical_id}: Input must be JSON") from None
