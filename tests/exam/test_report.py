"""The reports say of each row what the terminal says: JUnit XML in the form that CI servers read, and a table in Markdown."""

import re
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.exam.backend import running
from tests.exam.conftest import commands
from wechatpay_simulator.examining.checklist import ROWS
from wechatpay_simulator.examining.junit import junit
from wechatpay_simulator.examining.report import Report
from wechatpay_simulator.examining.row import failed, passed

NAMES = [row.name for row in ROWS]
# Jenkins' schema of the form, as its xUnit plugin has it: of each element the attributes, and the elements within.
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {
        *("name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname"),
        *("id", "package", "file", "log", "url"),
    },
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
}
WITHIN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testsuite", "properties", "testcase", "system-out", "system-err"},
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"},
}


def checked(text: str) -> ET.Element:
    """The suite, of a document in that form whose counts are right."""
    root = ET.fromstring(text.encode())
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= WITHIN.get(element.tag, set())
    (suite,) = root
    cases = suite.findall("testcase")
    for element in (root, suite):
        assert int(element.attrib["tests"]) == len(cases)
        assert int(element.attrib["failures"]) == len(suite.findall("testcase/failure"))
        assert int(element.attrib["errors"]) == len(suite.findall("testcase/error"))
    assert int(suite.attrib["skipped"]) == len(suite.findall("testcase/skipped"))
    assert float(suite.attrib["time"]) == pytest.approx(
        sum(float(case.attrib["time"]) for case in cases), abs=0.02
    )
    datetime.strptime(suite.attrib["timestamp"], "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - the form has no zone
    return suite


def test_junit_and_markdown_say_what_the_terminal_says(merchant, exam, tmp_path):
    xml, table = tmp_path / "report.xml", tmp_path / "report.md"
    with running(merchant, trusts_the_amount=True) as backend:
        words = commands(backend.origin)[:6]  # without refund and close
        examined = exam(*words, "--junit", str(xml), "--markdown", str(table))
    assert examined.wrong() == {"wrong_amount"}
    suite = checked(xml.read_text(encoding="utf-8"))
    assert [case.attrib["name"] for case in suite] == NAMES
    marks = {}
    for case in suite:
        told = next(iter(case), None)
        marks[case.attrib["name"]] = "✓" if told is None else {"failure": "✗", "skipped": "–"}[told.tag]
        if told is not None:
            assert examined.of(case.attrib["name"]).endswith(f": {told.attrib['message']}")
    assert marks == examined.marks()
    rows = [line for line in table.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    assert [re.fullmatch(r"\| (.) \| `(\w+)` \| .+ \| .+ \|", row).groups() for row in rows] == [
        (marks[name], name) for name in NAMES
    ]
    assert table.read_text(encoding="utf-8").splitlines()[-1] == examined.lines[-1]


def test_what_a_command_has_printed_breaks_neither_form():
    report = Report([("paid", "what"), ("duplicate", "what"), ("forged", "what")])
    report.add("paid", failed('a|b <b>&"\x1b[31m\x00 \ud800 ]]> `x` \\'), 0.5)
    report.add("duplicate", passed("well"), 0.25)
    report.broken_off = "nobody listens\n  | <oops>"
    suite = checked(junit(report))
    assert suite.attrib["time"] == "0.750"
    (failure,) = suite.findall("testcase/failure")
    assert failure.attrib["message"].startswith('a|b <b>&"�[31m� � ]]> `x` \\')
    lines = report.markdown().splitlines()
    assert lines[2].startswith("| ✗ | `paid` | what | a\\|b \\<b\\>&")
    assert lines[4] == "|  | `forged` | what | not examined |"
    assert lines[-1] == "Broken off: nobody listens \\| \\<oops\\>."


def test_what_cannot_be_written_is_said_and_no_success(merchant, exam, tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    with running(merchant) as backend:
        words = ("--notify", f"{backend.origin}/notify", "--only", "other_kinds")
        assert exam(*words, "--markdown", str(folder)).status == 2
        if Path("/dev/full").exists():
            full = exam(*words, "--junit", "/dev/full")
            assert full.status == 2
            assert "exam: /dev/full cannot be written: " in full.complaint
