"""Whether WeChat Pay opens orders of a product for this merchant: one of 0.01 is opened, shown to nobody, and closed again."""

import datetime as dt
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import requests

from operations.checks.findings import Finding, Findings, Level, fault, good, has, note
from operations.checks.gateway import keys_and_signer, recording_client, refused_call, unknown_call
from operations.configuration import Configuration
from payments.apps import apps_of
from payments.core.errors import ConfigurationError
from wechatpay.client import Client
from wechatpay.errors import RefusedError, UnknownOutcomeError

LIFE_SECONDS = 300  # should its close get lost
_BEIJING = dt.timezone(dt.timedelta(hours=8))
_OPENED = {"native": Client.order_native, "h5": Client.order_h5, "app": Client.order_app}
_NAMES = {"native": "Native", "h5": "H5", "app": "APP"}
_H5 = {"scene_info": {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}}


def check_product(configuration: Configuration, product: str) -> Findings:
    """Open and close an order of `native`, `h5` or `app`. Of several apps one must do for `app`: that of the phone's own app."""
    ring, signer = keys_and_signer(configuration)
    if ring is None or signer is None:
        return  # said by another row
    answers: list[requests.Response] = []
    client = recording_client(configuration, ring, signer, answers)
    found: list[Finding] = []
    for appid in _appids(configuration, product):
        number = f"WXGOLIVE{secrets.token_hex(10).upper()}"
        found = list(_tried(client, product, _order(configuration, product, appid, number), number, answers))
        if not has(found, Level.FAULT, Level.WARNING, Level.UNCHECKED):
            break
    for finding in found:
        refused = finding.level is Level.FAULT
        yield (
            fault(finding.sentence, f"{finding.fix}; or leave {product} out of PRODUCTS=")
            if refused
            else finding
        )


def _tried(
    client: Client, product: str, order: bytes, number: str, answers: list[requests.Response]
) -> Findings:
    opened: Callable[[Client, bytes], str] = _OPENED[product]
    try:
        opened(client, order)
    except RefusedError as refused:
        yield from refused_call(refused)
        return
    except UnknownOutcomeError as unknown:
        yield from unknown_call(unknown, answers)
    else:
        yield good(
            f"WeChat Pay has opened an order of 0.01 by {_NAMES[product]}: it is granted, and the appid bound"
        )
    try:
        client.close(number)
    except (RefusedError, UnknownOutcomeError):
        yield note(f"{number} could not be closed", f"it ends by itself within {LIFE_SECONDS // 60} minutes")


def _order(configuration: Configuration, product: str, appid: str, number: str) -> bytes:
    end = dt.datetime.fromtimestamp(time.time() + LIFE_SECONDS, _BEIJING)
    members: dict[str, Any] = {
        "appid": appid,
        "mchid": configuration.text("WECHAT_MCH_ID"),
        "description": "Go-live check",
        "out_trade_no": number,
        "time_expire": end.isoformat(timespec="seconds"),
        "notify_url": configuration.text("WECHAT_NOTIFY_URL"),
        "amount": {"total": 1, "currency": "CNY"},
    }
    return json.dumps(members | (_H5 if product == "h5" else {})).encode()


def _appids(configuration: Configuration, product: str) -> list[str]:
    default = configuration.text("WECHAT_APP_ID")
    if product != "app":
        return [default]
    listed = [pair.strip() for pair in configuration.text("WECHAT_APPS").split(",") if pair.strip()]
    minis = {name.strip() for name in configuration.text("WECHAT_MINI_PROGRAMS").split(",")}
    try:
        apps = apps_of(listed, default)
    except ConfigurationError:
        return [default]
    return [appid for name, appid in apps.items() if name not in minis] or [default]
