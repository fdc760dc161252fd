"""A schedule, a queue and a stream's failures from template to effect; and what such a template may not leave out."""

import json
import uuid
from pathlib import Path

import pytest

from sandbox.cloudformation.deployer import deploy
from sandbox.cloudformation.template import TemplateError
from tests.kit.running import Running

TOYS = Path(__file__).parent / "toys"
TEMPLATE = TOYS / "recovery.yaml"


@pytest.fixture(scope="module")
def sandbox():
    with Running(template=TEMPLATE) as sandbox:
        yield sandbox


@pytest.fixture
def deploying(aws, tmp_path):
    """Deploys the toy template, with changes, as a stack of its own, and says what came of it."""
    for toy in ("sweeper", "settler", "teller"):
        (tmp_path / toy).symlink_to(TOYS / toy)

    def run(*changes):
        text = TEMPLATE.read_text()
        for before, after in changes:
            assert before in text, before
            text = text.replace(before, after)
        path = tmp_path / "template.yaml"
        path.write_text(text)
        return deploy(path, aws=aws, parameters={}, stack_name=f"stack-{uuid.uuid4().hex[:8]}")

    return run


def queued(sandbox, logical_id):
    url = sandbox.deployed.refs[logical_id]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sandbox.aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


# ---- from schedule to event ----


def test_a_minute_later_the_schedule_has_been_followed_to_the_bus(sandbox):
    sandbox.clock.advance(60)
    assert sandbox.drain()
    told = {event["detail"]["name"] for event in sandbox.events()}
    assert told == {"lamp", "cup"}
    assert sandbox.schedules["SweeperFunctionMinute"].invocations == 1


def test_what_fails_every_time_ends_in_the_dead_letter_queue(sandbox):
    sandbox.clock.advance(60)
    assert sandbox.drain()
    for _ in range(4):  # three deliveries, and the one that would have been the fourth
        sandbox.clock.advance(61)
        assert sandbox.drain()
    assert queued(sandbox, "Dead") >= 1


def test_what_the_stream_function_cannot_deliver_lies_in_the_bucket(sandbox):
    assert sandbox.drain()
    bus = sandbox.deployed.refs["Bus"]
    events = sandbox.aws.client("events")
    sandbox.aws.client("iam").put_role_policy(
        RoleName=sandbox.deployed.refs["TellerRole"],
        PolicyName="no-events",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Deny", "Action": "events:*", "Resource": "*"}],
            }
        ),
    )
    sandbox.aws.client("dynamodb").put_item(
        TableName=sandbox.deployed.refs["Table"], Item={"name": {"S": "lost"}}
    )
    assert sandbox.drain()
    assert events.describe_event_bus(Name=bus)["Name"] == bus
    s3, bucket = sandbox.aws.client("s3"), sandbox.deployed.refs["Failures"]
    (found,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    record = json.loads(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
    assert record["requestContext"]["functionArn"] == sandbox.deployed.functions["TellerFunction"].arn
    (lost,) = json.loads(record["payload"])["Records"]
    assert lost["dynamodb"]["NewImage"] == {"name": {"S": "lost"}}


def test_with_schedules_off_only_a_test_fires_them():
    with Running(template=TEMPLATE, schedules=False) as sandbox:
        sandbox.clock.advance(3600)
        assert sandbox.drain()
        assert sandbox.events() == []
        answer = sandbox.schedules["SweeperFunctionMinute"].run_now()
        assert answer == {"sent": 3, "source": "aws.scheduler"}
        assert sandbox.drain()
        assert {event["detail"]["name"] for event in sandbox.events()} == {"lamp", "cup"}


# ---- what is made of the template ----


def test_a_queue_mapping_has_what_the_template_says(deploying):
    deployed = deploying(("BatchSize: 2", "BatchSize: 20\n            MaximumBatchingWindowInSeconds: 1"))
    (mapping,) = deployed.queues
    assert mapping.queue_arn == deployed.attributes["Due"]["Arn"]
    assert mapping.queue_url == deployed.refs["Due"]
    assert (mapping.function, mapping.batch_size, mapping.batching_window) == ("SettlerFunction", 20, 1)
    assert (mapping.report_item_failures, mapping.maximum_concurrency) == (True, 2)


def test_a_schedule_has_its_rate_its_name_and_its_input(deploying):
    (schedule,) = deploying().schedules
    assert (schedule.function, schedule.rate, schedule.input) == ("SweeperFunction", 60, None)
    assert schedule.arn.endswith(":schedule/default/SweeperFunctionMinute")


@pytest.mark.parametrize(
    ("expression", "rate"), [("rate(5 minutes)", 300), ("rate(1 hour)", 3600), ("rate(2 days)", 172800)]
)
def test_a_rate_may_be_in_minutes_hours_and_days(deploying, expression, rate):
    assert deploying(("rate(1 minute)", expression)).schedules[0].rate == rate


@pytest.mark.parametrize(
    ("expression", "moments"),
    [
        ("cron(0 12 * * ? *)", [43200]),
        ("cron(10/30 2-3 ? * * *)", [7800, 9600, 11400, 13200]),
        ("cron(5,20 0 * * ? *)", [300, 1200]),
    ],
)
def test_a_schedule_may_name_moments_of_the_day(deploying, expression, moments):
    (schedule,) = deploying(("rate(1 minute)", expression)).schedules
    assert (schedule.rate, list(schedule.moments)) == (0, moments)


def test_a_rule_with_a_schedule_is_one_too(deploying):
    rule = ("Type: ScheduleV2", "Type: Schedule"), ("ScheduleExpression: rate", "Schedule: rate")
    (schedule,) = deploying(
        *rule, ("RetryPolicy:", "Input: '{\"limit\": 5}'\n            RetryPolicy:")
    ).schedules
    assert (schedule.source, schedule.rate, schedule.input) == ("aws.events", 60, {"limit": 5})
    assert ":rule/" in schedule.arn


def test_a_scheduled_function_may_rule_out_retries_of_its_invocations(deploying):
    role = "      Role: !GetAtt SweeperRole.Arn"
    assert deploying((role, f"{role}\n      EventInvokeConfig: {{MaximumRetryAttempts: 0}}")).schedules
    with pytest.raises(TemplateError, match="MaximumRetryAttempts"):
        deploying((role, f"{role}\n      EventInvokeConfig: {{MaximumRetryAttempts: 1}}"))


def test_a_schedule_may_have_a_dead_letter_queue(deploying):
    retry = "RetryPolicy: {MaximumRetryAttempts: 0}"
    dead = f"{retry}\n            DeadLetterConfig: {{Arn: !GetAtt Dead.Arn}}"
    assert deploying((retry, dead)).schedules


def test_a_stream_mapping_knows_its_bucket_and_its_age(deploying):
    deployed = deploying()
    (mapping,) = deployed.streams
    assert mapping.maximum_age == 3600
    assert mapping.on_failure.bucket == deployed.refs["Failures"]
    assert mapping.on_failure.mapping_id == deployed.refs["TellerFunctionStream"]


# ---- what is refused ----

SEND = "Statement: [{Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt Due.Arn}]"
OWN_ROLE = (
    "            ScheduleExpression: rate(1 minute)",
    "            ScheduleExpression: rate(1 minute)\n            RoleArn: !GetAtt SweeperRole.Arn",
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        # permissions
        ([("sqs:ReceiveMessage, ", "")], "lacks sqs:ReceiveMessage"),
        ([("sqs:DeleteMessage, ", "")], "lacks sqs:DeleteMessage"),
        ([(", sqs:GetQueueAttributes", "")], "lacks sqs:GetQueueAttributes"),
        ([("Action: s3:PutObject", "Action: s3:GetObject")], "lacks s3:PutObject"),
        ([("Action: s3:ListBucket", "Action: s3:GetObject")], "lacks s3:ListBucket"),
        ([("${Failures.Arn}/aws/lambda/*", "${Failures.Arn}")], "lacks s3:PutObject"),
        ([OWN_ROLE], "scheduler.amazonaws.com may not assume"),
        (
            [
                OWN_ROLE,
                ("Service: lambda.amazonaws.com", "Service: [lambda.amazonaws.com, scheduler.amazonaws.com]"),
            ],
            "lacks lambda:InvokeFunction",
        ),
        # queues
        ([("VisibilityTimeout: 60", "VisibilityTimeout: 9")], "visibility timeout of 9 s is less"),
        ([("BatchSize: 2", "BatchSize: 11")], "MaximumBatchingWindowInSeconds"),
        ([("MaximumConcurrency: 2", "MaximumConcurrency: 1")], "2 to 1000"),
        ([("BatchSize: 2", "FilterCriteria: {Filters: []}")], "FilterCriteria"),
        ([("BatchSize: 2", "Enabled: false")], "disabled mapping"),
        # schedules
        ([("rate(1 minute)", "cron(0 12 ? * MON *)")], "rate"),
        ([("rate(1 minute)", "cron(61 12 * * ? *)")], "61 is out of range"),
        ([("rate(1 minute)", "cron(0 1L * * ? *)")], "1L in a cron"),
        (
            [("rate(1 minute)", "rate(1 minute)\n            ScheduleExpressionTimezone: Asia/Shanghai")],
            "in UTC only",
        ),
        ([("rate(1 minute)", "rate(1 minutes)")], "rate"),
        ([("rate(1 minute)", "rate(5 minute)")], "rate"),
        ([("RetryPolicy:", "State: DISABLED\n            RetryPolicy:")], "disabled schedule"),
        ([("RetryPolicy:", "Input: 'x'\n            RetryPolicy:")], "Input must be JSON"),
        ([("RetryPolicy:", "EndDate: '2030-01-01T00:00:00Z'\n            RetryPolicy:")], "EndDate"),
        (
            [
                (
                    "RetryPolicy:",
                    "FlexibleTimeWindow: {Mode: FLEXIBLE, MaximumWindowInMinutes: 5}\n            RetryPolicy:",
                )
            ],
            "flexible",
        ),
        # failures, buckets and policies
        (
            [("Type: S3, Destination: !GetAtt Failures.Arn", "Type: SQS, Destination: !GetAtt Dead.Arn")],
            "S3 buckets only",
        ),
        (
            [("      LifecycleConfiguration:", "      NotificationConfiguration:")],
            "NotificationConfiguration",
        ),
        (
            [('{Bool: {"aws:SecureTransport": "false"}}', '{Bool: {"aws:ViaAWSService": "false"}}')],
            "resource policies",
        ),
        ([("Effect: Deny", "Effect: Allow")], "resource policies"),
        ([("RetentionDays: 90", "KmsKeyIdentifier: key")], "KmsKeyIdentifier"),
    ],
)
def test_a_template_that_would_not_work_on_aws_or_here_is_refused(deploying, changes, message):
    with pytest.raises(TemplateError, match=message):
        deploying(*changes)


def test_a_rule_without_a_permission_is_refused(deploying):
    rule = """
  Alone:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(1 minute)
      Targets: [{Arn: !GetAtt SweeperFunction.Arn, Id: one}]
  Table:
"""
    with pytest.raises(TemplateError, match="no permission lets it invoke SweeperFunction"):
        deploying(("\n  Table:\n", rule))


def test_a_rule_is_for_a_schedule_or_for_events(deploying):
    rule = "\n  Other:\n    Type: AWS::Events::Rule\n    Properties: {Targets: []}\n  Table:\n"
    with pytest.raises(TemplateError, match="either a schedule or a pattern"):
        deploying(("\n  Table:\n", rule))
