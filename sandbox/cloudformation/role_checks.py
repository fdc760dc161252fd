"""What AWS checks of a role when a resource that uses it is made, or finds missing at the first use: errors at once here."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.aws.aws import Aws
from sandbox.aws.iam import Need, allowed, fits, trusts
from sandbox.cloudformation.template import TemplateError
from sandbox.deployed import Function


def demand(aws: Aws, logical_id: str, role_arn: str, *needs: Need) -> None:
    """Raise TemplateError unless the role has all of these."""
    statements = aws.statements(role_arn)
    for need in needs:
        if not allowed(statements, need):
            raise TemplateError(f"{logical_id}: {role_arn} lacks {need.action} on {need.resource}")


def demand_trust(aws: Aws, logical_id: str, role_arn: str, service: str) -> None:
    """Raise TemplateError unless this service may assume the role."""
    role = role_arn.rsplit("/", 1)[-1]
    trust = aws.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    if not trusts(trust if isinstance(trust, dict) else json.loads(trust), service):
        raise TemplateError(f"{logical_id}: {service} may not assume {role}")


def demand_for_queue(aws: Aws, logical_id: str, role_arn: str, queue_arn: str) -> None:
    """What Lambda polls a queue with (Lambda Developer Guide, Using Lambda with Amazon SQS, Execution role permissions)."""
    actions = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    demand(aws, logical_id, role_arn, *(Need(action, queue_arn) for action in actions))


def demand_for_failures(aws: Aws, logical_id: str, role_arn: str, bucket: str, mapping_id: str) -> None:
    """What Lambda needs of a bucket for discarded records (Lambda Developer Guide, Retain discarded records)."""
    arn = f"arn:aws:s3:::{bucket}"
    an_object = f"{arn}/aws/lambda/{mapping_id}/shardId-0/2000/01/01/2000-01-01T00.00.00-{mapping_id}"
    demand(aws, logical_id, role_arn, Need("s3:PutObject", an_object), Need("s3:ListBucket", arn))


@dataclass(frozen=True)
class Invoker:
    """A resource by which a service invokes a function: allowed by the function's own policy, not by a role."""

    logical_id: str
    service: str  # events.amazonaws.com
    arn: str
    function: Function


def demand_permissions(invokers: Iterable[Invoker], permissions: Iterable[Mapping[str, Any]]) -> None:
    """Raise TemplateError unless an AWS::Lambda::Permission lets each of them invoke its function.

    (Lambda Developer Guide, Granting Lambda function access to AWS services; the source ARN may hold wildcards.)
    """
    given = list(permissions)
    for invoker in invokers:
        function = invoker.function
        if not any(
            permission["Principal"] == invoker.service
            and permission["Action"] == "lambda:InvokeFunction"
            and permission["FunctionName"] in (function.name, function.arn)
            and fits(permission.get("SourceArn", "*"), invoker.arn)
            for permission in given
        ):
            raise TemplateError(f"{invoker.logical_id}: no permission lets it invoke {function.logical_id}")


@dataclass(frozen=True)
class Sender:
    """A resource by which a service fills a queue: allowed by the queue's own policy, not by a role."""

    logical_id: str
    service: str  # events.amazonaws.com
    arn: str
    queue_arn: str


def demand_queue_policies(aws: Aws, senders: Iterable[Sender]) -> None:
    """Raise TemplateError unless an AWS::SQS::QueuePolicy lets each of them send to its queue.

    (EventBridge User Guide, Using resource-based policies for Amazon EventBridge: Amazon SQS permissions. Without it the events are lost.)
    """
    client = aws.client("sqs")
    for sender in senders:
        url = client.get_queue_url(QueueName=sender.queue_arn.rsplit(":", 1)[-1])["QueueUrl"]
        kept = client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
        statements = json.loads(kept.get("Policy") or "{}").get("Statement", [])
        if not any(_lets_in(statement, sender) for statement in statements):
            raise TemplateError(f"{sender.logical_id}: no policy lets it send to {sender.queue_arn}")


def _lets_in(statement: Mapping[str, Any], sender: Sender) -> bool:
    """Whether one statement allows it, with no condition or with one on the source's ARN alone."""
    sources: Any = "*"
    if condition := statement.get("Condition"):
        if [list(tests) for tests in condition.values()] != [["aws:SourceArn"]]:
            return False
        sources = condition.get("ArnEquals", condition.get("ArnLike", {})).get("aws:SourceArn", [])
    return (
        statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": sender.service}
        and "sqs:SendMessage" in _listed(statement["Action"])
        and any(fits(one, sender.queue_arn) for one in _listed(statement["Resource"]))
        and any(fits(one, sender.arn) for one in _listed(sources))
    )


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
