"""The prices of docs/cost.md stand on what a payment really calls."""

from pathlib import Path

from sandbox.cost import counted, table
from sandbox.stack import Sandbox

DOCUMENT = (Path(__file__).parents[2] / "docs/cost.md").read_text()


def test_the_counts_that_are_written_down_are_the_counts(sandbox: Sandbox) -> None:
    found = counted(sandbox)
    asked = ", ".join(f"{count:g} {name}" for name, count in found.actions.items())
    assert f"Asked of AWS for one payment: {asked}\n" in DOCUMENT
    rows = {row.split("|")[1].strip(): row for row in table(found).splitlines()[2:-1]}
    for name in (
        "API Gateway, requests",
        "DynamoDB, write units",
        "DynamoDB, read units",
        "EventBridge, events",
    ):
        assert rows[name] in DOCUMENT
    # Batches differ in size, and log lines by a digit.
    assert 4 < found.units["Lambda, calls"] <= 8
    assert 4000 < found.units["CloudWatch, log bytes"] < 9000
