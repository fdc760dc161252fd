"""The page behind an h5_url: it looks at who comes, shows the order, and is the buyer's WeChat, too."""

import secrets
import threading
from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from wechatpay_simulator.cashier.h5_checks import WORDS, H5Checks, Visit
from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.controls.control_request import NotPossibleError
from wechatpay_simulator.orders.h5_link import PATH, link_query
from wechatpay_simulator.orders.order import Order
from wechatpay_simulator.orders.paying import Paying
from wechatpay_simulator.wechat_page import inside_wechat, wechat_page


@dataclass(frozen=True)
class _Opened:
    """One buyer in front of the page."""

    query: str
    redirect_url: str | None
    at: float


class H5Page:
    """Whoever has opened the page in time can pay after the link's five minutes; each opening pays once, by a tap.

    WeChat Pay's page calls up the WeChat app and returns by itself some seconds later; there is no app here, so this one
    waits for the tap and returns then.
    """

    def __init__(self, checks: H5Checks, paying: Paying, clock: Timepiece) -> None:
        self._checks = checks
        self._paying = paying
        self._clock = clock
        self._opened: dict[str, _Opened] = {}
        self._lock = threading.Lock()

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[Route(PATH, self.open, methods=["GET"]), Route(PATH, self.pay, methods=["POST"])]
        )

    async def open(self, request: Request) -> Response:
        """WeChat Pay answers with 200 whatever it says; the code of a refusal is the page's `data-code`."""
        visit = Visit(
            address=request.client.host if request.client is not None else "",
            referer=request.headers.get("referer", ""),
            inside_wechat=inside_wechat(request),
        )
        try:
            order = self._checks.passed(str(request.url), visit)
        except NotPossibleError as refusal:
            return _refusal(refusal)
        query, redirect_url = link_query(str(request.url))
        ticket = secrets.token_urlsafe(24)
        with self._lock:
            self._opened[ticket] = _Opened(query, redirect_url, self._clock.time())
        return wechat_page("", _order(order, ticket, redirect_url))

    async def pay(self, request: Request) -> Response:
        """The tap: pay, then back to the merchant's page, which is told nothing."""
        try:
            form = parse_qs((await request.body()).decode("utf-8", "replace"))
        except ClientDisconnect:  # nobody reads this
            form = {}
        with self._lock:
            opened = self._opened.pop(form.get("ticket", [""])[0], None)
        if opened is None:
            return _refusal(
                NotPossibleError(410, "CODE_EXPIRED", "The page was not opened, or has paid already.")
            )
        try:
            self._paying.pay(credential=opened.query, opened_at=opened.at)
        except NotPossibleError as refusal:
            return _refusal(refusal)
        if opened.redirect_url is not None:
            return RedirectResponse(opened.redirect_url, 303)
        return wechat_page("", "<h1>支付成功</h1><p>Paid.</p>")


def _refusal(refusal: NotPossibleError) -> Response:
    words = WORDS.get(refusal.code, "支付失败")
    return wechat_page(refusal.code, f"<h1>{escape(words)}</h1><p>{escape(str(refusal))}</p>")


def _order(order: Order, ticket: str, redirect_url: str | None) -> str:
    back = (
        "" if redirect_url is None else f'<p><a id="cancel" href="{escape(redirect_url)}">取消 Cancel</a></p>'
    )
    return (
        f"<h1>¥{order.total // 100}.{order.total % 100:02}</h1><p>{escape(str(order.request['description']))}</p>"
        f'<form method="post" action="{PATH}"><input type="hidden" name="ticket" value="{ticket}">'
        f'<button id="pay">确认支付 Confirm payment</button></form>{back}'
    )
