""".env.example has every variable that doctor, deploy and secret read, and no other, each in a line of words in two languages."""

import re
import subprocess

import pytest

from operations.checks.names import check_names
from operations.configuration import IN_FILE, KNOWN, SECRETS, Configuration, of_file
from operations.env_file import parse
from tests.operations.cloud import Cloud
from tests.operations.commands import ROOT

EXAMPLE = ROOT / ".env.example"
TEXT = EXAMPLE.read_text()
NAMES = list(parse(TEXT))
MEMBERS = [name for members in SECRETS.values() for name in members]
CHINESE = re.compile("[\u4e00-\u9fff]")
GARBAGE = "no such thing"


def test_every_variable_that_is_read_stands_there_and_no_other() -> None:
    assert sorted(NAMES) == sorted(KNOWN)
    assert not any(parse(TEXT).values()), "whoever copies it has filled in nothing yet"


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_line_of_words_in_english_and_one_in_chinese(name: str) -> None:
    (above,) = re.findall(rf"((?:^#.*\n)+)^{name}=$", TEXT, re.MULTILINE)
    english, chinese = above.splitlines()
    assert not CHINESE.search(english)
    assert CHINESE.search(chinese)
    assert ("Optional" in english) == ("选填" in chinese)


@pytest.mark.share(3)
@pytest.mark.parametrize("name", sorted(IN_FILE))
def test_deploy_reads_each_that_is_a_parameter(deploy, needed, env_file, cloud: Cloud, name: str) -> None:
    others = [pair for pair in needed if not pair.startswith(f"{IN_FILE[name]}=")]
    done = deploy("--file", env_file({name: GARBAGE}), *others)
    if name == "JWT_AUDIENCE":  # any text is one
        assert f'JwtAudience="{GARBAGE}"' in done.stdout
        return
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert re.search(rf"\b({name}|{IN_FILE[name]})\b", said), said
    assert cloud.calls() == []


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {*IN_FILE, "WECHAT_API_KEY"}])
def test_doctor_reads_each_of_the_others(operate, env_file, name: str) -> None:
    told = operate("doctor", "--offline", "--file", env_file({name: GARBAGE}))
    without = operate("doctor", "--offline", "--file", env_file({"WECHAT_API_KEY": GARBAGE}))
    new = set(told.stdout.splitlines()) - set(without.stdout.splitlines())
    assert any(name in line for line in new), told.stdout
    assert GARBAGE not in told.stdout + told.stderr


def test_what_the_copy_lacks_is_named_one_by_one(operate, tmp_path) -> None:
    copy = tmp_path / ".env"
    copy.write_text(TEXT)
    done = operate("doctor", "--offline", "--file", str(copy))
    assert done.returncode == 1
    missing = set(re.findall(r"(\w+) (?:with \w+ )?is missing", done.stdout))
    optional = set(re.findall(r"^# Optional.*\n#.*\n(\w+)=", TEXT, re.MULTILINE))
    assert missing - {"WECHAT_NOTIFY_URL"} == set(NAMES) - optional - {"WECHAT_PUBLIC_KEY"}, "with its id"
    assert "is not read" not in done.stdout


def test_a_copy_that_is_filled_in_is_never_committed() -> None:
    def ignored(path: str) -> bool:
        return subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False).returncode == 0

    assert ignored(".env")
    assert ignored("change.env")
    assert not ignored(".env.example")


def test_the_names_of_the_example_are_known_by_the_check_of_names(tmp_path) -> None:
    (tmp_path / ".env").write_text(TEXT.replace("=\n", "=x\n"))
    assert list(check_names(of_file(tmp_path / ".env"))) == []
    assert len(list(check_names(Configuration({f"{name}_X": "x" for name in MEMBERS})))) == len(MEMBERS)
