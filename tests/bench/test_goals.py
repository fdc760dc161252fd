"""A figure over its goal is a MISS, a ratio over its limit has fallen behind; rounds are compared with each other."""

from pathlib import Path

import pytest

from tests.bench import ratios
from tests.bench.figures import Figures, ratio
from tests.bench.goals import judged
from tests.bench.report import DOCUMENT, publish, tables, verdicts
from tests.bench.stage.endpoints import WrongAnswerError, judge


def figures(ours: float, peer: float = 10.0, floor: float = 8.0) -> Figures:
    return {"query": {name: {"warm": ms} for name, ms in (("floor", floor), ("ours", ours), ("peer", peer))}}


def test_a_slow_variant_is_told_as_a_miss() -> None:
    slow = {one.goal.against: one.ok for one in judged(figures(ours=8.6))}
    assert slow == {"peer": False, "floor": True}
    assert "0.86 > 0.85 MISS" in verdicts(judged(figures(ours=8.6)))


def test_a_fast_one_is_not() -> None:
    assert all(one.ok for one in judged(figures(ours=8.5)))
    assert "MISS" not in verdicts(judged(figures(ours=8.5)))


def test_what_was_not_measured_is_not_judged() -> None:
    assert {one.goal.measure for one in judged(figures(ours=1.0))} == {"warm"}


def test_a_ratio_is_the_median_of_the_rounds_own() -> None:
    """A round in which the machine was busy was so for both."""
    rounds = {"ours": [2.0, 20.0, 2.0, 2.0], "floor": [1.0, 10.0, 1.0, 1.0]}
    variants = {name: {"warm": values[0], "warm_blocks": values} for name, values in rounds.items()}
    assert ratio(variants, "warm", "ours", "floor") == 2.0
    assert ratio(variants, "warm", "ours", "peer") is None


def test_a_ratio_that_grew_by_more_than_noise_has_fallen_behind() -> None:
    committed = {"warm": {"query": 1.0}}
    allowed = 1 + ratios.TOLERANCE["warm"]
    [same] = ratios.compared(figures(ours=8 * (allowed - 0.01)), committed)
    [behind] = ratios.compared(figures(ours=8 * (allowed + 0.01)), committed)
    assert (same.ok, behind.ok) == (True, False)
    assert behind.row[-1] == "MISS"


def test_a_table_names_every_variant_and_the_product_beside_each() -> None:
    [table] = tables(figures(ours=8.0))
    assert table.splitlines()[0].split("|")[2:-1] == [
        " floor ",
        " ours ",
        "  peer ",
        " ours/floor ",
        " ours/peer ",
    ]
    assert table.splitlines()[2].split()[1::2] == ["query", "8.00", "8.00", "10.00", "1.00", "0.80"]


def test_tables_are_written_into_their_place_in_the_document_and_again(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(DOCUMENT.read_text())
    for ours in (9.0, 8.0):
        publish(figures(ours=ours), "a machine", document)
    text = document.read_text()
    assert text.count("warm CPU of a call, ms") == 1
    assert "0.80 ≤ 0.85 ok" in text
    assert text.startswith("# How fast\n")
    assert text.splitlines()[-1] == DOCUMENT.read_text().splitlines()[-1]


@pytest.mark.parametrize(
    ("refused", "status", "body"),
    [
        (["dynamodb PutItem"], 200, '{"a": 1}'),
        ([], 500, '{"a": 1}'),
        ([], 200, '{"a": "1"}'),
        ([], 200, '{"b": 1}'),
    ],
)
def test_a_call_that_went_wrong_is_no_figure(refused: list[str], status: int, body: str) -> None:
    expected = {"statusCode": 200, "body": '{"a": 2}'}
    judge([], expected, expected, "ours, query")
    with pytest.raises(WrongAnswerError, match="ours, query"):
        judge(refused, {"statusCode": status, "body": body}, expected, "ours, query")
