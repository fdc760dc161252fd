"""A forked process is like one that was started as a program: its variables, its folder, its output, its end."""

import json
import os
import signal
import sys
import time

import pytest

from sandbox.functions.lambdas import SHIFT
from sandbox.functions.process_group import end_group_with_this_process
from sandbox.functions.zygote import Zygote

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="functions are started as programs elsewhere")


@pytest.fixture
def group():
    shell = end_group_with_this_process()
    yield shell.pid
    shell.stdin.close()
    shell.wait()


@pytest.fixture
def zygote(group):
    running = Zygote(group)
    yield running
    running.stop()


@pytest.fixture
def start(zygote, tmp_path):
    """Runs a module of this text with these variables."""
    started = []

    def run(text, **variables):
        (tmp_path / "module.py").write_text(text)
        shown = {"PYTHONPATH": f"{SHIFT}{os.pathsep}{tmp_path / 'layer'}", **variables}
        started.append(zygote.start("module", "the argument", folder=tmp_path, variables=shown))
        return started[-1]

    yield run
    for forked in started:
        forked.send_signal(signal.SIGKILL)
        forked.wait()
        forked.stdout.close()


TELL = """
import json, os, sys
print(json.dumps([dict(os.environ), os.getcwd(), sys.path[:2], sys.argv[1:], os.getpgrp(), sorted(sys.modules)]))
print("aside", file=sys.stderr)
"""


def test_it_has_its_own_variables_folder_and_argument_and_nothing_of_the_shell(
    start, group, tmp_path, monkeypatch
):
    monkeypatch.setenv("AWS_PROFILE", "mine")
    forked = start(TELL, NAME="value")
    told, aside = forked.stdout.read().decode().splitlines()
    variables, folder, path, arguments, process_group, modules = json.loads(told)
    assert set(variables) == {"NAME", "PYTHONPATH"}
    assert (folder, path) == (str(tmp_path), [str(tmp_path), str(tmp_path / "layer")])
    assert (arguments, process_group, aside) == (["the argument"], group, "aside")
    assert "botocore.session" in modules
    assert not [name for name in modules if name.partition(".")[0] in ("payments", "wechatpay", "sandbox")]


@pytest.mark.parametrize(
    ("text", "code"), [("", 0), ("raise SystemExit(3)", 3), ("import nothing_like_it", 1), ("1 / 0", 1)]
)
def test_it_ends_with_the_code_that_the_interpreter_would_give(start, text, code):
    forked = start(text)
    assert (forked.wait(), forked.poll()) == (code, code)
    assert (b"Traceback" in forked.stdout.read()) is (code == 1)


def test_a_signal_ends_it_and_none_is_sent_to_what_has_ended(start):
    forked = start("import time; print('x', end='', flush=True); time.sleep(60)")
    assert forked.stdout.read(1) == b"x"
    assert forked.poll() is None
    forked.send_signal(signal.SIGKILL)
    assert forked.wait() == -signal.SIGKILL
    forked.send_signal(signal.SIGKILL)


def test_what_one_has_imported_or_set_no_other_has(start):
    assert start("import os, colorsys; os.environ['LEFT'] = 'behind'").wait() == 0
    forked = start("import os, sys; print('colorsys' in sys.modules, 'LEFT' in os.environ)")
    assert forked.stdout.read() == b"False False\n"


def test_two_draw_different_random_numbers(start):
    text = "import random, secrets, uuid; print(random.random(), secrets.token_hex(8), uuid.uuid4())"
    one, two = (start(text).stdout.read().split() for _ in range(2))
    assert not set(one) & set(two)


def test_when_the_zygote_is_gone_that_is_an_error_and_no_wait(zygote, start):
    os.kill(zygote._process.pid, signal.SIGKILL)
    began = time.monotonic()
    with pytest.raises(OSError, match=r"."):
        start("")
    assert time.monotonic() - began < 5
