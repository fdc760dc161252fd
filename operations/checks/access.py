"""What stands between a command and AWS, as one sentence that says what to do: region, profile, credentials, rights, reach."""

import difflib
import os

import botocore.session
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

REGION, CLI_REGION = "AWS_DEFAULT_REGION", "AWS_REGION"
_LOG_IN = "log in (`aws sso login`, or `aws configure`) or name a profile: export AWS_PROFILE=…"
_KEYS = {
    "the AWS credentials have expired: get new ones, then do the same again": (
        *("ExpiredToken", "ExpiredTokenException"),
    ),
    "AWS does not know this access key: it is misspelt, deleted or switched off, or of another partition": (
        *("InvalidClientTokenId", "UnrecognizedClientException"),
    ),
    "AWS does not take the signature: AWS_SECRET_ACCESS_KEY is not the one of this access key, or this clock is wrong": (
        *("SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired"),
    ),
}
_MAY_NOT = ("AccessDenied", "AccessDeniedException")


def sentence(problem: BotoCoreError | ClientError) -> str:
    """What a problem of the AWS SDK's means to whoever runs a command; no credential is in it."""
    match problem:
        case ClientError():
            return _refused(problem)
        case NoRegionError():
            return _no_region()
        case ProfileNotFound():
            return _no_profile()
        case PartialCredentialsError():
            return f"the AWS credentials are not whole, one of the two keys is missing: {_LOG_IN}"
        case NoCredentialsError():
            return f"there are no AWS credentials: {_LOG_IN}"
        case SSOError() | TokenRetrievalError():
            return "the login of the AWS profile has ended: `aws sso login`, then do the same again"
        case EndpointConnectionError():
            return f"AWS cannot be reached from here: check network, proxy and region. {problem}"
    return str(problem)


def _refused(problem: ClientError) -> str:
    code, message = (str(problem.response["Error"].get(part, "")) for part in ("Code", "Message"))
    for told, codes in _KEYS.items():
        if code in codes:
            return told
    if code in _MAY_NOT:
        return f"whoever these AWS credentials are of may not do {problem.operation_name}: {message}"
    if problem.operation_name == "DescribeStacks" and "does not exist" in message:
        return (
            f"{message} in this account and region: deploy it first, or check ENV, AWS_PROFILE and {REGION}"
        )
    return str(problem)


def _no_region() -> str:
    if named := os.environ.get(CLI_REGION):
        return f"there is no region: {CLI_REGION} is read by other tools alone; export {REGION}={named} too"
    return f"there is no region: export {REGION}=…, or `aws configure`; docs/regions.md says which to take"


def _no_profile() -> str:
    named = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE", "")
    there = botocore.session.Session().available_profiles
    return f"there is no AWS profile {named}" + (
        meant(named, there) or ": `aws configure list-profiles` tells which there are"
    )


def meant(name: str, known: list[str]) -> str:
    """The question that belongs behind a name that is none; empty where none is close."""
    swapped = [other for other in known if sorted(other) == sorted(name)]  # letters in another order
    close = swapped or difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def known_regions() -> list[str]:
    """The regions that the AWS SDK of this environment knows CloudFormation in, of every partition."""
    session = botocore.session.Session()
    return [
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("cloudformation", partition)
    ]
