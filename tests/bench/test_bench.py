"""`python -m tests.bench` in small: floor, product and peer answer alike; the product made slow is a MISS, and the command says so."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import __main__ as command
from tests.bench.figures import joined, of_cold, of_warm
from tests.bench.goals import judged
from tests.bench.measuring import cold, warm
from tests.bench.stage.endpoints import ENDPOINTS, members
from tests.bench.stage.packages import compiled
from tests.bench.stage.recording import Recorded, record
from tests.bench.stage.stage import Stage
from tests.kit.parameters import ROOT
from tests.thorough import THOROUGH

pytestmark = pytest.mark.in_turn

TRIED = ENDPOINTS if THOROUGH else ("query",)
FLOOR_TRIPS = {"native": 3, "jsapi": 3, "query": 2, "refund": 3, "close": 3, "payment": 1, "notify": 1}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as staged:
        yield staged


@pytest.fixture(scope="module")
def recorded(stage: Stage) -> dict[str, dict[str, Recorded]]:
    """By variant and endpoint."""
    return {name: record(stage, variant, TRIED) for name, variant in stage.variants.items()}


@pytest.mark.parametrize("endpoint", TRIED)
def test_the_three_answer_alike(recorded: dict[str, dict[str, Recorded]], endpoint: str) -> None:
    """The status and the members that a caller sees."""
    answers = {name: members(each[endpoint].answer) for name, each in recorded.items()}
    assert answers.keys() == {"floor", "ours", "peer"}
    assert answers["floor"] == answers["ours"] == answers["peer"]


@pytest.mark.parametrize("endpoint", TRIED)
def test_calls_again_and_again_are_what_was_recorded(
    stage: Stage, recorded: dict[str, dict[str, Recorded]], endpoint: str
) -> None:
    each = {name: found[endpoint] for name, found in recorded.items()}
    measured = warm.measure(stage, endpoint, each, blocks=1, calls=2)
    trips = {name: one.aws + one.wechat for name, one in measured.items()}
    assert trips["floor"] == FLOOR_TRIPS[endpoint] <= min(trips.values())
    assert all(0 < one.call < one.first for one in measured.values())
    if sys.platform == "linux":  # elsewhere there is no runtime client of AWS's
        started = of_cold(cold.measure(stage, endpoint, each, starts=1))
        assert all(one["cold_cpu"] > one["init"] > 0 and one["peak"] > 10 for one in started.values())


@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [
        ("floor", {"botocore", "requests"}, {"boto3", "pydantic", "pynamodb", "charset_normalizer"}),
        (
            "ours",
            {"botocore", "pynamodb", "msgspec"},
            {"boto3", "pydantic", "wechatpayv3", "charset_normalizer"},
        ),
        ("peer", {"boto3", "pydantic", "wechatpayv3", "charset_normalizer"}, {"pynamodb", "msgspec"}),
    ],
)
def test_each_finds_what_it_requires_and_nothing_else(
    stage: Stage, name: str, has: set[str], lacks: set[str]
) -> None:
    """No package of this environment's, nor of the Python that it was made from; of botocore's services only a few."""
    looking = f"import importlib.util as i; print(*(n for n in {sorted(has | lacks)} if i.find_spec(n)))"
    environment = stage.environment(stage.variants[name], "query")
    done = subprocess.run(
        [stage.python, "-c", looking], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert set(done.stdout.split()) == has
    [data] = {
        path / "botocore" / "data" for path in stage.variants[name].path if (path / "botocore").exists()
    }
    services = {folder.name for folder in data.iterdir() if folder.is_dir()}
    assert services == {"dynamodb", "secretsmanager", "events", "sqs", "s3", "apigatewaymanagementapi"}


def test_the_product_made_slow_is_a_miss(stage: Stage, recorded: dict[str, dict[str, Recorded]]) -> None:
    endpoint = TRIED[0]
    code = stage.variants["ours"].code(endpoint)
    handler = code / "app.py"
    before = handler.read_text()
    handler.write_text(before + SLOW)
    compiled(code)
    try:
        each = {name: recorded[name][endpoint] for name in ("floor", "ours", "peer")}
        figures = {endpoint: joined(of_warm(warm.measure(stage, endpoint, each, blocks=1, calls=2)))}
    finally:
        handler.write_text(before)
        compiled(code)
    [beside_the_peer] = [
        one for one in judged(figures) if one.goal.against == "peer" and one.goal.measure == "warm"
    ]
    assert not beside_the_peer.ok
    assert beside_the_peer.value > 4  # 200 ms more, on however busy a machine


SLOW = """

quick_handler = lambda_handler


def lambda_handler(event, context):
    import time
    ends = time.process_time() + 0.2
    while time.process_time() < ends:
        pass
    return quick_handler(event, context)
"""


@pytest.mark.skipif(not THOROUGH, reason="twenty processor seconds; thorough runs and make bench take it")
def test_the_command_measures_the_product_as_it_was_too_and_ends_with_what_it_found(tmp_path: Path) -> None:
    """Of a revision, in the same run. What is measured once is no figure to rely on, but there it is."""
    if subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip("no git repository: there is no revision to compare with")
    json = tmp_path / "figures.json"
    words = ["--only", "query", "--blocks", "1", "--calls", "1", "--starts", "0", "--before", "HEAD"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", *words, "--json", str(json)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode in (0, 1), done.stderr
    assert re.search(
        r"^\| warm CPU of a call, ms \| floor \| ours \| before \| peer \|", done.stdout, re.MULTILINE
    )
    assert (done.returncode == 1) == ("MISS" in done.stdout)
    assert '"before": {' in json.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "natives"], "natives: not one of native, jsapi"),
        (["--variants", "floor,theirs"], "theirs: not one of floor, ours"),
        (["--keep", "--only", "query"], "--keep is of a whole run"),
        (["--keep", "--short"], "--keep is of a whole run"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit):
        command.main(words)
    assert said in capsys.readouterr().err
