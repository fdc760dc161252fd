"""docs/answers.md, row by row: each answer of WeChat Pay, what our caller is told, what is kept. The real handlers, the real table."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from payments.core import identifiers
from payments.core.lifecycle import Status
from payments.core.payment import Payment, Refund
from sandbox.aws.access_control import ADMIN_ACCESS_KEY
from sandbox.aws.aws import Aws
from sandbox.deployed import Deployed
from tests.kit.aws_line import new_line
from tests.kit.payments import put
from tests.kit.script import SILENCE, UNCLEAR, Script, missing, order_object, refund_object
from tests.payments.calls import Calls
from tests.payments.stage import StagedWiring
from wechatpay.errors import RefusedError, UnknownOutcomeError

DOCUMENT = (Path(__file__).parents[2] / "docs/answers.md").read_text()
REFUSAL = re.compile(r"(\d{3}) `(\w+)`, (not )?signed(, behind a silent try)?(?:, for the third time)?$")


def rows(heading: str) -> list[dict[str, str]]:
    """The rows of the table under a heading, each by its columns' names."""
    section = DOCUMENT.split(f"## {heading}")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    names, _, *values = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert values
    return [dict(zip(names, row, strict=True)) for row in values]


def said(text: str) -> Exception | None:
    """The answer that a row speaks of; None for success."""
    if text.startswith(("success", "204", "`PROCESSING`")):
        return None
    if text.startswith("time-out"):
        return SILENCE
    if text.startswith("500"):
        return UNCLEAR
    if text.startswith(("429", "202")):
        return UnknownOutcomeError("unclear", code=text.split("`")[1], http_status=int(text[:3]))
    found = REFUSAL.fullmatch(text)
    assert found, text
    status, code, unsigned, behind = found.groups()
    refused = RefusedError(
        code=code, message="", http_status=int(status), request_id="R", proven=unsigned is None
    )
    refused.after_unknown = behind is not None
    return refused


@pytest.fixture
def calls(calls: Calls, deployed: tuple[Aws, Deployed], monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """By a clock that stands, for the document names whole seconds.

    With an operator's rights: four functions' handlers are called here, and pynamodb knows one caller at a time.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ADMIN_ACCESS_KEY)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    environment: dict[str, str] = {}
    for function in ("Native", "Close", "Refund", "AbnormalRefund"):
        environment |= deployed[1].functions[f"{function}Function"].environment
    with new_line():
        yield Calls(StagedWiring(environment), deployed[0])


@pytest.fixture
def script(calls: Calls) -> Script:
    calls.wiring.__dict__["wechat"] = (made := Script())
    return made


def read_order(script: Script, clause: str) -> None:
    """What a query finds, in the words of the document."""
    finds: dict[str, Any] = {
        "": SILENCE,
        "the query is not answered": SILENCE,
        "a query finds no such order": missing("ORDER_NOT_EXIST"),
        "a query finds it unpaid": order_object("NOTPAY"),
        "a query finds it paid": order_object("SUCCESS"),
        "a query finds it closed": order_object("CLOSED"),
    }
    script.query = finds[clause]


def told(calls: Calls, status: int, body: dict[str, Any]) -> str:
    """An answer of ours, in the words of the document."""
    if status == 503:
        return f"503, {calls.headers['retry-after']} s"
    return f"{status} `{body['code']}`" if status == 409 else str(status)


def create(calls: Calls, key: str) -> tuple[int, dict[str, Any]]:
    body = {"contentId": "c", "amount": 10, "subject": "A thing"}
    return calls.as_("shop", "payments:charge", "native", body=body, key=key)


@pytest.mark.parametrize("row", rows("Opening an order"), ids=lambda row: row["WeChat Pay answers"])
def test_opening_an_order(row: dict[str, str], calls: Calls, script: Script) -> None:
    answer, _, clause = row["WeChat Pay answers"].partition("; ")
    key = re.sub(r"\W", "-", " ".join(row.values()))
    read_order(script, clause)
    if row["send"] == "later":
        script.sends = [UNCLEAR]
        assert create(calls, key)[0] == 503
    script.sends = [said(answer)]
    status, body = create(calls, key)
    assert told(calls, status, body) == row["told"]
    scope = calls.wiring.settings.stack_scope
    number = identifiers.out_trade_no(scope=scope, route="native", caller="shop", key=key)
    assert stored(calls, number).status == row["order is then"]
    assert not script.sends


@pytest.mark.parametrize("row", rows("Closing an order"), ids=lambda row: row["WeChat Pay answers"])
def test_closing_an_order(row: dict[str, str], calls: Calls, script: Script) -> None:
    answer, _, clause = row["WeChat Pay answers"].partition("; ")
    read_order(script, clause)
    script.sends = [said("204, signed" if answer.startswith("204") else answer)]
    number = put(calls.wiring, Status.PENDING).out_trade_no
    status, body = calls.as_("shop", "payments:charge", "close", body={"outTradeNo": number})
    assert told(calls, status, body) == row["told"]
    assert stored(calls, number).status == row["order is then"]


@pytest.mark.parametrize("row", rows("Asking about an order"), ids=lambda row: row["WeChat Pay answers"])
def test_asking_about_an_order(row: dict[str, str], calls: Calls, script: Script) -> None:
    answer = row["WeChat Pay answers"]
    objects: dict[str, list[Any]] = {
        "paid": [order_object("SUCCESS")],
        "paid, and money went back before we heard of it (`REFUND`)": [order_object("REFUND")],
        "closed": [order_object("CLOSED")],
        "paid, without its currency": [order_object("SUCCESS", amount={"total": 1000})],
        "paid, another amount": [order_object("SUCCESS", amount={"total": 1, "currency": "CNY"})],
    }
    if answer.startswith("`NOTPAY`"):
        objects[answer] = [order_object(state) for state in re.findall(r"`(\w+)`", answer)]
    for query in objects.get(answer) or [said(answer)]:
        assert query is not None
        script.query = query
        number = put(calls.wiring, Status.PENDING).out_trade_no
        status, body = calls.as_("shop", "payments:charge", "query", number=number)
        what = f"200 `{body['data']['tradeState']}`" if status == 200 else told(calls, status, body)
        assert what == row["told"]
        assert stored(calls, number).status == row["order is then"]


@pytest.mark.parametrize(
    "row", rows("Refunding"), ids=lambda row: f"{row['WeChat Pay answers']}, {row['send']}"
)
def test_refunding(row: dict[str, str], calls: Calls, script: Script) -> None:
    answer, _, clause = row["WeChat Pay answers"].partition("; ")
    finds: dict[str, Any] = {
        "a query finds none": missing("RESOURCE_NOT_EXISTS"),
        "a query finds it": refund_object,
    }
    script.refund_query = finds.get(clause, SILENCE)
    number = put(calls.wiring, Status.PAID).out_trade_no

    def ask() -> tuple[int, dict[str, Any]]:
        body = {"outTradeNo": number, "refundAmount": 3}
        return calls.as_("office", "payments:refund", "refund", body=body, key="k")

    before: list[Exception | None] = [] if row["send"] == "first" else [SILENCE]
    if answer.endswith("for the third time"):
        before += [said(answer)] * 2
    for earlier in before:
        script.sends = [earlier]
        assert ask()[0] == 503
    script.sends = [said(answer)]
    status, body = ask()
    assert told(calls, status, body) == row["told"]
    assert state_of(*stored(calls, number).refunds.values()) == row["refund is then"]


@pytest.mark.parametrize(
    "row", rows("Sending an abnormal refund on"), ids=lambda row: row["WeChat Pay answers"]
)
def test_sending_an_abnormal_refund_on(row: dict[str, str], calls: Calls, script: Script) -> None:
    answer, _, clause = row["WeChat Pay answers"].partition("; ")
    script.keys = EncryptingKeys()
    calls.wiring.secrets.__dict__["keys"] = script.keys
    number = put(calls.wiring, Status.PAID).out_trade_no
    script.sends = [partial(refund_object, status="ABNORMAL")]
    body = {"outTradeNo": number, "refundAmount": 3}
    _, asked = calls.as_("office", "payments:refund", "refund", body=body)
    finds = {"a query finds it abnormal": "ABNORMAL", "a query finds it on its way": "PROCESSING"}
    script.refund_query = partial(refund_object, status=finds[clause]) if clause in finds else SILENCE

    script.sends = [said(answer)]
    body = {"outTradeNo": number, "outRefundNo": asked["data"]["outRefundNo"], "type": "MERCHANT_BANK_CARD"}
    status, told_to_caller = calls.as_("office", "payments:refund", "abnormal_refund", body=body)
    assert told(calls, status, told_to_caller) == row["told"]
    assert state_of(*stored(calls, number).refunds.values()) == row["refund is then"]


class EncryptingKeys:
    """Keys of which a call to the merchant's own account needs the name alone."""

    for_encryption = "PUB_KEY_ID_0"


def state_of(refund: Refund) -> str:
    """A refund, in the words of the document."""
    if refund.status != "REQUESTED":
        return refund.status.value
    if refund.refused is None:
        return "kept"
    return "never sent again, asked about" if refund.unsure else "never sent again"


def stored(calls: Calls, out_trade_no: str) -> Payment:
    found = calls.wiring.store.get(out_trade_no)
    assert found is not None
    return found
