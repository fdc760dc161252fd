"""A browser within WeChat is asked who its buyer is: sent to WeChat with a nonce, and believed once, when it brings that back."""

from typing import NamedTuple

from payments.core import identifiers
from payments.core.errors import ConfigurationError, OrderNotFoundError, RefusedUpdate
from payments.use_cases.openids.exchanging import exchange
from payments.wiring import Wiring

RETURN_SECONDS = 600  # seconds in which the browser must be back; without anybody to tap it takes one


class Question(NamedTuple):
    """What WeChat is asked with: for which app, and the nonce that must come back."""

    appid: str
    nonce: str


def begin_visit(checkout_id: str, cookie: str, wiring: Wiring) -> Question | None:
    """Await the return of the browser that has this cookie; None where a checkout that is over needs to know nobody.

    What that browser was before is forgotten. Raises OrderNotFoundError, StorageUnavailableError; ConfigurationError, before
    anybody is sent anywhere in vain, where the checkout's app cannot ask.
    """
    now = int(wiring.now())
    checkout = wiring.checkouts.get(checkout_id)
    if checkout is None:
        raise OrderNotFoundError
    if checkout.paid_by is not None or checkout.expires_at <= now:
        return None
    _require_able(checkout.appid, wiring)
    nonce = identifiers.random_number("", wiring.entropy())
    wiring.visits.begin(
        checkout,
        identifiers.visit_key(checkout_id, cookie),
        nonce_hash=identifiers.nonce_hash(nonce),
        until=now + RETURN_SECONDS,
        now=now,
    )
    return Question(checkout.appid, nonce)


def end_visit(checkout_id: str, cookie: str, *, code: str, nonce: str, wiring: Wiring) -> bool:
    """Keep who the buyer behind this return is; False where nobody awaits it (any more), and nothing is asked or changed.

    The nonce is used up first, so that one return asks WeChat at most once. Raises the errors of `exchange`, of which each
    checkout has as many tries as a buyer.
    """
    visit = identifiers.visit_key(checkout_id, cookie)
    try:
        checkout = wiring.visits.use_nonce(
            checkout_id, visit, nonce_hash=identifiers.nonce_hash(nonce), now=int(wiring.now())
        )
        openid = exchange(code, _app(checkout.appid, wiring), buyer=checkout_id, wiring=wiring)
        wiring.visits.identify(checkout_id, visit, openid=openid, appid=checkout.appid)
    except RefusedUpdate:  # not awaited; or made room for others meanwhile
        return False
    return True


def _require_able(appid: str, wiring: Wiring) -> None:
    app = _app(appid, wiring)
    if app in wiring.settings.mini_programs:
        raise ConfigurationError(f"the app {app} is a mini program: no page can ask who its buyers are")
    wiring.secrets.apps.value().of(app, is_default=appid == wiring.settings.appid)


def _app(appid: str, wiring: Wiring) -> str:
    """The name of a checkout's app. Raises ConfigurationError where it is none of the stack's any more."""
    found = next((name for name, each in wiring.settings.apps.items() if each == appid), None)
    if found is None:
        raise ConfigurationError(f"WECHAT_APPS has no {appid}, and a checkout is for it")
    return found
