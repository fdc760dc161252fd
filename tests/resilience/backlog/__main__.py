"""`python -m tests.resilience.backlog`: how long until all money is found, and whether the alarm rings, before and now. Prints a line a course."""

import argparse
import time
from collections.abc import Iterable

from payments.core.lifecycle import Status
from payments.core.schedule import FIRST_CHECK_SECONDS
from payments.logs import logger
from tests.resilience.backlog.figures import rang, span
from tests.resilience.backlog.functions import Functions
from tests.resilience.backlog.scenarios import BEGIN, at_once, outage, steady
from tests.resilience.backlog.simulation import MINUTE, NEVER, Before, Now, Order, orders


def main() -> None:
    """Run them all; `--short` a tenth of the size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a tenth of the size")
    short = parser.parse_args().short
    logger.setLevel("ERROR")
    part = 10 if short else 1
    began = time.monotonic()
    for rules in (Before(), Now(4)):
        print(f"{_name(rules)}  2,000 due at once: {at_once(rules, many=2000)}", flush=True)
    for rate, places in ((1, 4), (10, 20), (50, 80)):
        for rules in (Before(), Now(places)):
            figures, course = steady(rules, rate=rate / part, hours=3)
            late = f"{course.looks / 10800:.1f} looks a second, {course.stale} messages in vain"
            print(f"{_name(rules)}  {rate / part:g} orders a second: {figures}; {late}", flush=True)
    for rules in (Before(), Now(20), Now(40)):
        told = outage(rules, before=15.6 / part, after=10 / part)
        print(f"{_name(rules)}  WeChat Pay away for an hour: {told}", flush=True)
    print(f"real functions  {real(many=2000 // part, seconds=600 // part)}", flush=True)
    print(f"backlog: done in {time.monotonic() - began:.0f} s")


def _name(rules: Before | Now) -> str:
    return f"{'before' if isinstance(rules, Before) else 'now':6} {rules.places:3} places"


def real(*, many: int, seconds: int) -> str:
    """The functions themselves: so many due at once, beside an order a second for so long."""
    with Functions(begin=BEGIN) as functions:
        waiting = [
            Order(f"WXWAITS{place}", BEGIN, 7200, BEGIN + 5.0 if place % 20 == 0 else NEVER, NEVER)
            for place in range(many)
        ]
        arriving = list(orders(rate=1, seconds=seconds, begin=BEGIN, seed=1))
        functions.expect([*waiting, *arriving], first_check=FIRST_CHECK_SECONDS)
        lost = [order for order in (*waiting, *arriving) if order.lost]
        for minute in range(1, 30):
            functions.until(BEGIN + minute * MINUTE)
            if minute > 5 and not _unfound(functions, lost):
                break
        early = [order for order in lost if order.paid_at < functions.time - 5 * MINUTE]
        return (
            f"{many} due at once beside an order a second: after {minute} min "
            f"{len(early) - len(_unfound(functions, early))} of {len(early)} found that were paid five minutes before; "
            f"{functions.looks} looks; oldest due {span(max(functions.wiring.oldest.values()))} at most; "
            f"alarm in {len(rang(functions.wiring.oldest))} minutes"
        )


def _unfound(functions: Functions, lost: Iterable[Order]) -> list[Order]:
    """Paid five minutes ago and more, and the table does not know."""
    paid = [order for order in lost if order.paid_at < functions.time - 5 * MINUTE]
    return [order for order in paid if functions.status(order) is not Status.PAID]


if __name__ == "__main__":
    main()
