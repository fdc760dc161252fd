"""Whether WeChat Pay's probe of our verification is refused like any other forgery, and how long an answer takes."""

import base64
import json
import secrets
import time

import requests

from operations.checks.findings import Finding, Findings, fault, good, unchecked
from operations.checks.gateway import keys_and_signer
from operations.configuration import Configuration

TRIES = 3
SLOW_SECONDS, PATIENCE_SECONDS = (
    3.0,
    5.0,
)  # WeChat Pay counts the first as slow, and gives up after the second
_PROBE = "WECHATPAY/SIGNTEST/"


def check_probe(configuration: Configuration) -> Findings:
    """Send what WeChat Pay sends to find out whether a merchant verifies: a signature that cannot be right."""
    answer = _probed(configuration)
    if isinstance(answer, requests.RequestException):
        yield _unreachable(answer)
    elif answer.status_code == 401:
        yield good("a probe of WeChat Pay's kind is refused with 401, like any other forgery")
    elif answer.status_code < 300:
        yield fault(
            f"a probe of WeChat Pay's kind is taken (HTTP {answer.status_code})",
            "whoever answers at WECHAT_NOTIFY_URL does not verify: take it out of the way, or deploy this stack there",
        )
    else:
        yield fault(
            f"a probe of WeChat Pay's kind is answered with HTTP {answer.status_code}, not with 401",
            "let this one path through to the stack as it comes",
        )


def check_pace(configuration: Configuration) -> Findings:
    """Measure answers of the notify URL from here; the first may have to start the function."""
    took = []
    for _ in range(TRIES):
        began = time.monotonic()
        answer = _probed(configuration)
        if isinstance(answer, requests.RequestException) and not isinstance(answer, requests.Timeout):
            yield _unreachable(answer)
            return
        took.append(time.monotonic() - began)
    told = f"the slowest of {TRIES} answers took {max(took):.1f} s"
    if max(took) >= SLOW_SECONDS:
        yield fault(
            f"{told}: WeChat Pay counts {SLOW_SECONDS:.0f} as slow, and gives up after {PATIENCE_SECONDS:.0f}",
            "look at the dashboard, at what stands before the API, and at the way from here to the region",
        )
    else:
        yield good(f"{told}, from here")


def _probed(configuration: Configuration) -> requests.Response | requests.RequestException:
    body = json.dumps({"id": secrets.token_hex(16), "event_type": "TRANSACTION.SUCCESS"}).encode()
    signature = _PROBE + base64.b64encode(secrets.token_bytes(256)).decode()
    headers = {
        "content-type": "application/json",
        "wechatpay-timestamp": str(int(time.time())),
        "wechatpay-nonce": secrets.token_hex(16),
        "wechatpay-serial": _serial(configuration),
        "wechatpay-signature": signature,
        "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
    }
    try:
        return requests.post(
            configuration.text("WECHAT_NOTIFY_URL"),
            data=body,
            headers=headers,
            timeout=PATIENCE_SECONDS,
            allow_redirects=False,
        )
    except requests.RequestException as problem:
        return problem


def _serial(configuration: Configuration) -> str:
    """One that the stack knows: of an unknown one it would count a failure, and alarms listen."""
    ring, _ = keys_and_signer(configuration)
    return next(iter(ring.serials)) if ring is not None else secrets.token_hex(20).upper()


def _unreachable(problem: requests.RequestException) -> Finding:
    return unchecked(
        f"WECHAT_NOTIFY_URL does not answer ({type(problem).__name__})",
        "mend what the row of callbacks that arrive says",
    )
