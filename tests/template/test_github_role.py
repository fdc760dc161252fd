"""The roles that deploy from GitHub: opened for one environment alone, and enough for what the template makes."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml

from sandbox.cloudformation.template import translate

ROOT = Path(__file__).parents[2]
CREATES = {
    "AWS::ApiGatewayV2::": "apigateway:POST",
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm",
    "AWS::CloudWatch::Dashboard": "cloudwatch:PutDashboard",
    "AWS::CodeDeploy::Application": "codedeploy:CreateApplication",
    "AWS::CodeDeploy::DeploymentGroup": "codedeploy:CreateDeploymentGroup",
    "AWS::DynamoDB::Table": "dynamodb:CreateTable",
    "AWS::Events::Archive": "events:CreateArchive",
    "AWS::Events::EventBus": "events:CreateEventBus",
    "AWS::Events::Rule": "events:PutRule",
    "AWS::IAM::Role": "iam:CreateRole",
    "AWS::Lambda::Alias": "lambda:CreateAlias",
    "AWS::Lambda::EventInvokeConfig": "lambda:PutFunctionEventInvokeConfig",
    "AWS::Lambda::EventSourceMapping": "lambda:CreateEventSourceMapping",
    "AWS::Lambda::Function": "lambda:CreateFunction",
    "AWS::Lambda::LayerVersion": "lambda:PublishLayerVersion",
    "AWS::Lambda::Permission": "lambda:AddPermission",
    "AWS::Lambda::Version": "lambda:PublishVersion",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup",
    "AWS::S3::Bucket": "s3:CreateBucket",
    "AWS::SNS::Topic": "sns:CreateTopic",
    "AWS::SQS::Queue": "sqs:CreateQueue",
    "AWS::SecretsManager::Secret": "secretsmanager:CreateSecret",
}
"""What makes a resource of each type, of those that the template has."""
ACCOUNT = {
    "AWS::Partition": "aws",
    "AWS::Region": "ap-southeast-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "wechatpay-prod",
    "Environment": "prod",
}
CALLED = {
    ("AWS::CloudWatch::Dashboard", "DashboardName"): "cloudwatch::123456789012:dashboard/",
    ("AWS::Events::EventBus", "Name"): "events:ap-southeast-1:123456789012:event-bus/",
    ("AWS::Lambda::LayerVersion", "LayerName"): "lambda:ap-southeast-1:123456789012:layer:",
    ("AWS::Logs::LogGroup", "LogGroupName"): "logs:ap-southeast-1:123456789012:log-group:",
}
"""Properties that name a resource otherwise than CloudFormation would, and its ARN up to that name."""
NAMES_NOTHING = {
    "DomainName",
    "EventBusName",
    "FunctionName",
    "MetricName",
    "StageName",
    ("AWS::ApiGatewayV2::Api", "Name"),
    ("AWS::Lambda::Alias", "Name"),
}
"""Properties that name another resource, or what has no ARN by its name: an API has an id in it, an alias its function."""


class _Loader(yaml.SafeLoader):
    """CloudFormation's short forms as {"!Sub": …}."""


_Loader.add_multi_constructor(
    "!",
    lambda loader, name, node: {
        f"!{name}": loader.construct_sequence(node, deep=True)
        if isinstance(node, yaml.SequenceNode)
        else loader.construct_scalar(node)
    },
)


@pytest.fixture(scope="module")
def roles():
    document = yaml.load((ROOT / "operations/github-role.yaml").read_text(), _Loader)
    return {name: document["Resources"][name]["Properties"] for name in ("DeployRole", "CloudFormationRole")}


def statements(role):
    return [each for policy in role["Policies"] for each in policy["PolicyDocument"]["Statement"]]


def actions_of(statement):
    named = statement["Action"]
    return named if isinstance(named, list) else [named]


def actions(role):
    return [action for statement in statements(role) for action in actions_of(statement)]


def test_the_token_opens_one_environment_of_one_repository(roles):
    (trust,) = roles["DeployRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": {
                "!Sub": "repo:${Repository}:environment:${Environment}"
            },
        }
    }


def test_whoever_deploys_can_make_nothing_itself(roles):
    services = {action.partition(":")[0] for action in actions(roles["DeployRole"])}
    assert services == {"acm", "cloudformation", "iam", "s3"}
    assert [a for a in actions(roles["DeployRole"]) if a.startswith("iam:")] == ["iam:PassRole"]
    assert not [a for a in actions(roles["DeployRole"]) if "*" in a]


def test_neither_role_can_change_itself_or_read_a_secret(roles):
    for role in roles.values():
        assert role["Path"] == "/github/"
        assert not [
            a
            for a in actions(role)
            if fnmatchcase("secretsmanager:GetSecretValue", a) or a.startswith("sts:")
        ]
    for statement in statements(roles["CloudFormationRole"]):
        if any(action.startswith("iam:") for action in actions_of(statement)):
            assert statement["Resource"] == {
                "!Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/wechatpay-${Environment}-*"
            }


@pytest.mark.parametrize("gradual", ["false", "true"])
def test_every_resource_of_the_template_can_be_made(roles, gradual):
    types = {
        each["Type"]
        for each in translate(ROOT / "template.yaml", {"GradualDeployment": gradual})[0]["Resources"].values()
    }
    may = actions(roles["CloudFormationRole"])
    for kind in types:
        needed = next((action for start, action in CREATES.items() if kind.startswith(start)), None)
        assert needed, f"{kind}: say in CREATES what makes one, and let CloudFormationRole do it"
        assert any(fnmatchcase(needed, action) for action in may), f"{kind}: {needed}"


def test_every_name_that_the_template_gives_is_within_the_roles_reach(roles):
    """By its own name alone can a resource be out of it: those that CloudFormation makes up begin with the stack's."""
    named = [
        (each["Type"], name, plain(value))
        for each in translate(ROOT / "template.yaml", {})[0]["Resources"].values()
        for name, value in each.get("Properties", {}).items()
        if name.endswith("Name") and (each["Type"], name) not in NAMES_NOTHING and name not in NAMES_NOTHING
    ]
    assert {(kind, name) for kind, name, _ in named} == set(CALLED)
    for kind, name, value in named:
        action, arn = CREATES[kind], f"arn:aws:{CALLED[kind, name]}{value}"
        assert any(
            fnmatchcase(action, may) and fnmatchcase(arn, plain(pattern))
            for statement in statements(roles["CloudFormationRole"])
            for may in actions_of(statement)
            for pattern in listed(statement["Resource"])
        ), f"{kind}: {action} on {arn}"


def listed(value):
    return value if isinstance(value, list) else [value]


def plain(value):
    """Text in which ${…} has become what it is in an account."""
    text = value if isinstance(value, str) else next(iter(value.values()))
    assert isinstance(text, str), value
    return re.sub(r"\$\{([\w:]+)\}", lambda found: ACCOUNT[found[1]], text)
