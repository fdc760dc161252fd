"""The shop's books: who is buying what, under which reference, and which order at the payment API that became."""

import secrets
import threading
from dataclasses import dataclass

from sandbox.pages.prices import Product


@dataclass
class Purchase:
    """One wish of one buyer."""

    reference: str
    buyer: str
    product: Product
    out_trade_no: str | None = None


class Purchases:
    """All purchases since the sandbox began; one open one for each buyer and product."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, Purchase] = {}
        self._open: dict[tuple[str, str], Purchase] = {}

    def begun(self, buyer: str, product: Product) -> Purchase:
        """The buyer's open purchase of this product, a new one if there is none."""
        with self._lock:
            purchase = self._open.get((buyer, product.id))
            if purchase is None:
                purchase = Purchase(secrets.token_hex(12), buyer, product)
                self._open[buyer, product.id] = self._all[purchase.reference] = purchase
            return purchase

    def forget(self, purchase: Purchase) -> None:
        """It has come to its end: the next wish is a new purchase."""
        with self._lock:
            if self._open.get((purchase.buyer, purchase.product.id)) is purchase:
                del self._open[purchase.buyer, purchase.product.id]

    def of(self, reference: str, buyer: str) -> Purchase | None:
        """The buyer's own purchase of this reference."""
        purchase = self._all.get(reference)
        return purchase if purchase is not None and purchase.buyer == buyer else None
