"""The checkout page as it first appears, in Chinese or English, with all that it needs in it.

It loads no file: while two versions are deployed, the next request may be answered by the other one. Every text is escaped
on its way into the page, which runs and shows nothing but its own: see `policy`.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from payments.api.checkouts.page_states import seconds_left, state_of

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_KEPT = "public, max-age=31536000, immutable"
_SAFE = {
    "strict-transport-security": "max-age=63072000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}
_HIDDEN = {True: "hidden", False: ""}


class Page:
    """One folder with checkout.html, words.json and the page's script, style and icon, read once."""

    def __init__(self, folder: Path) -> None:
        self._html = Template((folder / "checkout.html").read_text(encoding="utf-8"))
        self._words: dict[str, dict[str, Any]] = json.loads(
            (folder / "words.json").read_text(encoding="utf-8")
        )
        self._style = (folder / "checkout.css").read_text(encoding="utf-8")
        self._script = (folder / "checkout.js").read_text(encoding="utf-8")
        icon = (folder / "icon.svg").read_bytes()
        self._icon = "data:image/svg+xml;base64," + base64.b64encode(icon).decode()
        self._files: dict[str, dict[str, Any]] = {}
        for file in folder.iterdir():
            if file.suffix in _TYPES:
                content = file.read_bytes()
                name = f"{file.stem}.{hashlib.sha256(content).hexdigest()[:12]}{file.suffix}"
                headers = {
                    **_SAFE,
                    "content-type": f"{_TYPES[file.suffix]}; charset=utf-8",
                    "cache-control": _KEPT,
                }
                self._files[name] = _answer(200, headers, content.decode())

    def asset(self, name: str) -> dict[str, Any] | None:
        """The file of this name, which holds a hash of its content and may be kept for ever; None when there is none.

        Pages of versions that did not hold their files yet ask for them.
        """
        return self._files.get(name)

    def render(
        self,
        view: Mapping[str, Any],
        *,
        language: str,
        scene: str,
        live_url: str,
        returned: bool = False,
        logo: str = "",
    ) -> dict[str, Any]:
        """The answer that shows `view` (see `checkout.view`): complete without script, alive with it.

        `returned`: the buyer comes back from WeChat, which proves nothing. `logo`: see `Settings.merchant_logo`.
        """
        state, words = state_of(view, scene, returned=returned), self._words[language]
        number = view.get("outTradeNo") or view.get("checkoutId", "")
        places = self._places(state, language, scene) | {
            "view": json.dumps(view, ensure_ascii=False),
            "words": json.dumps(words, ensure_ascii=False),
            "merchant": view.get("merchantName", ""),
            "logo": logo,
            "number": number,
            "amount": view["amount"],
            "subject": view["subject"],
            "refunded": view.get("refundedAmount", ""),
            "code": view.get("qrCode", ""),
            "h5_url": view.get("h5Url", ""),
            "countdown": _countdown(view),
            "return_url": view.get("returnUrl", ""),
        }
        shown = {
            "order": True,
            "merchant": "merchantName" in view,
            "logo": bool(logo),
            "number": bool(number),
            "refund": "refundedAmount" in view,
            "code": "qrCode" in view,
            "pay": "paymentParams" in view,
            "leave": "h5Url" in view,
            "asked": state == "returned",
            "script": state in ("opening", "held", "handing"),
            "left": view["status"] == "waiting",
            "back": "returnUrl" in view,
        }
        reload = "2;url=" + view["returnUrl"] if state == "returning" else "5"
        answer = self._filled(
            200, places, shown, reload=None if state == "refunded" else reload, live_url=live_url
        )
        if "h5" in (view.get("method"), view.get("kind")):
            # WeChat's page looks at the domain that leads to it, and takes nobody without (H5 payment, frequent questions). The
            # address of this page is the buyer's secret: only where it is on goes along.
            answer["headers"]["referrer-policy"] = "origin"
        return answer

    def render_refusal(self, status: int, *, language: str, retry: bool) -> dict[str, Any]:
        """The answer in place of an order: there is none, or it cannot be shown right now (`retry`)."""
        places = self._places("down" if retry else "missing", language, "desktop")
        return self._filled(status, places, {}, reload="5" if retry else None, live_url="")

    def _places(self, state: str, language: str, scene: str) -> dict[str, str]:
        words = self._words[language]
        title, detail = words[state]
        return {
            "state": state,
            "scene": scene,
            "title": title,
            "detail": detail,
            "lang": words["lang"],
            "other": words["other"],
            "other_language": words["otherLanguage"],
            "icon": self._icon,
            **{
                f"word_{name}": words[name]
                for name in (
                    "refund",
                    "number",
                    "qr",
                    "pay",
                    "copy",
                    "left",
                    "back",
                    "secured",
                    "asked",
                    "script",
                )
            },
        }

    def _filled(
        self,
        status: int,
        places: Mapping[str, str],
        shown: Mapping[str, bool],
        *,
        reload: str | None,
        live_url: str,
    ) -> dict[str, Any]:
        absent = (
            "view",
            "words",
            "merchant",
            "logo",
            "number",
            "amount",
            "subject",
            "refunded",
            "code",
            "h5_url",
            "countdown",
            "return_url",
        )
        texts = {name: html.escape(text) for name, text in {**dict.fromkeys(absent, ""), **places}.items()}
        optional = (
            *(
                "order",
                "merchant",
                "logo",
                "number",
                "refund",
                "code",
                "pay",
                "leave",
                "asked",
                "left",
                "back",
            ),
            "script",
        )
        flags = {f"hide_{name}": _HIDDEN[not shown.get(name, False)] for name in optional}
        refresh = f'<meta http-equiv="refresh" content="{html.escape(reload)}">' if reload else ""
        page = self._html.substitute(texts, **flags, reload=refresh, script=self._script, style=self._style)
        headers = {
            **_SAFE,
            "content-type": "text/html; charset=utf-8",
            "content-language": places["lang"],
            "content-security-policy": policy(
                live_url, script=self._script, style=self._style, logo=places.get("logo", "")
            ),
            "cache-control": "no-store",
            "vary": "accept, accept-language, user-agent",
        }
        return _answer(status, headers, page)


def policy(live_url: str, *, script: str, style: str, logo: str = "") -> str:
    """The Content-Security-Policy: this script, this style, nothing else and nothing from elsewhere, in nobody's frame.

    Pictures are in the page; of the page's own origin they may come where the logo does.
    """
    images = "data: 'self'" if logo.startswith("/") else "data:"
    live = urlsplit(live_url)
    connect = f"'self' {live.scheme}://{live.netloc}" if live_url else "'self'"
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src {images}; "
        f"connect-src {connect}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _countdown(view: Mapping[str, Any]) -> str:
    seconds = max(0, seconds_left(view))
    hours, minutes = divmod(seconds // 60, 60)
    return re.sub("^0(0:)?", "", f"{hours:02d}:{minutes:02d}:{seconds % 60:02d}")


def _answer(status: int, headers: Mapping[str, str], body: str) -> dict[str, Any]:
    return {"statusCode": status, "headers": dict(headers), "body": body}
