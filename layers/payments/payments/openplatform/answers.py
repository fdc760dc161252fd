"""What the open platform's answers mean: an openid, or why there is none, by its numbers (errcode).

Sources: WeChat, "Web authorization" (网页授权), step 2; "code2Session"; "Global return codes" (全局返回码). A refusal comes with
HTTP 200 like everything else. Of an answer nothing is kept but the openid or the number: beside the openid stand tokens and the
session key, in the sentence beside the number whatever WeChat likes to quote.
"""

import json
import re

MAX_ANSWER_BYTES = 64 * 1024  # an answer has a few hundred bytes

# Invalid, used, missing, expired.
VOID_CODES = frozenset({40029, 40163, 41008, 42003})
# appid, secret, either of them missing, the account may not use this interface, this address is not on its list.
REFUSED_APPS = frozenset({40013, 40125, 41002, 41004, 48001, 40164})
BLOCKED_PERSONS = frozenset({40226})  # WeChat holds them for a risk
BUSY = -1
QUOTAS = frozenset({45009, 45011})  # of a day; of a minute

# 28 characters so far; how many is not documented.
_OPENID = re.compile(r"[0-9A-Za-z_-]{1,128}")


class OpenPlatformError(Exception):
    """No openid. `reason` is `errcode` and a number, or what broke: nothing of what was sent or answered."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def number(self) -> str:
        """WeChat's number alone; what broke, where there is none."""
        return self.reason.removeprefix("errcode ")


class VoidCodeError(OpenPlatformError):
    """The code is not, or no more, one that this app can use. It never will be."""


class BlockedPersonError(OpenPlatformError):
    """WeChat lets this person log in nowhere."""


class RefusedAppError(OpenPlatformError):
    """The appid or the app's secret is wrong, or the app may not ask. The code has not been looked at."""


class UnknownAnswerError(OpenPlatformError):
    """Nobody can tell: no answer, or one that says nothing about the code, which may be used up or not."""

    def __init__(self, reason: str, *, retry_after: int = 2) -> None:
        super().__init__(reason)
        self.retry_after = retry_after  # seconds until it is worth asking again


def openid_in(status: int, content: bytes) -> str:
    """The openid that an answer names. Raises the errors above."""
    if status != 200:
        raise UnknownAnswerError(f"HTTP {status}")
    members = _members(content)
    if members is None:
        raise UnknownAnswerError("not a JSON object")
    errcode = members.get("errcode", 0)
    if errcode != 0:
        raise _refusal(errcode)
    openid = members.get("openid")
    if not isinstance(openid, str) or not _OPENID.fullmatch(openid):
        raise UnknownAnswerError("no openid")
    return openid


def _members(content: bytes) -> dict[str, object] | None:
    try:
        members = json.loads(content)
    except (ValueError, RecursionError):
        return None  # a decoder's exception holds the whole text, so nothing is raised here
    return members if isinstance(members, dict) else None


def _refusal(errcode: object) -> OpenPlatformError:
    if type(errcode) is not int:
        return UnknownAnswerError("errcode is no number")
    reason = f"errcode {errcode}"
    if errcode in VOID_CODES:
        return VoidCodeError(reason)
    if errcode in REFUSED_APPS:
        return RefusedAppError(reason)
    if errcode in BLOCKED_PERSONS:
        return BlockedPersonError(reason)
    return UnknownAnswerError(reason, retry_after=60 if errcode in QUOTAS else 2)
