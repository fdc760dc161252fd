"""`serve` as containers and CI use it: the file that says it is ready, where it listens, whom it may call, and what it refuses."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.kit.program import Program
from wechatpay_simulator import __version__
from wechatpay_simulator.notifications.post import host_name, on_this_machine


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "wechatpay_simulator", *map(str, words)]


def started(*words: object) -> Program:
    return Program(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def refused(*words: object) -> str:
    """The one line that it says, behind how it is used."""
    with started(*words) as process:
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (2, "")
    assert "Traceback" not in errors
    usage, _, sentence = errors.partition("wechatpay-simulator serve: error: ")
    assert usage.startswith("usage: wechatpay-simulator serve")
    assert sentence.count("\n") == 1
    return sentence


def ended(process: Program) -> None:
    process.terminate()
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0


def test_the_ready_file_says_where_it_answers_and_is_gone_at_the_end(
    credentials_file: Path, tmp_path: Path
) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text('{"url": "of an earlier run"}')
    with started("serve", "--credentials", credentials_file, "--ready-file", ready) as process:
        printed = [process.stdout.readline().strip() for _ in range(2)]
        told = json.loads(ready.read_text())
        assert told == {
            "url": printed[0],
            "openPlatformUrl": printed[1].removeprefix("open platform: "),
            "credentials": str(credentials_file),
            "pid": process.pid,
        }
        with urllib.request.urlopen(f"{told['url']}/_sandbox/orders", timeout=5) as answer:
            assert json.load(answer) == {"orders": []}
        ended(process)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_runs_ready_file_is_gone_before_anything_can_fail(
    credentials_file: Path, tmp_path: Path
) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = refused("--port", port, "--credentials", credentials_file, "--ready-file", ready)
    assert sentence.startswith(f"port {port} of 127.0.0.1 cannot be had: ")
    assert not ready.exists()


def test_on_every_interface_it_is_reached_and_shows_an_address_that_can_be_called(
    credentials_file: Path,
) -> None:
    with started("serve", "--host", "0.0.0.0", "--credentials", credentials_file) as process:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{url}/_sandbox/orders", timeout=5) as answer:
            assert answer.status == 200
        process.stdout.readline()
        ended(process)


def test_what_cannot_be_had_is_told_in_one_line(credentials_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ours = ("--credentials", credentials_file)
    assert "port 0 of 192.0.2.1 cannot be had" in refused("--host", "192.0.2.1", *ours)
    assert "port 0 of a..b cannot be had: that is not the name of a host" in refused("--host", "a..b", *ours)
    assert "argument --port: a number from 0 to 65535" in refused("--port", "65536", *ours)
    assert f"{tmp_path} cannot be read as JSON (IsADirectoryError)" in refused("--credentials", tmp_path)
    nowhere = tmp_path / "file" / "credentials.json"
    assert f"{nowhere} cannot be written: " in refused("--credentials", nowhere)
    nowhere = tmp_path / "nowhere" / "a.file"
    told = refused("--log", nowhere, *ours)
    assert told == f"{nowhere} cannot be written: No such file or directory\n"
    assert f"{nowhere}.new cannot be written: No such" in refused("--ready-file", nowhere, *ours)


@pytest.mark.parametrize("option", ["--ready-file", "--log"])
def test_the_credentials_are_not_written_over(option: str, credentials_file: Path) -> None:
    before = credentials_file.read_bytes()
    again = credentials_file.parent / "." / ".." / credentials_file.parent.name / credentials_file.name
    told = refused("--credentials", credentials_file, option, again)
    assert told == f"argument {option}: {again} is the file of --credentials\n"
    assert credentials_file.read_bytes() == before


@pytest.mark.parametrize(
    "host", ["http://10.0.0.1", "10.0.0.1:80", "*.example.com", "a,b", "", "a/b", "u@host", "[::1", "a b"]
)
def test_a_host_that_may_be_called_is_one_exact_name(host: str, credentials_file: Path) -> None:
    with pytest.raises(ValueError, match="is not the name of one host"):
        host_name(host)


def test_a_name_that_will_not_do_is_refused_before_anything_runs(credentials_file: Path) -> None:
    told = refused("--notify-host", "10.0.0.1:80", "--credentials", credentials_file)
    assert told == (
        "argument --notify-host: '10.0.0.1:80' is not the name of one host, without scheme, port or pattern\n"
    )


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://host.docker.internal:3000/notify", True),
        ("http://HOST.docker.internal/notify", True),
        ("http://127.0.0.1/notify", True),
        ("http://[fd00::1]:80/", True),
        ("http://docker.internal/notify", False),
        ("http://a.host.docker.internal/notify", False),
        ("http://host.docker.internal.example.com/", False),
        ("http://host.docker.internal@example.com/", False),
        ("http://host.docker.internal./", False),
    ],
)
def test_only_the_named_hosts_are_called_besides_this_machine(url: str, allowed: bool) -> None:
    others = {host_name("Host.Docker.Internal"), host_name("[FD00::1]")}
    assert on_this_machine(url, others=others) is allowed


def test_it_tells_its_version_and_by_both_names_it_is_one_program() -> None:
    told = subprocess.run(command("--version"), capture_output=True, text=True, check=True, timeout=30)
    assert told.stdout == f"wechatpay-simulator {__version__}\n"


def test_a_start_computes_for_less_than_half_a_second(credentials_file: Path) -> None:
    """In processor time, which a busy machine takes no more of; the rest is this machine's own."""
    before = os.times()
    with started("--credentials", credentials_file) as process:
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/_sandbox/orders", timeout=5):
            process.stdout.readline()
        ended(process)
    after = os.times()
    assert after.children_user + after.children_system - before.children_user - before.children_system < 0.5
