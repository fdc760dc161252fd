"""What the template says of schedules, EventBridge Scheduler's and those of rules, as `deployed.Schedule`."""

import json
import re
from collections.abc import Mapping
from typing import Any

from sandbox.cloudformation.resources import only
from sandbox.cloudformation.template import TemplateError
from sandbox.deployed import Function, Schedule

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


def rule(logical_id: str, properties: Mapping[str, Any], function: Function, *, arn: str) -> Schedule:
    """An AWS::Events::Rule with a schedule, as SAM makes it of Schedule."""
    if "EventBusName" in properties:
        raise TemplateError(f"{logical_id}: a schedule runs on the default bus only")
    (target,) = properties["Targets"]
    return _schedule(logical_id, {**properties, "Target": target}, function, arn=arn, source="aws.events")


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
