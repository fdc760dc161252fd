"""Whether a notification of WeChat Pay would arrive: it is asked for a test one, an echo, under each of its keys.

What it takes is our signature, theirs, encryption, delivery, verification and the APIv3 key; a finding names the one that
fails. No money is in it.
"""

import json
import secrets
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from botocore.exceptions import ClientError

from operations.checks.findings import Finding, Findings, fault, good, unchecked, warning
from operations.checks.gateway import keys_and_signer, recording_client, refused_call, unknown_call
from operations.configuration import Configuration
from operations.stack import Stack
from payments.storage.echoes import ECHO_LIFE_SECONDS, key_of
from payments.use_cases.notification_kinds import ECHO, NOT_DECRYPTED
from wechatpay.client import Client
from wechatpay.errors import DecryptionError, RefusedError, UnknownOutcomeError
from wechatpay.sensitive_calls import echo

ARRIVAL_SECONDS = 30  # seconds until an echo should have arrived: WeChat Pay repeats it after 15
_NOT_TAKEN = ("PARAM_ERROR", "INVALID_REQUEST")
_DOUBTED = {
    "serial_unknown": "WeChat Pay signs notifications with a key that the stack does not have: add it to the verification secret",
    "signature": "something on the way alters the bytes (CDN, firewall), or WECHAT_PUBLIC_KEY is another one's",
    "timestamp": "something on the way holds notifications back for minutes",
    "header_missing": "something on the way takes the Wechatpay- headers off: let this one path through as it comes",
    "header_malformed": "something on the way alters the Wechatpay- headers: let this one path through as it comes",
}


def check_echo(
    configuration: Configuration, stack: Stack | None = None, *, wait: float = ARRIVAL_SECONDS
) -> Findings:
    """Ask for an echo under each key, and with a stack wait until its notify function has heard them."""
    ring, signer = keys_and_signer(configuration)
    if ring is None or signer is None:
        return  # said already
    answers: list[requests.Response] = []
    client, began = recording_client(configuration, ring, signer, answers), 0.0
    sent: dict[str, str] = {}
    refusals: dict[str, RefusedError] = {}
    for serial in ring.serials:
        nonce = secrets.token_hex(16)
        try:
            if stack is not None:
                began = began or _remember(stack, nonce, serial)
            _ask(client, nonce, serial, configuration, stack)
        except RefusedError as refused:
            refusals[serial] = refused
        except UnknownOutcomeError as unknown:
            yield from unknown_call(unknown, answers)
        except DecryptionError:
            yield fault(
                "what WeChat Pay encrypts for this merchant cannot be decrypted with WECHAT_PRIVATE_KEY",
                "WECHAT_PRIVATE_KEY and WECHAT_CERT_SERIAL_NO must be of the certificate that is in use",
            )
        except ClientError as problem:
            yield unchecked(
                f"an echo cannot be remembered ({problem.response['Error']['Code']}), so it was not asked for",
                "run the doctor as somebody who may write to the stack's table of notifications",
            )
            return
        else:
            yield good(
                f"WeChat Pay says an echo again under {serial}: what is encrypted can be read both ways"
            )
            sent[nonce] = serial
    yield from _refused(refusals, ring.preferred, taken=bool(sent))
    if stack is not None and sent:
        yield from _delivered(stack, sent, began, wait)


def _ask(client: Client, nonce: str, serial: str, configuration: Configuration, stack: Stack | None) -> None:
    notify_url = configuration.text("WECHAT_NOTIFY_URL") if stack is not None else None
    echo(client, nonce, serial=serial, notify_url=notify_url)


def _remember(stack: Stack, nonce: str, serial: str) -> float:
    """As the stack's own function `echo` does; the moment, by AWS's clock where it says it."""
    now = int(time.time())
    item = {
        "notification_id": {"S": key_of(nonce)},
        "serial": {"S": serial},
        "sent_at": {"N": str(now)},
        "expires_at": {"N": str(now + ECHO_LIFE_SECONDS)},
    }
    table = stack.output("NotificationsTableName")
    answer = stack.client("dynamodb").put_item(TableName=table, Item=item)
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return float(now)


def _refused(refusals: Mapping[str, RefusedError], preferred: str | None, *, taken: bool) -> Findings:
    for serial, refused in refusals.items():
        if refused.is_code("SIGN_ERROR"):
            yield from refused_call(refused)
        elif not refused.is_code(*_NOT_TAKEN):
            yield warning(
                f"WeChat Pay refuses the echo itself ({refused.code}): whether it can reach us is not known",
                "ask WeChat Pay's support whether the merchant may call /v3/security/echo",
            )
        elif taken and serial != preferred:
            yield warning(
                f"WeChat Pay does not take what is encrypted for the key {serial} ({refused.code})",
                "right for a key that WeChat Pay does not use yet or no more; otherwise it is another one's",
            )
        else:
            yield fault(
                f"WeChat Pay does not take what is encrypted for the key {serial} ({refused.code})",
                "download WeChat Pay's public key again, with its id; certificate and public key cannot be mixed",
            )


def _delivered(stack: Stack, sent: Mapping[str, str], began: float, wait: float) -> Findings:
    until, waiting = time.monotonic() + wait, dict(sent)
    while True:
        waiting = {nonce: serial for nonce, serial in waiting.items() if not _has_arrived(stack, nonce)}
        if not waiting or time.monotonic() >= until:
            break
        time.sleep(0.5)
    if not waiting:
        yield good("WeChat Pay's echo has arrived at WECHAT_NOTIFY_URL, was verified there and decrypted")
        return
    late = f"an echo of WeChat Pay's is not noted {wait:.0f} seconds after it was asked for"
    said = _said_by_notify(stack, began)
    if said is None:
        yield fault(
            f"{late}, and the log of notify cannot be read from here",
            "check the notify URL's DNS record, certificate and firewall; then the log of notify",
        )
        return
    yield _broken_link(late, said)


def _broken_link(late: str, said: list[dict[str, Any]]) -> Finding:
    echoes = [entry for entry in said if entry.get("event_type") == ECHO[0]]
    if any(entry.get("reason") == NOT_DECRYPTED for entry in echoes):
        return fault(
            "an echo has arrived, rightly signed, and no APIv3 key of the stack opens it",
            "write the APIv3 key as it is set at pay.weixin.qq.com: make secret; notify reads it within five minutes",
        )
    if echoes:
        return fault(
            f"{late}: it has arrived, and notify says {echoes[-1].get('error')}", "see the log of notify"
        )
    doubted = [
        str(entry.get("reason"))
        for entry in said
        if entry.get("error") == "SIGN_ERROR" and entry.get("reason") != "probe"
    ]
    if doubted:
        return fault(
            f"{late}, and notify refused a notification whose signature it could not verify ({doubted[-1]})",
            _DOUBTED.get(doubted[-1], "see the log of notify"),
        )
    if said:
        return fault(f"{late}, and notify says {said[-1].get('error')}", "see the log of notify")
    return fault(
        f"{late}, and nothing of it has come to the function notify",
        "WECHAT_NOTIFY_URL cannot be reached from outside: check DNS record, certificate, firewall and route",
    )


def _has_arrived(stack: Stack, nonce: str) -> bool:
    row = stack.client("dynamodb").get_item(
        TableName=stack.output("NotificationsTableName"),
        Key={"notification_id": {"S": key_of(nonce)}},
        ConsistentRead=True,
    )
    return "arrived_at" in row.get("Item", {})


def _said_by_notify(stack: Stack, since: float) -> list[dict[str, Any]] | None:
    """The log lines of notify with an error in them, since then; None when they cannot be read."""
    pages = stack.client("logs").get_paginator("filter_log_events")
    group, entries = stack.output("NotifyLogGroupName"), []
    try:
        for page in pages.paginate(logGroupName=group, startTime=int(since * 1000), filterPattern='"error"'):
            entries += [event["message"] for event in page["events"]]
    except ClientError:
        return None
    return [entry for text in entries if (entry := _json(text)).get("error")]


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
