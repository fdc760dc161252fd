"""What a stream function fails on for good lies whole in the bucket, under Lambda's names, written with its role."""

import json
import re
import time

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.aws.aws import Aws
from sandbox.deployed import FailureBucket, StreamMapping
from sandbox.triggers.streams import StreamPump
from tests.kit.environment import local_aws

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:publish"
MAPPING = "8a3d6a9e-5d3c-5f0b-9d3e-0f7a5d6c1b2a"
STREAM = [
    "dynamodb:DescribeStream",
    "dynamodb:GetShardIterator",
    "dynamodb:GetRecords",
    "dynamodb:ListStreams",
]
PUT = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::failures/aws/lambda/*"}


@pytest.fixture
def aws():
    with local_aws() as aws:
        aws.offer("s3")
        aws.client("s3").create_bucket(Bucket="failures")
        yield aws


@pytest.fixture
def stream_arn(aws):
    made = aws.client("dynamodb").create_table(
        TableName="payments",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return made["TableDescription"]["LatestStreamArn"]


@pytest.fixture
def pumping(aws, clock, stream_arn, running):
    def start(function, *, credentials=None, **settings):
        mapping = StreamMapping(
            **{
                "stream_arn": stream_arn,
                "function": "PublishFunction",
                "batch_size": 100,
                "bisect": False,
                "report_item_failures": True,
                "maximum_retries": 1,
                "on_failure": FailureBucket("failures", MAPPING, FUNCTION),
                **settings,
            }
        )
        invoke = lambda _, event: function(event)  # noqa: E731
        return running(StreamPump(aws, mapping, invoke, credentials=credentials, clock=clock))

    return start


@pytest.fixture
def role(aws):
    """Credentials of a role that may read the stream, and what else these statements say."""

    def made(*statements):
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}],
        }
        stream = {"Effect": "Allow", "Action": STREAM, "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [stream, *statements]}
        client = aws.client("iam")
        arn = client.create_role(RoleName="publish", AssumeRolePolicyDocument=json.dumps(trust))["Role"][
            "Arn"
        ]
        client.put_role_policy(RoleName="publish", PolicyName="p", PolicyDocument=json.dumps(policy))
        return aws.session_credentials(arn)

    return made


def put(aws, *keys):
    for key in keys:
        aws.client("dynamodb").put_item(TableName="payments", Item={"pk": {"S": key}})


def kept(aws):
    """Everything in the bucket: (key, parsed object)."""
    client = aws.client("s3")
    names = [found["Key"] for found in client.list_objects_v2(Bucket="failures").get("Contents", [])]
    return [
        (name, json.loads(client.get_object(Bucket="failures", Key=name)["Body"].read())) for name in names
    ]


def boom(_):
    raise RuntimeError("boom")


def refuse(poison):
    def function(event):
        records = event["Records"]
        failed = [r for r in records if r["dynamodb"]["Keys"]["pk"]["S"] == poison]
        return {"batchItemFailures": [{"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in failed]}

    return function


def test_a_batch_without_retries_left_lies_in_the_bucket(aws, clock, pumping, stream_arn):
    clock.advance(86400 * 40)
    put(aws, "a", "b")
    seen = []

    def function(event):
        seen.append(event)
        boom(event)

    assert pumping(function).drain(5)
    ((key, record),) = kept(aws)
    day = time.strftime("%Y/%m/%d", time.gmtime(clock.time()))
    shard = record["DDBStreamBatchInfo"]["shardId"]
    stamp = r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert re.fullmatch(f"aws/lambda/{MAPPING}/{shard}/{day}/{stamp}", key)
    assert len(record["requestContext"].pop("requestId")) == 36
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("timestamp"))
    changes = [r["dynamodb"] for r in seen[-1]["Records"]]
    arrival = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(changes[0]["ApproximateCreationDateTime"]))
    assert record == {
        "requestContext": {
            "functionArn": FUNCTION,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": changes[0]["SequenceNumber"],
            "endSequenceNumber": changes[1]["SequenceNumber"],
            "approximateArrivalOfFirstRecord": arrival,
            "approximateArrivalOfLastRecord": arrival,
            "batchSize": 2,
            "streamArn": stream_arn,
        },
        "payload": json.dumps(seen[-1], separators=(",", ":")),
    }


def test_only_what_failed_is_kept_and_what_follows_is_delivered(aws, pumping):
    put(aws, "a", "poison", "c")
    pump = pumping(refuse("poison"), bisect=True, batch_size=1)
    assert pump.drain(5)
    ((_, record),) = kept(aws)
    (failed,) = json.loads(record["payload"])["Records"]
    assert failed["dynamodb"]["NewImage"] == {"pk": {"S": "poison"}}
    assert "functionError" not in record["responseContext"]
    assert len(pump.discarded) == 1


def test_records_older_than_the_mapping_allows_are_kept_too(aws, clock, pumping):
    def function(event):
        clock.advance(601)
        boom(event)

    put(aws, "a")
    assert pumping(function, maximum_retries=-1, maximum_age=600).drain(5)
    ((_, record),) = kept(aws)
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 1


def test_putting_objects_is_all_that_keeping_takes(aws, pumping, role):
    put(aws, "a")
    pump = pumping(boom, credentials=role(PUT))
    assert pump.drain(5)
    assert pump.last_failure_error is None
    assert len(kept(aws)) == 1
    used = [use for use in aws.uses if use.action.startswith("s3:")]
    assert {(use.action, use.allowed) for use in used} == {("s3:PutObject", True)}
    assert used[0].resource.startswith(f"arn:aws:s3:::failures/aws/lambda/{MAPPING}/")


def test_a_missing_permission_is_found_and_does_not_hold_up_the_stream(aws, pumping, role):
    put(aws, "a")
    pump = pumping(boom, credentials=role())
    assert pump.drain(5)
    assert "not authorized to perform: s3:PutObject" in str(pump.last_failure_error)
    assert kept(aws) == []
    assert len(pump.discarded) == 1


# ---- who may do what with a bucket ----


def calls(client):
    where = {"Bucket": "failures", "Key": "aws/lambda/x y"}
    return {
        "put": lambda: client.put_object(**where, Body=b"1"),
        "get": lambda: client.get_object(**where),
        "head": lambda: client.head_object(**where),
        "list": lambda: client.list_objects_v2(Bucket="failures", Prefix="aws/"),
        "head bucket": lambda: client.head_bucket(Bucket="failures"),
        "delete": lambda: client.delete_object(**where),
        "get acl": lambda: client.get_object_acl(**where),
        "put policy": lambda: client.put_bucket_policy(Bucket="failures", Policy="{}"),
        "create": lambda: client.create_bucket(Bucket="another"),
        "in parts": lambda: in_parts(client, b"1" * 5 * 1024 * 1024, b"2"),
        "give parts up": lambda: client.abort_multipart_upload(**where, UploadId=begun(client)),
    }


def begun(client):
    return client.create_multipart_upload(Bucket="failures", Key="aws/lambda/x y")["UploadId"]


def in_parts(client, *parts):
    where = {"Bucket": "failures", "Key": "aws/lambda/x y", "UploadId": begun(client)}
    done = [
        {"PartNumber": number, "ETag": client.upload_part(**where, PartNumber=number, Body=part)["ETag"]}
        for number, part in enumerate(parts, start=1)
    ]
    client.complete_multipart_upload(**where, MultipartUpload={"Parts": done})


def outcome(call):
    try:
        call()
    except ClientError as fault:
        return fault.response["ResponseMetadata"]["HTTPStatusCode"], fault.response["Error"]["Code"]
    return None


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:PutObject", "arn:aws:s3:::failures/*", {"put", "in parts"}),
        ("s3:GetObject", "arn:aws:s3:::failures/aws/lambda/x y", {"get", "head"}),
        ("s3:GetObject", "arn:aws:s3:::failures", set()),
        ("s3:ListBucket", "arn:aws:s3:::failures", {"list", "head bucket"}),
        ("s3:DeleteObject", "arn:aws:s3:::failures/*", {"delete"}),
        ("s3:*", "*", {"put", "in parts", "give parts up", "get", "head", "list", "head bucket", "delete"}),
    ],
)
def test_a_role_may_do_with_a_bucket_what_its_policy_says(aws, role, action, resource, expected):
    aws.client("s3").put_object(Bucket="failures", Key="aws/lambda/x y", Body=b"0")
    client = aws.client("s3", role({"Effect": "Allow", "Action": action, "Resource": resource}))
    outcomes = {name: outcome(call) for name, call in calls(client).items()}
    assert {name for name, found in outcomes.items() if found is None} == expected
    assert set(outcomes.values()) <= {
        None,
        (403, "AccessDenied"),
        (403, "403"),
    }  # HEAD has no body to name it in


def test_an_object_in_parts_is_the_parts_one_after_another(aws, role):
    grant = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "*"}
    client = aws.client("s3", role(grant))
    in_parts(client, b"1" * 5 * 1024 * 1024, b"2")
    found = client.get_object(Bucket="failures", Key="aws/lambda/x y")["Body"].read()
    assert (len(found), found[-2:]) == (5 * 1024 * 1024 + 1, b"12")


def test_a_presigned_address_opens_what_its_maker_may_read_until_its_time_is_over(aws, role):
    for key in ("mine", "another"):
        aws.client("s3").put_object(Bucket="failures", Key=key, Body=b"0")
    may = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::failures/mine"}
    maker = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=aws.url,
        config=Config(signature_version="s3v4"),
        **{name.lower(): value for name, value in role(may).items() if name.startswith("AWS_")},
    )

    def ask(key, seconds):
        where = {"Bucket": "failures", "Key": key}
        return requests.get(
            maker.generate_presigned_url("get_object", Params=where, ExpiresIn=seconds), timeout=30
        )

    assert (ask("mine", 300).status_code, ask("mine", 300).content) == (200, b"0")
    assert (ask("another", 300).status_code, "AccessDenied" in ask("another", 300).text) == (403, True)
    assert (ask("mine", -1).status_code, "has expired" in ask("mine", -1).text) == (403, True)


def test_two_sandboxes_may_have_buckets_of_the_same_name(aws):
    other = Aws()
    other.start()
    other.offer("s3")
    other.client("s3").create_bucket(Bucket="failures")
    aws.client("s3").put_object(Bucket="failures", Key="mine", Body=b"1")
    assert "Contents" not in other.client("s3").list_objects_v2(Bucket="failures")
    assert len(aws.client("s3").list_objects_v2(Bucket="failures")["Contents"]) == 1
    other.stop()
