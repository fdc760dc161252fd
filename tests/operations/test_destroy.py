"""`make destroy`: what goes, what stays and why, and what is refused."""

from pathlib import Path

import pytest

from operations.destroy import KEPT
from sandbox.cloudformation.template import transformed
from tests.operations.cloud import Cloud

pytestmark = pytest.mark.share(2, of_file=True)

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
RESOURCES = [
    (name, "AWS::Any::Thing", f"wechatpay-dev-{name}-1", "CREATE_COMPLETE")
    for name in (*KEPT, "Bus", "BuyersTable")
]


def test_what_destroy_says_stays_is_what_the_template_keeps() -> None:
    resources = transformed(TEMPLATE)["Resources"]
    kept = {
        name for name, one in resources.items() if one.get("DeletionPolicy", "Delete").startswith("Retain")
    }
    assert kept == set(KEPT)
    # … but not of a first deployment that failed.
    assert {resources[name]["DeletionPolicy"] for name in kept} == {"RetainExceptOnCreate"}
    assert {resources[name]["UpdateReplacePolicy"] for name in kept} == {"Retain"}


def test_a_stack_is_deleted_and_what_stays_is_named_with_its_reason(operate, cloud: Cloud) -> None:
    cloud.status, cloud.resources, cloud.waiting = "UPDATE_COMPLETE", RESOURCES, 3
    done = operate("destroy", "--yes", "--every=0.1")
    assert done.returncode == 0, done.stderr
    for name, why in KEPT.items():
        assert f"wechatpay-dev-{name}-1: {why}" in done.stdout
    assert "BuyersTable" not in done.stdout
    assert "3 payments or refunds are not final, and nobody will look after them any more" in done.stdout
    assert "wechatpay-dev is deleted" in done.stdout
    assert cloud.asked == ["DeleteStack"]


def test_production_is_not_deleted_before_its_protection_is_taken_off(operate, cloud: Cloud) -> None:
    cloud.status, cloud.protected = "UPDATE_COMPLETE", True
    done = operate("destroy", "--yes")
    assert done.returncode == 1
    assert (
        "aws cloudformation update-termination-protection --no-enable-termination-protection"
        " --stack-name wechatpay-dev" in done.stderr
    )
    assert cloud.asked == []


def test_nobody_who_has_not_agreed_deletes_anything(operate, cloud: Cloud) -> None:
    cloud.status = "UPDATE_COMPLETE"
    done = operate("destroy")
    assert done.returncode == 1
    assert "nobody is there to agree" in done.stderr
    assert cloud.asked == []


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("y\n", "nothing was deleted"),
        ("wechatpay-prod\n", "nothing was deleted"),
        ("\n", "nothing was deleted"),
        ("\x04", "nobody has agreed, and nothing was done"),
    ],
)
def test_only_the_stacks_own_name_deletes_it(operate, cloud: Cloud, typed: str, sentence: str) -> None:
    cloud.status = "UPDATE_COMPLETE"
    done = operate("destroy", typed=typed)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert cloud.asked == []


def test_whoever_types_the_name_deletes_the_stack(operate, cloud: Cloud) -> None:
    cloud.status = "UPDATE_COMPLETE"
    done = operate("destroy", "--every=0.1", typed="wechatpay-dev\n")
    assert done.returncode == 0, done.stderr
    assert cloud.asked == ["DeleteStack"]


@pytest.mark.parametrize("state", ["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_what_a_failed_or_declined_first_deployment_left_is_deleted_too(operate, cloud: Cloud, state) -> None:
    cloud.status = state
    done = operate("destroy", "--yes", "--every=0.1")
    assert done.returncode == 0, done.stderr
    assert "stays" not in done.stdout
    assert cloud.asked == ["DeleteStack"]


@pytest.mark.parametrize("state", ["CREATE_FAILED", "ROLLBACK_FAILED"])
def test_what_a_first_deployment_that_was_not_rolled_back_leaves_behind_is_named(
    operate, cloud: Cloud, state
) -> None:
    """Only a rollback deletes it; a deletion of the stack keeps it, as of any other."""
    cloud.status, cloud.resources = state, RESOURCES
    done = operate("destroy", "--yes", "--every=0.1")
    assert done.returncode == 0, done.stderr
    for name, why in KEPT.items():
        assert f"wechatpay-dev-{name}-1: {why}" in done.stdout


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_table_that_cannot_be_counted_keeps_nobody_from_deleting(operate, cloud: Cloud, code) -> None:
    cloud.status, cloud.resources, cloud.refused = "UPDATE_COMPLETE", RESOURCES, {"DynamoDB": code}
    done = operate("destroy", "--yes", "--every=0.1")
    assert done.returncode == 0, done.stderr
    assert f"how many payments are not final is not known ({code})" in done.stdout
    assert cloud.asked == ["DeleteStack"]


def test_a_deletion_that_fails_says_what_was_in_its_way(operate, cloud: Cloud) -> None:
    cloud.status, cloud.undeletable = "UPDATE_COMPLETE", True
    cloud.resources = [("Domain", "AWS::ApiGatewayV2::DomainName", "pay.example.com", "DELETE_FAILED")]
    cloud.events = [
        ("Domain", "AWS::ApiGatewayV2::DomainName", "DELETE_FAILED", "in use by a mapping of yours"),
        ("wechatpay-dev", "AWS::CloudFormation::Stack", "DELETE_IN_PROGRESS", "User Initiated"),
    ]
    done = operate("destroy", "--yes", "--every=0.1")
    assert done.returncode == 1
    assert "failed: Domain: in use by a mapping of yours" in done.stderr
    assert "not deleted: pay.example.com" in done.stderr


def test_where_there_is_no_stack_there_is_nothing_to_do(operate, cloud: Cloud) -> None:
    done = operate("destroy", "--yes")
    assert (done.returncode, done.stdout) == (0, "destroy: there is no stack wechatpay-dev\n")
    assert cloud.asked == []
