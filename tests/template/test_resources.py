"""Where each resource of the template is proven: made in the local AWS, run by the sandbox, or looked at in the template."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.aws.aws import Aws
from sandbox.cloudformation.deployer import deploy
from sandbox.cloudformation.named_resources import NAMED
from sandbox.cloudformation.template import translate
from sandbox.deployed import Deployed
from tests.kit.environment import local_aws
from tests.kit.parameters import NEEDED, TEMPLATE

PARAMETERS = NEEDED | {
    "ApiDomain": "pay.example.com",
    "ApiDomainCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1",
    "LiveDomain": "live.example.com",
    "LiveDomainCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/2",
    "AlarmEmail": "night@example.com",
    "SnapStart": "PublishedVersions",
}

# Made in the local AWS, where they are asked for below.
MADE = {
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",  # of a kind that changes nothing on loopback: it is looked at
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
}
# Run by the sandbox itself: what does not come out of `deploy` as a part of these would be refused there.
RUN = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Events::Rule",
    "AWS::SQS::QueuePolicy",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Scheduler::Schedule",
}


def transformed(**changed: str) -> dict[str, Any]:
    resources: dict[str, Any] = translate(TEMPLATE, PARAMETERS | changed)[0]["Resources"]
    return resources


RESOURCES = transformed()


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with local_aws() as local:
        yield local


@pytest.fixture(scope="module")
def stack(aws: Aws) -> Deployed:
    return deploy(TEMPLATE, aws=aws, parameters=PARAMETERS, stack_name="stack")


def of_type(kind: str, resources: dict[str, Any] = RESOURCES) -> dict[str, Any]:
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def test_every_kind_of_resource_is_made_or_run_or_named() -> None:
    assert {resource["Type"] for resource in RESOURCES.values()} <= MADE | RUN | set(NAMED)


def test_what_is_made_is_there(aws: Aws, stack: Deployed) -> None:
    for name in of_type("AWS::DynamoDB::Table"):
        assert (
            aws.client("dynamodb").describe_table(TableName=stack.refs[name])["Table"]["TableStatus"]
            == "ACTIVE"
        )
    for name in of_type("AWS::SecretsManager::Secret"):
        assert aws.client("secretsmanager").describe_secret(SecretId=stack.refs[name])["ARN"]
    for name in of_type("AWS::SQS::Queue"):
        assert aws.client("sqs").get_queue_attributes(QueueUrl=stack.refs[name], AttributeNames=["QueueArn"])
    for name in of_type("AWS::Events::EventBus"):
        assert aws.client("events").describe_event_bus(Name=stack.refs[name])["Arn"]
    for name in of_type("AWS::S3::Bucket"):
        assert aws.client("s3").head_bucket(Bucket=stack.refs[name])
    for name in of_type("AWS::IAM::Role"):
        assert aws.client("iam").get_role(RoleName=stack.refs[name])["Role"]
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    kept = {group["logGroupName"]: group.get("retentionInDays") for group in groups}
    for name in of_type("AWS::Logs::LogGroup"):
        assert kept[stack.refs[name]] == 90, name


def test_what_is_run_is_known(stack: Deployed) -> None:
    assert set(stack.functions) == set(of_type("AWS::Lambda::Function"))
    assert set(stack.alarms) == set(of_type("AWS::CloudWatch::Alarm"))
    assert len(stack.streams) + len(stack.queues) == len(of_type("AWS::Lambda::EventSourceMapping"))
    rules = {rule.logical_id for rule in stack.schedules} | {rule.logical_id for rule in stack.rules}
    assert rules == {*of_type("AWS::Events::Rule"), *of_type("AWS::Scheduler::Schedule")}
    operations = [m for path in RESOURCES["Api"]["Properties"]["Body"]["paths"].values() for m in path]
    assert len(stack.routes) == len(operations)


def test_every_function_writes_to_a_log_group_of_its_own_that_forgets() -> None:
    groups = [
        f["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] for f in of_type("AWS::Lambda::Function").values()
    ]
    assert len(set(groups)) == len(groups)
    assert {*groups, "ApiLogs"} == set(of_type("AWS::Logs::LogGroup"))
    for name in groups:
        assert RESOURCES[name]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_a_new_release_moves_every_function_and_all_call_the_alias() -> None:
    before, after = (set(of_type("AWS::Lambda::Version", transformed(Release=name))) for name in ("1", "2"))
    assert len(before) == len(of_type("AWS::Lambda::Function"))
    assert before & after == set()
    callers = [p["Properties"]["FunctionName"] for p in of_type("AWS::Lambda::Permission").values()]
    callers += [m["Properties"]["FunctionName"] for m in of_type("AWS::Lambda::EventSourceMapping").values()]
    aliases = set(of_type("AWS::Lambda::Alias"))
    # A WebSocket route of SAM's names the function itself, whose code is the newest anyhow.
    websocket = [{"Fn::GetAtt": [f"Live{what}Function", "Arn"]} for what in ("Connect", "Disconnect")]
    for caller in callers:
        assert caller.get("Ref") in aliases or caller in websocket


def test_deployment_is_gradual_only_when_asked_and_rolls_back_by_alarm() -> None:
    assert of_type("AWS::CodeDeploy::DeploymentGroup") == {}
    gradual = transformed(GradualDeployment="true")
    groups = of_type("AWS::CodeDeploy::DeploymentGroup", gradual)
    assert len(groups) == len(of_type("AWS::Lambda::Function"))
    for group in groups.values():
        watched = {alarm["Name"]["Ref"] for alarm in group["Properties"]["AlarmConfiguration"]["Alarms"]}
        assert watched <= set(of_type("AWS::CloudWatch::Alarm"))
        assert "PaymentFailuresAlarm" in watched
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["Properties"]["AutoRollbackConfiguration"]["Events"]


def test_a_gradual_deployment_goes_by_a_configuration_that_codedeploy_has() -> None:
    gradual = transformed(GradualDeployment="true")
    names = [
        json.dumps(group["Properties"]["DeploymentConfigName"])
        for group in of_type("AWS::CodeDeploy::DeploymentGroup", gradual).values()
    ]
    # CodeDeploy's own is CodeDeployDefault.LambdaCanary10Percent5Minutes; SAM puts what stands before the type.
    sub = {"Fn::Sub": ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": "Canary10Percent5Minutes"}]}
    assert set(names) == {json.dumps(sub)}


def test_the_access_log_says_nothing_of_persons() -> None:
    line = RESOURCES["ApiApiGatewayDefaultStage"]["Properties"]["AccessLogSettings"]["Format"]
    assert set(json.loads(line)) >= {"request_id", "time", "route", "status", "milliseconds"}
    for personal in (
        "sourceIp",
        "userAgent",
        "authorizer.claims",
        "authorizer.jwt",
        "$context.path",
        "caller",
    ):
        assert personal not in line


def test_a_domain_of_ones_own_is_what_the_stack_then_tells(stack: Deployed) -> None:
    assert stack.outputs["NotifyUrl"] == "https://pay.example.com/api/v1/payments/wechat/notify"
    assert stack.outputs["ApiDomainTarget"]
    mapping = RESOURCES["DomainMapping"]["Properties"]
    assert (mapping["ApiId"], mapping["Stage"]) == ({"Ref": "Api"}, "$default")


def test_pages_open_their_live_connection_at_a_domain_of_ones_own(stack: Deployed) -> None:
    assert stack.outputs["LiveUrl"] == "wss://live.example.com"
    assert stack.functions["CheckoutFunction"].environment["LIVE_URL"] == "wss://live.example.com"
    assert stack.outputs["LiveDomainTarget"]
    mapping = RESOURCES["LiveApiDomainMapping"]["Properties"]
    # Without a key: the address ends with the name. What is pushed goes by API Gateway's own address all the same.
    assert mapping == {"ApiId": {"Ref": "LiveApi"}, "DomainName": {"Ref": "LiveApiDomain"}, "Stage": "live"}
    assert stack.functions["LivePushFunction"].environment["LIVE_URL"].endswith("/live")


def test_nothing_about_domain_topic_or_snapshots_exists_unless_asked_for() -> None:
    for name in ("Domain", "DomainMapping"):
        assert RESOURCES[name]["Condition"] == "HasApiDomain"
    for name in ("LiveApiDomain", "LiveApiDomainMapping"):
        assert RESOURCES[name]["Condition"] == "HasLiveDomain"
    assert RESOURCES["AlarmTopic"]["Condition"] == "HasAlarmEmail"
    for function in of_type("AWS::Lambda::Function").values():
        assert function["Properties"]["SnapStart"] == {"ApplyOn": {"Ref": "SnapStart"}}


def test_published_events_are_kept_for_a_replay() -> None:
    archive = RESOURCES["EventArchive"]["Properties"]
    assert archive["SourceArn"] == {"Fn::GetAtt": ["Bus", "Arn"]}
    assert "EventPattern" not in archive


def test_a_function_with_an_environment_of_its_own_is_told_of_no_table_that_its_role_may_not_use() -> None:
    """Those of the API that know buyers share one environment."""
    told = 0
    for name, function in RESOURCES.items():
        if function["Type"] != "AWS::Lambda::Function":
            continue
        variables = function["Properties"].get("Environment", {}).get("Variables", {})
        if "BUYERS_TABLE" in variables:
            continue
        role = json.dumps(RESOURCES[function["Properties"]["Role"]["Fn::GetAtt"][0]])
        for variable, table in variables.items():
            if variable.endswith("_TABLE"):
                told += 1
                assert json.dumps(table["Ref"]) in role, f"{name}: {variable}"
    assert told
