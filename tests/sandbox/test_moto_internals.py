"""What the sandbox takes of moto without moto's promise is there and as it was; and it is taken in one file only."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.aws import moto_internals
from sandbox.aws.aws import Aws
from sandbox.aws.engine import SERVICES
from tests.sandbox import moto_parts

ROOT = Path(__file__).parents[2]
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
IMPORT = re.compile(r"^\s*(?:from|import)\s+moto\b|import_module\(\s*f?[\"']moto\b", re.MULTILINE)


@pytest.fixture(scope="module")
def aws():
    aws = Aws()
    aws.start()
    yield aws
    aws.stop()


def test_all_that_is_taken_of_moto_is_there_and_as_it_was():
    """In a process of its own: here the sandbox has replaced some of it, and what it replaces would be there."""
    looked = subprocess.run(
        [sys.executable, moto_parts.__file__],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (looked.returncode, looked.stdout) == (0, ""), looked.stdout + looked.stderr


def test_what_moto_no_longer_has_is_named():
    assert moto_parts.changed(
        {
            "moto.sqs.models:unix_thyme": "dt",
            "moto.wherever:anything": "",
            "moto.iam.models:IAMBackend.get_role_by_arn": "self arn region",
        },
        {"moto.sqs.urls:url_paths": list},
    ) == [
        "moto.iam.models:IAMBackend.get_role_by_arn takes (self arn), and not (self arn region)",
        "moto.sqs.models:unix_thyme is gone: module 'moto.sqs.models' has no attribute 'unix_thyme'",
        "moto.sqs.urls:url_paths is of type dict, and not list",
        "moto.wherever:anything is gone: No module named 'moto.wherever'",
    ]


def test_every_service_of_the_sandbox_is_looked_at():
    assert set(moto_parts.SERVICES) == {*SERVICES, "s3"}


def test_dynamodb_answers_by_the_way_that_is_replaced():
    writer = moto_parts.found("moto.core.serialize:SERIALIZERS")["json"]
    assert writer._serialize_type_structure is moto_internals._structure


def test_nothing_else_imports_moto():
    files = [path for folder in ("sandbox", "tests", "operations") for path in (ROOT / folder).rglob("*.py")]
    importing = {path.relative_to(ROOT).as_posix() for path in files if IMPORT.search(path.read_text())}
    assert importing == {
        "sandbox/aws/moto_internals.py",
        "tests/kit/expressions.py",  # the list of DynamoDB's reserved words, which is data
    }


def test_a_session_leads_to_its_role_and_the_role_to_its_policies(aws):
    policies = {"Version": "2012-10-17", "Statement": [TRUST]}
    role = aws.client("iam").create_role(RoleName="settle", AssumeRolePolicyDocument=json.dumps(policies))
    arn = role["Role"]["Arn"]
    aws.client("iam").put_role_policy(RoleName="settle", PolicyName="own", PolicyDocument=json.dumps(POLICY))
    given = aws.session_credentials(arn, "SettleFunction")
    with aws._running():
        told = moto_internals.assumed_role(aws.account, given["AWS_ACCESS_KEY_ID"])
        assert told == (
            arn,
            f"arn:aws:sts::{aws.account}:assumed-role/settle/SettleFunction",
            given["AWS_SESSION_TOKEN"],
        )
        assert moto_internals.assumed_role(aws.account, "AKIANOBODY0000000000") is None
        assert [json.loads(text) for text in moto_internals.inline_policies(aws.account, arn)] == [POLICY]


def test_a_table_names_its_key_and_keeps_its_stream(aws):
    client = aws.client("dynamodb")
    client.create_table(
        TableName="payments",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "out_trade_no", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "out_trade_no", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    client.put_item(TableName="payments", Item={"out_trade_no": {"S": "W1"}})
    with aws._running():
        table = moto_internals.table(aws.account, aws.region, "payments")
        assert table.hash_key_attr == "out_trade_no"
        assert [item.to_json()["eventName"] for item in table.stream_shard.items] == ["INSERT"]
        assert moto_internals.table(aws.account, aws.region, "orders") is None


def test_a_secret_is_known_by_its_name_and_read_in_the_version_that_is_current(aws):
    client = aws.client("secretsmanager")
    made = client.create_secret(Name="signing", SecretString="old")
    new = client.put_secret_value(SecretId="signing", SecretString="new")["VersionId"]
    with aws._running():
        assert moto_internals.secret_arn(aws.account, aws.region, "signing") == made["ARN"]
        assert moto_internals.secret_arn(aws.account, aws.region, "verification") is None
    client.update_secret_version_stage(
        SecretId="signing",
        VersionStage="AWSCURRENT",
        MoveToVersionId=made["VersionId"],
        RemoveFromVersionId=new,
    )
    assert client.get_secret_value(SecretId="signing")["SecretString"] == "old"


def test_a_state_comes_back_as_it_was_put_aside(aws):
    aws.client("sqs").create_queue(QueueName="questions")
    with aws._running():
        there = moto_internals.exchange_state("sqs", {})
        assert aws.account in there
        assert moto_internals.exchange_state("sqs", there) == {}
    assert len(aws.client("sqs").list_queues()["QueueUrls"]) == 1
