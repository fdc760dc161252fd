"""What the template says of schedules, EventBridge Scheduler's and those of rules, as `deployed.Schedule`."""

import json
import re
from collections.abc import Mapping
from typing import Any

from sandbox.cloudformation.resources import only
from sandbox.cloudformation.template import TemplateError
from sandbox.deployed import Function, Schedule

_RATE = re.compile(r"rate\(([1-9][0-9]*) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (?:\* \* \?|\? \* \*) \*\)")
_PART = re.compile(r"(\*|[0-9]{1,2})(?:-([0-9]{1,2})|/([1-9][0-9]?))?")
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
    expression, zone = (
        properties["ScheduleExpression"],
        properties.get("ScheduleExpressionTimezone", "UTC"),
    )
    if zone != "UTC":
        raise TemplateError(f"{logical_id}: the sandbox supports schedules in UTC only, not in {zone}")
    daily = _CRON.fullmatch(expression)
    return Schedule(
        logical_id=logical_id,
        arn=arn,
        function=function.logical_id,
        rate=0 if daily else _rate(logical_id, expression),
        moments=_moments(logical_id, daily[1], daily[2]) if daily else (),
        source=source,
        input=_input(logical_id, properties["Target"].get("Input")),
    )


def _rate(logical_id: str, expression: str) -> int:
    found = _RATE.fullmatch(expression)
    if found is None or (found[1] == "1") == bool(found[3]):  # one minute, but two minutes
        raise TemplateError(
            f"{logical_id}: the sandbox supports rate(...) and daily cron(minutes hours * * ? *), not {expression}"
        )
    return int(found[1]) * _SECONDS[found[2]]


def _moments(logical_id: str, minutes: str, hours: str) -> tuple[int, ...]:
    """Seconds since midnight of a daily cron expression (EventBridge User Guide, "Cron expressions")."""
    each_minute, each_hour = _field(logical_id, minutes, 60), _field(logical_id, hours, 24)
    return tuple(hour * 3600 + minute * 60 for hour in each_hour for minute in each_minute)


def _field(logical_id: str, text: str, end: int) -> list[int]:
    """The values of `*`, `5`, `5,20`, `2-12` or `10/30`, below `end`."""
    chosen: set[int] = set()
    for each in text.split(","):
        found = _PART.fullmatch(each)
        if found is None:
            raise TemplateError(f"{logical_id}: the sandbox does not know {text} in a cron expression")
        first = 0 if found[1] == "*" else int(found[1])
        last = int(found[2]) if found[2] else first
        if found[1] == "*" or found[3]:
            last = end - 1
        chosen |= set(range(first, last + 1, int(found[3] or 1)))
    if not chosen or max(chosen) >= end:
        raise TemplateError(f"{logical_id}: {text} is out of range in a cron expression")
    return sorted(chosen)


def _input(logical_id: str, text: str | None) -> Any:
    if text is None:
        return None
    if "<aws.scheduler." in text:
        raise TemplateError(f"{logical_id}: context attributes in an Input are not supported")
    try:
        return json.loads(text)
    except ValueError:
        raise TemplateError(f"{logical_id}: Input must be JSON") from None
