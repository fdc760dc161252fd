"""Rules that the deployed source keeps everywhere: no unchecked TLS, no endless wait, no inexact money, no way round a check."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deployed.sources import calls, imported, modules

EXACT = (
    "core/money",
    "core/facts",
    "api/responses",
    "api/request_bodies",
    "core/events",
    "use_cases/evidence",
    "api/order_intake",
    "core/payment",
    "api/quotes",
    "use_cases/refunds/refund_evidence",
)
OUTBOUND = {"get", "post", "put", "patch", "delete", "head", "options", "request", "send", "urlopen"}
SPEAKERS = re.compile(r"\b(requests|urllib3|urllib\.request|_?session|_?http|_?pool)\b")
OFF = re.compile(
    r"SKIP|INSECURE|UNSAFE|UNVERIFIED|DISABLE|NO_?VERIFY|VERIFY|BYPASS|MOCK|FAKE|DEBUG|TEST|SANDBOX|LOCAL"
)


def unchecked_tls(tree: ast.Module) -> list[str]:
    switched = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if (
            isinstance(node, ast.keyword)
            and node.arg in ("verify", "cert_reqs", "check_hostname", "assert_hostname")
        )
        or (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]).rpartition(".")[2] in ("verify", "check_hostname", "verify_mode")
        )
    ]
    words = ("CERT_NONE", "_create_unverified_context", "disable_warnings")
    named = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if getattr(node, "attr", getattr(node, "id", "")) in words
    ]
    return switched + named


def endless_waits(tree: ast.Module) -> list[str]:
    return [
        ast.unparse(call)
        for called, call in calls(tree)
        if called.rpartition(".")[2] in OUTBOUND
        and SPEAKERS.search(called.rpartition(".")[0] or called)
        and "timeout" not in {keyword.arg for keyword in call.keywords}
    ]


def other_clocks(tree: ast.Module) -> list[str]:
    return [
        called for called, _ in calls(tree) if re.search(r"\b(datetime|date)\.(now|utcnow|today)$", called)
    ]


def divisions(tree: ast.Module) -> list[str]:
    divided = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not _is_text(node.right)
    ]
    return divided + [ast.unparse(call) for called, call in calls(tree) if called in ("float", "round")]


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)  # a folder divided by a file's name


def floats(tree: ast.Module) -> list[str]:
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]


def switches(tree: ast.Module) -> list[str]:
    """Texts that look like the name of a variable that turns something off."""
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", node.value)
        and OFF.search(node.value)
    ]


RULES: dict[str, Callable[[ast.Module], list[str]]] = {
    "TLS is checked as the libraries do it": unchecked_tls,
    "every request has a timeout": endless_waits,
    "time comes from one clock": other_clocks,
    "no variable turns a check off": switches,
}
# The secret that holds the keys, and the files by which WeChat sees whose a domain is: no switches.
ALLOWED = {"VERIFICATION_SECRET", "WECHAT_VERIFY_FILES"}


@pytest.mark.parametrize("rule", RULES)
def test_the_source_keeps_a_rule(rule: str) -> None:
    broken = {
        path: [one for one in RULES[rule](tree) if one not in ALLOWED] for path, tree in modules().items()
    }
    assert {path: what for path, what in broken.items() if what} == {}


SECONDS = {"wiring", "pacing", "exchanging"}  # modules that divide or bound time, and know of no amount


@pytest.mark.parametrize(
    "path", [path for path in modules() if path.startswith(("functions", "layers/payments"))]
)
def test_nothing_that_may_be_money_is_divided_or_made_a_float(path: str) -> None:
    assert Path(path).stem in SECONDS or divisions(modules()[path]) == []


@pytest.mark.parametrize("name", EXACT)
def test_where_amounts_are_read_compared_and_written_there_is_no_float_at_all(name: str) -> None:
    assert floats(modules()[f"layers/payments/payments/{name}.py"]) == []


def test_wiring_reads_the_environment_and_none_that_verifies() -> None:
    readers = {
        path
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv")
    }
    # How long to wait for AWS must be known when pynamodb's models are made, before there is any wiring; and which
    # authorities AWS's certificates are of is said as botocore and AWS's tools are told it. That Lambda starts a function must
    # be known before anything is loaded.
    names = ("wiring", "cold_start", "storage/aws", "storage/sdk/session")
    assert readers == {f"layers/payments/payments/{name}.py" for name in names}
    for path, tree in modules().items():
        if path.startswith("layers/wechatpay"):
            assert "os" not in set(imported(tree)), path


def test_the_line_to_wechat_pay_takes_nothing_from_the_environment() -> None:
    makers = [
        tree for tree in modules().values() if any(called.endswith("Session") for called, _ in calls(tree))
    ]
    assert makers
    for tree in makers:  # proxies, .netrc and REQUESTS_CA_BUNDLE have no say
        assert re.search(r"\.trust_env = False$", ast.unparse(tree), re.MULTILINE)


BAD = {
    "TLS is checked as the libraries do it": [
        "requests.get(url, timeout=1, verify=False)",
        "session.verify = False",
        "context.verify_mode = ssl.CERT_NONE",
        "ssl._create_unverified_context()",
    ],
    "every request has a timeout": [
        "requests.get(url)",
        "self._session.request('GET', url)",
        "urllib.request.urlopen(url)",
    ],
    "time comes from one clock": ["datetime.now(UTC)", "datetime.datetime.utcnow()"],
    "no variable turns a check off": [
        "os.environ.get('WECHAT_SKIP_SIGNATURE')",
        "settings('NOTIFY_UNVERIFIED')",
    ],
}


@pytest.mark.parametrize(("rule", "line"), [(rule, line) for rule, lines in BAD.items() for line in lines])
def test_a_rule_sees_what_breaks_it(rule: str, line: str) -> None:
    assert RULES[rule](ast.parse(line))


@pytest.mark.parametrize("line", ["float(amount)", "amount / 100", "amount * 0.01", "round(amount, 2)"])
def test_inexact_money_is_seen(line: str) -> None:
    assert divisions(ast.parse(line)) or floats(ast.parse(line))
