"""Lines to AWS: one that knows nothing of an earlier one's address and credentials, and one that a test answers itself."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def begin_anew() -> None:
    """The next call of this process goes by the environment as it is then: a session is kept for as long as a process lives."""
    if (sdk := sys.modules.get("payments.storage.sdk.session")) is not None:
        sdk.session.cache_clear()
        sdk.sender.cache_clear()


@contextmanager
def new_line() -> Iterator[None]:
    """A line to AWS that is made inside and gone afterwards."""
    begin_anew()
    try:
        yield
    finally:
        begin_anew()


@contextmanager
def answered_by(send: Callable[..., Any], *clients: Any) -> Iterator[None]:
    """Inside, what these clients of the product's send goes to `send`, as botocore's event `before-send` has it, alone.

    Afterwards they send by botocore's own means.
    """
    from payments.storage.sdk.session import SENDER

    for client in clients:
        client.meta.events.unregister("before-send", unique_id=SENDER)  # else each request would go out twice
        client.meta.events.register("before-send", send)
    try:
        yield
    finally:
        for client in clients:
            client.meta.events.unregister("before-send", send)
