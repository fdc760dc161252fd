"""What a function loads and makes while it starts, so that its first call does not wait for it."""

from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from payments.wiring import Wiring

TABLES = ("PAYMENTS_TABLE", "NOTIFICATIONS_TABLE", "CONNECTIONS_TABLE")
# What the function has in its environment, and the part of the wiring that it is for.
PARTS = {
    "PAYMENTS_TABLE": "store",
    "SIGNING_SECRET": "wechat",
    "VERIFICATION_SECRET": "secrets.keys",
    "EVENT_BUS": "events",
    "SETTLE_QUEUE": "queue",
}


def prepare(wiring: "Wiring", kind: str | None) -> None:
    """Load what calls will need. `kind` is Lambda's AWS_LAMBDA_INITIALIZATION_TYPE; without one nothing is loaded ahead."""
    if kind == "snap-start":
        _make_parts(wiring)
    elif kind and any(map(wiring.settings.has, TABLES)):
        # A cold start has a whole processor until the first call, and then a part of one.
        from payments.storage.tables import PaymentItem  # noqa: F401, PLC0415
    if kind:  # AWS and WeChat Pay are verified by the same root certificates
        from wechatpay.tls import client_context  # noqa: PLC0415

        client_context()


def _make_parts(wiring: "Wiring") -> None:
    """Make the parts for the snapshot that the function's calls will begin from.

    Nobody is asked yet: what a secret says would be old by then. Nothing random may be made here either, for all calls would
    begin with the same; randomness comes from the system each time. AWS credentials are renewed by botocore.
    """
    for variable, part in PARTS.items():
        if wiring.settings.has(variable):
            attrgetter(part)(wiring)
