"""From what a caller asks for to a checkout: who pays, at which price, until when."""

import re
from datetime import datetime

from payments.api import order_intake, quotes, return_urls
from payments.api.callers import Caller
from payments.api.http import Request
from payments.api.json_body import load_members
from payments.api.orders.members import NAMES as OPTIONAL
from payments.api.request_bodies import (
    JSON,
    NewCheckout,
    idempotency_key,
    order_of_members,
)
from payments.core import identifiers
from payments.core.access import CHARGE, PAY
from payments.core.checkouts.checkout import Checkout
from payments.core.checkouts.rules import MAX_LIFE_SECONDS, MIN_LEFT_SECONDS
from payments.core.errors import NotAllowedError, ParameterError
from payments.core.payment import CURRENCY
from payments.use_cases.admission import check_checkout_limits
from payments.wiring import Wiring

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", re.ASCII)
_NOT_OF_AN_ORDER = ("quote", "userId", "expiresAt")


def prepare_checkout(request: Request, wiring: Wiring) -> Checkout:
    """Check what the caller asks for, and make the checkout of it; or the open one for the same wish, as it was just read.

    Rights, price and limits are those of orders. Raises NotAllowedError, ParameterError and the errors of `load_members` and
    `check_checkout_limits`.
    """
    caller = request.caller.with_one_of(PAY, CHARGE)
    sent = load_members(request.body)
    order = order_of_members(sent, NewCheckout)
    key = idempotency_key(request.headers)
    user_id = order_intake.payer(caller, order)
    quote = order_intake.priced(caller, order, sent, wiring)
    ticket = quote.ticket
    if order.return_url is not None:
        return_urls.check(order.return_url, allowed_origins=wiring.settings.return_origins)
    now = int(wiring.now())
    wanted = _made(
        order,
        checkout_id=_id(caller.sub, key, ticket, wiring),
        user_id=user_id,
        appid=order_intake.appid_of(order, wiring),
        expires_at=_end(order, caller, quote, now, wiring),
        now=now,
    )
    request.log_context["checkout_id"] = wanted.checkout_id
    if ticket is not None:
        order_intake.use(ticket, user_id, wanted.checkout_id, now, wiring)
    if wanted.expires_at - now < MIN_LEFT_SECONDS and wiring.checkouts.get(wanted.checkout_id) is None:
        field = "expiresAt" if caller.may_charge else "quote"
        raise ParameterError(field, f"must let the checkout live for {MIN_LEFT_SECONDS} seconds at least")
    if order.user_id is not None or not caller.may_charge:
        return check_checkout_limits(wanted, keyed=key is not None, wiring=wiring) or wanted
    return wanted


def _id(caller: str, key: str | None, ticket: quotes.Ticket | None, wiring: Wiring) -> str:
    """The same for every repetition: by the Idempotency-Key, else by the quote; without both nothing tells one."""
    scope = wiring.settings.stack_scope
    if key is not None:
        return identifiers.checkout_id(scope=scope, caller=caller, key=key)
    if ticket is not None:
        return identifiers.checkout_id_of_quote(scope=scope, caller=caller, jti=ticket.jti)
    return identifiers.random_number("CO", wiring.entropy())


def _end(order: NewCheckout, caller: Caller, quote: quotes.Quote, now: int, wiring: Wiring) -> int:
    """When the checkout ends: as a backend asks, or a buyer's quote says, or as an order would."""
    if order.expires_at is not None:
        if not caller.may_charge:
            issue = "is for backends; a quote says it by checkoutUntil"
            raise NotAllowedError(f"expiresAt {issue}.", details={"field": "expiresAt", "issue": issue})
        return _within_a_week(_epoch(order.expires_at), now)
    until = quote.checkout_until(now)
    return until if until is not None else now + wiring.settings.order_life


def _epoch(text: str) -> int:
    if not _TIME.fullmatch(text):
        raise ParameterError("expiresAt", "must be ISO 8601 with a time zone, like 2027-01-01T12:00:00Z")
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError as problem:
        raise ParameterError("expiresAt", "must be a time that exists") from problem


def _within_a_week(at: int, now: int) -> int:
    if at > now + MAX_LIFE_SECONDS:
        raise ParameterError("expiresAt", "must be at most seven days ahead")
    return at


def _made(
    order: NewCheckout, *, checkout_id: str, user_id: str, appid: str, expires_at: int, now: int
) -> Checkout:
    members = {
        order.__struct_encode_fields__[place]: getattr(order, name)
        for place, name in enumerate(order.__struct_fields__)
    }
    asked = {
        name: value for name, value in members.items() if value is not None and name not in _NOT_OF_AN_ORDER
    }
    told_apart = {name: value for name, value in asked.items() if name not in OPTIONAL}
    told_apart |= {"amount": order.fen, "userId": user_id, "expiresAt": order.expires_at}
    told_apart |= order.in_wechats_words
    return Checkout(
        checkout_id=checkout_id,
        user_id=user_id,
        content_id=order.content_id,
        appid=appid,
        amount=order.fen,
        currency=CURRENCY,
        subject=order.subject,
        return_url=order.return_url,
        asked=JSON.encode(asked).decode(),
        fingerprint=identifiers.fingerprint(told_apart),
        created_at=now,
        expires_at=expires_at,
    )
