"""TLS for connections that we open: a file of root certificates is read once in a process, not once for each connection."""

import functools
import ssl

import certifi
from urllib3.util import create_urllib3_context


@functools.cache
def client_context(authorities: str = certifi.where()) -> ssl.SSLContext:
    """Verifies that a server's certificate is its own, signed by one of these, and valid now; TLS 1.2 or later.

    `authorities` is a file of root certificates in PEM, certifi's unless given; OSError where it cannot be read.
    Reading certifi's takes some 20 ms of processor time. Each call with the same file gives the same context.
    """
    context = create_urllib3_context()
    context.load_verify_locations(authorities)
    return context
