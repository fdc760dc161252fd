"""How each CloudFormation resource type that has a place in the local AWS is created there."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.aws import Aws
from sandbox.iam import UnsupportedPolicyError, statements_of
from sandbox.template import TemplateError


@dataclass(frozen=True)
class Created:
    """What CloudFormation answers to Ref and GetAtt for a resource."""

    ref: str
    attributes: dict[str, str] = field(default_factory=dict)


def only(logical_id: str, properties: Mapping[str, Any], known: str) -> None:
    """Raise TemplateError for a property outside `known` (names separated by spaces): it would be lost in silence."""
    if unknown := sorted(set(properties) - set(known.split())):
        raise TemplateError(f"{logical_id}: the sandbox does not support {', '.join(unknown)}")


def table(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:
    """AWS::DynamoDB::Table with indexes, stream, encryption, deletion protection, PITR and TTL."""
    as_is = "AttributeDefinitions KeySchema BillingMode GlobalSecondaryIndexes LocalSecondaryIndexes"
    as_is += " DeletionProtectionEnabled Tags ProvisionedThroughput"
    special = "TableName SSESpecification StreamSpecification PointInTimeRecoverySpecification TimeToLiveSpecification"
    only(logical_id, properties, f"{as_is} {special}")
    name = properties.get("TableName", f"{stack}-{logical_id}")
    request = {key: properties[key] for key in as_is.split() if key in properties}
    if "SSESpecification" in properties:
        only(logical_id, properties["SSESpecification"], "SSEEnabled")
        request["SSESpecification"] = {"Enabled": properties["SSESpecification"]["SSEEnabled"]}
    if "StreamSpecification" in properties:
        only(logical_id, properties["StreamSpecification"], "StreamViewType")
        request["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    client = aws.client("dynamodb")
    made = client.create_table(TableName=name, **request)["TableDescription"]
    if recovery := properties.get("PointInTimeRecoverySpecification"):
        client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    if ttl := properties.get("TimeToLiveSpecification"):
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
    attributes = {"Arn": made["TableArn"]}
    if "LatestStreamArn" in made:
        attributes["StreamArn"] = made["LatestStreamArn"]
    return Created(name, attributes)


def secret(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:
    """AWS::SecretsManager::Secret; without a value it has no version yet, as in AWS."""
    only(logical_id, properties, "Name Description SecretString GenerateSecretString KmsKeyId Tags")
    client = aws.client("secretsmanager")
    request = {key: properties[key] for key in ("Description", "SecretString", "Tags") if key in properties}
    if generate := properties.get("GenerateSecretString"):
        only(logical_id, generate, "PasswordLength ExcludePunctuation ExcludeCharacters")
        request["SecretString"] = client.get_random_password(**generate)["RandomPassword"]
    arn = client.create_secret(Name=properties.get("Name", f"{stack}-{logical_id}"), **request)["ARN"]
    return Created(arn, {"Id": arn})


def event_bus(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:  # noqa: ARG001
    """AWS::Events::EventBus."""
    only(logical_id, properties, "Name Description Tags")
    name = properties["Name"]
    arn = aws.client("events").create_event_bus(Name=name)["EventBusArn"]
    return Created(name, {"Arn": arn, "Name": name})


def log_group(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:
    """AWS::Logs::LogGroup. Its Arn ends in `:*`, as CloudFormation's does."""
    only(logical_id, properties, "LogGroupName RetentionInDays Tags LogGroupClass")
    name = properties.get("LogGroupName", f"{stack}-{logical_id}")
    client = aws.client("logs")
    client.create_log_group(logGroupName=name)
    if "RetentionInDays" in properties:
        client.put_retention_policy(logGroupName=name, retentionInDays=int(properties["RetentionInDays"]))
    return Created(name, {"Arn": f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{name}:*"})


def role(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:
    """AWS::IAM::Role with inline policies; a policy that could not be judged later is an error now."""
    only(logical_id, properties, "AssumeRolePolicyDocument Policies RoleName Path Description Tags")
    name = properties.get("RoleName", f"{stack}-{logical_id}")
    client = aws.client("iam")
    trust = json.dumps(properties["AssumeRolePolicyDocument"])
    path = properties.get("Path", "/")
    made = client.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Path=path)["Role"]
    for policy in properties.get("Policies", []):
        try:
            statements_of(policy["PolicyDocument"])
        except UnsupportedPolicyError as fault:
            raise TemplateError(f"{logical_id}: {fault}") from fault
        document = json.dumps(policy["PolicyDocument"])
        client.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
    return Created(name, {"Arn": made["Arn"], "RoleId": made["RoleId"]})


def queue(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:
    """AWS::SQS::Queue. Ref is its address at the local AWS."""
    known = "VisibilityTimeout MessageRetentionPeriod DelaySeconds MaximumMessageSize ReceiveMessageWaitTimeSeconds"
    known += " RedrivePolicy SqsManagedSseEnabled FifoQueue ContentBasedDeduplication"
    only(logical_id, properties, f"{known} QueueName Tags")
    suffix = ".fifo" if properties.get("FifoQueue") else ""
    name = properties.get("QueueName", f"{stack}-{logical_id}{suffix}")
    attributes = {key: _attribute(v) for key, v in properties.items() if key in known.split()}
    client = aws.client("sqs")
    url = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Created(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


def alarm(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:
    """AWS::CloudWatch::Alarm: it only watches, and here nothing is measured, so it gets a name and no more."""
    name = properties.get("AlarmName", f"{stack}-{logical_id}")
    return Created(name, {"Arn": f"arn:aws:cloudwatch:{aws.region}:{aws.account}:alarm:{name}"})


CREATORS: dict[str, Callable[[Aws, str, str, dict[str, Any]], Created]] = {
    "AWS::DynamoDB::Table": table,
    "AWS::SecretsManager::Secret": secret,
    "AWS::Events::EventBus": event_bus,
    "AWS::Logs::LogGroup": log_group,
    "AWS::IAM::Role": role,
    "AWS::SQS::Queue": queue,
    "AWS::CloudWatch::Alarm": alarm,
}


def _attribute(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict) else str(value)
