"""`wechatpay-simulator trigger`: send a notification of any kind without an order, and judge the answer."""

import argparse
import json
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wechatpay_simulator.clock import Clock
from wechatpay_simulator.command.arguments import address, notify_host
from wechatpay_simulator.credentials import Credentials, CredentialsError
from wechatpay_simulator.notifications.courier import HEADERS
from wechatpay_simulator.notifications.post import on_this_machine, tell
from wechatpay_simulator.protocol.keys import MODES, Keys
from wechatpay_simulator.triggering.kinds import SHORT, Kind, kind_named
from wechatpay_simulator.triggering.occasions import Occasion, notification_of
from wechatpay_simulator.triggering.tampering import TAMPERS, signature_of, tampered
from wechatpay_simulator.triggering.verdict import judged
from wechatpay_simulator.watching.log import shown_address


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    found = argparse.ArgumentParser(
        prog="wechatpay-simulator trigger",
        description="Send a notification of any kind, signed and encrypted, and judge the answer.",
        epilog="Exit status: 0 when each answer is as it should be, 1 when one is not, 2 when it could not be tried.",
    )
    found.add_argument("kind", type=_kind, metavar="KIND", help=f"an event_type, or {', '.join(SHORT)}")
    found.add_argument(
        "--to", required=True, type=address, metavar="URL", help="on this machine, or on a --notify-host"
    )
    found.add_argument(
        "--credentials", required=True, metavar="FILE", help="of the simulator that the receiver knows"
    )
    found.add_argument("--amount", type=_amount, default=100, help="in fen (100)")
    found.add_argument("--out-trade-no", help="the order's number (a new one)")
    found.add_argument("--out-refund-no", help="the refund's number (a new one)")
    found.add_argument(
        "--plaintext", type=_object, metavar="JSON", help="an object to be encrypted, in place of the usual"
    )
    found.add_argument(
        "--times",
        type=_times,
        default=1,
        help="how often, newly signed each time, as when it is repeated (1)",
    )
    found.add_argument("--tamper", choices=tuple(TAMPERS), help="something that the receiver must notice")
    found.add_argument("--mode", choices=MODES, default="pubkey", help="which key of WeChat Pay's signs")
    found.add_argument(
        "--notify-host",
        type=notify_host,
        action="append",
        default=[],
        metavar="HOST",
        help="a host besides this machine that may be called",
    )
    return found


def trigger(words: Sequence[str]) -> int:
    """Do it; returns the exit status."""
    understood = parser()
    asked = understood.parse_args(words)
    if not on_this_machine(asked.to, others=asked.notify_host):
        understood.error("argument --to: its host is not this machine: allow it by --notify-host")
    if not Path(asked.credentials).is_file():
        understood.error("argument --credentials: there is no such file: the receiver has its keys from it")
    if asked.tamper == "amount" and not (
        asked.kind.is_of_money and asked.amount > 1 and asked.plaintext is None
    ):
        understood.error("argument --tamper: amount is for payments and refunds of more than one fen")
    try:
        credentials = Credentials.load_or_create(asked.credentials)
    except CredentialsError as error:
        understood.error(str(error))
    return 0 if sent(asked, credentials) else 1


def sent(asked: argparse.Namespace, credentials: Credentials) -> bool:
    """Send it as often as was asked for, and print what came of it; whether each answer is right.

    `asked` is what `parser` has understood.
    """
    clock = Clock()
    keys = Keys(credentials, clock, mode=asked.mode)
    tamper = TAMPERS.get(asked.tamper)
    occasion = Occasion(
        asked.out_trade_no or f"TRIGGER{secrets.token_hex(10).upper()}",
        asked.out_refund_no or f"TRIGGER{secrets.token_hex(10).upper()}",
        asked.amount - (asked.tamper == "amount"),
        asked.plaintext,
    )
    signer = keys.for_notification()
    about = notification_of(
        asked.kind, occasion, credentials, url=asked.to, serial=signer.serial, now=clock.time()
    )
    about = tampered(about, asked.tamper)
    print(f"{about.event_type} {about.id} to {shown_address(asked.to)}")
    if tamper is not None:
        print(f"  {tamper.what}")
    right = True
    for _ in range(asked.times):
        headers = HEADERS | signature_of(about.body, signer, asked.tamper, time.time)
        told = tell(asked.to, headers, about.body, others=asked.notify_host)
        verdict = judged(told, tamper)
        right = right and verdict.is_right
        status = told.status if isinstance(told.status, int) else "no answer"
        print(
            f"  {'✓' if verdict.is_right else '✗'} {status} after {told.seconds:.2f} s: {verdict.sentence}",
            flush=True,
        )
    return right


def _kind(text: str) -> Kind:
    try:
        return kind_named(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _amount(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**63:
        raise argparse.ArgumentTypeError("a whole number of fen, 1 or more")
    return int(text)


def _times(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1000:
        raise argparse.ArgumentTypeError("a whole number from 1 to 1000")
    return int(text)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError("a JSON object")
    return found
