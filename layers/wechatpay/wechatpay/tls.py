"""TLS for connections that we open: root certificates are read once in a process, not once for each connection."""

import functools
import ssl
from pathlib import Path

import certifi
from urllib3.util import create_urllib3_context


@functools.cache
def client_context(authorities: str | None = None) -> ssl.SSLContext:
    """Verifies that a server's certificate is its own, signed by one of these, and valid now; TLS 1.2 or later.

    `authorities` is a file of root certificates in PEM, which is read here; OSError where it cannot be. None means certifi's.
    Where these lie one by one in a folder besides, as the build leaves them, OpenSSL reads the one that a server leads to when
    it is needed, instead of all now (17 ms of processor time). Each call with the same file gives the same context.
    """
    context = create_urllib3_context()
    folder = Path(f"{certifi.where()}.d")
    if authorities is None and folder.is_dir():
        context.load_verify_locations(capath=folder)
    else:
        context.load_verify_locations(authorities or certifi.where())
    return context
