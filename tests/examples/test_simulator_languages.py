"""The programs of docs/simulator/ take the walk of docs/simulator.md, refuse what WeChat Pay has not said, and fail as their pages tell."""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.documents.blocks import BLOCKS, ROOT
from tests.examples.languages import PROGRAMS, Shown
from tests.kit.keys import merchant
from tests.simulator.merchant import Merchant
from wechatpay_simulator import Clock, Credentials, Simulator

(WALK,) = (
    block.text for block in BLOCKS if (block.document, block.language) == ("docs/simulator.md", "text")
)
ALWAYS = ("python", "node")  # whoever runs these tests has them
MOST_LINES = 150
UNTRUSTED = {
    "no_signature": "there is no signature",
    "bad_signature": "the signature does not hold",
    "probe_signature": "the signature does not hold",
    "wrong_serial": "signed with another key",
    "stale": "signed too long ago",
}
REFUSED = {
    "a refusal": (
        {
            "on": "query",
            "effect": "status",
            "status": 500,
            "code": "SYSTEM_ERROR",
            "message": "later",
            "times": 1,
        },
        "refused: 500 SYSTEM_ERROR: later\n",
    ),
    "a page": (
        {"on": "query", "effect": "html", "status": 502, "times": 1},
        "refused: 502 NOT_JSON: something in between has answered\n",
    ),
}
FORGED: list[dict[str, Any]] = [
    *(
        {"on": "notification", "effect": effect, "times": 1}
        for effect in ("bad_signature", "no_signature", "probe_signature")
    ),
    {"on": "notification", "effect": "duplicate", "copies": 3, "times": 1},
    *({"on": "notification", "effect": effect, "times": 1} for effect in ("wrong_serial", "stale")),
]
"""Of the payment's notification three that are forged, then three at once; of the refund's two that are forged."""
NOT_NOTICED = {("with_wechatpayv3.py", "stale")}
"""What a package of others does not see in an answer, as its page says."""
OWN_WORDS = ("with_wechatpayv3.py", "with-wechatpay-axios-plugin.cjs")
"""Packages that verify answers by themselves, and say so in words of their own."""
ASKS_AGAIN = (".", "Shop")
"""Whose HTTP client repeats a GET on a new connection by itself when an old one breaks, as the pages of Go and Java say."""
NO_QUERY = "the signature covers the path without the query"
OTHERWISE = "the signature covers the same JSON written otherwise"
MISTAKES = {
    "shop.py": [
        ("{method}\\n{path}\\n", "{method}\\n{path.partition('?')[0]}\\n", NO_QUERY),
        (
            'text = f"{method}\\n{path}\\n{timestamp}\\n{nonce}\\n".encode() + sent + b"\\n"',
            'text = f"{method}\\n{path}\\n{timestamp}\\n{nonce}\\n".encode() + (json.dumps(body, ensure_ascii=False).encode() if body else b"") + b"\\n"',
            f"{OTHERWISE}, with characters as UTF-8: sign the very bytes that are sent",
        ),
        (
            'serial_no="{MINE["merchantSerialNo"]}"',
            'serial_no="{MINE["wechatPublicKeyId"]}"',
            "serial_no names a key of WeChat Pay's: it is the serial number of the merchant's API certificate",
        ),
    ],
    "shop.mjs": [
        ("Math.floor(Date.now() / 1000)", "Date.now()", "the timestamp is in milliseconds: it is in seconds"),
        ("${method}\\n${path}\\n", "${method}\\n${path.split('?')[0]}\\n", NO_QUERY),
        (
            "${nonce}\\n${sent}\\n`",
            "${nonce}\\n${sent}`",
            "the final line feed is missing: the last line ends with one, too",
        ),
    ],
    ".": [
        (
            "bytes.NewReader(sent)",
            "bytes.NewReader(append(sent, '\\n'))",
            "the signature covers the body without the line feed that it ends with, or the final line feed is missing",
        ),
        (
            '"\\n" + path + "\\n"',
            '"\\n" + string(bytes.Split([]byte(path), []byte("?"))[0]) + "\\n"',
            NO_QUERY,
        ),
    ],
    "Shop": [
        (
            '+ body + "\\n").getBytes(UTF_8)',
            '+ body + "\\n").getBytes(java.nio.charset.Charset.forName("GB18030"))',
            "the signature covers the body in another encoding than UTF-8",
        ),
        (
            "Base64.getEncoder()",
            "Base64.getUrlEncoder()",
            "the signature is in the URL alphabet of Base64: it is in the standard one",
        ),
    ],
    "shop.php": [
        (
            ", OPENSSL_ALGO_SHA256);\n    $authorization",
            ");\n    $authorization",
            "the signature is of a SHA-1 hash: it is of SHA-256",
        ),
        (
            "CURLOPT_POSTFIELDS => $sent",
            "CURLOPT_POSTFIELDS => json_encode($body, JSON_UNESCAPED_SLASHES)",
            f"{OTHERWISE}, with slashes escaped as \\/: sign the very bytes that are sent",
        ),
    ],
}
"""By the program: what somebody writes instead, and what the simulator's log says of it. The pages' tables name the latter."""

RULES: dict[str, list[dict[str, Any]]] = {"none": [], "forged": FORGED}
RULES |= {effect: [{"on": "query", "effect": effect, "times": 1}] for effect in UNTRUSTED}
RULES |= {name: [rule] for name, (rule, _) in REFUSED.items()}
RULES["a broken connection"] = [{"on": "query", "effect": "reset_before", "times": 1}]


@dataclass(frozen=True)
class Outcome:
    """What a program printed, what it complained of, its status; and what the simulator knows of it."""

    told: str
    complained: str
    status: int
    orders: list[tuple[str, str]]  # state and description
    answers: list[Any]  # of the notify_url
    log: str


def outcome(program: Shown, folder: Path, rules: list[dict[str, Any]], credentials: Credentials) -> Outcome:
    """One run against a simulator of its own, whose clock goes on by half a minute after each notification that is refused."""
    log, clock, refused = StringIO(), Clock(), 0
    simulator = Simulator(credentials, clock=clock, log=log)
    controls = Merchant(simulator.start(), credentials, clock)
    try:
        assert controls.control("POST", "faults", {"rules": rules}).status == 200
        with program.started(folder, simulator.url) as process:
            try:
                while True:
                    try:
                        told, complained = process.communicate(timeout=0.2)
                        break
                    except subprocess.TimeoutExpired:
                        known = [each["status"] for each in controls.deliveries()].count(401)
                        if known > refused:
                            refused = known
                            controls.advance(30)  # as long as the longest of the first three waits
            finally:
                process.kill()
        orders = controls.control("GET", "orders").json["orders"]
        states = [(each["trade_state"], each["description"]) for each in orders]
        answers = [each["status"] for each in controls.deliveries()]
    finally:
        simulator.stop()
    return Outcome(told, complained, process.returncode, states, answers, log.getvalue())


Outcomes = dict[str, Future[Outcome]]


@pytest.fixture(params=PROGRAMS, ids=str, scope="module")
def program(request: pytest.FixtureRequest) -> Shown:
    """Each of them; those of languages that are not here are skipped, with the reason."""
    shown: Shown = request.param
    if reason := shown.missing():
        assert shown.toolchain not in ALWAYS, reason
        pytest.skip(reason)
    return shown


@pytest.fixture(scope="module")
def outcomes(program: Shown, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """All runs of the program, some beside each other: for the most part they wait."""
    place = tmp_path_factory.mktemp("language")
    folder = program.copied(place)
    credentials = merchant()

    def mistaken(number: int, old: str, new: str) -> Outcome:
        return outcome(program, program.copied(place / str(number), old=old, new=new), [], credentials)

    with ThreadPoolExecutor(4) as pool:
        found = {
            name: pool.submit(outcome, program, folder, rules, credentials) for name, rules in RULES.items()
        }
        for number, (old, new, sentence) in enumerate(MISTAKES.get(name_of(program), ())):
            found[sentence] = pool.submit(mistaken, number, old, new)
        yield found


def name_of(program: Shown) -> str:
    """Its last word, which no other has."""
    return program.command.split()[-1]


def test_it_takes_the_walk_that_the_document_prints(outcomes: Outcomes) -> None:
    run = outcomes["none"].result()
    assert (run.told, run.status) == (WALK, 0), run.complained
    assert set(run.answers) <= {200, 204}
    assert len(run.answers) == 2
    assert run.orders == [("REFUND", "一壶茶"), ("CLOSED", "一壶茶")]


def test_it_answers_forged_notifications_with_401_and_counts_a_repeated_one_once(outcomes: Outcomes) -> None:
    run = outcomes["forged"].result()
    assert (run.told, run.status) == (WALK, 0), run.complained
    taken = [200 if answer in (200, 204) else answer for answer in run.answers]
    assert taken == [401, 401, 401, 200, 200, 200, 401, 401, 200]


@pytest.mark.parametrize("effect", UNTRUSTED)
def test_it_takes_no_answer_that_wechat_pay_has_not_signed(
    program: Shown, outcomes: Outcomes, effect: str
) -> None:
    run = outcomes[effect].result()
    if (name_of(program), effect) in NOT_NOTICED:
        assert (run.told, run.status) == (WALK, 0), run.complained
        return
    assert (run.told, run.status) == (WALK.splitlines(keepends=True)[0], 1), run.complained
    if name_of(program) not in OWN_WORDS:
        assert run.complained.splitlines()[0] == f"untrusted: {UNTRUSTED[effect]}"


@pytest.mark.parametrize("name", REFUSED)
def test_it_shows_the_status_code_and_message_of_a_refusal(outcomes: Outcomes, name: str) -> None:
    run = outcomes[name].result()
    assert run.status == 1
    assert run.complained.startswith(REFUSED[name][1])


def test_a_connection_that_breaks_is_no_answer(program: Shown, outcomes: Outcomes) -> None:
    run = outcomes["a broken connection"].result()
    if name_of(program) in ASKS_AGAIN:
        assert (run.told, run.status) == (WALK, 0), run.complained
    else:
        assert run.told == WALK.splitlines(keepends=True)[0]
        assert run.status != 0


def test_the_log_says_of_each_mistake_what_the_page_says(program: Shown, outcomes: Outcomes) -> None:
    for *_, sentence in MISTAKES.get(name_of(program), ()):
        run = outcomes[sentence].result()
        assert (run.status, "SIGN_ERROR" in run.complained) == (1, True), run.complained
        assert re.search(f" 401: {re.escape(sentence)}; ", run.log), run.log


@pytest.mark.parametrize("page", sorted({program.page for program in PROGRAMS}))
def test_a_pages_table_of_mistakes_is_what_is_tried(page: str) -> None:
    (table,) = re.findall(
        r"^## Usual mistakes\n(.*?)(?:^## |\Z)", (ROOT / page).read_text("utf-8"), re.M | re.S
    )
    said = re.findall(r"^\| .*401: (.*?)` \|$", table, re.M)
    tried = {
        sentence
        for shown in PROGRAMS
        if shown.page == page
        for *_, sentence in MISTAKES.get(name_of(shown), ())
    }
    assert sorted(said) == sorted(tried)


def test_there_is_a_page_for_each_folder_and_a_program_for_each_file() -> None:
    pages = {"python.md", "node.md", "go.md", "java.md", "php.md"}
    assert {path.name for path in (ROOT / "docs/simulator").iterdir()} == pages
    assert {Path(shown.page).name for shown in PROGRAMS} == pages
    folders = {path.name for path in (ROOT / "examples").glob("simulator-*")}
    assert folders == {shown.folder for shown in PROGRAMS}


def test_a_language_that_is_not_here_is_left_out_with_the_reason() -> None:
    assert replace(PROGRAMS[0], command="no-such-toolchain run").missing() == "needs no-such-toolchain"
    assert replace(PROGRAMS[0], ready=("no-such-compiler Shop",)).missing() == "needs no-such-compiler"


@pytest.mark.parametrize(
    "file", sorted((ROOT / "examples").glob("simulator-*/*.*")), ids=lambda file: file.name
)
def test_a_file_is_short_enough_to_be_read(file: Path) -> None:
    lines = [line for line in file.read_text("utf-8").splitlines() if line.strip() and "region" not in line]
    assert len(lines) <= MOST_LINES


def test_a_strict_mypy_takes_the_python_ones() -> None:
    files = [str(path.relative_to(ROOT)) for path in (ROOT / "examples").glob("simulator-*/*.py")]
    words = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *files]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout
