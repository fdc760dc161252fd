"""The examination of this project's own stack: every row is judged, and every row is right."""

import pytest

from tests.exam.own_stack import examine
from wechatpay_simulator.examining.checklist import ROWS

pytestmark = pytest.mark.in_turn


def test_our_own_stack_passes_every_row(capfd):
    status = examine()
    told = capfd.readouterr()
    assert status == 0, told
    lines = told.out.splitlines()
    assert {line[2:20].strip() for line in lines if line.startswith("✓ ")} == {row.name for row in ROWS}
    assert lines[-1] == "18 rows: 18 ✓, 0 ✗, 0 –"
