"""The audit lets pass what has a reason, and nothing else."""

import tomllib

from tests.audit.__main__ import HERE, unsettled

BUCKET = {"check_id": "CKV_1", "check_name": "Ensure versioning", "resource": "AWS::S3::Bucket.Unpublished"}
TABLE = {"check_id": "CKV_2", "check_name": "Ensure a key", "resource": "AWS::DynamoDB::Table.Payments"}


def test_a_finding_passes_by_its_reason_for_the_resource_or_for_its_type():
    accepted = {
        "CKV_1": {"of": ["Unpublished"], "why": "…"},
        "CKV_2": {"of": ["AWS::DynamoDB::Table"], "why": "…"},
    }
    assert unsettled([BUCKET, TABLE], accepted) == []


def test_a_finding_without_a_reason_is_named():
    accepted = {"CKV_1": {"of": ["Unpublished"], "why": "…"}}
    other = BUCKET | {"resource": "AWS::S3::Bucket.Other"}
    assert unsettled([BUCKET, other, TABLE], accepted) == [
        "CKV_1 Other (AWS::S3::Bucket): Ensure versioning",
        "CKV_2 Payments (AWS::DynamoDB::Table): Ensure a key",
    ]


def test_a_reason_without_a_finding_is_named():
    accepted = {"CKV_1": {"of": ["Unpublished", "Gone"], "why": "…"}}
    (sentence,) = unsettled([BUCKET], accepted)
    assert sentence.startswith("CKV_1 Gone: ")


def test_each_reason_says_why_and_what_it_is_about():
    for check, reason in tomllib.loads((HERE / "accepted.toml").read_text()).items():
        assert reason["of"], check
        assert len(reason["why"]) > 40, check
