"""Whether each app's secret is of an app that there is, and WeChat's open platform takes it: a code of nobody's tells."""

import time

from operations.checks.findings import Findings, fault, good, unchecked, warning
from operations.configuration import Configuration
from payments.core.errors import ConfigurationError
from payments.openplatform.answers import OpenPlatformError, RefusedAppError, VoidCodeError
from payments.openplatform.client import OpenPlatform
from payments.settings import Settings
from payments.storage.secret_members import APP_SECRET, AppSecrets, spelt
from wechatpay.errors import KeyFormatError

NOBODYS_CODE = "0" * 32  # whoever looks at it, refuses it; but first app and secret are looked at
CHARACTERS = 32  # of an AppSecret
_NAMES = ("WECHAT_APP_ID", "WECHAT_APPS", "WECHAT_MINI_PROGRAMS")
_PLATFORM = ("WECHAT_OPEN_PLATFORM", "WECHAT_OPEN_PLATFORMS_ALLOWED")
_FIXES = {
    "errcode 40125": "copy the AppSecret again; WeChat shows it once, when it is reset (docs/keys.md)",
    "errcode 40013": "check its appid, and whether WECHAT_MINI_PROGRAMS should name it, or should not",
}


def check_apps(configuration: Configuration, *, online: bool) -> Findings:
    """Check the secrets that are there; who has none asks the open platform nothing. `online`: ask it about each app."""
    named = configuration.app_secrets
    if not named or configuration.not_text():  # which is told elsewhere
        return
    settings = Settings({name: configuration.text(name) for name in (*_NAMES, *_PLATFORM)})
    try:
        secrets = AppSecrets(configuration.given(named))
        apps, default, mini_programs = settings.apps, settings.appid, settings.mini_programs
        origin = settings.open_platform
    except (ConfigurationError, KeyFormatError) as problem:
        yield fault(str(problem), "no openid can be asked for with it: put it right")
        return
    for name in named:
        yield from _form(name, configuration.text(name), {*apps})
    platform = OpenPlatform(origin=origin, clock=time.time)
    for app, appid in apps.items():
        try:
            secret = secrets.of(app, is_default=appid == default)
        except ConfigurationError:
            continue  # one whose buyers nobody asks for
        if online:
            yield from _asked(platform, app, appid, secret, mini_program=app in mini_programs)


def _form(name: str, secret: str, apps: set[str]) -> Findings:
    if spelt(name) not in {APP_SECRET, *(spelt(f"{APP_SECRET}_{app}") for app in apps)}:
        yield warning(f"{name} is of no app that WECHAT_APPS names", "name it like one of them, or remove it")
    elif len(secret) != CHARACTERS:
        yield warning(
            f"{name} has {len(secret)} characters, an AppSecret {CHARACTERS}", _FIXES["errcode 40125"]
        )
    else:
        yield good(f"{name} has the form of an AppSecret")


def _asked(platform: OpenPlatform, app: str, appid: str, secret: str, *, mini_program: bool) -> Findings:
    try:
        platform.openid(NOBODYS_CODE, appid=appid, secret=secret, mini_program=mini_program)
    except VoidCodeError:
        yield good(f"WeChat's open platform takes the secret of the app {app}")
    except RefusedAppError as refused:
        fix = _FIXES.get(
            refused.reason, "the account must be verified, and a service account, not a subscription account"
        )
        yield fault(f"WeChat's open platform refuses the app {app} ({refused.reason})", fix)
    except OpenPlatformError as problem:
        yield unchecked(
            f"WeChat's open platform could not be asked about the app {app} ({problem.reason})", "try again"
        )
    else:
        yield unchecked(
            f"WeChat's open platform takes any code of the app {app}", f"is {appid} really there?"
        )
