"""Letting an order or a checkout in: within the buyer's limits, and never beside an open one for the same wish."""

import contextlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, TypeVar

from payments.core import identifiers
from payments.core.allowance import MINUTE, Allowance, OpenOrder
from payments.core.errors import RateLimitedError, RefusedUpdate, TryAgainError
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.use_cases.claims import CLAIM_SECONDS
from payments.use_cases.verdicts import LONG_RETRY_SECONDS
from payments.wiring import Wiring

if TYPE_CHECKING:
    from payments.core.checkouts.checkout import Checkout

MIN_LEFT_SECONDS = 60  # seconds that an open order must still live to be handed out again
MAX_WAIT_SECONDS = 3.0  # seconds to find one's place among parallel orders of one buyer
# Members of WeChat Pay's request by which two orders of one amount are paid or settled otherwise.
_PRICED = ("goods_tag", "detail", "settle_info")
_PRICED_AS_ASKED = ("goodsTag", "goods", "profitSharing")
MAX_LOOKED_AT = 100  # orders of one buyer that one request looks at: as many as one read takes

Known = TypeVar("Known")


@dataclass(frozen=True)
class _Counted(Generic[Known]):
    """What is counted together: how to find out what became of some of it, and what that means."""

    name: str
    get_all: Callable[[Collection[str]], Mapping[str, Known]]
    is_over: Callable[[Known], bool]
    is_payable: Callable[[Known], bool]


def check_limits(wanted: Payment, *, keyed: bool, wiring: Wiring) -> Payment | None:
    """Count `wanted` among its buyer's open orders; None lets it in.

    Without an Idempotency-Key (`keyed`), an open order of the same buyer for the same content, amount, app, goods and way
    of paying is returned instead, as it has just been read: a double click or a second device means the same wish.
    Raises RateLimitedError, TryAgainError, StorageUnavailableError.
    """
    wish = _wish(wanted, default_appid=wiring.settings.appid)
    order = OpenOrder(wanted.out_trade_no, wish, wanted.created_at, wanted.time_expire)
    orders = _Counted[Payment](
        "orders",
        wiring.store.get_all,
        lambda known: known.status.is_final,
        lambda known: _payable(known, order.opened_at),
    )
    return _check(order, wanted.user_id, orders, keyed=keyed, wiring=wiring)


def check_checkout_limits(wanted: "Checkout", *, keyed: bool, wiring: Wiring) -> "Checkout | None":
    """The same of a checkout, among its buyer's open checkouts: whatever is opened on its page counts no more."""
    now = wanted.created_at
    asked = json.loads(wanted.asked, parse_float=Decimal)
    priced = {name: asked[name] for name in _PRICED_AS_ASKED if name in asked}
    wish = identifiers.fingerprint({"contentId": wanted.content_id, "amount": wanted.amount} | priced)
    order = OpenOrder(wanted.checkout_id, wish, now, wanted.expires_at)
    checkouts = _Counted["Checkout"](
        "checkouts",
        wiring.checkouts.get_all,
        lambda known: known.paid_by is not None,
        lambda known: known.paid_by is None and known.expires_at - now >= MIN_LEFT_SECONDS,
    )
    return _check(order, wanted.user_id, checkouts, keyed=keyed, wiring=wiring)


def _check(
    order: OpenOrder, user_id: str, counted: _Counted[Known], *, keyed: bool, wiring: Wiring
) -> Known | None:
    try:
        # The normal case costs this one call: a buyer with nothing open.
        wiring.allowances.begin(user_id, Allowance().plus(order), now=order.opened_at, what=counted.name)
    except RefusedUpdate as refused:
        seen = wiring.allowances.found(user_id, refused, counted.name)
        return _beside_others(order, user_id, seen, counted, keyed=keyed, wiring=wiring)
    return None


def _beside_others(
    order: OpenOrder, user_id: str, seen: Allowance, counted: _Counted[Known], *, keyed: bool, wiring: Wiring
) -> Known | None:
    started = wiring.now()
    while wiring.now() - started <= MAX_WAIT_SECONDS:
        if seen.has(order.out_trade_no):
            return None
        left = seen.without(frozenset(), order.opened_at)
        looked = _look(left, order, counted, keyed=keyed, wiring=wiring)
        over = {
            one.out_trade_no
            for one in left.orders
            if one.out_trade_no in looked and _is_over(one, looked, counted, wiring)
        }
        alike = [] if keyed else [one for one in left.alike(order.wish) if one.out_trade_no in looked]
        spent = {one.out_trade_no for one in alike if _is_spent(one, looked, over, counted)}
        same = next((one for one in alike if one.out_trade_no not in spent), None)
        if same is not None and (known := looked[same.out_trade_no]) is not None:
            return known
        if same is not None:
            wiring.pause(0.2)  # let in a moment ago, and about to be written down
            seen = wiring.allowances.get(user_id, counted.name)
            continue
        gone = frozenset(spent | over)
        full = len(left.orders) >= wiring.settings.open_orders
        unseen = full and any(one.out_trade_no not in looked for one in left.orders)
        left = left.without(gone, order.opened_at)
        refusal = _refusal(left, order.opened_at, wiring, counted.name, unseen=unseen, progress=bool(gone))
        if refusal is None:
            try:
                wiring.allowances.change(user_id, left.plus(order), seen=seen, what=counted.name)
            except RefusedUpdate as refused:
                seen = wiring.allowances.found(user_id, refused, counted.name)
                continue
            return None
        if looked.get(order.out_trade_no) is not None:
            return None  # not one more: a retry asks what became of its own
        if unseen and gone:  # forgotten all the same, so that the next try looks at others
            with contextlib.suppress(RefusedUpdate):
                wiring.allowances.change(user_id, left, seen=seen, what=counted.name)
        raise refusal
    raise TryAgainError(f"Other {counted.name} of this buyer are being opened.", retry_after=1)


def _look(
    left: Allowance, order: OpenOrder, counted: _Counted[Known], *, keyed: bool, wiring: Wiring
) -> dict[str, Known | None]:
    """What became of those that decide about this one, in one read: of its wish, its own, and of all at a limit.

    None of one that is not in the table.
    """
    settings = wiring.settings
    full = len(left.orders) >= settings.open_orders
    numbers: list[str] = []
    if not keyed:
        numbers = [one.out_trade_no for one in left.alike(order.wish)]
    elif full or left.created_since(order.opened_at) >= settings.creates_per_minute:
        numbers = [order.out_trade_no]
    if full:
        others = [one.out_trade_no for one in left.orders]
        if len(others) > MAX_LOOKED_AT:  # others each time, so that each that has ended is found by and by
            first = int.from_bytes(wiring.entropy()) % len(others)
            others = others[first:] + others[:first]
        numbers += others
    numbers = list(dict.fromkeys(numbers))[:MAX_LOOKED_AT]
    found = counted.get_all(numbers) if numbers else {}
    return {number: found.get(number) for number in numbers}


def _is_spent(
    order: OpenOrder, looked: Mapping[str, Known | None], over: Collection[str], counted: _Counted[Known]
) -> bool:
    """Whether it is of no use for the same wish; one that may still be on its way to the table is."""
    known = looked[order.out_trade_no]
    return order.out_trade_no in over if known is None else not counted.is_payable(known)


def _is_over(
    order: OpenOrder, looked: Mapping[str, Known | None], counted: _Counted[Known], wiring: Wiring
) -> bool:
    """Whether nobody can pay it any more; nothing that may still be on its way to the table counts as over."""
    known = looked[order.out_trade_no]
    if known is None:
        return wiring.now() - order.opened_at >= CLAIM_SECONDS
    return counted.is_over(known)


def _payable(known: Payment, now: int) -> bool:
    return known.status in (Status.CREATING, Status.PENDING) and known.time_expire - now >= MIN_LEFT_SECONDS


def _wish(payment: Payment, *, default_appid: str) -> str:
    wish: dict[str, object] = {
        "method": payment.method,
        "contentId": payment.content_id,
        "amount": payment.amount,
        "openid": payment.openid,
    }
    if payment.appid != default_appid:  # what one app was given opens the cashier in no other
        wish["appid"] = payment.appid
    frozen = json.loads(payment.wechat_request)
    wish |= {name: frozen[name] for name in _PRICED if name in frozen}
    return identifiers.fingerprint(wish)


def _refusal(
    left: Allowance, now: int, wiring: Wiring, name: str, *, unseen: bool, progress: bool
) -> RateLimitedError | None:
    """Why one more is too many. `unseen`: some of those left were not looked at; `progress`: some that ended were found."""
    settings = wiring.settings
    if len(left.orders) >= settings.open_orders:
        ends = sorted(order.until for order in left.orders)
        wait = max(1, ends[len(ends) - settings.open_orders] - now)
        if unseen:
            return RateLimitedError(
                f"This buyer has {len(ends)} {name} that may be open, and not all of them could be looked at.",
                retry_after=min(wait, 1 if progress else LONG_RETRY_SECONDS),
            )
        return RateLimitedError(
            f"This buyer has {settings.open_orders} open {name}; one must be paid or closed first.",
            retry_after=wait,
        )
    if left.created_since(now) >= settings.creates_per_minute:
        return RateLimitedError(
            f"This buyer has opened {settings.creates_per_minute} {name} in this minute.",
            retry_after=MINUTE - now % MINUTE,
        )
    return None
