"""A line to AWS that knows nothing of an earlier one's address and credentials."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


def begin_anew() -> None:
    """The next call of this process goes by the environment as it is then: the session is kept for as long as a process lives."""
    if (sdk := sys.modules.get("payments.storage.sdk.session")) is not None:
        sdk.session.cache_clear()


@contextmanager
def new_line() -> Iterator[None]:
    """A line to AWS that is made inside and gone afterwards."""
    begin_anew()
    try:
        yield
    finally:
        begin_anew()
