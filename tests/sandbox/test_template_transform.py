"""The template is transformed on this machine alone, and its parameters are checked as CloudFormation checks them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.cloudformation.template import TemplateError, checked, transformed, translate

ROOT = Path(__file__).resolve().parents[2]

SMALL = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.13, Handler: app.lambda_handler, Layers: [!Ref Shared]}}
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/one, Role: arn:aws:iam::123456789012:role/one}
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layers/shared}
"""


def write(tmp_path, text):
    path = tmp_path / "template.yaml"
    path.write_text(text)
    return path


def test_folders_are_found_by_final_id_and_replaced_by_a_placeholder(tmp_path):
    template, folders = translate(write(tmp_path, SMALL), {})
    (layer,) = [name for name, r in template["Resources"].items() if r["Type"] == "AWS::Lambda::LayerVersion"]
    assert layer != "Shared"
    assert folders == {"One": tmp_path / "functions/one", layer: tmp_path / "layers/shared"}
    assert template["Resources"]["One"]["Properties"]["Code"] == {"S3Bucket": "sandbox-code", "S3Key": "One"}
    assert template["Resources"]["One"]["Properties"]["Layers"] == [{"Ref": layer}]


def test_code_that_is_not_a_local_folder_is_an_error(tmp_path):
    with pytest.raises(TemplateError, match="One: CodeUri must be a local folder"):
        translate(write(tmp_path, SMALL.replace("functions/one", "s3://bucket/key")), {})


def test_a_fault_that_the_transform_finds_is_named(tmp_path):
    text = SMALL.replace(
        "Role:",
        "Events: {R: {Type: HttpApi, Properties: {ApiId: !Ref Nowhere, Path: /, Method: GET}}}, Role:",
    )
    with pytest.raises(TemplateError, match=r"\[One\] is invalid.*ApiId must be a valid reference"):
        translate(write(tmp_path, text), {})


def test_our_template_transforms_to_plain_cloudformation():
    template = transformed(ROOT / "template.yaml")
    assert "Transform" not in template
    assert not [r for r in template["Resources"].values() if r["Type"].startswith("AWS::Serverless")]


def test_the_command_prints_json_without_region_or_credentials():
    run = subprocess.run(
        [sys.executable, "-m", "sandbox.cloudformation.template"],
        cwd=ROOT,
        env={"PATH": "/usr/bin", "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Resources" in json.loads(run.stdout)


@pytest.mark.parametrize(
    ("rules", "value", "message"),
    [
        ({"Type": "String", "AllowedPattern": "wx[0-9a-f]{4}"}, "wx12345", "parameter P must match wx"),
        ({"Type": "String", "AllowedPattern": "[0-9]+"}, "12\n", "parameter P must match"),
        (
            {"Type": "String", "AllowedValues": ["true", "false"]},
            "True",
            "parameter P must be one of true, false",
        ),
        ({"Type": "String", "AllowedValues": [True, False]}, "yes", "parameter P must be one of true, false"),
        ({"Type": "String", "MinLength": 3}, "ab", "MinLength 3"),
        ({"Type": "String", "MaxLength": 3}, "abcd", "MaxLength 3"),
        ({"Type": "Number"}, "ten", "must be a number"),
        ({"Type": "Number"}, "NaN", "must be a number"),
        ({"Type": "Number", "MinValue": 1}, "0", "at least 1"),
        ({"Type": "Number", "MaxValue": 64}, "65", "at most 64"),
        ({"Type": "CommaDelimitedList", "AllowedPattern": "a.*"}, "ab, b", "must match a"),
        ({"Type": "AWS::EC2::VPC::Id"}, "vpc-1", "type AWS::EC2::VPC::Id is not supported"),
    ],
)
def test_a_bad_value_is_named_by_parameter_and_rule_but_not_shown(rules, value, message):
    with pytest.raises(TemplateError) as refused:
        checked({"P": rules}, {"P": value})
    assert message in str(refused.value)


def test_a_secret_value_stays_out_of_the_error():
    with pytest.raises(TemplateError) as refused:
        checked({"Key": {"Type": "String", "NoEcho": True, "AllowedPattern": "[a-z]+"}}, {"Key": "SECRET-7"})
    assert "SECRET-7" not in str(refused.value)


def test_a_missing_parameter_and_an_unknown_one_are_named():
    with pytest.raises(TemplateError, match="parameter P has no default"):
        checked({"P": {"Type": "String"}}, {})
    with pytest.raises(TemplateError, match="the template has no parameter Q"):
        checked({"P": {"Type": "String"}}, {"P": "x", "Q": "y"})


def test_defaults_and_lists_come_out_typed():
    declared = {
        "L": {"Type": "CommaDelimitedList", "Default": "a, b"},
        "N": {"Type": "Number", "Default": 16, "MinValue": 1},
        "E": {"Type": "CommaDelimitedList", "Default": ""},
    }
    assert checked(declared, {}) == {"L": ["a", "b"], "N": "16", "E": [""]}
