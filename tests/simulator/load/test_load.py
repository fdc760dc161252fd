"""`make bench-simulator` in small: it measures what it says, and a missed goal ends it with 1."""

import re
import subprocess
import sys

import pytest

from tests.documents.blocks import ROOT
from tests.simulator.load.driving import WrongAnswerError, driven
from tests.simulator.load.figures import Figure, told

pytestmark = pytest.mark.in_turn


def test_load_in_small_tells_each_figure_with_its_goal():
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulator.load", "--requests", "100", "--orders", "500"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode in (0, 1), done.stderr  # how fast this machine is now is not asked here
    names = [re.split(r"  +", line)[0] for line in done.stdout.splitlines()]
    assert names[:-1] == [
        "start-up",
        "orders",
        "processor time of an order",
        "queries",
        "processor time of a query",
        "memory after 100 orders",
        "memory after 500 orders",
    ]
    found = re.fullmatch(r"bench-simulator: (\d) of 4 goals are reached", done.stdout.splitlines()[-1])
    assert found is not None
    assert done.stdout.count("MISS") == 4 - int(found[1])


@pytest.mark.parametrize(
    ("figure", "status"),
    [
        (Figure("orders", 299, "/s", at_least=300), 1),
        (Figure("orders", 300, "/s", at_least=300), 0),
        (Figure("start-up", 0.51, "s", at_most=0.5), 1),
        (Figure("start-up", 0.5, "s", at_most=0.5), 0),
        (Figure("processor time", 10**6, "ms"), 0),
    ],
)
def test_a_goal_that_is_missed_is_the_exit_status(figure, status, capsys):
    assert told([figure]) == status
    assert ("MISS" in capsys.readouterr().out) == bool(status)


def test_an_answer_that_is_no_success_is_told_and_not_counted(shared_merchant):
    request = b"GET /v3/nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    with pytest.raises(WrongAnswerError, match="404 Not Found"):
        driven(shared_merchant.url, [request])
