"""What is deployed besides our own code: exactly what it needs, each file known by its hash, under a licence that we may use."""

import ast
import json
import re
import subprocess
import sys
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import botocore.session
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deployed.sources import FIRST_PARTY, OURS, ROOT, calls, imported, modules

LOCK = ROOT / "layers/dependencies/requirements.txt"
LOCKS = [LOCK, *sorted(ROOT.glob("requirements-*.txt"))]
# Named in code that is deployed, and installed by it; what only another platform or Python needs is installed nowhere else.
CLOUD = {
    "python_version": "3.13",
    "python_full_version": "3.13.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "aarch64",
}


def locked(file: Path) -> dict[Requirement, list[str]]:
    """Each requirement and its hashes."""
    lines = [
        line
        for line in file.read_text().replace("\\\n", " ").splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    found = {}
    for line in lines:
        text, *hashes = line.split("--hash=")
        found[Requirement(text.strip())] = [one.strip() for one in hashes]
    return found


@pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.name)
def test_every_package_is_pinned_and_known_by_its_hashes(file: Path) -> None:
    requirements = locked(file)
    assert requirements
    for requirement, hashes in requirements.items():
        assert [one.operator for one in requirement.specifier] == ["=="], requirement
        assert requirement.url is None
        assert hashes, f"{requirement} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), requirement


ADDRESSES = re.compile(
    r"(?<![\w-])--(extra-)?index-url|--find-links|--trusted-host"
    r"|https?://[^\s\"'`)]*(pythonhosted|pypi\.(org|python)|registry\.npmjs|/simple\b)"
)


def test_no_file_says_where_packages_are_downloaded_from() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    files = [ROOT / name for name in tracked.split("\0") if name] or [
        file
        for file in ROOT.rglob("*")
        if file.is_file() and not file.relative_to(ROOT).parts[0].startswith(".")
    ]
    assert LOCK in files
    found = [
        str(file.relative_to(ROOT))
        for file in files
        if file != Path(__file__) and ADDRESSES.search(file.read_bytes().decode(errors="replace"))
    ]
    assert found == []


def imported_distributions() -> set[str]:
    """The distributions whose modules our deployed code imports."""
    names = (
        {name.partition(".")[0] for tree in modules().values() for name in imported(tree)}
        - set(sys.stdlib_module_names)
        - FIRST_PARTY
    )
    known = packages_distributions()
    return {canonicalize_name(one) for name in names for one in known[name]}


def with_their_dependencies(names: set[str]) -> set[str]:
    """The same and everything that these need in the cloud, extras left out."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        for text in distribution(name).requires or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({**CLOUD, "extra": ""}):
                waiting |= {canonicalize_name(needed.name)} - found
    return found


def test_what_is_deployed_is_what_our_code_imports_and_what_that_needs() -> None:
    deployed = {
        canonicalize_name(one.name)
        for one in locked(LOCK)
        if one.marker is None or one.marker.evaluate(CLOUD)
    }
    assert deployed == with_their_dependencies(imported_distributions())


def test_what_only_other_platforms_need_is_needed_there() -> None:
    elsewhere = {one for one in locked(LOCK) if one.marker is not None and not one.marker.evaluate(CLOUD)}
    assert {one.name for one in elsewhere} <= {"colorama", "pycparser"}


# Whatever we use may be used in a product that is not open; MPL-2.0 binds changes to certifi's own files only.
LICENCES = {"MIT", "MIT-0", "Apache-2.0", "BSD-3-Clause", "BSD-2-Clause", "BSD", "PSF-2.0", "MPL-2.0"}
NAMES = {
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "BSD License": "BSD",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def licences(name: str) -> set[str]:
    """A distribution's licences: its expression, or its classifiers, or its bare word."""
    about = distribution(name).metadata
    if about["License-Expression"]:
        return set(re.split(r" (?:OR|AND) ", about["License-Expression"]))
    classified = {
        one.rpartition(" :: ")[2]
        for one in about.get_all("Classifier") or []
        if one.startswith("License :: OSI Approved :: ")
    }
    return {NAMES.get(one, one) for one in classified} or {about["License"]}


def test_every_deployed_package_has_a_licence_that_we_may_use() -> None:
    for one in locked(LOCK):
        if one.marker is None or one.marker.evaluate(CLOUD):
            assert licences(one.name) <= LICENCES, (one.name, licences(one.name))


# ---- the trust path ----


def test_nobodys_wechat_pay_sdk_is_deployed() -> None:
    assert [
        one.name for one in locked(LOCK) if re.search("we.?chat|wx.?pay|tenpay", one.name, re.IGNORECASE)
    ] == []


def test_what_verifies_wechat_pay_is_ours_over_cryptography_and_requests() -> None:
    outside = {
        name.partition(".")[0]
        for path, tree in modules().items()
        if path.startswith("layers/wechatpay")
        for name in imported(tree)
    } - set(sys.stdlib_module_names)
    # urllib3 is what requests speaks with; its exceptions come through. certifi has the root certificates that requests trusts.
    assert outside == {"wechatpay", "cryptography", "requests", "urllib3", "certifi"}


XML = {"xml", "lxml", "defusedxml", "pyexpat", "xmltodict", "bs4", "html5lib", "xmlrpc", "plistlib"}

IMPORTERS = """
import builtins, importlib.util, json, pathlib, sys
root, folders, xml = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]), set(json.loads(sys.argv[3]))
sys.path[:0] = [str(root / folder) for folder in ("layers/payments", "layers/wechatpay")]
found, real = set(), builtins.__import__

def watching(name, globals=None, locals=None, fromlist=(), level=0):
    if not level and name.partition(".")[0] in xml:
        found.add((globals or {}).get("__name__", "?"))
    return real(name, globals, locals, fromlist, level)

builtins.__import__ = watching
for folder in folders:
    spec = importlib.util.spec_from_file_location(folder, root / "functions" / folder / "app.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
import payments.storage.secrets, payments.storage.payments, payments.storage.refunds, payments.api.qr_masks, wechatpay.client
import payments.storage.quarantine, payments.storage.allowances, jwt, botocore.session
session = botocore.session.get_session()
for service in ("dynamodb", "secretsmanager", "sqs", "events"):
    session.create_client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
print(json.dumps(sorted(found)))
"""


def test_only_the_aws_sdk_brings_an_xml_parser() -> None:
    """WeChat Pay's version 2 spoke XML, and its SDKs' parsers read the merchant's files (CVE-2018-13439)."""
    ours = {path: set(imported(tree)) for path, tree in modules().items()}
    assert {path: names for path, names in ours.items() if {n.partition(".")[0] for n in names} & XML} == {}

    folders = sorted(file.parent.name for file in (ROOT / "functions").glob("*/app.py"))
    asked = [sys.executable, "-c", IMPORTERS, str(ROOT), json.dumps(folders), json.dumps(sorted(XML))]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=120)
    importers = {
        name for name in json.loads(done.stdout) if name.partition(".")[0] not in sys.stdlib_module_names
    }
    assert importers <= {"botocore.compat", "botocore.parsers", "botocore.serialize"}


def services() -> set[str]:
    """The AWS services that our code calls: those it makes clients of, and pynamodb's."""
    named = {
        str(ast.literal_eval(argument))
        for tree in modules().values()
        for called, call in calls(tree)
        if called.rpartition(".")[2] in ("client", "create_client")
        for argument in call.args[:1]
        if getattr(argument, "value", None).__class__ is str
    }
    assert named
    return named | {"dynamodb"}


def test_the_only_answers_that_are_parsed_as_xml_are_those_of_s3_to_publish_and_journal() -> None:
    """What WeChat Pay sends goes through `json`; these two take none of it, and the other functions speak JSON to AWS."""
    session = botocore.session.get_session()
    protocols = {name: session.get_service_model(name).metadata["protocol"] for name in services()}
    assert {name for name, protocol in protocols.items() if "xml" in protocol} == {"s3"}, protocols

    def mentions(tree: ast.AST) -> bool:
        return any(isinstance(node, ast.Attribute) and node.attr == "unpublished" for node in ast.walk(tree))

    callers = {path for path, tree in modules().items() if path.startswith("functions") and mentions(tree)}
    assert callers == {"functions/publish/app.py", "functions/journal/app.py"}


def test_the_build_keeps_the_models_of_exactly_the_services_that_are_called() -> None:
    (kept,) = re.findall(
        r"^MODELS := (.*)$", (ROOT / "layers/dependencies/Makefile").read_text(), re.MULTILINE
    )
    assert set(kept.split()) == services()


LOADED_WITHOUT = """
import sys
sys.path[:0] = sys.argv[1:]
sys.modules |= {"chardet": None, "charset_normalizer": None}  # as in the cloud: an import of them fails
import wechatpay.client
import requests.compat
print(requests.compat.chardet)
"""
ENCODING = {"text", "apparent_encoding", "encoding", "json", "iter_lines"}
"""What of a response of requests depends on an encoding that may be guessed."""


def test_what_the_build_leaves_out_is_missed_by_nobody_and_nobody_says_so() -> None:
    (left_out,) = re.findall(
        r"^LEFT_OUT := (.*)$", (ROOT / "layers/dependencies/Makefile").read_text(), re.MULTILINE
    )
    assert left_out == "charset-normalizer"
    needing = {
        one.name
        for one in locked(LOCK)
        if (one.marker is None or one.marker.evaluate(CLOUD))
        for text in distribution(one.name).requires or []
        if canonicalize_name(Requirement(text).name) == left_out
    }
    assert needing == {"requests"}
    asked = [sys.executable, "-c", LOADED_WITHOUT, str(ROOT / "layers/wechatpay")]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("None\n", "")


def test_no_answers_text_is_read_for_its_encoding_could_be_a_guess() -> None:
    reading = {
        (path, node.attr)
        for path, tree in modules().items()
        if "requests" in {name.partition(".")[0] for name in imported(tree)}
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ENCODING
    }
    assert reading == set()


def test_everything_deployed_was_looked_at() -> None:
    folders = {file.parent for folder in OURS for file in (ROOT / folder).rglob("*.py")}
    everywhere = {file.parent for base in ("functions", "layers") for file in (ROOT / base).rglob("*.py")}
    assert everywhere - {ROOT / "layers/dependencies"} == folders  # what the build runs there is not deployed
