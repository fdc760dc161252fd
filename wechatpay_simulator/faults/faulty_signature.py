"""Signatures that must not be accepted, each wrong in one way only."""

import secrets

from wechatpay_simulator.protocol.signing import Signer

PROBE = "WECHATPAY/SIGNTEST/"
STALE = 600  # seconds; five minutes are allowed


def faulty_signature(effect: str, signer: Signer, body: bytes) -> dict[str, str]:
    """Signature headers for `body` with this one of the signature effects.

    WeChat Pay APIv3, Signature verification: probe traffic carries a wrong signature behind a known prefix; receivers
    refuse an unknown serial number and a timestamp that is five minutes old.
    """
    if effect == "no_signature":
        return {}
    if effect == "stale":
        return signer.headers(body, age=STALE)
    headers = signer.headers(body)
    if effect == "wrong_serial":
        return headers | {"Wechatpay-Serial": _another(headers["Wechatpay-Serial"])}
    # Well-formed and by the right key, but over other bytes.
    wrong = signer.headers(body + b"\n")["Wechatpay-Signature"]
    if effect == "probe_signature":
        wrong = PROBE + wrong
    elif effect != "bad_signature":
        raise ValueError(f"{effect!r} is not an effect on a signature")
    return headers | {"Wechatpay-Signature": wrong}


def _another(serial: str) -> str:
    """A key that nobody has, named in the same way."""
    if serial.startswith("PUB_KEY_ID_"):
        return "PUB_KEY_ID_" + "".join(str(secrets.randbelow(10)) for _ in range(34))
    return f"{0x10 + secrets.randbelow(0x70):02X}{secrets.token_hex(19).upper()}"
