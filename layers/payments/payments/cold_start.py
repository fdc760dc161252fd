"""What a function loads and makes while it starts, so that its first call does not wait for it."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING

from payments.core.errors import ConfigurationError

if TYPE_CHECKING:
    from payments.wiring import Wiring


def prepare(wiring: "Wiring", kind: str | None, ahead: Sequence[str]) -> None:
    """Load what calls will need, and make the parts of the wiring that are named in `ahead`, as "secrets.keys".

    `kind` is Lambda's AWS_LAMBDA_INITIALIZATION_TYPE; without one nothing is done ahead. A cold start has a whole processor
    until the first call, and then a part of one; all calls may begin from a snapshot of what is made here.

    Nobody is asked yet: it could fail, and what a secret says would be old by then. Nothing random may be made here
    either, for a snapshot's calls would begin with the same; randomness comes from the system each time. AWS credentials
    are renewed by botocore.
    """
    if not kind:
        return
    import encodings.idna  # noqa: F401, PLC0415  the first name that is looked up asks for it

    from wechatpay.tls import client_context  # noqa: PLC0415

    client_context()  # AWS and WeChat Pay are verified by the same root certificates
    for part in ahead:
        with suppress(ConfigurationError):  # the call that needs it says so
            attrgetter(part)(wiring)
    if tables := sys.modules.get("payments.storage.tables"):  # a store is among them
        tables.PaymentItem.connect()
