"""The product's log, led elsewhere for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from payments.logs import logger


@contextmanager
def logged_to(stream: TextIO, product: Any = logger) -> Iterator[None]:
    """Its lines go to `stream`; `product` is the logger of a copy of the product."""
    handler = product.registered_handler
    before = handler.setStream(stream)
    try:
        yield
    finally:
        handler.setStream(before)
