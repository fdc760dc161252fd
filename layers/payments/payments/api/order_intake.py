"""From what a caller asks for to a payment in CREATING: who pays, at which price, under which number."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from payments.api import quotes, return_urls
from payments.api.callers import Caller
from payments.api.http import Request
from payments.api.json_body import load_members
from payments.api.orders import members
from payments.api.orders.freezing import frozen
from payments.api.request_bodies import (
    NewOrder,
    Order,
    idempotency_key,
    order_of_members,
)
from payments.core import identifiers
from payments.core.access import CHARGE, PAY
from payments.core.errors import NotAllowedError, ParameterError, RefusedUpdate
from payments.core.payment import Payment
from payments.use_cases.admission import check_limits
from payments.wiring import Wiring


class PreparedOrder(NamedTuple):
    """The payment that a caller wants; whether it may have been asked for before; whether it is there, just as it is here."""

    payment: Payment
    may_exist: bool
    is_there: bool = False


def prepare_order(
    request: Request,
    kind: type[Order],
    *,
    method: str,
    wiring: Wiring,
    scene: Callable[[Caller, Order], Mapping[str, object]] | None = None,
) -> PreparedOrder:
    """Check what the caller asks for, and make the payment of it, with its number and its frozen request.

    `kind` is the body's, `method` is native, jsapi, app or h5; `scene` says where it is
    paid, as WeChat Pay is to be told, which makes no other order of it. Where a buyer is named, the buyer's limits hold; a backend that
    names none answers for its own. Raises NotAllowedError, ParameterError and the errors of `load_members` and `check_limits`.
    """
    caller = request.caller.with_one_of(PAY, CHARGE)
    sent = load_members(request.body)
    order = order_of_members(sent, kind)
    where = scene(caller, order) if scene is not None else None
    key = idempotency_key(request.headers)
    user_id = payer(caller, order)
    ticket = priced(caller, order, sent, wiring).ticket
    if order.return_url is not None:
        return_urls.check(order.return_url, allowed_origins=wiring.settings.return_origins)
    appid = appid_of(order, wiring)
    out_trade_no = _number(method, caller.sub, key, ticket, wiring)
    payment = frozen(
        order,
        out_trade_no,
        appid=appid,
        user_id=user_id,
        method=method,
        scene=where,
        source_ip=request.source_ip,
        settings=wiring.settings,
        now=int(wiring.now()),
    )
    request.log_payment(payment)
    if ticket is not None:
        use(ticket, user_id, out_trade_no, payment.created_at, wiring)
    if order.user_id is not None or not caller.may_charge:
        open_already = check_limits(payment, keyed=key is not None, wiring=wiring)
        if open_already is not None:
            return PreparedOrder(open_already, may_exist=True, is_there=True)
    return PreparedOrder(payment, may_exist=key is not None or ticket is not None)


def payer(caller: Caller, order: NewOrder) -> str:
    """Whose order this is: a backend may name anybody; a buyer pays for themselves."""
    if caller.may_charge:
        return order.user_id or caller.sub
    if order.user_id not in (None, caller.sub):
        raise NotAllowedError(
            "userId must be the caller's own.",
            details={"field": "userId", "issue": "must be the caller's own"},
        )
    return caller.sub


def priced(caller: Caller, order: NewOrder, sent: Mapping[str, object], wiring: Wiring) -> quotes.Quote:
    """A buyer pays a quoted price, a backend its own, of which no quote says anything.

    `sent` are the body's members: as they were sent is how they were signed.
    """
    if caller.may_charge or not wiring.settings.requires_quote:
        return quotes.Quote()
    secret = wiring.secrets.verification
    try:
        return quotes.check(
            order.quote,
            keys=secret.value().quote_keys,
            sub=caller.sub,
            content_id=order.content_id,
            amount=order.fen,
            metadata=order.metadata,
            order_fields={name: sent[name] for name in members.NAMES if sent.get(name) is not None},
            now=wiring.now(),
        )
    except quotes.UnknownSignatureError:
        secret.require_current()  # it may be signed with a key that could not be read yet
        raise


def appid_of(order: NewOrder, wiring: Wiring) -> str:
    """Of the app that the order is for: the default, or the one that it names."""
    if order.app is None:
        return wiring.settings.appid
    apps = wiring.settings.apps
    if order.app not in apps:
        raise ParameterError("app", f"must be one of {', '.join(sorted(apps))}")
    return apps[order.app]


def _number(method: str, caller: str, key: str | None, ticket: quotes.Ticket | None, wiring: Wiring) -> str:
    """The same for every repetition: by the Idempotency-Key, else by the quote; without both nothing tells one."""
    scope = wiring.settings.stack_scope
    if key is not None:
        return identifiers.out_trade_no(scope=scope, route=method, caller=caller, key=key)
    if ticket is not None:
        return identifiers.out_trade_no_of_quote(scope=scope, route=method, caller=caller, jti=ticket.jti)
    return identifiers.random_number("WX", wiring.entropy())


def use(ticket: quotes.Ticket, user_id: str, number: str, now: int, wiring: Wiring) -> None:
    """The quote opens this order or checkout and no other. Raises NotAllowedError."""
    # Before the buyer's limits are looked at: an order that this refuses must not count.
    try:
        wiring.allowances.use_quote(user_id, ticket.jti, number, expires_at=ticket.expires_at, now=now)
    except RefusedUpdate as refused:
        raise quotes.used_for_another_order() from refused
