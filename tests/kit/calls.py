"""Which calls of WeChat Pay's a client has made: counted by what the simulator wrote down, in the words of its coverage.

docs/testing.md has a table of them, a column for each client.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any

TESTING = Path(__file__).parents[2] / "docs/testing.md"
_LINE = re.compile(r"\S+ (GET|POST) (/v3/[^ ?]*)\S* ([0-9]{3})(?:: .*)?")
_ACCEPTED = re.compile(r"\S+ notification (\S+) .* 20[04]: accepted")


def kinds(coverage: dict[str, Any]) -> dict[str, tuple[str, re.Pattern[str]]]:
    """Method and path of each kind of call that the simulator answers; of two of one name, the path's number is in the kind."""
    named = Counter(each["name"] for each in coverage["endpoints"])
    found = {}
    for each in coverage["endpoints"]:
        (number,) = each["fields"]["path"] if named[each["name"]] > 1 else ("",)
        kind = f"{each['name']} by {number}" if number else each["name"]
        found[kind] = (each["method"], re.compile(re.sub(r"\{\w+\}", "[^/]+", each["path"])))
    return found


def calls(log: str, coverage: dict[str, Any]) -> Counter[str]:
    """How often each kind was called and done. Whatever else was called, or was refused, fails."""
    counted: Counter[str] = Counter()
    for line in log.splitlines():
        if (found := _LINE.fullmatch(line)) is None:
            continue
        method, path, status = found.groups()
        assert status in ("200", "204"), line
        (kind,) = [
            name for name, (its, shape) in kinds(coverage).items() if its == method and shape.fullmatch(path)
        ]
        counted[kind] += 1
    return counted


def accepted(log: str) -> Counter[str]:
    """How many notifications of each kind the merchant's server has taken."""
    return Counter(found[1] for line in log.splitlines() if (found := _ACCEPTED.fullmatch(line)))


def sentence(client: str, counted: Counter[str], notified: Counter[str]) -> str:
    """What a run says at its end."""
    return (
        f"{client}: {counted.total()} calls of {len(counted)} kinds, all done; "
        f"{notified.total()} notifications of {len(notified)} kinds, all verified and decrypted"
    )


def documented(client: str) -> Counter[str]:
    """The client's column of the table: how often each call, each notification. `*`: it has no method for that call."""
    lines = iter(TESTING.read_text(encoding="utf-8").splitlines())
    head = next(line for line in lines if line.startswith("| call |"))
    place = [cell.strip() for cell in head.split("|")].index(f"`{client}`")
    next(lines)
    counted: Counter[str] = Counter()
    for line in lines:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.split("|")]
        counted[cells[1].strip("`")] = int(cells[place].rstrip("*"))
    return counted
