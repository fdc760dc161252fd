"""What AWS bounds, or names once for many, is kept to whatever parameters are given: variables, log policy, dashboards, searches."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sandbox.cloudformation.template import transformed

TRANSFORMED = transformed(Path(__file__).parents[2] / "template.yaml")
RESOURCES, PARAMETERS = TRANSFORMED["Resources"], TRANSFORMED["Parameters"]
FUNCTIONS = {name: one for name, one in RESOURCES.items() if one["Type"] == "AWS::Lambda::Function"}

VARIABLES = 4096  # bytes of names and values together (Lambda Developer Guide, "Lambda quotas")
STACK = "s" * 128
REGION = "ap-southeast-99"  # as long as any
ENDPOINT = f"wss://abcdefghij.execute-api.{REGION}.amazonaws.com"


def named(logical_id: str, most: int) -> str:
    """A name as CloudFormation makes one, of `most` characters at most."""
    return f"{STACK}-{logical_id}-ABCDEFGHIJKLM"[:most]


RESOURCE = {
    "AWS::DynamoDB::Table": lambda name: named(name, 255),
    "AWS::Events::EventBus": lambda name: named(name, 256),
    "AWS::S3::Bucket": lambda name: named(name, 63),
    "AWS::SQS::Queue": lambda name: f"https://sqs.{REGION}.amazonaws.com/123456789012/{named(name, 80)}",
    "AWS::SecretsManager::Secret": lambda name: (
        f"arn:aws:secretsmanager:{REGION}:123456789012:secret:{name}-ABCDEFGHIJKL-abcdef"
    ),
}


def longest(value: Any) -> str:
    """The longest text that a variable can have; a form that nobody foresaw raises."""
    match value:
        case str():
            return value
        case {"Ref": "AWS::StackName"}:
            return STACK
        case {"Ref": name} if name in PARAMETERS:
            return "x" * widest(name, PARAMETERS[name])
        case {"Ref": name}:
            return RESOURCE[RESOURCES[name]["Type"]](name)
        case {"Fn::If": [_, yes, no]}:
            return max(longest(yes), longest(no), key=len)
        case {"Fn::Sub": text}:
            known = {"LiveApi.ApiEndpoint": ENDPOINT}
            return re.sub(
                r"\$\{([\w.]+)\}", lambda found: known.get(found[1]) or longest({"Ref": found[1]}), text
            )
    raise AssertionError(f"nobody knows how long {json.dumps(value)} becomes")


def widest(name: str, rules: dict[str, Any]) -> int:
    assert rules["Type"] in ("String", "Number"), f"{name} is a list, and has no MaxLength"
    if rules["Type"] == "Number":
        return 12
    bounds = [int(rules["MaxLength"])] if "MaxLength" in rules else []
    if "AllowedValues" in rules:
        bounds.append(max(len(str(each)) for each in rules["AllowedValues"]))
    if "AllowedPattern" in rules:
        bounds.append(re._parser.parse(rules["AllowedPattern"]).getwidth()[1])
    assert min(bounds, default=4096) < 4096, f"{name} needs a MaxLength: it is in a function's environment"
    return min(bounds)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_functions_variables_have_room_for_the_longest_parameters(function: str) -> None:
    variables = FUNCTIONS[function]["Properties"]["Environment"]["Variables"]
    texts = {name: longest(value) for name, value in variables.items()}
    assert not any("${" in text for text in texts.values())
    assert sum(len(name) + len(text) for name, text in texts.items()) <= VARIABLES


def test_access_logs_share_a_line_of_the_accounts_log_policy() -> None:
    assert RESOURCES["ApiLogs"]["Properties"]["LogGroupName"] == {
        "Fn::Sub": "/aws/vendedlogs/${AWS::StackName}/api"
    }


def test_a_dashboard_is_of_one_stack_in_one_region() -> None:
    dashboard = RESOURCES["Dashboard"]["Properties"]
    assert dashboard["DashboardName"] == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}
    assert TRANSFORMED["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"].endswith(
        "#dashboards/dashboard/${Dashboard}"
    )
    body = json.loads(dashboard["DashboardBody"]["Fn::Sub"])
    assert {widget["properties"]["region"] for widget in body["widgets"]} == {"${AWS::Region}"}


def test_a_search_finds_metrics_of_this_stack_and_of_none_whose_name_begins_like_it() -> None:
    searches = re.findall(
        r"SEARCH\('(.+?)', ",
        json.dumps(json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])),
    )
    assert len(searches) == 2
    for search in searches:
        # Without quotes CloudWatch matches parts: wechatpay-dev is in wechatpay-dev-2.
        schema, _, terms = search.partition("} ")
        assert schema.startswith("{WeChatPay,service,")
        for term in terms.split(" "):
            assert re.fullmatch(r'\w+=\\"[^"]+\\"', term), term
        assert 'service=\\"${AWS::StackName}\\"' in terms


def test_tables_are_encrypted_by_the_key_that_costs_nothing() -> None:
    tables = [one["Properties"] for one in RESOURCES.values() if one["Type"] == "AWS::DynamoDB::Table"]
    # SSEEnabled would mean the account's aws/dynamodb key, whose every use KMS charges for; without it AWS's own is used.
    assert tables
    assert not any("SSESpecification" in table for table in tables)
