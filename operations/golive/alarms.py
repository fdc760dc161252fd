"""Whether the stack's alarms are there, switched on and silent, and wake somebody who has agreed to be woken."""

import re
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from operations.checks.findings import Findings, fault, good, unchecked
from operations.stack import Stack

_WHO = "make deploy ENV={} PARAMETERS=AlarmEmail=… (or AlarmTopicArn=…, a topic of yours)"


def check_alarms(stack: Stack) -> Findings:
    """Ask CloudWatch for the alarms, and SNS who hears of each topic that they speak to."""
    try:
        alarms = list(_alarms(stack))
        if not alarms:
            yield fault("the stack has no alarms", f"deploy it: make deploy ENV={stack.env}")
            return
        yield from _switched_on(alarms, stack)
        topics = sorted({action for alarm in alarms for action in alarm["AlarmActions"]})
        heard = {topic: list(_listeners(stack, topic)) for topic in topics}
    except ClientError as problem:
        yield unchecked(
            f"the alarms could not be looked at ({problem.response['Error']['Code']})",
            "allow yourself cloudwatch:DescribeAlarms and sns:ListSubscriptionsByTopic",
        )
        return
    for topic, listeners in heard.items():
        name = topic.rsplit(":", 1)[-1]
        if not listeners:
            yield fault(f"nobody hears what the alarms tell the topic {name}", "subscribe somebody to it")
        elif not any(agreed for _, agreed in listeners):
            waiting = ", ".join(endpoint for endpoint, _ in listeners)
            yield fault(
                f"{waiting} has not agreed to hear of alarms", "confirm AWS's letter, or have it sent anew"
            )
    listening = sum(agreed for listeners in heard.values() for _, agreed in listeners)
    if listening:
        yield good(f"{len(alarms)} alarms wake {listening} who have agreed to it")


def _alarms(stack: Stack) -> Iterator[dict[str, Any]]:
    """This stack's: CloudFormation names one by the stack, its logical id, and a word of its own."""
    own = re.compile(re.escape(stack.name) + r"-[A-Za-z0-9]+(-[A-Z0-9]+)?")
    pages = (
        stack.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stack.name}-")
    )
    for page in pages:
        yield from (alarm for alarm in page["MetricAlarms"] if own.fullmatch(alarm["AlarmName"]))


def _switched_on(alarms: list[dict[str, Any]], stack: Stack) -> Findings:
    silent = [alarm["AlarmName"] for alarm in alarms if not alarm["AlarmActions"]]
    if silent:
        yield fault(f"{len(silent)} alarms only turn red, and wake nobody", _WHO.format(stack.env))
    for alarm in alarms:
        if not alarm["ActionsEnabled"]:
            yield fault(
                f"{alarm['AlarmName']} is switched off",
                f"aws cloudwatch enable-alarm-actions --alarm-names {alarm['AlarmName']}",
            )
        if alarm["StateValue"] == "ALARM":
            yield fault(
                f"{alarm['AlarmName']} rings",
                f"{alarm['AlarmDescription'].rpartition(' - ')[2]} says what to do",
            )


def _listeners(stack: Stack, topic: str) -> Iterator[tuple[str, bool]]:
    """Who is subscribed, and whether they have agreed."""
    if ":sns:" not in topic:  # a function, or a system that opens a ticket
        yield topic, True
        return
    pages = stack.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    try:
        for page in pages:
            for each in page["Subscriptions"]:
                yield each["Endpoint"], each["SubscriptionArn"].startswith("arn:")
    except ClientError as problem:
        if problem.response["Error"]["Code"] not in ("NotFound", "NotFoundException"):
            raise
