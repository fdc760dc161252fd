"""A code for the openid of whoever it stands for, once; and what a caller is told where there is none."""

import time

from payments.core.errors import (
    ApiError,
    ConfigurationError,
    ParameterError,
    RateLimitedError,
    RefusedUpdate,
    TryAgainError,
    WeChatRefusedError,
)
from payments.openplatform.answers import (
    BlockedPersonError,
    OpenPlatformError,
    RefusedAppError,
    UnknownAnswerError,
    VoidCodeError,
)
from payments.wiring import Wiring

CODES_PER_MINUTE = 10  # of one buyer, who needs one; WeChat counts all questions of an app together
MINUTE = 60  # seconds


def exchange(code: str, app: str, *, buyer: str | None, wiring: Wiring) -> str:
    """The openid of whoever the code stands for, as `app` knows them, one of the names in `Settings.apps`.

    `buyer` is whose tries are counted; None for whoever may try as often as WeChat lets them. A code works once, so a
    repetition of what was answered is refused like any other void code. Raises ParameterError for a void code,
    RateLimitedError, WeChatRefusedError, TryAgainError, StorageUnavailableError; ConfigurationError where the app or its
    secret is wrong. None of them says anything of the code, the person or the secret.
    """
    if buyer is not None:
        _count(buyer, wiring)
    try:
        return _known_to(app, code, wiring)
    except OpenPlatformError as problem:
        if isinstance(problem, RefusedAppError):
            wiring.count("AppRefused", app=app)
        told = _told(problem, app)
    raise told


def _count(buyer: str, wiring: Wiring) -> None:
    now = int(wiring.now())
    try:
        wiring.allowances.count_code(buyer, most=CODES_PER_MINUTE, minute=now // MINUTE)
    except RefusedUpdate as refused:
        raise RateLimitedError(
            f"This buyer has brought {CODES_PER_MINUTE} codes in this minute.",
            retry_after=MINUTE - now % MINUTE,
        ) from refused


def _known_to(app: str, code: str, wiring: Wiring) -> str:
    secret = wiring.secrets.apps
    try:
        return _asked(app, code, wiring)
    except RefusedAppError:
        # The code has not been looked at. WeChat has one secret of an app at a time, so a new one makes ours void at once.
        if not secret.reread():
            raise
    return _asked(app, code, wiring)


def _asked(app: str, code: str, wiring: Wiring) -> str:
    settings, platform = wiring.settings, wiring.open_platform
    appid = settings.apps[app]
    secret = wiring.secrets.apps.value().of(app, is_default=appid == settings.appid)
    began = time.monotonic()
    problem = ""
    try:
        return platform.openid(code, appid=appid, secret=secret, mini_program=app in settings.mini_programs)
    except OpenPlatformError as raised:
        problem = raised.reason
        raise
    finally:
        wiring.measure(
            {"WeChatTime": round((time.monotonic() - began) * 1000)}, "Milliseconds", operation="openid"
        )
        if problem:
            wiring.count("WeChatErrors", code=problem)


def _told(problem: OpenPlatformError, app: str) -> ApiError | ConfigurationError:
    """What the caller is told, or the operator where only they can mend it."""
    if isinstance(problem, VoidCodeError):
        void = ParameterError(
            "code",
            "is not one that this app can use: a code is one app's, works once, and lives five minutes; get a new one",
        )
        void.details["wechatCode"] = problem.number
        return void
    if isinstance(problem, RefusedAppError):
        return ConfigurationError(
            f"WeChat's open platform refuses the app {app} ({problem.reason}): its appid, its WECHAT_APP_SECRET or its kind is wrong"
        )
    if isinstance(problem, BlockedPersonError):
        return WeChatRefusedError(
            "WeChat does not let this person log in.", details={"wechatCode": problem.number}
        )
    wait = problem.retry_after if isinstance(problem, UnknownAnswerError) else 2
    return TryAgainError("WeChat did not say whose code this is.", retry_after=wait)
