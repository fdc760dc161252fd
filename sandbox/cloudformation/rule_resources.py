"""What the template says of rules: who gets which events, as `deployed.Rule`."""

from collections.abc import Mapping
from typing import Any

from sandbox.cloudformation.lambda_resources import function_named
from sandbox.cloudformation.resources import only
from sandbox.cloudformation.template import TemplateError
from sandbox.deployed import Function, Rule
from sandbox.triggers.patterns import UnsupportedPatternError, check

RETRIES = 2
"""Times that Lambda tries an asynchronous invocation again (Lambda Developer Guide, Error handling)."""


def bus_of(properties: Mapping[str, Any]) -> str:
    """Name of the bus that a rule, given its properties, is on."""
    return str(properties.get("EventBusName", "default")).rsplit("/", 1)[-1]


def target_of(logical_id: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The one target of an AWS::Events::Rule, which has either a schedule or a pattern.

    A retry policy and a dead-letter queue are for what cannot be handed over to Lambda or SQS, which does not happen here;
    what a function fails on is tried again by Lambda itself.
    """
    known = "Name Description EventBusName EventPattern ScheduleExpression State Targets"
    only(logical_id, properties, known)
    if ("EventPattern" in properties) == ("ScheduleExpression" in properties):
        raise TemplateError(f"{logical_id}: the sandbox supports either a schedule or a pattern of a rule")
    targets = properties.get("Targets", [])
    if len(targets) != 1 or "Arn" not in targets[0]:
        raise TemplateError(f"{logical_id}: the sandbox supports one target of a rule, with its Arn")
    target: dict[str, Any] = targets[0]
    input_of_schedule = "Input " if "ScheduleExpression" in properties else ""
    only(logical_id, target, f"Arn Id {input_of_schedule}RetryPolicy DeadLetterConfig")
    _check_retry_policy(logical_id, target.get("RetryPolicy", {}))
    return target


def is_queue(target: Mapping[str, Any]) -> bool:
    """Whether it is a standard queue; the sandbox hands nothing to others, which want parameters of their own."""
    return str(target["Arn"]).startswith("arn:aws:sqs:") and not str(target["Arn"]).endswith(".fifo")


def function_of(logical_id: str, arn: str, functions: Mapping[str, Function]) -> Function:
    """The function with this ARN. Anything else that AWS would hand events to (an API destination, a bus, another stack's) is refused."""
    try:
        return function_named(functions, logical_id, arn)
    except TemplateError:
        raise not_ours(logical_id, arn) from None


def not_ours(logical_id: str, arn: str) -> TemplateError:
    """The refusal of a target that is not this template's."""
    return TemplateError(
        f"{logical_id}: the sandbox hands events to functions and queues of this template alone, and {arn} is none;"
        " a rule for others belongs in a stack of its own (docs/events.md)"
    )


def rule(
    logical_id: str,
    properties: Mapping[str, Any],
    *,
    arn: str,
    function: Function | None = None,
    queue_url: str | None = None,
) -> Rule:
    """An AWS::Events::Rule with a pattern, to a function or a queue. Raises TemplateError for a pattern that could not be judged."""
    if properties.get("State", "ENABLED") != "ENABLED":
        raise TemplateError(f"{logical_id}: a disabled rule is not supported")
    try:
        check(properties["EventPattern"])
    except UnsupportedPatternError as fault:
        raise TemplateError(f"{logical_id}: {fault}") from fault
    return Rule(
        logical_id=logical_id,
        arn=arn,
        function=function.logical_id if function else None,
        queue_url=queue_url,
        bus=bus_of(properties),
        pattern=properties["EventPattern"],
        retries=RETRIES,
    )


def _check_retry_policy(logical_id: str, policy: Mapping[str, Any]) -> None:
    """Ranges as in the EventBridge API Reference, RetryPolicy."""
    only(logical_id, policy, "MaximumRetryAttempts MaximumEventAgeInSeconds")
    for name, least, most in (("MaximumRetryAttempts", 0, 185), ("MaximumEventAgeInSeconds", 60, 86400)):
        if name in policy and not least <= int(policy[name]) <= most:
            raise TemplateError(f"{logical_id}: {name} must be {least} to {most}")
