"""How the open platform says no: HTTP 200, a number, a sentence with a request id in it."""

import secrets
import time
from typing import Any

# WeChat, Global return codes; Web authorization; code2Session.
SENTENCES = {
    -1: "system error",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40029: "invalid code",
    40030: "invalid refresh_token",
    40125: "invalid appsecret",
    40163: "code been used",
    40226: "code blocked",
    41001: "access_token missing",
    41002: "appid missing",
    41003: "refresh_token missing",
    41004: "appsecret missing",
    41008: "missing code",
    41009: "missing openid",
    42001: "access_token expired",
    42002: "refresh_token expired",
    42003: "code expired",
    45011: "api minute-quota reach limit, must slower, retry next minute",
}


class ErrcodeError(Exception):
    """A call is refused with this number."""

    def __init__(self, errcode: int) -> None:
        super().__init__(f"errcode {errcode}")
        self.errcode = errcode


def refusal(errcode: int, errmsg: str | None = None) -> dict[str, Any]:
    """The body: the sentence that goes with the number unless `errmsg` says another, and a request id behind it."""
    rid = f"{int(time.time()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
    return {"errcode": errcode, "errmsg": f"{errmsg or SENTENCES.get(errcode, 'system error')}, rid: {rid}"}
