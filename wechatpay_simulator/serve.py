"""`wechatpay-simulator serve`: WeChat Pay alone, until SIGTERM or SIGINT."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TextIO

from wechatpay_simulator.clock import Clock
from wechatpay_simulator.command.arguments import each_a_file_of_its_own, notify_host, port_number
from wechatpay_simulator.command.ready_file import announce, foresee, withdraw
from wechatpay_simulator.credentials import Credentials, CredentialsError
from wechatpay_simulator.protocol.keys import MODES
from wechatpay_simulator.serving import PortError
from wechatpay_simulator.signals import listen, until_told_to_stop
from wechatpay_simulator.simulator import Simulator


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    found = argparse.ArgumentParser(
        prog="wechatpay-simulator serve",
        description="A WeChat Pay APIv3 on a port of this machine, for any client. Without `serve` it is the same.",
        epilog="Exit status: 0 when it was told to end, 2 when it could not begin.",
    )
    found.add_argument("--port", type=port_number, default=0, help="0, the default, picks a free one")
    found.add_argument(
        "--open-platform-port", type=port_number, default=0, help="of the open platform, likewise"
    )
    found.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen on (127.0.0.1); 0.0.0.0 in a container. Whoever reaches it can use the controls",
    )
    found.add_argument(
        "--credentials", required=True, metavar="FILE", help="JSON; written when it is not there"
    )
    found.add_argument(
        "--ready-file",
        type=Path,
        metavar="FILE",
        help="written once it answers, removed at the end: JSON with url, openPlatformUrl, credentials, pid",
    )
    found.add_argument("--mode", choices=MODES, default="pubkey", help="which key of WeChat Pay's signs")
    found.add_argument(
        "--minute-between-refunds",
        action="store_true",
        help="refuse a refund that follows another of the same order within a minute",
    )
    found.add_argument(
        "--notify-host",
        type=notify_host,
        action="append",
        default=[],
        metavar="HOST",
        help="a host besides this machine that notifications may go to, by its exact name; may be repeated",
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
    each_a_file_of_its_own(understood, arguments, "credentials", "ready_file", "log")

    listen()
    with ExitStack() as stack:
        try:
            ready_file: Path | None = arguments.ready_file
            if ready_file is not None:
                foresee(ready_file)
                stack.callback(withdraw, ready_file)
            credentials = Credentials.load_or_create(arguments.credentials)
            simulator = Simulator(
                credentials,
                clock=Clock(),
                mode=arguments.mode,
                minute_between_refunds=arguments.minute_between_refunds,
                log=_log(arguments.log, stack),
                notify_hosts=arguments.notify_host,
                keep_orders=arguments.keep_orders,
            )
            url = simulator.start(
                arguments.port, open_platform_port=arguments.open_platform_port, host=arguments.host
            )
            stack.callback(simulator.stop)
            if ready_file is not None:
                announce(
                    ready_file,
                    {
                        "url": url,
                        "openPlatformUrl": simulator.open_platform_url,
                        "credentials": str(Path(arguments.credentials).resolve()),
                        "pid": os.getpid(),
                    },
                )
        except (CredentialsError, PortError) as error:
            understood.error(str(error))
        except OSError as error:
            understood.error(f"{error.filename or 'a file'} cannot be written: {error.strerror}")
        print(f"{url}\nopen platform: {simulator.open_platform_url}", flush=True)
        until_told_to_stop()
    return 0


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 1 or more")
    return int(text)


def _log(file: str | None, stack: ExitStack) -> TextIO | None:
    """Where the log goes; open as long as the stack is. Raises OSError for a file that cannot be written."""
    if file is None:
        return None
    if file == "-":
        return sys.stderr
    log = Path(file).open("a", encoding="utf-8")  # noqa: SIM115 - the stack closes it
    stack.callback(_close, log)
    return log


def _close(log: TextIO) -> None:
    """What is still to be written and cannot be, on a full disk, is no reason to fail."""
    with suppress(OSError):
        log.close()
