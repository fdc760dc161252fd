"""`python -m wechatpay_simulator serve`: WeChat Pay alone, until SIGTERM or SIGINT."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from wechatpay_simulator.clock import Clock
from wechatpay_simulator.credentials import Credentials, CredentialsError
from wechatpay_simulator.protocol.keys import MODES
from wechatpay_simulator.signals import listen, until_told_to_stop
from wechatpay_simulator.simulator import Simulator


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    found = argparse.ArgumentParser(
        prog="python -m wechatpay_simulator serve",
        description="A WeChat Pay APIv3 on a loopback port, for any client. Without `serve` it is the same.",
    )
    found.add_argument("--port", type=int, default=0, help="0, the default, picks a free one")
    found.add_argument("--open-platform-port", type=int, default=0, help="of the open platform, likewise")
    found.add_argument(
        "--credentials", required=True, metavar="FILE", help="JSON; written when it is not there"
    )
    found.add_argument("--mode", choices=MODES, default="pubkey", help="which key of WeChat Pay's signs")
    found.add_argument(
        "--minute-between-refunds",
        action="store_true",
        help="refuse a refund that follows another of the same order within a minute",
    )
    found.add_argument(
        "--keep-orders",
        type=_count,
        metavar="N",
        help="forget orders that have ended, the oldest first, beyond N (or N and a tenth); beyond 2 N any. Without it nothing is forgotten",
    )
    found.add_argument(
        "--log",
        nargs="?",
        const="-",
        metavar="FILE",
        help="a line for each request and notification, with what was wrong with it; to stderr, or appended to FILE",
    )
    return found


def serve(words: Sequence[str]) -> int:
    """Serve until told to end; returns the exit status."""
    understood = parser()
    arguments = understood.parse_args(words)

    listen()
    try:
        credentials = Credentials.load_or_create(arguments.credentials)
        simulator = Simulator(
            credentials,
            clock=Clock(),
            mode=arguments.mode,
            minute_between_refunds=arguments.minute_between_refunds,
            keep_orders=arguments.keep_orders,
            log=_log(arguments.log),
        )
        url = simulator.start(arguments.port, open_platform_port=arguments.open_platform_port)
    except (CredentialsError, OSError, OverflowError, ValueError) as error:
        understood.error(str(error))
    print(f"{url}\nopen platform: {simulator.open_platform_url}", flush=True)
    until_told_to_stop()
    simulator.stop()
    return 0


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 1 or more")
    return int(text)


def _log(file: str | None) -> TextIO | None:
    """Where the log goes; kept open to the end. Raises OSError for a file that cannot be written."""
    if file is None:
        return None
    return sys.stderr if file == "-" else Path(file).open("a", encoding="utf-8")
