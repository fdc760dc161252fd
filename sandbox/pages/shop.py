"""The shop's own small backend: it sets the prices, orders at the payment API, and sends the buyer to the checkout.

A product's backend would do the same: the browser never has a say in the price, and what it reports proves nothing.
"""

import re
import secrets
from typing import Any

import requests
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages.body import members
from sandbox.pages.headers import refused, told
from sandbox.pages.payment_api import PaymentApi, RefusalError
from sandbox.pages.prices import PRODUCTS, Product, named, yuan
from sandbox.pages.purchases import Purchase, Purchases
from sandbox.pages.running import Running

COOKIE = "shop_buyer"
RETURN_PATH = "/success"
_BUYER = re.compile(r"buyer-[0-9a-f]{16}")
_OVER = (
    "ORDERPAID",
    "ORDERCLOSED",
    "WECHAT_REFUSED",
)  # the purchase has come to its end; a new one may begin


class Shop:
    """The routes that the shop's scripts call, all under /shop/."""

    def __init__(self, sandbox: Running) -> None:
        self._sandbox = sandbox
        self._api = PaymentApi(sandbox)
        self._purchases = Purchases()

    def routes(self) -> list[BaseRoute]:
        """The shop's routes."""
        return [
            Route("/shop/products", self.products),
            Route("/shop/order", self.order, methods=["POST"]),
            Route("/shop/orders/{reference}", self.ordered),
        ]

    async def products(self, request: Request) -> Response:
        """What is for sale, who sells it, and who the buyer is during this visit."""
        buyer = _buyer(request)
        shelf = {
            "merchant": named(self._sandbox.merchant_name),
            "products": [*map(_shown, PRODUCTS.values())],
        }
        return _remembering(told({"buyer": buyer, **shelf}), buyer)

    async def order(self, request: Request) -> Response:
        """`{"productId"}` → `{"checkoutUrl"}`, where the buyer pays; whoever asks twice gets the same open order."""
        wanted = (await members(request)).get("productId")
        product = PRODUCTS.get(wanted) if isinstance(wanted, str) else None
        if product is None:
            return refused(404, "PRODUCT_NOT_FOUND", "The shop does not sell that.")
        buyer = _buyer(request)
        try:
            opened = await run_in_threadpool(self._opened, buyer, product)
        except RefusalError as refusal:
            return refused(refusal.status, refusal.code, refusal.sentence)
        except requests.RequestException:
            return _unreachable()
        return _remembering(told({"checkoutUrl": opened["checkoutUrl"]}), buyer)

    async def ordered(self, request: Request) -> Response:
        """What became of a purchase, as the payment API has it; the reference is in the address that we return to."""
        purchase = self._purchases.of(request.path_params["reference"], _buyer(request))
        if purchase is None or purchase.out_trade_no is None:
            return refused(404, "ORDER_NOT_FOUND", "There is no such order of yours.")
        try:
            details = await run_in_threadpool(self._api.payment, purchase.out_trade_no)
        except RefusalError as refusal:
            return refused(refusal.status, refusal.code, refusal.sentence)
        except requests.RequestException:
            return _unreachable()
        shown = {name: details[name] for name in ("status", "amount", "refundedAmount")}
        own = {"outTradeNo": purchase.out_trade_no, "product": _shown(purchase.product)}
        return told({**shown, **own, "merchant": named(self._sandbox.merchant_name)})

    def _opened(self, buyer: str, product: Product) -> dict[str, Any]:
        purchase = self._purchases.begun(buyer, product)
        try:
            return self._sent(purchase)
        except RefusalError as refusal:
            if refusal.code not in _OVER:
                raise
            self._purchases.forget(purchase)
            return self._sent(self._purchases.begun(buyer, product))

    def _sent(self, purchase: Purchase) -> dict[str, Any]:
        product = purchase.product
        order = {
            "userId": purchase.buyer,
            "contentId": product.id,
            "amount": yuan(product.fen),
            "subject": product.subject,
            "returnUrl": f"{self._sandbox.api}{RETURN_PATH}?order={purchase.reference}",
        }
        # The purchase's own reference is the key: a retry, or a second click, is the same order.
        opened = self._api.native(order, key=purchase.reference)
        purchase.out_trade_no = opened["outTradeNo"]
        return opened


def _shown(product: Product) -> dict[str, object]:
    return {
        "id": product.id,
        "glyph": product.glyph,
        "name": {"en": product.en, "zh": product.zh},
        "about": {"en": product.about_en, "zh": product.about_zh},
        "price": yuan(product.fen),
    }


def _buyer(request: Request) -> str:
    """A made-up user for the visit. A real shop has a login here."""
    known = request.cookies.get(COOKIE, "")
    return known if _BUYER.fullmatch(known) else f"buyer-{secrets.token_hex(8)}"


def _remembering(response: Response, buyer: str) -> Response:
    response.set_cookie(COOKIE, buyer, path="/shop", httponly=True, samesite="lax")
    return response


def _unreachable() -> Response:
    return refused(502, "NETWORK", "The payment API does not answer.")
