"""The go-live report as Markdown: dated, one line per row, with what proves it or what to do."""

import time
from collections import Counter
from collections.abc import Sequence

from operations.checks.findings import Finding, Level
from operations.golive.rows import Mark, Target, Verdict
from payments.core.times import beijing, utc

_WORDS = {
    Mark.PROVEN: "proven",
    Mark.MISSING: "to be mended",
    Mark.OPEN: "could not be told from here",
    Mark.UNUSED: "product not used",
}

MANY = 6  # sentences that somebody still reads where nothing is wrong


def markdown(name: str, target: Target, verdicts: Sequence[Verdict]) -> str:
    """All of it; `name` is the file's or the stack's."""
    now = int(time.time())
    counts = Counter(verdict.mark for verdict in verdicts)
    merchant = target.configuration.text("WECHAT_MCH_ID")
    release = f", release {target.stack.parameter('Release', 'unknown')}" if target.stack else ""
    return "\n".join(
        (
            f"# Go-live report: {name}",
            "",
            f"{utc(now)} ({beijing(now)} in Beijing), merchant {merchant}{release}.",
            "A test that is named proves its row for this version of the product; what else stands there was tried at that moment.",
            "",
            ", ".join(
                f"{mark.value} {counts[mark]} {words}" for mark, words in _WORDS.items() if counts[mark]
            ),
            "",
            "| | demand | what proves it, or what to do |",
            "|---|---|---|",
            *(f"| {verdict.mark.value} | {verdict.row.demand} | {_told(verdict)} |" for verdict in verdicts),
            "",
        )
    )


def _told(verdict: Verdict) -> str:
    if verdict.mark is Mark.UNUSED:
        return _WORDS[Mark.UNUSED]
    wrong = [each for each in verdict.found if each.level not in (Level.GOOD, Level.NOTE)]
    parts = [_sentence(finding) for finding in (wrong or verdict.found)]
    if not wrong and len(parts) > MANY:
        parts = [f"{len(parts)} checks, as make doctor names them"]
    if verdict.mark is Mark.PROVEN:
        parts += [f"`{test}`" for test in verdict.row.tests]
    return "<br>".join(part.replace("|", "\\|").replace("\n", " ") for part in parts)


def _sentence(finding: Finding) -> str:
    return finding.sentence + (f" → {finding.fix}" if finding.fix else "")
