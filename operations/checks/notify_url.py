"""Whether the notify URL answers as it must: to anybody who asks, and believing nothing that is not signed."""

import requests

from operations.checks.findings import Findings, fault, good
from operations.configuration import Configuration

TIMEOUT_SECONDS = 5


def check_notify_url(configuration: Configuration) -> Findings:
    """Post to the notify URL as anybody could: it must answer, and believe nothing."""
    url = configuration.text("WECHAT_NOTIFY_URL")
    try:
        answer = requests.post(url, json={}, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.RequestException as problem:
        yield fault(
            f"WECHAT_NOTIFY_URL does not answer ({type(problem).__name__})",
            "check its DNS record and certificate; before the first deployment this cannot be green",
        )
        return
    if answer.status_code == 401 and _says_fail(answer):
        yield good("WECHAT_NOTIFY_URL answers, and refuses what WeChat Pay has not signed")
    elif answer.status_code in (401, 403):
        yield fault(
            f"WECHAT_NOTIFY_URL asks for a login (HTTP {answer.status_code}), which WeChat Pay does not have",
            "take the authorizer, firewall rule or password off this one path",
        )
    elif answer.status_code == 404:
        yield fault("WECHAT_NOTIFY_URL is not there (HTTP 404)", "check domain, mapping and path")
    elif 300 <= answer.status_code < 400:
        yield fault(
            f"WECHAT_NOTIFY_URL redirects (HTTP {answer.status_code}), and WeChat Pay does not follow",
            "give the address that it redirects to",
        )
    elif answer.status_code < 300:
        yield fault(
            f"WECHAT_NOTIFY_URL takes a notification that nobody signed (HTTP {answer.status_code})",
            "whoever answers there is not this stack, and must not be trusted with payments",
        )
    else:
        yield fault(
            f"WECHAT_NOTIFY_URL answers HTTP {answer.status_code}",
            "look at the log of the function notify; an empty verification secret is the usual cause",
        )


def _says_fail(answer: requests.Response) -> bool:
    try:
        members = answer.json()
    except ValueError:
        return False
    return isinstance(members, dict) and members.get("code") == "FAIL"
