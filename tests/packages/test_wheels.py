"""What is in both wheels, and what is not; that they are the same whoever builds them; that others' type checkers read them."""

import email
import os
import re
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.clients.building import run
from tests.kit.parameters import ROOT
from tests.packages.installed import Installed

SOURCES = {"simulator": ROOT / "wechatpay_simulator", "client": ROOT / "layers/wechatpay"}
NEEDS = {
    "simulator": ["cryptography>=42", "starlette<2,>=0.40", "uvicorn<1,>=0.30"],
    "client": ["certifi>=2023.7.22", "cryptography>=42", "requests>=2.32.5", "urllib3<3,>=2.6"],
}
KEY = re.compile(rb"-----BEGIN [A-Z ]*(PRIVATE KEY|CERTIFICATE)-----\s+[A-Za-z0-9+/]{40}")


@pytest.fixture(scope="session", params=SOURCES)
def package(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def installed(package: str, request: pytest.FixtureRequest) -> Installed:
    found: Installed = request.getfixturevalue(package)
    return found


def test_a_wheel_holds_the_package_and_nothing_else(package: str, installed: Installed) -> None:
    root = ROOT if package == "simulator" else SOURCES[package]
    name = "wechatpay_simulator" if package == "simulator" else "wechatpay"
    modules = {path.relative_to(root).as_posix() for path in (root / name).rglob("*.py")}
    files = installed.files()
    own = {path for path in files if ".dist-info/" not in path}
    assert own == modules | {f"{name}/py.typed"}
    assert not [path for path in files if re.search(r"(^|/)(tests?/|test_|__pycache__)", path)]
    assert not [path for path, content in files.items() if KEY.search(content)]
    assert any(path.endswith(".dist-info/licenses/LICENSE") for path in files)
    assert (SOURCES[package] / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_an_sdist_has_besides_what_a_wheel_is_built_from(
    package: str, dist: Path, installed: Installed
) -> None:
    own = {path for path in installed.files() if ".dist-info/" not in path}
    if package == "simulator":  # its folder is the package
        own = {path.removeprefix("wechatpay_simulator/") for path in own}
    (sdist,) = dist.glob(f"{installed.wheel.name.partition('-')[0]}-*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    others = {"README.md", "README.zh-CN.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"}
    assert names == own | others


def test_it_needs_what_it_says_and_nothing_of_aws(package: str, installed: Installed) -> None:
    told = email.message_from_string(installed.metadata())
    assert told.get_all("Requires-Dist") == NEEDS[package]
    assert told["Requires-Python"] == ">=3.11"
    there = installed.run(
        installed.python, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"
    )
    assert not re.search(r"^(boto|moto|aws|pytest)", there, re.MULTILINE)


def test_the_front_page_has_no_link_that_leads_nowhere_on_a_package_index(installed: Installed) -> None:
    page = installed.metadata().partition("\n\n")[2]
    sections = {
        re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-")
        for line in re.findall("^#+ (.+)$", page, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", page):
        assert target.startswith("https://") or target.removeprefix("#") in sections, target


def test_built_once_more_elsewhere_and_later_it_is_the_same_to_the_byte(
    package: str, installed: Installed, dist: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    shutil.copytree(SOURCES[package], source, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".gitignore", tmp_path)  # hatchling puts it into an sdist
    for path in source.rglob("*"):
        os.utime(path, (2_000_000_000, 2_000_000_000))
    build = [
        ROOT / os.environ.get("CLIENTS", ".venv-clients") / "bin/python",
        "-m",
        "build",
        "--no-isolation",
    ]
    run([*build, "--outdir", tmp_path / "again", source], tmp_path, SOURCE_DATE_EPOCH="1767225600")
    for again in (tmp_path / "again").iterdir():
        assert again.read_bytes() == (dist / again.name).read_bytes(), again.name


PROGRAMS = {
    "simulator": """from wechatpay_simulator import Clock, Credentials, Simulator
url: str = Simulator(Credentials.create(), clock=Clock(), notify_hosts=["shop"]).start(port=0)
Simulator(Credentials.create(), clock=Clock(), mode=1)  # type: ignore[arg-type]
""",
    "client": """from wechatpay.keys import KeyRing
preferred: str | None = KeyRing.of(platform_certificates=[]).preferred
KeyRing.of(public_key=1)  # type: ignore[arg-type]
""",
}


def test_a_strict_mypy_sees_its_types(package: str, installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(PROGRAMS[package])
    mypy = [ROOT / ".venv/bin/mypy", "--strict", "--cache-dir", tmp_path / "cache"]
    run([*mypy, "--python-executable", installed.python, "shop.py"], tmp_path, MYPYPATH="")
