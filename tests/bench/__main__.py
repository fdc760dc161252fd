"""`python -m tests.bench`: the endpoints beside a floor and a peer; tables, goals, and a JSON of all figures.

Ends with 1 where a goal is missed, or with `--short` where the product has fallen behind `ratios.json`; with 2 where
something could not be measured.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sandbox.cloudformation.template import TemplateError
from tests.bench import cold, warm
from tests.bench.calling import FailedCallError
from tests.bench.endpoints import ENDPOINTS, WrongAnswerError
from tests.bench.figures import Figures, joined, of_cold, of_warm
from tests.bench.goals import judged
from tests.bench.packages import RUNTIME, MissingPackageError
from tests.bench.pinning import PINNED, stand_aside
from tests.bench.recording import Recorded, record
from tests.bench.report import tables, verdicts
from tests.bench.stage import Stage

VARIANTS = ("floor", "ours", "before", "peer")


def main() -> int:
    """Measure and tell."""
    wanted = _arguments()
    began = time.monotonic()
    stand_aside()
    try:
        figures = measured(wanted)
    except subprocess.CalledProcessError as problem:
        print(f"bench: {problem}\n{(problem.stderr or b'').decode(errors='replace')}", file=sys.stderr)
        return 2
    except (FailedCallError, MissingPackageError, TemplateError, WrongAnswerError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    if wanted.json:
        wanted.json.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n")
    for text in tables(figures):
        print(f"\n{text}")
    verdict = list(judged(figures))
    for text in verdicts(verdict):
        print(f"\n{text}")
    missed = sum(not one.ok for one in verdict)
    print(f"\n{machine()}")
    print(
        f"bench: {len(verdict) - missed} of {len(verdict)} goals reached, in {time.monotonic() - began:.0f} s"
    )
    return 1 if missed else 0


def measured(wanted: argparse.Namespace) -> Figures:
    """All figures; says on standard error how far it is."""
    figures: Figures = {}
    with Stage(environment=wanted.environment, before=wanted.before) as stage:
        names = [name for name in VARIANTS if name in stage.variants and name in wanted.variants]
        recorded: dict[str, dict[str, Recorded]] = {}
        for name in names:
            tell(f"recording {name}")
            recorded[name] = record(stage, stage.variants[name], wanted.only)
        for endpoint in wanted.only:
            each = {name: recorded[name][endpoint] for name in names}
            parts = [
                of_warm(
                    warm.measure(stage, endpoint, each, blocks=wanted.blocks, calls=wanted.calls, tell=tell)
                )
            ]
            if wanted.starts and RUNTIME:
                parts.append(of_cold(cold.measure(stage, endpoint, each, starts=wanted.starts, tell=tell)))
            figures[endpoint] = joined(*parts)
    tell("")
    return figures


def tell(text: str) -> None:
    """How far it is, on one line."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def machine() -> str:
    """What all this was measured on."""
    pinned = "measured processes on a core of their own" if PINNED else "not pinned to a core"
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {pinned}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--environment", type=Path, help="the virtual environment whose packages are measured"
    )
    parser.add_argument(
        "--before", help="a git revision: the product as it was there, measured in the same run"
    )
    parser.add_argument(
        "--only", type=_among(ENDPOINTS), default=ENDPOINTS, help="endpoints, with commas between"
    )
    parser.add_argument(
        "--variants", type=_among(VARIANTS), default=VARIANTS, help="of floor,ours,before,peer"
    )
    parser.add_argument("--blocks", type=int, default=16, help="blocks of warm calls of each variant")
    parser.add_argument("--calls", type=int, default=25, help="calls in a block")
    parser.add_argument("--starts", type=int, default=15, help="cold starts of each variant; 0: none")
    parser.add_argument("--json", type=Path, help="write all figures there")
    return parser.parse_args()


def _among(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def names(text: str) -> tuple[str, ...]:
        wanted = tuple(text.split(","))
        if unknown := set(wanted) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not one of {', '.join(known)}")
        return wanted

    return names


if __name__ == "__main__":
    sys.exit(main())
