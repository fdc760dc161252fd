"""docs/api.md has one table of how money is written: every member of docs/openapi.yaml that holds money stands in its row."""

import re
from collections.abc import Iterator
from typing import Any

from tests.documents.blocks import ROOT
from tests.kit.document import DOCUMENT

SHAPES = {
    "Amount": "yuan in,",
    "Yuan": "out, a number",
    "YuanText": "out, text",
    "Fen": "fen,",
    "FenSoFar": "fen,",
}
SCHEMAS: dict[str, Any] = DOCUMENT.raw["components"]["schemas"]


def rows() -> dict[str, str]:
    """What stands in the table, by the beginning of each shape."""
    section = (ROOT / "docs/api.md").read_text().split("## Money")[1].split("\n## ")[0]
    lines = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    return {line[0].removeprefix("| "): line[1] for line in lines}


def members(part: Any) -> Iterator[tuple[str, str]]:
    """Each member that refers to a schema, and which."""
    if isinstance(part, list):
        for one in part:
            yield from members(one)
    elif isinstance(part, dict):
        for name, member in part.items():
            if isinstance(member, dict) and "$ref" in member:
                yield name, member["$ref"].rpartition("/")[2]
            yield from members(member)


def row_of(shape: str) -> str:
    (row,) = (where for what, where in rows().items() if SHAPES[shape] in what.partition(":")[0])
    return row


def test_there_are_four_shapes() -> None:
    assert len(rows()) == 4
    for shape in SHAPES:
        assert row_of(shape)


def test_every_member_that_holds_money_stands_in_the_row_of_its_shape() -> None:
    money = {(name, shape) for name, shape in members(SCHEMAS) if shape in SHAPES}
    assert len(money) > 8
    for name, shape in money:
        assert f"`{name}`" in row_of(shape), (name, shape)


def test_no_member_that_sounds_like_money_has_a_shape_of_its_own() -> None:
    for schema in SCHEMAS.values():
        for name, member in (schema.get("properties") or {}).items():
            if re.search(r"amount|total|refundable", name, re.IGNORECASE):
                assert member["$ref"].rpartition("/")[2] in {*SHAPES, "FenAmount"}, name
