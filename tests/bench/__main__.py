"""`python -m tests.bench`: the endpoints beside a floor and a peer; tables, goals, and a JSON of all figures.

Ends with 1 where a goal is missed, or with `--short` where the product has fallen behind `ratios.json`; with 2 where
something could not be measured.
"""

import argparse
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sandbox.cloudformation.template import TemplateError
from tests.bench import ratios
from tests.bench.figures import Figures, joined, of_cold, of_warm
from tests.bench.goals import judged
from tests.bench.measuring import cold, warm
from tests.bench.measuring.calling import FailedCallError
from tests.bench.measuring.pinning import PINNED, stand_aside
from tests.bench.report import PICTURE, publish, table, tables, verdicts
from tests.bench.stage.endpoints import ENDPOINTS, WrongAnswerError
from tests.bench.stage.packages import RUNTIME, MissingPackageError
from tests.bench.stage.recording import Recorded, record
from tests.bench.stage.stage import Stage

VARIANTS = ("floor", "ours", "before", "peer")
SHORT_VARIANTS = ("floor", "ours")


def main(words: Sequence[str] | None = None) -> int:
    """Measure and tell."""
    wanted = _arguments(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended
    began = time.monotonic()
    stand_aside()
    try:
        figures = measured(wanted)
        if wanted.short and (behind := ratios.behind(figures, ratios.read())):
            tell(f"once more, for it may have been noise: {', '.join(behind)}")
            wanted.only = behind
            figures |= measured(wanted)
        _keep(wanted, figures)
    except subprocess.CalledProcessError as problem:
        print(f"bench: {problem}\n{(problem.stderr or b'').decode(errors='replace')}", file=sys.stderr)
        return 2
    except (FailedCallError, MissingPackageError, TemplateError, WrongAnswerError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    for text in tables(figures):
        print(f"\n{text}")
    missed, of = _told_short(figures) if wanted.short else _told(figures)
    what = "ratios are no worse than they were" if wanted.short else "goals are reached"
    print(f"\n{machine()}")
    print(f"bench: {of - missed} of {of} {what}, in {time.monotonic() - began:.0f} s")
    return 1 if missed or not of else 0


def measured(wanted: argparse.Namespace) -> Figures:
    """All figures; says on standard error how far it is."""
    figures: Figures = {}
    with Stage(environment=wanted.environment, before=wanted.before, only=wanted.variants) as stage:
        recorded: dict[str, dict[str, Recorded]] = {}
        for name, variant in stage.variants.items():
            tell(f"recording {name}")
            recorded[name] = record(stage, variant, wanted.only)
        for endpoint in wanted.only:
            each = {name: recorded[name][endpoint] for name in recorded}
            blocks, calls, starts = wanted.blocks, wanted.calls, wanted.starts
            anew = not wanted.short
            parts = [
                of_warm(warm.measure(stage, endpoint, each, blocks=blocks, calls=calls, anew=anew, tell=tell))
            ]
            if starts and RUNTIME:
                parts.append(of_cold(cold.measure(stage, endpoint, each, starts=starts, tell=tell)))
            figures[endpoint] = joined(*parts)
    tell("")
    return figures


def _told(figures: Figures) -> tuple[int, int]:
    verdict = list(judged(figures))
    print(f"\n{verdicts(verdict)}")
    return sum(not one.ok for one in verdict), len(verdict)


def _told_short(figures: Figures) -> tuple[int, int]:
    verdict = list(ratios.compared(figures, ratios.read()))
    print(f"\n{table([ratios.HEAD, *(one.row for one in verdict)])}")
    return sum(not one.ok for one in verdict), len(verdict)


def _keep(wanted: argparse.Namespace, figures: Figures) -> None:
    text = json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n"
    if wanted.json:
        wanted.json.write_text(text, encoding="utf-8")
    if wanted.keep:
        ratios.write(figures)
        publish(figures, machine())
        wanted.plot = PICTURE
    if wanted.plot:
        python = wanted.environment / "bin" / "python" if wanted.environment else sys.executable
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            command = [str(python), str(Path(__file__).with_name("plot.py")), file.name, str(wanted.plot)]
            subprocess.run(command, check=True, stderr=subprocess.PIPE)


def tell(text: str) -> None:
    """How far it is, on one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def machine() -> str:
    """What all this was measured on."""
    pinned = "measured processes on a core of their own" if PINNED else "not pinned to a core"
    return ", ".join((f"Python {platform.python_version()}", platform.system(), processor(), pinned))


def processor() -> str:
    """Which, and how many."""
    names = []
    if platform.system() == "Linux":
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        names = re.findall(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return f"{os.cpu_count()} × {names[0] if names else platform.machine()}"


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
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
    parser.add_argument("--plot", type=Path, help="draw them there, as PNG")
    keep = "write ratios.json, the tables of docs/performance.md and its picture anew"
    parser.add_argument("--keep", action="store_true", help=keep)
    parser.add_argument("--short", action="store_true", help="product and floor only, beside ratios.json")
    wanted = parser.parse_args(words)
    whole = set(wanted.only) == set(ENDPOINTS) and set(wanted.variants) == set(VARIANTS)
    if wanted.keep and (wanted.short or not whole):
        parser.error("--keep is of a whole run: all endpoints, all variants, not --short")
    if wanted.short:
        wanted.variants, wanted.before = SHORT_VARIANTS, None
        wanted.blocks, wanted.calls, wanted.starts = 8, 12, 5
    return wanted


def _among(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def names(text: str) -> tuple[str, ...]:
        wanted = tuple(text.split(","))
        if unknown := set(wanted) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not one of {', '.join(known)}")
        return wanted

    return names


if __name__ == "__main__":
    sys.exit(main())
