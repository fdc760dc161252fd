"""What is checked before a deployment, for it would fail only after minutes: where it goes, who issues the tokens, its domains' certificates."""

import os
from typing import Any
from urllib.parse import urlsplit

import requests
from botocore.exceptions import ClientError

from operations.checks.access import CLI_REGION, REGION, known_regions, meant
from operations.checks.findings import Finding, Findings, fault, good, unchecked, warning
from operations.checks.forms import LOOPBACK
from operations.configuration import ACCOUNT, CALLERS, Configuration
from operations.stack import CannotError, Stack

TIMEOUT_SECONDS = 5  # of each request
DISCOVERY = "/.well-known/openid-configuration"
_ISSUER = "give the issuer as its tokens say it in iss, with the slash at its end or without"


def check_place(stack: Stack, account: str = "") -> Findings:
    """Where this template would go, and as whom; `account` is the only one that it may go into, where that was said.

    Raises CannotError where the template cannot run or is not meant to; without region or credentials, botocore's own error.
    """
    meta = stack.client("cloudformation").meta  # STS would do without a region
    region, partition = meta.region_name, meta.partition
    if os.environ.get(CLI_REGION, region) != region:
        raise CannotError(
            f"{CLI_REGION} is {os.environ[CLI_REGION]}, and the region that counts here is {region}:"
            f" let {REGION} and {CLI_REGION} say the same"
        )
    if partition != "aws":
        raise CannotError(
            f"{region} is in the partition {partition}, and this template is for AWS's commercial regions,"
            " partition aws; docs/regions.md says what is missing there, and which region to take"
        )
    known = known_regions()
    if region not in known:
        raise CannotError(f"{region} is not a region that this AWS SDK knows{meant(region, known)}")
    caller = stack.client("sts").get_caller_identity()
    if account and caller["Account"] != account:
        raise CannotError(
            f"{ACCOUNT} is {account}, and these AWS credentials are of account {caller['Account']}:"
            " take the other profile, or mend the .env file"
        )
    yield good(f"{stack.name} goes into account {caller['Account']}, region {region}, as {caller['Arn']}")
    if caller["Arn"].endswith(":root"):
        yield warning("these AWS credentials are the root user's", "take a role's or a user's: aws sso login")


def check_account(account: str) -> Findings:
    """The account that a file is meant for has the form of one."""
    if account and not (len(account) == 12 and account.isascii() and account.isdigit()):
        yield fault(f"{ACCOUNT} is not an account of AWS, 12 digits", "aws sts get-caller-identity tells it")


def check_callers(configuration: Configuration, *, online: bool) -> Findings:
    """Of a file: who issues the tokens of those who call, without whom there is no first deployment. PARAMETERS may say it as well."""
    for name, parameter in CALLERS.items():
        if not configuration.text(name):
            yield warning(
                f"{name} is missing, and a first deployment needs it",
                f"docs/identity.md says what your identity provider calls it; or PARAMETERS={parameter}=…",
            )
    issuer = configuration.text("JWT_ISSUER")
    within_sandbox = urlsplit(configuration.text("WECHAT_GATEWAY")).hostname == LOOPBACK
    if within_sandbox and issuer.startswith(f"http://{LOOPBACK}:"):
        yield good("JWT_ISSUER is a sandbox's")
    elif issuer and online:
        yield from check_issuer(issuer, "JWT_ISSUER")


def check_issuer(issuer: str, name: str = "JwtIssuer") -> Findings:
    """Read the issuer's discovery document and keys, as API Gateway does while it makes the authorizer.

    `name` is what findings call it.

    OpenID Connect Discovery 1.0, section 4; RSA keys alone: API Gateway Developer Guide, "Control access to HTTP APIs
    with JWT authorizers".
    """
    if not issuer.startswith("https://"):
        yield fault(f"{name} is not https", _ISSUER)
        return
    document = _fetched(f"{name}'s discovery document", issuer.removesuffix("/") + DISCOVERY)
    if isinstance(document, Finding):
        yield document
        return
    if document.get("issuer") != issuer:
        yield fault(f"{name} is {issuer}, and its discovery document says {document.get('issuer')}", _ISSUER)
        return
    keys_url = document.get("jwks_uri")
    if not isinstance(keys_url, str) or not keys_url.startswith("https://"):
        yield fault(
            f"{name}'s discovery document names no jwks_uri with https", "mend it at the identity provider"
        )
        return
    keys = _fetched(f"{name}'s key set", keys_url)
    if isinstance(keys, Finding):
        yield keys
        return
    listed = keys.get("keys")
    if not any(_signs(key) for key in (listed if isinstance(listed, list) else [])):
        yield fault(
            f"{name}'s key set has no RSA key for signatures",
            "let it sign with RS256: API Gateway takes RSA alone",
        )
        return
    yield good(f"{name} has a discovery document, and RSA keys")


def _signs(key: Any) -> bool:
    return isinstance(key, dict) and key.get("kty") == "RSA" and key.get("use", "sig") == "sig"


def _fetched(what: str, url: str) -> dict[str, Any] | Finding:
    try:
        answer = requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.RequestException as problem:
        return fault(
            f"{what} cannot be read at {url} ({type(problem).__name__})",
            "check the address; if this machine may not go there and AWS may, leave the check out with ARGS=--offline",
        )
    if answer.status_code != 200:
        return fault(f"{what} is not at {url} (HTTP {answer.status_code})", _ISSUER)
    try:
        members = answer.json()
    except ValueError:
        members = None
    if not isinstance(members, dict):
        return fault(f"{what} at {url} is not a JSON object", "give the issuer, not a page of it")
    return members


def check_domain(parameter: str, domain: str, certificate: str, stack: Stack) -> Findings:
    """A domain (`parameter` names it) has its certificate, in the stack's region, issued and for that name; asks ACM."""
    holder = f"{parameter}CertificateArn"
    if not domain and not certificate:
        return
    if not domain or not certificate:
        given, missing = (parameter, holder) if domain else (holder, parameter)
        yield fault(f"{given} is given without {missing}", "give both, or neither")
        return
    client = stack.client("acm")
    region = certificate.split(":")[3] if certificate.count(":") > 3 else ""
    if region != client.meta.region_name:
        yield fault(
            f"{holder} is of the region {region}, and the stack of {client.meta.region_name}",
            "request the certificate in the stack's region",
        )
        return
    try:
        found = client.describe_certificate(CertificateArn=certificate)["Certificate"]
    except ClientError as problem:
        code = problem.response["Error"]["Code"]
        if code == "ResourceNotFoundException":
            yield fault(f"{holder} names no certificate", "copy its ARN from Certificate Manager")
        else:
            yield unchecked(
                f"the certificate could not be looked at ({code})", "allow acm:DescribeCertificate"
            )
        return
    names = [found.get("DomainName", ""), *found.get("SubjectAlternativeNames", [])]
    if found.get("Status") != "ISSUED":
        yield fault(
            f"the certificate of {parameter} is {found.get('Status')}, not ISSUED",
            "validate it, by the DNS record that Certificate Manager shows",
        )
    elif not {domain, f"*.{domain.partition('.')[2]}"} & set(names):
        yield fault(
            f"the certificate is for {', '.join(sorted(set(names)))}, not for {domain}", "take another"
        )
    else:
        yield good(f"{parameter} has its certificate")
