"""What the checkout page shows: where it is looked at, in which language, and which of its states a view is."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

_HANDHELD = re.compile(r"\b(Mobile|Android|iPhone|iPad)\b")
# WeChat's program for computers, whose screen a phone can scan: WindowsWechat, MacWechat, UnifiedPCWindowsWechat.
# What a device of each kind shows where WeChat Pay has refused that kind.
_REFUSED = {"native": "refused", "jsapi": "refused_here", "h5": "into_wechat"}
_COMPUTER = re.compile(r"(Windows|Mac|Linux)Wechat|Windows NT|Macintosh")


def state_of(view: Mapping[str, Any], scene: str, *, returned: bool = False) -> str:
    """What the page shows, a name in words.json; checkout.js says the same of the same view."""
    if view["status"] == "paid" and "returnUrl" in view:
        return "returning"
    if "kind" in view and view["status"] != "waiting":
        return _state_of_checkout(view)
    if view["status"] != "waiting":
        return str(view["status"])
    if "paymentParams" in view:
        return "cashier"
    if "h5Url" in view:
        return "returned" if returned else "leave"
    if view.get("method") == "h5" and scene != "phone":
        return "outside" if scene == "wechat" else "handheld"
    if "qrCode" not in view:
        return "opening" if "kind" in view else "renewing"
    if view.get("method") == "jsapi":
        return "elsewhere"
    return "scan" if scene == "desktop" else scene


def _state_of_checkout(view: Mapping[str, Any]) -> str:
    """One that is no order: it opens one for the device that is there."""
    status = str(view["status"])
    if status in ("ready", "identify"):
        if view.get("refused") != view["kind"]:
            return "opening"
        return _REFUSED[view["kind"]]
    if status == "elsewhere":
        return "held" if view["takeOver"] else "left_there"
    return "handing" if status == "closing" and view["takeOver"] else status


def scene_of(user_agent: str) -> str:
    """Where the page is looked at: wechat (its own browser on a phone), phone, or desktop."""
    if "MicroMessenger" in user_agent:
        return "desktop" if _COMPUTER.search(user_agent) else "wechat"
    return "phone" if _HANDHELD.search(user_agent) else "desktop"


def language_of(asked: str | None, accept_language: str) -> str:
    """zh or en: as asked for in the address, or the first of the two that the browser names; en when it names neither."""
    if asked in ("zh", "en"):
        return asked
    for entry in accept_language.lower().split(","):
        language = entry.strip().partition(";")[0].partition("-")[0]
        if language in ("zh", "en"):
            return language
    return "en"


def seconds_left(view: Mapping[str, Any]) -> int:
    """Whole seconds until the end of what the view is of, negative after it."""
    left = datetime.fromisoformat(view["expiresAt"]) - datetime.fromisoformat(view["now"])
    return int(left.total_seconds())
