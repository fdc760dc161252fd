"""Notifications that a merchant must not believe, each wrong in one way only."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from wechatpay_simulator.faults.faulty_signature import STALE, faulty_signature
from wechatpay_simulator.key_pairs import new_key, private_pem
from wechatpay_simulator.notifications.notification import Notification
from wechatpay_simulator.protocol.signing import Signer


@dataclass(frozen=True)
class Tamper:
    """One way: what it does, and what is wrong when it is taken for true. `is_signed`: it is WeChat Pay's own, rightly signed."""

    what: str
    accepted_means: str
    is_signed: bool = False


TAMPERS = {
    "stranger": Tamper(
        "signed by a stranger's key, under the name of WeChat Pay's", "the signature is not verified"
    ),
    "unsigned": Tamper("without a signature", "what is not signed at all is believed"),
    "signature": Tamper("signed over other bytes", "the signature is not verified"),
    "serial": Tamper("signed under the name of a key that nobody has", "Wechatpay-Serial is not looked at"),
    "timestamp": Tamper(
        f"signed {STALE} s ago and dated now: a replay made to look fresh",
        "the signature is not verified over Wechatpay-Timestamp",
    ),
    "stale": Tamper(
        f"rightly signed, {STALE} s ago: a replay",
        "the timestamp is not held against the clock: five minutes are allowed",
    ),
    "ciphertext": Tamper(
        "rightly signed over a ciphertext with one bit turned", "what cannot be decrypted is taken for good"
    ),
    "amount": Tamper("rightly signed, of one fen less than --amount", "", is_signed=True),
    "probe": Tamper(
        "WeChat Pay's own probe, a wrong signature behind WECHATPAY/SIGNTEST/",
        "the signature is not verified, and WeChat Pay's probes find that out",
    ),
}
_EFFECTS = {
    "unsigned": "no_signature",
    "signature": "bad_signature",
    "serial": "wrong_serial",
    "probe": "probe_signature",
    "stale": "stale",
}


def tampered(notification: Notification, tamper: str | None) -> Notification:
    """The notification with the damage that its bytes take before they are signed."""
    if tamper != "ciphertext":
        return notification
    envelope = json.loads(notification.body)
    ciphertext = bytearray(base64.b64decode(envelope["resource"]["ciphertext"]))
    ciphertext[0] ^= 1
    envelope["resource"]["ciphertext"] = base64.b64encode(ciphertext).decode("ascii")
    return replace(
        notification, body=json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
    )


def signature_of(body: bytes, signer: Signer, tamper: str | None, now: Callable[[], float]) -> dict[str, str]:
    """Signature headers for `body`, wrong as `tamper` says, where that is of the signature."""
    if tamper == "stranger":
        return signer.with_key(_strangers_key()).headers(body)
    if tamper == "timestamp":
        return signer.headers(body, age=STALE) | {"Wechatpay-Timestamp": str(int(now()))}
    if tamper in _EFFECTS:
        return faulty_signature(_EFFECTS[tamper], signer, body)
    return signer.headers(body)


@cache
def _strangers_key() -> str:
    """In PEM; one is enough for as long as the program runs, for it takes a tenth of a second."""
    return private_pem(new_key())
