"""The prices of docs/cost.md stand on what a payment really calls."""

from pathlib import Path

from sandbox.cost import Counted, abandoned, asked, counted, table
from sandbox.stack import Sandbox

DOCUMENT = (Path(__file__).parents[2] / "docs/cost.md").read_text()


def stands_there(what: str, found: Counted, *parts: str) -> None:
    assert f"{asked(what, found)}\n" in DOCUMENT
    rows = {row.split("|")[1].strip(): row for row in table(found).splitlines()[2:-1]}
    for name in ("API Gateway, requests", "DynamoDB, write units", "DynamoDB, read units", *parts):
        assert rows[name] in DOCUMENT


def test_the_counts_that_are_written_down_are_the_counts(sandbox: Sandbox) -> None:
    found = counted(sandbox)
    stands_there("payment", found, "EventBridge, events")
    # Batches differ in size, and log lines by a digit.
    assert 4 < found.units["Lambda, calls"] <= 8
    assert 4000 < found.units["CloudWatch, log bytes"] < 9000


def test_an_order_that_nobody_pays_takes_the_looks_that_are_written_down() -> None:
    with Sandbox(schedules=False) as sandbox:  # two hours pass there
        found = abandoned(sandbox)
    stands_there("order that nobody pays", found, "EventBridge, events", "SQS, requests")
    assert 7 <= found.units["Lambda, calls"] <= 20
    assert 10_000 < found.units["CloudWatch, log bytes"] < 20_000
