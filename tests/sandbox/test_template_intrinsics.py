"""Intrinsic functions and conditions come out as CloudFormation's; an unknown one never passes in silence."""

import pytest

from sandbox.cloudformation.intrinsics import NO_VALUE, Resolver
from sandbox.cloudformation.template import TemplateError


@pytest.fixture
def resolver():
    return Resolver(
        {"Stage": "dev", "Origins": ["a", "b"], "AWS::Region": "us-east-1", "Empty": ""},
        conditions={
            "IsDev": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]},
            "IsProd": {"Fn::Not": [{"Condition": "IsDev"}]},
            "Both": {"Fn::And": [{"Condition": "IsDev"}, {"Condition": "IsProd"}]},
            "Either": {"Fn::Or": [{"Condition": "IsDev"}, {"Condition": "IsProd"}]},
            "Number": {"Fn::Equals": [16, "16"]},
            "Odd": {"Fn::Contains": [["a"], "a"]},
        },
        mappings={"Sizes": {"us-east-1": {"memory": 512}}},
        ref=lambda name: f"ref-of-{name}",
        attribute=lambda name, attribute: f"{attribute}-of-{name}",
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"Ref": "Stage"}, "dev"),
        ({"Ref": "Origins"}, ["a", "b"]),
        ({"Ref": "Table"}, "ref-of-Table"),
        ({"Fn::GetAtt": ["Table", "StreamArn"]}, "StreamArn-of-Table"),
        ({"Fn::GetAtt": "Table.Arn"}, "Arn-of-Table"),
        (
            {"Fn::Sub": "${AWS::Region}/${Table}/${Table.Arn}/${!Kept}"},
            "us-east-1/ref-of-Table/Arn-of-Table/${Kept}",
        ),
        ({"Fn::Sub": ["${x}-${Stage}-${n}", {"x": {"Ref": "Table"}, "n": 3}]}, "ref-of-Table-dev-3"),
        ({"Fn::Join": [",", {"Ref": "Origins"}]}, "a,b"),
        ({"Fn::Join": ["", ["a", {"Ref": "Stage"}, 1]]}, "adev1"),
        ({"Fn::Select": ["1", {"Ref": "Origins"}]}, "b"),
        ({"Fn::Split": ["|", "a||b"]}, ["a", "", "b"]),
        ({"Fn::Select": [0, {"Fn::Split": ["-", {"Ref": "Table"}]}]}, "ref"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "memory"]}, 512),
        ({"Fn::If": ["IsDev", "yes", {"Fn::Unknown": 1}]}, "yes"),
        ({"a": {"Fn::If": ["IsProd", 1, {"Ref": "AWS::NoValue"}]}, "b": 2}, {"b": 2}),
        ([1, {"Ref": "AWS::NoValue"}, 2], [1, 2]),
        (
            {"Condition": {"StringEquals": {"x": {"Ref": "Stage"}}}},
            {"Condition": {"StringEquals": {"x": "dev"}}},
        ),
    ],
)
def test_an_intrinsic_resolves(resolver, given, expected):
    assert resolver.value(given) == expected


def test_no_value_by_itself_is_told_apart(resolver):
    assert resolver.value({"Fn::If": ["IsProd", 1, {"Ref": "AWS::NoValue"}]}) is NO_VALUE


@pytest.mark.parametrize(
    "given",
    [
        {"Fn::ImportValue": "x"},
        {"Fn::GetAZs": ""},
        {"deep": [{"Fn::Transform": {}}]},
        {"Fn::Sub": "x", "and": "more"},
        {"Ref": "AWS::NotificationARNs"},
        {"Fn::If": ["Nowhere", 1, 2]},
        {"Fn::Select": [2, ["a", "b"]]},
        {"Fn::Join": [",", "text"]},
        {"Fn::FindInMap": ["Sizes", "eu-west-1", "memory"]},
        {"Fn::Sub": "${Origins}"},
    ],
)
def test_what_is_unknown_or_wrong_is_an_error(resolver, given):
    with pytest.raises(TemplateError):
        resolver.value(given)


def test_conditions_combine(resolver):
    held = {name: resolver.condition(name) for name in ("IsDev", "IsProd", "Both", "Either", "Number")}
    assert held == {"IsDev": True, "IsProd": False, "Both": False, "Either": True, "Number": True}
    with pytest.raises(TemplateError, match="Fn::Contains"):
        resolver.condition("Odd")
