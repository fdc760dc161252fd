"""What a function loads and makes while it starts, so that its first call does not wait for it."""

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING

from payments.core.errors import ConfigurationError

if TYPE_CHECKING:
    from payments.wiring import Wiring


def begin() -> None:
    """Where Lambda starts a function: look for no garbage until `prepare` is done.

    Whatever is loaded stays, and would be looked through again and again: a fourteenth of a cold start, and as much once more
    within one of the first calls.
    """
    if _kind():
        gc.disable()


def prepare(wiring: "Wiring", ahead: Sequence[str]) -> None:
    """Load what calls will need, and make the parts of the wiring that are named in `ahead`, as "secrets.keys".

    Only where Lambda starts a function. A cold start has a whole processor until the first call, and then a part of one; all
    calls may begin from a snapshot of what is made here.

    Nobody is asked yet: it could fail, and what a secret says would be old by then. Nothing random may be made here
    either, for a snapshot's calls would begin with the same; randomness comes from the system each time. AWS credentials
    are renewed by botocore.
    """
    if not _kind():
        return
    try:
        _make(wiring, ahead)
    finally:
        gc.freeze()
        gc.enable()


def _make(wiring: "Wiring", ahead: Sequence[str]) -> None:
    import encodings.idna  # noqa: F401, PLC0415  the first name that is looked up asks for it

    from wechatpay.tls import client_context  # noqa: PLC0415

    client_context()  # AWS and WeChat Pay are verified by the same root certificates
    for part in ahead:
        with suppress(ConfigurationError):  # the call that needs it says so
            attrgetter(part)(wiring)
    if tables := sys.modules.get("payments.storage.tables"):  # a store is among them
        tables.PaymentItem.connect()
    if client := vars(wiring).get("_secrets_manager"):  # a secret is among them
        from payments.storage.sdk.rehearsal import OF_SECRETS, rehearse  # noqa: PLC0415

        rehearse(client, OF_SECRETS)


def _kind() -> str | None:
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE")  # Lambda alone sets it
