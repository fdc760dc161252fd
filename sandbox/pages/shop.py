"""The shop's own small backend: it knows the prices and vouches for them, as a product's backend would.

It hands the browser what the payment API asks of a buyer: an access token and a quote over the price in its own list.
"""

import re
import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.pages.body import members
from sandbox.pages.headers import refused, told
from sandbox.pages.prices import PRODUCTS, Product, yuan
from sandbox.pages.running import Running

COOKIE = "shop_buyer"
_BUYER = re.compile(r"buyer-[0-9a-f]{16}")


class Shop:
    """The routes that the shop's script calls, all under /shop/."""

    def __init__(self, sandbox: Running) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[BaseRoute]:
        """The shop's routes."""
        return [
            Route("/shop/products", self.products),
            Route("/shop/order", self.order, methods=["POST"]),
            Route("/shop/time", self.time),
        ]

    async def products(self, request: Request) -> Response:
        """What is for sale, and who the buyer is during this visit."""
        buyer = _buyer(request)
        return _remembering(
            told({"buyer": buyer, "products": [_shown(each) for each in PRODUCTS.values()]}), buyer
        )

    async def order(self, request: Request) -> Response:
        """`{"productId"}` → the body of POST …/native with our quote in it, and the buyer's token."""
        wanted = (await members(request)).get("productId")
        product = PRODUCTS.get(wanted) if isinstance(wanted, str) else None
        if product is None:
            return refused(404, "PRODUCT_NOT_FOUND", "The shop does not sell that.")
        buyer = _buyer(request)
        tokens = self._sandbox.tokens
        order = {
            "contentId": product.id,
            "amount": yuan(product.fen),
            "subject": product.subject,
            "quote": tokens.quote(buyer, product.id, product.fen),
        }
        token = tokens.token(buyer, "payments:pay")
        return _remembering(told({"order": order, "token": token}), buyer)

    async def time(self, _: Request) -> Response:
        """Seconds since the epoch by the sandbox's clock, which may have been moved."""
        return told({"now": self._sandbox.clock.time()})


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
    response.set_cookie(COOKIE, buyer, path="/shop", httponly=True, samesite="strict")
    return response
