"""`make deploy` where a deployment fails: before AWS is asked, in a first create, in an update, and on the way back."""

import re
from pathlib import Path

import pytest

from sandbox.cloudformation.template import parameters_of
from tests.operations.cloud import NOTIFY, Cloud, Issuer, overrides

pytestmark = pytest.mark.share(4, of_file=True)

ROOT = Path(__file__).parents[2]
STACK = "AWS::CloudFormation::Stack"
# As AWS says it, newest first: the authorizer's issuer was not believed, and the rest was cancelled.
WRONG_ISSUER = [
    ("wechatpay-dev", STACK, "ROLLBACK_COMPLETE", ""),
    ("PaymentsTable", "AWS::DynamoDB::Table", "DELETE_COMPLETE", ""),
    ("wechatpay-dev", STACK, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Api]."),
    ("Bus", "AWS::Events::EventBus", "CREATE_FAILED", "Resource creation cancelled"),
    ("Api", "AWS::ApiGatewayV2::Api", "CREATE_FAILED", "Invalid issuer: https://i.example.com."),
    ("wechatpay-dev", STACK, "CREATE_IN_PROGRESS", "User Initiated"),
    ("wechatpay-dev", STACK, "REVIEW_IN_PROGRESS", "User Initiated"),
]
FAILING = """#!{{python}}
import pathlib, sys
folder = pathlib.Path({{folder!r}})
(folder / "state").write_text("{state}")
sys.exit(1)
"""
DELETE = [
    "aws cloudformation delete-stack --stack-name wechatpay-dev",
    "aws cloudformation wait stack-delete-complete --stack-name wechatpay-dev",
]


def test_a_failed_first_deployment_says_what_failed_and_which_commands_clear_it_away(
    deploy, needed, cloud: Cloud
) -> None:
    cloud.events = WRONG_ISSUER
    failed = deploy(*needed, script=FAILING.format(state="ROLLBACK_COMPLETE"))
    assert failed.returncode == 1
    again = deploy(*needed)
    assert again.returncode == 1
    for told in (failed.stderr, again.stderr):
        lines = [line.strip() for line in told.splitlines()]
        assert "ROLLBACK_COMPLETE" in told
        assert "failed: Api: Invalid issuer: https://i.example.com." in lines
        assert "cancelled" not in told
        assert lines[-2:] == DELETE
    assert cloud.calls() == []  # SAM was not asked to deploy over it


def test_a_stack_that_could_not_be_rolled_back_says_what_to_free_first(deploy, needed, cloud: Cloud) -> None:
    cloud.status = "ROLLBACK_FAILED"
    cloud.events = [
        ("PaymentsTable", "AWS::DynamoDB::Table", "DELETE_FAILED", "deletion protection is enabled"),
        ("Api", "AWS::ApiGatewayV2::Api", "CREATE_FAILED", "Invalid issuer"),
        ("wechatpay-dev", STACK, "CREATE_IN_PROGRESS", "User Initiated"),
    ]
    cloud.resources = [
        ("PaymentsTable", "AWS::DynamoDB::Table", "wechatpay-dev-PaymentsTable-1", "DELETE_FAILED"),
        ("UnpublishedBucket", "AWS::S3::Bucket", "wechatpay-dev-bucket-1", "DELETE_FAILED"),
        ("Bus", "AWS::Events::EventBus", "wechatpay-dev-payments", "DELETE_COMPLETE"),
    ]
    done = deploy(*needed)
    assert done.returncode == 1
    assert [line.strip() for line in done.stderr.splitlines()][1:] == [
        "failed: Api: Invalid issuer",
        "failed: PaymentsTable: deletion protection is enabled",
        "aws dynamodb update-table --no-deletion-protection-enabled --table-name wechatpay-dev-PaymentsTable-1",
        "aws s3 rm --recursive s3://wechatpay-dev-bucket-1",
        *DELETE,
    ]


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("CREATE_FAILED", "is in CREATE_FAILED: it can only be deleted"),
        ("DELETE_FAILED", "is in DELETE_FAILED: it can only be deleted"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name wechatpay-dev"),
        ("UPDATE_IN_PROGRESS", "somebody else is at it"),
        ("ROLLBACK_IN_PROGRESS", "somebody else is at it"),
        ("DELETE_IN_PROGRESS", "somebody else is at it"),
    ],
)
def test_a_stack_that_cannot_be_deployed_over_is_recognised(
    deploy, needed, cloud: Cloud, state: str, sentence: str
) -> None:
    deploy(*needed)
    cloud.status = state
    done = deploy("LogLevel=DEBUG")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(cloud.calls()) == 2  # those of the first deployment


def test_an_update_that_fails_says_why_and_that_the_stack_runs_as_before(
    deploy, needed, cloud: Cloud
) -> None:
    deploy(*needed)
    cloud.events = [
        ("wechatpay-dev", STACK, "UPDATE_ROLLBACK_COMPLETE", ""),
        ("Domain", "AWS::ApiGatewayV2::DomainName", "CREATE_FAILED", "the certificate is elsewhere"),
        ("wechatpay-dev", STACK, "UPDATE_IN_PROGRESS", "User Initiated"),
        ("Old", "AWS::SQS::Queue", "CREATE_FAILED", "a fault of last year"),
    ]
    done = deploy("LogLevel=DEBUG", script=FAILING.format(state="UPDATE_ROLLBACK_COMPLETE"))
    assert done.returncode == 1
    assert (
        "wechatpay-dev runs what it ran before:\n  failed: Domain: the certificate is elsewhere"
        in done.stderr
    )
    assert "last year" not in done.stderr
    assert deploy("LogLevel=DEBUG").returncode == 0  # and can be deployed over


def test_whoever_leaves_a_stack_in_review_is_told_how_to_be_rid_of_it(deploy, needed) -> None:
    declined = 'import pathlib\n(pathlib.Path({folder!r}) / "state").write_text("REVIEW_IN_PROGRESS")\n'
    done = deploy(*needed, script="#!{python}\n" + declined)
    assert done.returncode == 1
    assert "nothing was deployed: the change set was not carried out" in done.stderr
    assert [line.strip() for line in done.stderr.splitlines()][-2:] == DELETE


def test_tables_are_protected_only_once_a_first_deployment_has_succeeded(
    deploy, needed, cloud: Cloud
) -> None:
    assert deploy(*needed).returncode == 0
    first, second = map(overrides, cloud.calls())
    assert (first["DeletionProtection"], second["DeletionProtection"]) == ("false", "true")


def test_who_says_how_tables_are_protected_is_believed(deploy, needed, cloud: Cloud) -> None:
    deploy(*needed, f"WeChatNotifyUrl={NOTIFY}", "DeletionProtection=true")
    (only,) = map(overrides, cloud.calls())
    assert only["DeletionProtection"] == "true"


def test_a_second_step_that_failed_is_made_good_by_the_next_deployment(deploy, needed, cloud: Cloud) -> None:
    once = """#!{python}
import json, pathlib, sys
calls = pathlib.Path({folder!r}) / "calls"
if calls.exists():
    sys.exit(1)
calls.write_text(json.dumps(sys.argv[1:]) + chr(10))
"""
    assert deploy(*needed, script=once).returncode == 1
    assert deploy("LogLevel=DEBUG").returncode == 0
    assert (
        overrides(cloud.calls()[-1]).items()
        >= {"DeletionProtection": "true", "WeChatNotifyUrl": NOTIFY}.items()
    )


def test_one_question_is_asked_and_machines_are_asked_none(deploy, needed, cloud: Cloud) -> None:
    refused = deploy("--env", "prod", *needed)
    assert refused.returncode == 1
    assert "nobody is there to agree to the change set of prod: give --yes (YES=1)" in refused.stderr
    assert cloud.calls() == []
    assert deploy("--env", "prod", "--yes", *needed).returncode == 0
    assert all("--no-confirm-changeset" in call for call in cloud.calls())


def test_somebody_at_a_terminal_is_asked_once_though_a_first_deployment_has_two_steps(
    deploy, needed, cloud: Cloud
) -> None:
    done = deploy("--env", "prod", *needed, typed="")
    assert done.returncode == 0, done.stderr
    # SAM itself asks, where it is not told otherwise.
    assert ["--no-confirm-changeset" in call for call in cloud.calls()] == [False, True]


def test_production_cannot_be_deleted_by_mistake_and_other_stages_can(deploy, needed, cloud: Cloud) -> None:
    deploy(*needed)
    assert cloud.asked == []
    deploy("--env", "prod", "--yes")
    assert cloud.asked == ["UpdateTerminationProtection"]


def spoil(issuer: Issuer, what: str) -> None:
    match what:
        case "another issuer":
            issuer.document["issuer"] += "/"
        case "no https for keys":
            issuer.document["jwks_uri"] = issuer.document["jwks_uri"].replace("https", "http")
        case "no keys' address":
            del issuer.document["jwks_uri"]
        case "elliptic keys":
            issuer.keys = {"keys": [{"kty": "EC", "crv": "P-256"}]}
        case "keys to encrypt with":
            issuer.keys["keys"][0]["use"] = "enc"
        case "no list of keys":
            issuer.keys = {"keys": {"kty": "RSA"}}
        case "redirect":
            issuer.status = 302
        case "nobody":
            issuer.stop()


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("another issuer", r"JwtIssuer is (\S+), and its discovery document says \1/"),
        ("no https for keys", "names no jwks_uri with https"),
        ("no keys' address", "names no jwks_uri with https"),
        ("elliptic keys", "JwtIssuer's key set has no RSA key for signatures"),
        ("keys to encrypt with", "JwtIssuer's key set has no RSA key for signatures"),
        ("no list of keys", "JwtIssuer's key set has no RSA key for signatures"),
        ("redirect", r"JwtIssuer's discovery document is not at \S+ \(HTTP 302\)"),
    ],
)
def test_an_issuer_that_api_gateway_would_not_take_is_refused_before_anything_is_made(
    deploy, needed, issuer: Issuer, cloud: Cloud, what: str, sentence: str
) -> None:
    spoil(issuer, what)
    done = deploy(*needed)
    assert done.returncode == 1
    assert re.search(sentence, done.stdout), done.stdout
    assert cloud.calls() == []


@pytest.mark.parametrize("issuer_url", ["http://i.example.com", "https://127.0.0.1:9"])
def test_an_issuer_without_https_or_out_of_reach_is_refused(deploy, needed, cloud: Cloud, issuer_url) -> None:
    done = deploy(*needed, f"JwtIssuer={issuer_url}")
    assert done.returncode == 1
    assert "fault" in done.stdout
    assert cloud.calls() == []


def test_an_issuer_with_a_slash_at_its_end_is_found_and_one_out_of_reach_may_be_left_out(
    deploy, needed, issuer: Issuer
) -> None:
    issuer.document["issuer"] = f"{issuer.url}/"
    assert deploy(*needed, f"JwtIssuer={issuer.url}/").returncode == 0
    assert deploy("JwtIssuer=https://127.0.0.1:9", "--offline").returncode == 0


CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"
ISSUED = {"DomainName": "example.com", "SubjectAlternativeNames": ["*.example.com"], "Status": "ISSUED"}


@pytest.mark.parametrize(
    ("given", "found", "sentence"),
    [
        (["ApiDomain=pay.example.com"], {}, "ApiDomain is given without ApiDomainCertificateArn"),
        (["LiveDomain=live.example.com"], {}, "LiveDomain is given without LiveDomainCertificateArn"),
        (
            [f"ApiDomainCertificateArn={CERTIFICATE}"],
            {},
            "ApiDomainCertificateArn is given without ApiDomain",
        ),
        (
            [
                "ApiDomain=pay.example.com",
                f"ApiDomainCertificateArn={CERTIFICATE.replace('us-east-1', 'eu-west-1')}",
            ],
            {},
            "of the region eu-west-1, and the stack of us-east-1",
        ),
        (
            ["ApiDomain=pay.example.com", f"ApiDomainCertificateArn={CERTIFICATE}"],
            {},
            "ApiDomainCertificateArn names no certificate",
        ),
        (
            ["LiveDomain=live.example.com", f"LiveDomainCertificateArn={CERTIFICATE}"],
            {},
            "LiveDomainCertificateArn names no certificate",
        ),
        (
            ["ApiDomain=pay.example.com", f"ApiDomainCertificateArn={CERTIFICATE}"],
            {CERTIFICATE: ISSUED | {"Status": "PENDING_VALIDATION"}},
            "is PENDING_VALIDATION, not ISSUED",
        ),
        (
            ["ApiDomain=pay.shop.example.com", f"ApiDomainCertificateArn={CERTIFICATE}"],
            {CERTIFICATE: ISSUED},
            "the certificate is for *.example.com, example.com, not for pay.shop.example.com",
        ),
    ],
)
def test_a_domain_without_its_certificate_is_refused(
    deploy, needed, cloud: Cloud, given, found, sentence
) -> None:
    cloud.certificates = found
    done = deploy(*needed, *given)
    assert done.returncode == 1
    assert sentence in done.stdout
    assert cloud.calls() == []


def test_a_domain_with_its_certificate_is_deployed(deploy, needed, cloud: Cloud) -> None:
    cloud.certificates = {CERTIFICATE: ISSUED}
    done = deploy(*needed, "ApiDomain=pay.example.com", f"ApiDomainCertificateArn={CERTIFICATE}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ApiDomain has its certificate" in done.stdout


@pytest.mark.parametrize("region", ["cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-iso-east-1"])
def test_partitions_that_the_template_cannot_run_in_are_refused(deploy, needed, cloud: Cloud, region) -> None:
    done = deploy(*needed, region=region)
    assert done.returncode == 1
    assert f"{region} is in the partition aws-" in done.stderr
    assert "docs/regions.md" in done.stderr
    assert cloud.calls() == []


@pytest.mark.parametrize("region", ["ap-east-1", "ap-southeast-1", "eu-central-2"])
def test_commercial_regions_are_taken(deploy, needed, region) -> None:
    assert deploy(*needed, region=region).returncode == 0


def test_what_is_refused_and_where_to_go_stands_on_the_page_that_the_refusal_names() -> None:
    page = (ROOT / "docs/regions.md").read_text()
    for name in (
        "cn-north-1",
        "cn-northwest-1",
        "ap-east-1",
        "ap-southeast-1",
        "apihk.mch.weixin.qq.com",
        "ICP",
    ):
        assert name in page
    declared = parameters_of(ROOT / "template.yaml")
    named = set(re.findall(r"`([A-Z]\w+(?:Domain|Arn|Gateway))`", page))
    assert {"ApiDomain", "LiveDomain", "ApiDomainCertificateArn", "LiveDomainCertificateArn"} <= named
    assert named <= set(declared)
