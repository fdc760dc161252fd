"""The report as JUnit XML, in the form that CI servers read: testsuites, testsuite, testcase with failure, error or skipped."""

from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from wechatpay_simulator.examining.report import Report, Result
from wechatpay_simulator.examining.row import Mark

_CLASS = "wechatpay_simulator.exam"


def junit(report: Report) -> str:
    """One suite with a case for each row. What could not be judged is skipped; what was not come to is an error."""
    results = report.results()
    counts = {
        "tests": len(results),
        "failures": report.count(Mark.FAILED),
        "errors": report.count(None),
    }
    took = _seconds(sum(result.seconds for result in results))
    whole = _attributes(name="wechatpay-simulator exam", **counts, time=took)
    suite = _attributes(
        name="exam",
        **counts,
        skipped=report.count(Mark.OPEN),
        time=took,
        timestamp=datetime.fromtimestamp(report.began, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S"),
    )
    cases = "".join(_case(result, report.broken_off) for result in results)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites{whole}>\n<testsuite{suite}>\n'
        f"{cases}</testsuite>\n</testsuites>\n"
    )


def _case(result: Result, broken_off: str) -> str:
    head = _attributes(classname=_CLASS, name=result.name, time=_seconds(result.seconds))
    if result.outcome is None:
        return _with_child(head, "error", f"not examined: {broken_off}", result)
    if result.outcome.mark is Mark.PASSED:
        return f"<testcase{head}/>\n"
    child = "failure" if result.outcome.mark is Mark.FAILED else "skipped"
    return _with_child(head, child, result.outcome.sentence, result)


def _with_child(head: str, child: str, message: str, result: Result) -> str:
    kind = {} if child == "skipped" else {"type": result.name}
    text = escape(_printable(f"{result.what}: {message}"))
    return f"<testcase{head}><{child}{_attributes(message=message, **kind)}>{text}</{child}></testcase>\n"


def _attributes(**values: object) -> str:
    return "".join(f" {name}={quoteattr(_printable(str(value)))}" for name, value in values.items())


def _printable(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold at all."""
    return "".join(
        each
        if each in "\t\n\r"
        or (each >= " " and not "\ud800" <= each <= "\udfff" and each < "\ufffe")
        or each > "\uffff"
        else "�"
        for each in text
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
