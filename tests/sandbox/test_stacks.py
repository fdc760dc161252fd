"""The sandbox's CloudFormation tells of what was deployed there, and of nothing else."""

import pytest
from botocore.exceptions import ClientError

from sandbox.cloudformation.deployer import deploy
from tests.kit.environment import local_aws

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: test}
  Origins: {Type: CommaDelimitedList, Default: ""}
  Shards: {Type: Number, Default: 4}
  Key: {Type: String, NoEcho: true}
Resources:
  Bus:
    Type: AWS::Events::EventBus
    Properties: {Name: !Sub "${AWS::StackName}-a<b>&c"}
Outputs:
  BusName: {Value: !Ref Bus}
  StackId: {Value: !Ref AWS::StackId}
"""


@pytest.fixture
def aws():
    with local_aws() as aws:
        yield aws


@pytest.fixture
def stack(aws, tmp_path):
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    given = {"Origins": "https://a.example, https://b.example", "Key": "not to be told"}
    return deploy(tmp_path / "template.yaml", aws=aws, parameters=given, stack_name="one")


def test_a_stack_is_described_with_its_outputs_and_parameters(aws, stack):
    (told,) = aws.client("cloudformation").describe_stacks(StackName="one")["Stacks"]
    assert (told["StackName"], told["StackStatus"]) == ("one", "CREATE_COMPLETE")
    assert {output["OutputKey"]: output["OutputValue"] for output in told["Outputs"]} == stack.outputs
    assert stack.outputs == {"BusName": "one-a<b>&c", "StackId": told["StackId"]}
    assert {one["ParameterKey"]: one["ParameterValue"] for one in told["Parameters"]} == {
        "Stage": "test",
        "Origins": "https://a.example,https://b.example",
        "Shards": "4",
        "Key": "****",
    }
    by_id = aws.client("cloudformation").describe_stacks(StackName=told["StackId"])["Stacks"]
    assert by_id == aws.client("cloudformation").describe_stacks()["Stacks"] == [told]


def test_of_another_stack_it_says_what_cloudformation_says(aws, stack):
    with pytest.raises(ClientError, match=r"ValidationError.*Stack with id two does not exist"):
        aws.client("cloudformation").describe_stacks(StackName="two")


def test_before_anything_is_deployed_there_is_none(aws):
    assert aws.client("cloudformation").describe_stacks()["Stacks"] == []


def test_nothing_else_can_be_asked_of_it(aws, stack):
    with pytest.raises(ClientError, match="knows no action of CloudFormation but DescribeStacks"):
        aws.client("cloudformation").delete_stack(StackName="one")


def test_a_functions_role_may_not_ask(aws, stack):
    trust = '{"Version": "2012-10-17", "Statement": []}'
    arn = aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    with pytest.raises(ClientError, match="not authorized to perform: cloudformation:DescribeStacks"):
        aws.client("cloudformation", aws.session_credentials(arn)).describe_stacks()


WATCHED = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Most: {Type: Number, Default: 30}}
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {Subscription: [{Protocol: email, Endpoint: operator@shop.example}]}
  Full:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmActions: [!Ref Topic]
      Namespace: Shop
      MetricName: Orders
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 1
      Threshold: !Ref Most
      ComparisonOperator: GreaterThanThreshold
"""


def test_alarms_and_who_hears_of_them_are_told_of_in_each_sandbox_by_itself(tmp_path):
    (tmp_path / "template.yaml").write_text(WATCHED)
    with local_aws() as one, local_aws() as other:
        for aws, stack in ((one, "one"), (other, "other")):
            deploy(tmp_path / "template.yaml", aws=aws, parameters={"Most": "7"}, stack_name=stack)
        for aws, stack in ((one, "one"), (other, "other"), (one, "one")):
            (alarm,) = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
            (topic,) = alarm["AlarmActions"]
            (listener,) = aws.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
            assert (alarm["AlarmName"], alarm["Threshold"]) == (f"{stack}-Full", 7)
            assert (listener["Endpoint"], topic.endswith(f":{stack}-Topic")) == (
                "operator@shop.example",
                True,
            )
