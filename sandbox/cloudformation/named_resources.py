"""Resource types that only watch, keep or name: nothing here depends on them, so each gets a name, references to it work, and some are told of."""

import json
from collections.abc import Callable
from typing import Any

from sandbox.aws.aws import Aws
from sandbox.cloudformation.resources import Created, only
from sandbox.cloudformation.template import TemplateError


def alarm(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:
    """AWS::CloudWatch::Alarm: CloudWatch tells of it, and nothing measures all the time here."""
    name = properties.get("AlarmName", f"{stack}-{logical_id}")
    # A number that is a parameter is text, which CloudFormation takes as well.
    numbers = {"Threshold": float(properties["Threshold"])} if "Threshold" in properties else {}
    described = {**properties, **numbers, "AlarmName": name}
    aws.later("cloudwatch", lambda: aws.client("cloudwatch").put_metric_alarm(**described))
    return Created(name, {"Arn": f"arn:aws:cloudwatch:{aws.region}:{aws.account}:alarm:{name}"})


def dashboard(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:  # noqa: ARG001
    """AWS::CloudWatch::Dashboard: there is nobody to look at it here, so it gets a name, once its text proves to be JSON."""
    only(logical_id, properties, "DashboardName DashboardBody")
    try:
        json.loads(properties["DashboardBody"])
    except ValueError as fault:
        raise TemplateError(f"{logical_id}: DashboardBody is not JSON: {fault}") from fault
    return Created(properties.get("DashboardName", f"{stack}-{logical_id}"))


def topic(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:
    """AWS::SNS::Topic: alarms speak through it, and none does here. Whoever it names has agreed at once."""
    only(logical_id, properties, "TopicName DisplayName Subscription KmsMasterKeyId Tags")
    name = properties.get("TopicName", f"{stack}-{logical_id}")
    arn = f"arn:aws:sns:{aws.region}:{aws.account}:{name}"

    def make() -> None:
        client = aws.client("sns")
        client.create_topic(Name=name)
        for each in properties.get("Subscription", []):
            client.subscribe(TopicArn=arn, Protocol=each["Protocol"], Endpoint=each["Endpoint"])

    aws.later("sns", make)
    return Created(arn, {"TopicName": name})


def archive(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:
    """AWS::Events::Archive: it only keeps events, which the sandbox does by itself."""
    only(logical_id, properties, "ArchiveName Description EventPattern RetentionDays SourceArn")
    name = properties.get("ArchiveName", f"{stack}-{logical_id}")
    return Created(
        name, {"Arn": f"arn:aws:events:{aws.region}:{aws.account}:archive/{name}", "ArchiveName": name}
    )


def domain(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:  # noqa: ARG001
    """AWS::ApiGatewayV2::DomainName: names do not lead here."""
    only(logical_id, properties, "DomainName DomainNameConfigurations Tags")
    name = properties["DomainName"]
    return Created(
        name, {"RegionalDomainName": f"d-{logical_id.lower()}.execute-api.{aws.region}.amazonaws.com"}
    )


def domain_mapping(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:  # noqa: ARG001
    """AWS::ApiGatewayV2::ApiMapping: of a domain that does not lead here."""
    only(logical_id, properties, "ApiId DomainName Stage ApiMappingKey")
    return Created(logical_id)


def version(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:  # noqa: ARG001
    """AWS::Lambda::Version: a function has one here, the template's."""
    only(logical_id, properties, "FunctionName Description CodeSha256")
    arn = f"arn:aws:lambda:{aws.region}:{aws.account}:function:{properties['FunctionName']}:1"
    return Created(arn, {"Version": "1", "FunctionArn": arn})


def alias(aws: Aws, stack: str, logical_id: str, properties: dict[str, Any]) -> Created:  # noqa: ARG001
    """AWS::Lambda::Alias: it leads to the function itself."""
    only(logical_id, properties, "FunctionName FunctionVersion Name Description")
    function, name = properties["FunctionName"], properties["Name"]
    return Created(f"arn:aws:lambda:{aws.region}:{aws.account}:function:{function}:{name}")


NAMED: dict[str, Callable[[Aws, str, str, dict[str, Any]], Created]] = {
    "AWS::ApiGatewayV2::ApiMapping": domain_mapping,
    "AWS::ApiGatewayV2::DomainName": domain,
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::CloudWatch::Dashboard": dashboard,
    "AWS::Events::Archive": archive,
    "AWS::Lambda::Alias": alias,
    "AWS::Lambda::Version": version,
    "AWS::SNS::Topic": topic,
}
