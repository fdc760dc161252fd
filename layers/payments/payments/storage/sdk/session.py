"""The one botocore session of a process: a second one would cost a second start."""

import functools
import os
import ssl
import threading
from typing import Any

import botocore.session
from botocore.config import Config

from payments.storage.sdk.parsing import ParserFactory
from payments.storage.sdk.sending import Sender
from wechatpay.tls import client_context

SENDER = "payments sender"
"""The name by which what sends is registered with a session's events."""
making = threading.RLock()
"""Held while a client is made: a session stands one thread at a time."""


@functools.cache
def session() -> Any:
    """The session that all AWS clients of this process are made from; region and credentials come from the environment."""
    made = botocore.session.get_session()
    # botocore would build this line anew, twice for each request: an eighth of all that a call costs.
    made.set_default_client_config(Config(user_agent=made.user_agent()))
    made.register_component("response_parser_factory", ParserFactory())
    made.register("before-send", sender().send, unique_id=SENDER)
    return made


@functools.cache
def sender() -> Sender:
    """What sends for all of them."""
    return Sender(_context)


def _context() -> ssl.SSLContext:
    # In botocore's order: AWS_CA_BUNDLE, or `ca_bundle` of a profile, or what `requests` reads, or certifi's.
    named = session().get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
    return client_context(named) if named else client_context()
