"""What is planted: each kind of single change, once for each place, and nothing in what is only said."""

from pathlib import Path

import pytest

from tests.resilience.mutants.planting import mutants

SOURCE = """
import logging
logger = logging.getLogger(__name__)
CODES = ("SIGN_ERROR", "NO_AUTH")

def judged(code, first, now):
    'A docstring.'
    logger.info("judged", extra={"code": 1})
    if code in CODES and first:
        raise ValueError("a sentence for people")
    return max(now + 1, 2)
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "judging.py"
    path.write_text(SOURCE)
    return path


def test_every_kind_of_change_is_planted_once_for_each_place(module: Path) -> None:
    changes = {line.strip() for mutant in mutants(module) for line in mutant.diff().splitlines()}
    after = {line[1:].strip() for line in changes if line.startswith("+")}
    assert after == {
        "CODES = ('NO_AUTH',)",
        "CODES = ('SIGN_ERROR',)",
        "CODES = ('SIGN_ERRORX', 'NO_AUTH')",
        "CODES = ('SIGN_ERROR', 'NO_AUTHX')",
        "if not (code in CODES and first):",
        "if code in CODES:",
        "if first:",
        "if code not in CODES and first:",
        "pass",
        "return min(now + 1, 2)",
        "return max(now - 1, 2)",
        "return max(now + 2, 2)",
        "return max(now + 1, 3)",
    }


def test_a_change_knows_the_lines_of_its_statement_or_the_name_of_its_constant(module: Path) -> None:
    for mutant in mutants(module):
        assert (mutant.function, mutant.constant) == (mutant.line > 5, mutant.line < 5)
        assert mutant.line in mutant.lines
        assert mutant.constant is (mutant.names == ("CODES",))
