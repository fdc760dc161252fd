"""A notify event for local invocation, signed and encrypted this very moment as WeChat Pay would: prints its JSON.

A signature is good for five minutes, so events/notify.json can only ever be refused. This makes one that is accepted:

    python events/sign_notify.py --credentials FILE --out-trade-no WX… --total 9999
    python events/sign_notify.py --credentials FILE --out-trade-no WX… --total 9999 --refund 5000

FILE is what `python -m wechatpay_simulator --credentials FILE` writes: WeChat Pay's private key is in it.
"""

import argparse
import base64
import hashlib
import json
import re
import secrets
import sys
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

PATH = "/api/v1/payments/wechat/notify"
CHINA = timezone(timedelta(hours=8))
SUMMARIES = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}
NEEDED = ("mchid", "appid", "apiV3Key", "wechatPublicKeyId", "wechatPrivateKey")


def main(arguments: list[str] | None = None) -> int:
    """Print the event. Exit status 2 and a sentence that names the option when it cannot be made."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.refund is not None and options.refund > options.total:
        parser.error(f"argument --refund: {options.refund} is more than --total {options.total}")
    now = int(time.time()) if options.timestamp is None else options.timestamp
    body = notification(options, now)
    event = json.dumps(event_of(body, options.credentials, now), indent=2, ensure_ascii=False)
    sys.stdout.buffer.write(event.encode() + b"\n")
    return 0


def notification(options: argparse.Namespace, now: int) -> bytes:
    """The body that WeChat Pay would post: an envelope around the encrypted facts (APIv3, Payment notification, Refund notification)."""
    credentials, at = options.credentials, datetime.fromtimestamp(now, CHINA).isoformat()
    kind, event_type, summary = "transaction", "TRANSACTION.SUCCESS", "支付成功"
    facts: dict[str, Any] = {
        "mchid": credentials["mchid"],
        "out_trade_no": options.out_trade_no,
        # Of the same order always the same number: WeChat Pay takes the money once.
        "transaction_id": options.transaction_id or "4200" + _digits(options.out_trade_no, 24),
    }
    if options.refund is None:
        facts |= {
            "appid": credentials["appid"],
            "trade_type": "NATIVE",
            "trade_state": "SUCCESS",
            "trade_state_desc": summary,
            "bank_type": "OTHERS",
            "attach": "",
            "success_time": at,
            "payer": {"openid": options.openid},
            "amount": {"total": options.total, "payer_total": options.total}
            | {"currency": "CNY", "payer_currency": "CNY"},
        }
    else:
        kind, event_type = "refund", f"REFUND.{options.refund_status}"
        summary = SUMMARIES[options.refund_status]
        facts |= {
            "out_refund_no": options.out_refund_no,
            "refund_id": "5030" + _digits(options.out_refund_no, 24),
            "refund_status": options.refund_status,
            **({"success_time": at} if options.refund_status == "SUCCESS" else {}),
            "user_received_account": "支付用户零钱",
            "amount": {"total": options.total, "refund": options.refund}
            | {"payer_total": options.total, "payer_refund": options.refund},
        }
    nonce = secrets.token_hex(6)
    sealed = AESGCM(credentials["apiV3Key"].encode()).encrypt(nonce.encode(), _json(facts), kind.encode())
    resource = {
        "original_type": kind,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": kind,
        "nonce": nonce,
    }
    return _json(
        {
            "id": str(uuid.uuid4()),
            "create_time": at,
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": summary,
            "resource": resource,
        }
    )


def event_of(body: bytes, credentials: dict[str, Any], now: int) -> dict[str, Any]:
    """The event that API Gateway makes of the signed request (payload format 2.0), as in events/notify.json."""
    nonce = secrets.token_hex(16)
    text = f"{now}\n{nonce}\n".encode() + body + b"\n"
    signature = credentials["key"].sign(text, PKCS1v15(), SHA256())
    return {
        "version": "2.0",
        "routeKey": f"POST {PATH}",
        "rawPath": PATH,
        "rawQueryString": "",
        "headers": {
            "content-type": "application/json",
            "host": "api.example.com",
            "wechatpay-timestamp": str(now),
            "wechatpay-nonce": nonce,
            "wechatpay-serial": credentials["wechatPublicKeyId"],
            "wechatpay-signature": base64.b64encode(signature).decode(),
            "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": "POST",
                "path": PATH,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.10",
                "userAgent": "Mozilla/4.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"POST {PATH}",
            "stage": "$default",
            "time": datetime.fromtimestamp(now, timezone(timedelta(0))).strftime("%d/%b/%Y:%H:%M:%S %z"),
            "timeEpoch": now * 1000,
        },
        "isBase64Encoded": False,
        "body": body.decode(),
    }


def _parser() -> argparse.ArgumentParser:
    lines = (__doc__ or "").splitlines()
    parser = argparse.ArgumentParser(
        prog="sign_notify.py",
        description=lines[0],
        epilog="\n".join(lines[2:]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    number = _matching(r"[A-Za-z0-9_*|-]{6,32}", "6 to 32 letters, digits or _ - | *")
    fen = _matching(r"[1-9][0-9]{0,9}", "a whole number of fen above zero", int)
    add = parser.add_argument
    add("--credentials", type=_credentials, required=True, metavar="FILE", help="the simulator's JSON file")
    add(
        "--out-trade-no",
        type=number,
        default="WXABCDEFGHIJKLMNOPQRSTUVWX23",
        help="the order (the sample events' one)",
    )
    add("--total", type=fen, default=9999, metavar="FEN", help="the order's amount (9999)")
    transaction_id = _matching(r"[0-9A-Za-z]{1,32}", "1 to 32 letters and digits")
    add(
        "--transaction-id",
        type=transaction_id,
        help="WeChat Pay's number of the payment (made from the order's)",
    )
    add("--openid", default="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", help="who paid")
    add("--refund", type=fen, metavar="FEN", help="notify of a refund of so much, not of the payment")
    refund_no = _matching(r"[A-Za-z0-9_*|@-]{1,64}", "1 to 64 letters, digits or _ - | * @")
    add("--out-refund-no", type=refund_no, default="RFABCDEFGHIJKLMNOPQRSTUVWX23", help="the refund")
    add("--refund-status", choices=sorted(SUMMARIES), default="SUCCESS", help="what became of it (SUCCESS)")
    seconds = _matching(r"[0-9]{1,10}", "seconds since 1970", int)
    add("--timestamp", type=seconds, metavar="SECONDS", help="when it is signed, since 1970 (now)")
    return parser


def _matching(pattern: str, what: str, made: Callable[[str], Any] = str) -> Callable[[str], Any]:
    """An option's type: text of this form. argparse puts the option's name before the sentence."""

    def read(text: str) -> Any:
        if not re.fullmatch(pattern, text):
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return made(text)

    return read


def _credentials(name: str) -> dict[str, Any]:
    """The members of the file, and WeChat Pay's private key, parsed, as `key`."""
    try:
        members = json.loads(Path(name).read_bytes())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{name} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{name} is not JSON") from error
    for member in NEEDED:
        if not isinstance(members, dict) or not isinstance(members.get(member), str):
            raise argparse.ArgumentTypeError(f"{name} has no text under {member!r}")
    if len(members["apiV3Key"].encode()) != 32:
        raise argparse.ArgumentTypeError(f"apiV3Key in {name} is not 32 bytes long")
    try:
        key = load_pem_private_key(members["wechatPrivateKey"].encode(), password=None)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"wechatPrivateKey in {name} is not a private key in PEM") from error
    if not isinstance(key, RSAPrivateKey):
        raise argparse.ArgumentTypeError(f"wechatPrivateKey in {name} is not an RSA key")
    return {**members, "key": key}


def _digits(text: str, count: int) -> str:
    return str(int.from_bytes(hashlib.sha256(text.encode()).digest()))[:count]


def _json(members: dict[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


if __name__ == "__main__":
    sys.exit(main())
