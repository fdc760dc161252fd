"""`make golive`: the vendor's go-live checklist for a `.env` file or a deployed stack, as dated Markdown; its exit status is a gate."""

import argparse
import sys
from pathlib import Path

from operations.checks.echo import ARRIVAL_SECONDS
from operations.configuration import Configuration, of_file, of_stack
from operations.golive.checklist import CHECKLIST
from operations.golive.report import markdown
from operations.golive.rows import PRODUCTS, Mark, Target, judged
from operations.stack import CannotError, Stack, run


def main() -> int:
    """Go through the rows. Returns the exit status: 0 all proven, 1 something is to be mended, 2 something could not be told."""
    return run(__doc__ or "", _report, _arguments, cannot=2)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", type=Path, help="a .env file; without it, the deployed stack is looked at")
    parser.add_argument(
        "--products",
        help=f"what the merchant uses, of {' '.join(PRODUCTS)}; without it, what the parameters leave room for",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=ARRIVAL_SECONDS,
        help=f"seconds for an echo to arrive at the stack (default {ARRIVAL_SECONDS})",
    )


def _report(stack: Stack, options: argparse.Namespace) -> int:
    configuration = of_file(options.file) if options.file else of_stack(stack)
    reached = None if options.file else stack
    target = Target(configuration, reached, _products(options.products, configuration, reached), options.wait)
    verdicts = []
    for number, row in enumerate(CHECKLIST, 1):
        print(f"golive: {number} of {len(CHECKLIST)}: {row.demand}", file=sys.stderr, flush=True)
        verdicts.append(judged(row, target))
    print(markdown(str(options.file or stack.name), target, verdicts))
    marks = {verdict.mark for verdict in verdicts}
    return 1 if Mark.MISSING in marks else 2 if Mark.OPEN in marks else 0


def _products(given: str | None, configuration: Configuration, stack: Stack | None) -> frozenset[str]:
    """What was said; otherwise all but those that the parameters rule out. Raises CannotError."""
    if given is not None:
        named = frozenset(given.replace(",", " ").split())
        if unknown := sorted(named - set(PRODUCTS)):
            raise CannotError(f"PRODUCTS knows {' '.join(PRODUCTS)}, not {' '.join(unknown)}")
        return named
    ruled_out = set()
    if not configuration.text("WECHAT_MINI_PROGRAMS"):
        ruled_out.add("mini")
    if stack is not None and stack.parameter("H5Payments", "true") == "false":
        ruled_out.add("h5")
    return frozenset(PRODUCTS) - ruled_out


if __name__ == "__main__":
    sys.exit(main())
