"""What a check found: one sentence, one fix, and how much it matters."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How much a finding matters."""

    GOOD = "ok"
    WARNING = "warning"  # payments work today
    FAULT = "fault"  # payments do not work, or not safely
    UNCHECKED = "unchecked"  # nobody could tell from here
    UNPROVEN = "unproven"  # only use can tell, and nothing speaks against it
    NOTE = "note"  # worth knowing, and nothing is wrong


@dataclass(frozen=True)
class Finding:
    """One sentence about the configuration, never with a secret in it; `fix` says what to do, where something is."""

    level: Level
    sentence: str
    fix: str = ""


Findings = Iterator[Finding]


def good(sentence: str) -> Finding:
    """As it should be."""
    return Finding(Level.GOOD, sentence)


def warning(sentence: str, fix: str) -> Finding:
    """Works, but not for long or not well."""
    return Finding(Level.WARNING, sentence, fix)


def fault(sentence: str, fix: str) -> Finding:
    """Does not work."""
    return Finding(Level.FAULT, sentence, fix)


def unchecked(sentence: str, fix: str) -> Finding:
    """Could not be checked."""
    return Finding(Level.UNCHECKED, sentence, fix)


def unproven(sentence: str, fix: str) -> Finding:
    """Has the right form, and may be another's all the same; `fix` says what proves it."""
    return Finding(Level.UNPROVEN, sentence, fix)


def note(sentence: str, fix: str) -> Finding:
    """Nothing is wrong with it."""
    return Finding(Level.NOTE, sentence, fix)


def shown(findings: Iterable[Finding]) -> list[Finding]:
    """Print each as it is found, and give them back."""
    seen = []
    for finding in findings:
        seen.append(finding)
        print(f"{finding.level.value:9}  {finding.sentence}", flush=True)
        if finding.fix:
            print(f"{'':9}  -> {finding.fix}", flush=True)
    return seen


def has(findings: Iterable[Finding], *levels: Level) -> bool:
    """Whether any finding is of one of these levels."""
    return any(finding.level in levels for finding in findings)
