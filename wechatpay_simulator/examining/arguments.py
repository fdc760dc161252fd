"""What the command `exam` understands, and what it refuses before anything is started."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from wechatpay_simulator.command.arguments import address, each_a_file_of_its_own, notify_host, port_number
from wechatpay_simulator.examining.checklist import ROWS
from wechatpay_simulator.notifications.post import on_this_machine

PATIENCE_SECONDS = 30.0
_LONGEST_PATIENCE = 86400.0

_COMMANDS = {
    "order": "places an order of $AMOUNT fen with $NOTIFY_URL, and prints its out_trade_no",
    "status": "prints what the books say of $OUT_TRADE_NO: unpaid, paid, closed, refunded or unknown; and the fen credited: 'paid 100'",
    "refund": "has $AMOUNT fen of $OUT_TRADE_NO refunded; $REFUND_KEY is the same when the same wish is asked for again",
    "close": "has $OUT_TRADE_NO closed",
}


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    found = argparse.ArgumentParser(
        prog="wechatpay-simulator exam",
        description="Put a backend, in whatever language, through WeChat Pay's checklist: forged notifications, lost ones, "
        "duplicates, refunds whose answer is lost. Each COMMAND is run by the shell; the last line that it prints is its answer.",
        epilog="Exit status: 0 when each row that could be judged is right, 1 when one is not, 2 when it could not be examined.",
    )
    found.add_argument(
        "--notify",
        required=True,
        type=address,
        metavar="URL",
        help="where the backend takes notifications: on this machine, or on a --notify-host",
    )
    found.add_argument(
        "--credentials",
        metavar="FILE",
        help="what the backend knows; written when it is not there (a file of this exam's own)",
    )
    found.add_argument(
        "--port",
        type=port_number,
        default=0,
        help="of the exam's own simulator; 0, the default, picks a free one",
    )
    found.add_argument(
        "--simulator",
        type=address,
        metavar="URL",
        help="one that runs, with its --credentials, in place of an own; it is left as it was",
    )
    found.add_argument(
        "--run",
        metavar="COMMAND",
        help="starts the backend: WECHATPAY_URL, WECHATPAY_CREDENTIALS and NOTIFY_URL say where it is",
    )
    for name, does in _COMMANDS.items():
        found.add_argument(f"--{name}", metavar="COMMAND", help=does)
    found.add_argument(
        "--patience",
        type=_patience,
        default=PATIENCE_SECONDS,
        metavar="SECONDS",
        help=f"that the books may take to know of a payment ({PATIENCE_SECONDS:.0f})",
    )
    found.add_argument("--junit", type=Path, metavar="FILE", help="the report as JUnit XML")
    found.add_argument("--markdown", type=Path, metavar="FILE", help="the report as a table")
    found.add_argument(
        "--only",
        nargs="+",
        action="extend",
        choices=[row.name for row in ROWS],
        metavar="ROW",
        help=f"these rows alone, of {', '.join(row.name for row in ROWS)}",
    )
    found.add_argument(
        "--notify-host",
        type=notify_host,
        nargs="+",
        action="extend",
        default=[],
        metavar="HOST",
        help="a host besides this machine that may be called",
    )
    return found


def understood(words: Sequence[str]) -> argparse.Namespace:
    """The arguments, checked; `only` holds the names of the rows. Ends the program with status 2 when they will not do."""
    reader = parser()
    asked = reader.parse_args(words)
    if set(asked.notify) & set("?#"):  # refused at WeChat Pay (APIv3, Native: notify_url)
        reader.error(
            "argument --notify: WeChat Pay takes no notify_url with a ? or #, so nothing would come there"
        )
    if not on_this_machine(asked.notify, others=asked.notify_host):
        reader.error("argument --notify: its host is not this machine: allow it by --notify-host")
    if asked.simulator is not None:
        _check_simulator(reader, asked)
    elif asked.credentials is None and asked.run is None:
        reader.error(
            "argument --credentials: the file that the backend has its keys from (or have --run start it)"
        )
    each_a_file_of_its_own(reader, asked, "credentials", "junit", "markdown")
    for name in ("junit", "markdown"):
        file = getattr(asked, name)
        if file is not None and (file.is_dir() or not file.resolve().parent.is_dir()):
            reader.error(
                f"argument --{name}: {file} cannot be written: there is no such folder, or it is one"
            )
    asked.only = set(asked.only or (row.name for row in ROWS))
    return asked


def _check_simulator(reader: argparse.ArgumentParser, asked: argparse.Namespace) -> None:
    if not asked.simulator.startswith("http://"):
        reader.error("argument --simulator: an address like http://127.0.0.1:8181")
    if not on_this_machine(asked.simulator, others=asked.notify_host):
        reader.error("argument --simulator: its host is not this machine: allow it by --notify-host")
    if asked.credentials is None or not Path(asked.credentials).is_file():
        reader.error("argument --simulator: --credentials names the file that it runs with")
    if asked.port:
        reader.error("argument --port: is of the exam's own simulator, not of one that runs")


def _patience(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _LONGEST_PATIENCE:
        raise argparse.ArgumentTypeError("a number of seconds, a day at most")
    return seconds
