"""What a stack's state means to whoever deploys or deletes it: a sentence, why it came to that, and the commands that help."""

from itertools import takewhile
from typing import Any

from operations.stack import Stack

_STACK = "AWS::CloudFormation::Stack"
_FREED = {
    "AWS::DynamoDB::Table": "aws dynamodb update-table --no-deletion-protection-enabled --table-name {name}",
    "AWS::S3::Bucket": "aws s3 rm --recursive s3://{name}",
}


def hindrance(stack: Stack) -> str:
    """Why nothing can be deployed now, and what to do about it; empty where something can."""
    status = stack.status()
    if (
        status == "REVIEW_IN_PROGRESS"
    ):  # a first change set that nobody has approved: the next one takes its place
        return ""
    if status == "ROLLBACK_COMPLETE":
        return _told(
            f"the first deployment of {stack.name} failed and was rolled back (ROLLBACK_COMPLETE): nothing of it runs,"
            " and CloudFormation deploys nothing over it. Mend what it says, delete the empty stack, deploy again",
            [*reasons(stack), *deletion(stack)],
        )
    if status in ("ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
        return _told(
            f"{stack.name} is in {status}: it can only be deleted. Do this first",
            [*reasons(stack), *_freed(stack), *deletion(stack)],
        )
    if status == "UPDATE_ROLLBACK_FAILED":
        return _told(
            f"a deployment of {stack.name} failed, and the way back, too (UPDATE_ROLLBACK_FAILED): what ran before runs"
            " in part. Mend what it says, then let CloudFormation go on",
            [*reasons(stack), f"aws cloudformation continue-update-rollback --stack-name {stack.name}"],
        )
    if status.endswith("_IN_PROGRESS"):
        return f"{stack.name} is in {status}: somebody else is at it; try again when that has ended"
    return ""


def failure(stack: Stack) -> str:
    """What a deployment that has just failed came to. The stack must have been forgotten before."""
    status = stack.status()
    if status == "REVIEW_IN_PROGRESS":
        return _told(
            "nothing was created; an empty stack in review is left, which the next deployment takes, or delete it",
            deletion(stack),
        )
    if status.startswith("UPDATE_ROLLBACK_COMPLETE"):
        return _told(f"{stack.name} runs what it ran before", reasons(stack))
    return hindrance(stack)


def deletion(stack: Stack) -> list[str]:
    """The commands that delete it and wait until it is gone."""
    return [
        f"aws cloudformation {word} --stack-name {stack.name}"
        for word in ("delete-stack", "wait stack-delete-complete")
    ]


def reasons(stack: Stack) -> list[str]:
    """What failed first in its last operation, two at most, in CloudFormation's words."""
    pages = (
        stack.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack.arn)
    )
    events = (event for page in pages for event in page["StackEvents"])  # the newest first
    of_last = list(takewhile(lambda event: not _begins(event), events))
    failed = [
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in reversed(of_last)
        if event["ResourceStatus"].endswith("_FAILED")
        and event["ResourceType"] != _STACK
        and event.get("ResourceStatusReason")
        and "cancelled" not in event["ResourceStatusReason"]  # because of another
    ]
    return [f"failed: {one}" for one in failed[:2]]


def stuck(stack: Stack) -> list[dict[str, Any]]:
    """The resources that CloudFormation could not delete."""
    found = stack.client("cloudformation").describe_stack_resources(StackName=stack.arn)["StackResources"]
    return [one for one in found if one["ResourceStatus"] == "DELETE_FAILED"]


def _freed(stack: Stack) -> list[str]:
    """The command that lets each of them be deleted, where there is one."""
    return [
        _FREED[one["ResourceType"]].format(name=one["PhysicalResourceId"])
        for one in stuck(stack)
        if one["ResourceType"] in _FREED
    ]


def _begins(event: dict[str, Any]) -> bool:
    return event["ResourceType"] == _STACK and event["ResourceStatus"] in (
        "CREATE_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        "REVIEW_IN_PROGRESS",
    )


def _told(sentence: str, lines: list[str]) -> str:
    return "\n  ".join([sentence + (":" if lines else ""), *lines])
