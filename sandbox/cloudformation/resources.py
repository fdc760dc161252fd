"""How each CloudFormation resource type that has a place in the local AWS is created there."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.aws.aws import Aws
from sandbox.aws.iam import UnsupportedPolicyError, statements_of
from sandbox.cloudformation.template import TemplateError


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
        known = "PasswordLength ExcludePunctuation ExcludeCharacters SecretStringTemplate GenerateStringKey"
        only(logical_id, generate, known)
        asked = {key: value for key, value in generate.items() if key not in known.split()[3:]}
        made = client.get_random_password(**asked)["RandomPassword"]
        if "GenerateStringKey" in generate:
            members = json.loads(generate["SecretStringTemplate"]) | {generate["GenerateStringKey"]: made}
            made = json.dumps(members)
        request["SecretString"] = made
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
        # moto insists on a version, which SAM leaves out; all that it changes in AWS is policy variables.
        document = json.dumps({"Version": "2012-10-17", **policy["PolicyDocument"]})
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


def bucket(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:
    """AWS::S3::Bucket. Encryption, lifecycle and protection have no effect within a sandbox's life."""
    known = (
        "BucketName BucketEncryption LifecycleConfiguration OwnershipControls PublicAccessBlockConfiguration"
    )
    only(logical_id, properties, f"{known} VersioningConfiguration Tags")
    name = properties.get("BucketName", f"{stack}-{logical_id}".lower())
    aws.offer("s3")
    client = aws.client("s3")
    client.create_bucket(Bucket=name)
    if versioning := properties.get("VersioningConfiguration"):
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
    domain = {"DomainName": f"{name}.s3.amazonaws.com"}
    return Created(name, {"Arn": f"arn:aws:s3:::{name}", **domain})


def resource_policy(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:  # noqa: ARG001
    """AWS::S3::BucketPolicy and AWS::SQS::QueuePolicy, of the two kinds that change nothing here.

    An Allow for an AWS service gives a role nothing, and whether a rule may fill a queue is asked of the template; a Deny
    of unencrypted transport is meant for networks, and loopback is none. Anything else would have to be enforced.
    """
    only(logical_id, properties, "Bucket Queues PolicyDocument")
    unencrypted = {"Bool": {"aws:SecureTransport": "false"}}
    for statement in properties["PolicyDocument"]["Statement"]:
        principal, condition = statement.get("Principal"), statement.get("Condition")
        to_service = (
            statement["Effect"] == "Allow" and isinstance(principal, dict) and set(principal) == {"Service"}
        )
        if not to_service and not (statement["Effect"] == "Deny" and _lowered(condition) == unencrypted):
            raise TemplateError(f"{logical_id}: the sandbox does not enforce resource policies")
    for url in properties.get("Queues", []):
        policy = json.dumps(properties["PolicyDocument"])
        aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return Created(logical_id, {"Id": logical_id})


CREATORS: dict[str, Callable[[Aws, str, str, dict[str, Any]], Created]] = {
    "AWS::DynamoDB::Table": table,
    "AWS::SecretsManager::Secret": secret,
    "AWS::Events::EventBus": event_bus,
    "AWS::Logs::LogGroup": log_group,
    "AWS::IAM::Role": role,
    "AWS::SQS::Queue": queue,
    "AWS::S3::Bucket": bucket,
    "AWS::S3::BucketPolicy": resource_policy,
    "AWS::SQS::QueuePolicy": resource_policy,
}


def _lowered(condition: Any) -> Any:
    """A condition with its values as CloudFormation passes them: booleans and words alike as lower-case text."""
    if isinstance(condition, dict):
        return {key: _lowered(value) for key, value in condition.items()}
    return str(condition).lower()


def _attribute(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict) else str(value)
