"""Five roles against the operations of this stack, over HTTP with boto3: exactly what the policy grants passes."""

import json

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.aws import Aws, Use

REGION, ACCOUNT = "us-east-1", "123456789012"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/payments"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/payments"
KEY = {"pk": {"S": "mine-1"}}
ENTRY = {"Source": "wechatpay.payments", "DetailType": "PaymentCreated", "Detail": "{}"}

OPERATIONS = {
    "get": lambda c: c("dynamodb").get_item(TableName="payments", Key=KEY),
    "get by arn": lambda c: c("dynamodb").get_item(TableName=TABLE, Key=KEY),
    "put": lambda c: c("dynamodb").put_item(TableName="payments", Item=KEY),
    "put elsewhere": lambda c: c("dynamodb").put_item(TableName="other", Item=KEY),
    "put another's": lambda c: c("dynamodb").put_item(TableName="payments", Item={"pk": {"S": "yours"}}),
    "update": lambda c: c("dynamodb").update_item(TableName="payments", Key=KEY, UpdateExpression="REMOVE x"),
    "delete": lambda c: c("dynamodb").delete_item(TableName="payments", Key=KEY),
    "query table": lambda c: c("dynamodb").query(**question()),
    "query index": lambda c: c("dynamodb").query(**question(IndexName="due")),
    "transact put": lambda c: c("dynamodb").transact_write_items(
        TransactItems=[{"Put": {"TableName": "payments", "Item": KEY}}]
    ),
    "transact check": lambda c: c("dynamodb").transact_write_items(
        TransactItems=[
            {
                "ConditionCheck": {
                    "TableName": "payments",
                    "Key": KEY,
                    "ConditionExpression": "attribute_exists(pk)",
                }
            }
        ]
    ),
    "batch write": lambda c: c("dynamodb").batch_write_item(
        RequestItems={"payments": [{"PutRequest": {"Item": KEY}}]}
    ),
    "batch get": lambda c: c("dynamodb").batch_get_item(RequestItems={"payments": {"Keys": [KEY]}}),
    "secret by name": lambda c: c("secretsmanager").get_secret_value(SecretId="signing"),
    "other secret": lambda c: c("secretsmanager").get_secret_value(SecretId="verification"),
    "publish": lambda c: c("events").put_events(Entries=[{**ENTRY, "EventBusName": "payments"}]),
    "publish other source": lambda c: c("events").put_events(
        Entries=[{**ENTRY, "EventBusName": "payments", "Source": "x"}]
    ),
    "publish default bus": lambda c: c("events").put_events(Entries=[ENTRY]),
    "publish to both": lambda c: c("events").put_events(Entries=[{**ENTRY, "EventBusName": BUS}, ENTRY]),
    "describe stream": lambda c: c("dynamodbstreams").list_streams(TableName="payments"),
    "send": lambda c: c("sqs").send_message(QueueUrl=f"{c.url}/{ACCOUNT}/due", MessageBody="x"),
    "receive": lambda c: c("sqs").receive_message(QueueUrl=f"{c.url}/{ACCOUNT}/due"),
    "create table": lambda c: c("dynamodb").delete_table(TableName="other"),
    "assume a role": lambda c: c("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/writer", RoleSessionName="up"
    ),
    "who am I": lambda c: c("sts").get_caller_identity(),
}

ROLES = {
    "writer": (
        [
            {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem"], "Resource": TABLE},
            {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "@signing"},
        ],
        {"put", "put another's", "update", "transact put", "secret by name"},
    ),
    "reader": (
        [
            {"Effect": "Allow", "Action": "dynamodb:*", "Resource": [TABLE, f"{TABLE}/index/*"]},
            {
                "Effect": "Deny",
                "Action": ["dynamodb:*Write*", "dynamodb:Put*", "dynamodb:Update*"],
                "Resource": "*",
            },
            {"Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": TABLE},
        ],
        {"get", "get by arn", "query table", "query index", "transact check", "batch get"},
    ),
    "owner": (
        [
            {
                "Effect": "Allow",
                "Action": [
                    "dynamodb:PutItem",
                    "dynamodb:GetItem",
                    "dynamodb:BatchGetItem",
                    "dynamodb:BatchWriteItem",
                ],
                "Resource": TABLE,
                "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["mine-*"]}},
            }
        ],
        {"put", "get", "get by arn", "transact put", "batch write", "batch get"},
    ),
    "publisher": (
        [
            {
                "Effect": "Allow",
                "Action": "events:PutEvents",
                "Resource": BUS,
                "Condition": {"StringEquals": {"events:source": "wechatpay.payments"}},
            },
            {"Effect": "Allow", "Action": "dynamodb:ListStreams", "Resource": f"{TABLE}/stream/*"},
        ],
        {"publish", "describe stream"},
    ),
    "sweeper": (
        [
            {"Effect": "Allow", "Action": "dynamodb:Query", "Resource": f"{TABLE}/index/due"},
            {
                "Effect": "Allow",
                "Action": "sqs:SendMessage",
                "Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT}:due",
            },
        ],
        {"query index", "send"},
    ),
}


def question(**more):
    return {
        "TableName": "payments",
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "mine-1"}},
        **more,
    }


class As:
    """Clients of one role."""

    def __init__(self, aws, credentials):
        self.aws, self.credentials, self.url = aws, credentials, aws.url

    def __call__(self, service):
        return self.aws.client(service, self.credentials)


@pytest.fixture(scope="module")
def aws():
    aws = Aws()
    aws.start()
    index = {
        "IndexName": "due",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    for name in ("payments", "other"):
        aws.client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[index],
        )
    aws.client("events").create_event_bus(Name="payments")
    aws.client("sqs").create_queue(QueueName="due")
    arns = {
        name: aws.client("secretsmanager").create_secret(Name=name, SecretString="{}")["ARN"]
        for name in ("signing", "verification")
    }
    for name, (statements, _) in ROLES.items():
        text = json.dumps({"Version": "2012-10-17", "Statement": statements}).replace(
            "@signing", arns["signing"]
        )
        aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        aws.client("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=text)
    yield aws
    aws.stop()


@pytest.fixture(scope="module")
def credentials(aws):
    return {
        role: aws.session_credentials(f"arn:aws:iam::{ACCOUNT}:role/{role}", "NativeFunction")
        for role in ROLES
    }


@pytest.mark.share(4)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_role_can_do_what_its_policy_grants_and_nothing_else(aws, credentials, role, operation):
    aws.client("dynamodb").put_item(TableName="payments", Item=KEY)
    caller = As(aws, credentials[role])
    if operation in ROLES[role][1] | {"who am I"}:
        OPERATIONS[operation](caller)
        return
    with pytest.raises(ClientError) as refused:
        OPERATIONS[operation](caller)
    error = refused.value.response["Error"]
    assert error["Code"] == ("AccessDenied" if operation == "assume a role" else "AccessDeniedException")
    user = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/NativeFunction"
    assert error["Message"].startswith(f"User: {user} is not authorized to perform: ")


def test_every_use_is_recorded_with_its_full_arn_and_outcome(aws):
    role = f"arn:aws:iam::{ACCOUNT}:role/writer"
    caller = As(aws, aws.session_credentials(role))
    aws.take_uses()
    OPERATIONS["secret by name"](caller)
    with pytest.raises(ClientError):
        OPERATIONS["get"](caller)
    secret = aws.client("secretsmanager").describe_secret(SecretId="signing")["ARN"]
    assert aws.uses == [
        Use(role, "secretsmanager:GetSecretValue", secret, allowed=True),
        Use(role, "dynamodb:GetItem", TABLE, allowed=False),
    ]
    assert aws.take_uses()
    assert aws.uses == []


def test_a_secret_is_the_same_resource_by_name_partial_and_full_arn(aws):
    caller = As(aws, aws.session_credentials(f"arn:aws:iam::{ACCOUNT}:role/writer"))
    full = aws.client("secretsmanager").describe_secret(SecretId="signing")["ARN"]
    for name in ("signing", full, full.rsplit("-", 1)[0]):
        assert caller("secretsmanager").get_secret_value(SecretId=name)["ARN"] == full
    with pytest.raises(ClientError, match="AccessDeniedException"):
        caller("secretsmanager").get_secret_value(SecretId="no-such-secret")


def test_a_policy_changed_later_counts_at_once(aws):
    aws.client("iam").create_role(RoleName="fresh", AssumeRolePolicyDocument="{}")
    caller = As(aws, aws.session_credentials(f"arn:aws:iam::{ACCOUNT}:role/fresh"))
    with pytest.raises(ClientError, match="AccessDeniedException"):
        OPERATIONS["get"](caller)
    text = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": TABLE}]}
    )
    aws.client("iam").put_role_policy(RoleName="fresh", PolicyName="p", PolicyDocument=text)
    OPERATIONS["get"](caller)


def test_a_role_that_does_not_exist_has_no_credentials(aws):
    with pytest.raises(ClientError, match="NoSuchEntity"):
        aws.session_credentials(f"arn:aws:iam::{ACCOUNT}:role/nobody")
