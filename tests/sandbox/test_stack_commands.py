"""`python -m sandbox` and `python -m sandbox.commands.invoke` as their users meet them."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.kit import warm
from tests.kit.program import Program

pytestmark = [pytest.mark.share(4, of_file=True), pytest.mark.in_turn]

ROOT = Path(__file__).parents[2]


def command(*arguments):
    """A sandbox command, started as a shell would."""
    return Program(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ready(file, process):
    """What the ready file says, once it is there."""
    for _ in range(1500):
        if file.exists():
            return json.loads(file.read_text())
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.01)
    raise AssertionError("not ready after 15 seconds")


def family(pid):
    """Process numbers of everything that descends from a process."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            rest = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(rest[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def is_gone(pid):
    for _ in range(300):
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.01)
    return False


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@on_linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_announces_itself_and_ends_cleanly_when_told(tmp_path, number):
    file = tmp_path / "ready.json"
    file.write_text("an earlier run's")
    with command("sandbox", "--port", "0", "--ready-file", str(file)) as process:
        while file.exists() and file.read_text() == "an earlier run's":
            time.sleep(0.01)
        info = ready(file, process)
        assert info == requests.get(f"{info['api']}/_sandbox/info", timeout=5).json()
        assert info["pid"] == process.pid
        unsigned = requests.post(f"{info['api']}/api/v1/payments/wechat/notify", json={}, timeout=10)
        assert unsigned.status_code in {401, 500}  # a function process ran
        children = family(process.pid)
        assert len(children) == 3  # the function, the one it was forked from, and the shell that guards both
        process.send_signal(number)
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in output
    assert "Warning" not in output
    assert info["api"] in output
    assert all(is_gone(pid) for pid in children)


def test_a_taken_port_is_one_sentence(tmp_path):
    file = tmp_path / "ready.json"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with command("sandbox", "--port", port, "--ready-file", str(file)) as process:
            output, _ = process.communicate(timeout=15)
    assert process.returncode == 1
    assert len(output.splitlines()) == 1
    assert port in output
    assert not file.exists()


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_what_is_no_port_is_said_to_be_none(port):
    with command("sandbox", "--port", port) as process:
        output, _ = process.communicate(timeout=15)
    assert process.returncode == 2
    assert "a port is a number from 0 to 65535" in output


def test_a_credentials_file_that_is_none_is_one_sentence(tmp_path):
    file = tmp_path / "credentials.json"
    file.write_text("{}")
    with command("sandbox", "--port", "0", "--credentials", str(file)) as process:
        output, _ = process.communicate(timeout=15)
    assert process.returncode == 1
    assert len(output.splitlines()) == 1


def test_what_is_asked_of_wechat_pay_is_written_where_it_is_asked_for(tmp_path):
    file, log = tmp_path / "ready.json", tmp_path / "wechat.log"
    log.write_text("an earlier line\n")
    with command("sandbox", "--port", "0", "--ready-file", str(file), "--wechat-log", str(log)) as process:
        info = ready(file, process)
        requests.post(f"{info['simulator']}/v3/security/echo", json={}, timeout=10)
        process.terminate()
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    earlier, line = log.read_text().splitlines()
    assert earlier == "an earlier line"
    assert " POST /v3/security/echo 401: there is no Authorization header; SIGN_ERROR: " in line
    assert "SIGN_ERROR" not in output


def test_several_sandboxes_run_side_by_side(tmp_path):
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    with (
        command("sandbox", "--port", "0", "--ready-file", str(files[0])) as one,
        command("sandbox", "--port", "0", "--ready-file", str(files[1])) as two,
    ):
        first, second = ready(files[0], one), ready(files[1], two)
        assert not {first[name] for name in ("api", "simulator", "aws")} & {
            second[name] for name in ("api", "simulator", "aws")
        }
        for process in (one, two):
            process.terminate()
        for process in (one, two):
            process.communicate(timeout=10)
            assert process.returncode == 0


def invoke(*arguments):
    return warm.run(["sandbox.commands.invoke", *arguments], timeout=60)


def test_invoke_runs_one_function_with_an_event(tmp_path):
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"Records": []}))
    done = invoke("publish", str(event))
    assert done.returncode == 0, done.stderr
    assert "batchItemFailures" in json.loads(done.stdout)
    assert "Traceback" not in done.stderr


def test_invoke_tells_when_the_function_failed(tmp_path):
    event = tmp_path / "event.json"
    event.write_text('"not what a stream sends"')
    done = invoke("publish", str(event))
    assert done.returncode == 1
    assert set(json.loads(done.stdout)) == {"errorType", "errorMessage"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "there is no function nothing"),
        (["native", "no-such-file.json"], "no-such-file.json cannot be read"),
        (["native", "Makefile"], "Makefile is not JSON"),
        ([], "usage"),
    ],
)
def test_invoke_explains_misuse_in_one_sentence(arguments, said):
    done = invoke(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
