"""What is checked before a deployment, for it would fail only after minutes: its region, who issues the tokens, its domains' certificates."""

from typing import Any

import requests
from botocore.exceptions import ClientError

from operations.checks.findings import Finding, Findings, fault, good, unchecked
from operations.stack import CannotError, Stack

TIMEOUT_SECONDS = 5  # of each request
DISCOVERY = "/.well-known/openid-configuration"
_ISSUER = "give the issuer as its tokens say it in iss, with the slash at its end or without"


def check_place(stack: Stack) -> None:
    """Refuse where this template cannot run. Raises CannotError; without any region, botocore's own error."""
    meta = stack.client("cloudformation").meta
    if meta.partition == "aws":
        return
    raise CannotError(
        f"{meta.region_name} is in the partition {meta.partition}, and this template is for AWS's commercial regions,"
        " partition aws; docs/regions.md says what is missing there, and which region to take"
    )


def check_issuer(issuer: str) -> Findings:
    """Read the issuer's discovery document and keys, as API Gateway does while it makes the authorizer.

    OpenID Connect Discovery 1.0, section 4; RSA keys alone: API Gateway Developer Guide, "Control access to HTTP APIs
    with JWT authorizers".
    """
    if not issuer.startswith("https://"):
        yield fault("JwtIssuer is not https", _ISSUER)
        return
    document = _fetched("JwtIssuer's discovery document", issuer.removesuffix("/") + DISCOVERY)
    if isinstance(document, Finding):
        yield document
        return
    if document.get("issuer") != issuer:
        yield fault(
            f"JwtIssuer is {issuer}, and its discovery document says {document.get('issuer')}", _ISSUER
        )
        return
    keys_url = document.get("jwks_uri")
    if not isinstance(keys_url, str) or not keys_url.startswith("https://"):
        yield fault(
            "JwtIssuer's discovery document names no jwks_uri with https", "mend it at the identity provider"
        )
        return
    keys = _fetched("JwtIssuer's key set", keys_url)
    if isinstance(keys, Finding):
        yield keys
        return
    listed = keys.get("keys")
    if not any(_signs(key) for key in (listed if isinstance(listed, list) else [])):
        yield fault(
            "JwtIssuer's key set has no RSA key for signatures",
            "let it sign with RS256: API Gateway takes RSA alone",
        )
        return
    yield good("JwtIssuer has a discovery document, and RSA keys")


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
