"""Every refusal that WeChat Pay documents for a call: the simulator makes it by itself where something brings it about, else by a rule.

What a rule has to say is what a merchant's account, a buyer's or WeChat Pay's own servers are like: nothing of that is played here.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.merchant import Merchant, Response, served
from wechatpay_simulator import Credentials

REFERENCE = Path(__file__).parents[2] / "docs/simulator-reference.md"
BY_RULE = "| by [a rule]"
ANY_CALL = "400 PARAM_ERROR, 400 INVALID_REQUEST, 401 SIGN_ERROR, 429 FREQUENCY_LIMITED, 500 SYSTEM_ERROR"
# The current pages, then after the dash what only older editions have.
ORDER = (
    f"{ANY_CALL}, 400 APPID_MCHID_NOT_MATCH, 400 MCH_NOT_EXISTS, 400 ORDER_CLOSED, 403 NO_AUTH, 403 OUT_TRADE_NO_USED"
    " - 202 USER_PAYING, 400 ORDERPAID, 403 TRADE_ERROR, 403 RULE_LIMIT, 403 NOT_ENOUGH, 403 ACCOUNT_ERROR,"
    " 404 ORDER_NOT_EXIST, 500 OPENID_MISMATCH, 500 INVALID_TRANSACTIONID, 500 BANK_ERROR"
)
BILL = f"{ANY_CALL}, 400 NO_STATEMENT_EXIST, 400 STATEMENT_CREATING, 403 NO_AUTH"
DOCUMENTED = {
    "native": ORDER,
    "jsapi": ORDER,
    "h5": ORDER,
    "app": ORDER,
    "query": f"{ANY_CALL}, 400 MCH_NOT_EXISTS, 403 RULE_LIMIT, 403 TRADE_ERROR, 404 ORDER_NOT_EXIST",
    "close": (
        f"{ANY_CALL}, 400 MCH_NOT_EXISTS, 403 RULE_LIMIT, 403 TRADE_ERROR"
        " - 202 USER_PAYING, 400 ORDER_PAID, 400 APPID_MCHID_NOT_MATCH, 400 ORDER_CLOSED, 403 ACCOUNT_ERROR, 403 NO_AUTH,"
        " 403 NOT_ENOUGH, 403 OUT_TRADE_NO_USED, 404 ORDER_NOT_EXIST"
    ),
    "refund": f"{ANY_CALL}, 403 NOT_ENOUGH, 403 USER_ACCOUNT_ABNORMAL, 404 MCH_NOT_EXISTS, 404 RESOURCE_NOT_EXISTS",
    "refundQuery": f"{ANY_CALL}, 404 MCH_NOT_EXISTS, 404 RESOURCE_NOT_EXISTS",
    "abnormalRefund": f"{ANY_CALL}, 404 RESOURCE_NOT_EXISTS",
    "tradeBill": BILL,
    "fundFlowBill": BILL,
    "certificates": f"{ANY_CALL}, 404 RESOURCE_NOT_EXISTS",
    "echo": ANY_CALL,
}

Way = Callable[[Merchant], Response]
JSON: dict[str, str | None] = {"Content-Type": "application/json"}


def post(path: str, **body: Any) -> Way:
    return lambda merchant: posted(merchant, path, body)


def posted(merchant: Merchant, path: str, body: dict[str, Any]) -> Response:
    serial: dict[str, str | None] = {"Wechatpay-Serial": merchant.credentials.wechat_public_key_id}
    return merchant.call("POST", path, json.dumps(body).encode(), headers=JSON | serial)


def get(path: str, **query: str) -> Way:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return lambda merchant: merchant.call("GET", f"{path}?{text}" if text else path)


def order(merchant: Merchant, call: str, **changes: Any) -> dict[str, Any]:
    """A request of this kind of order that is in order, with `changes`."""
    if call == "h5":
        return merchant.h5_order(**changes)
    return merchant.order(**({"payer": {"openid": "oUpF8uMuAJO"}} if call == "jsapi" else {}) | changes)


def ordered(call: str, **changes: Any) -> Way:
    return lambda merchant: getattr(merchant, call)(order(merchant, call, **changes))


def twice(call: str, *, between: Callable[[Merchant, str], Any], **changes: Any) -> Way:
    """The order again, after something has happened to it."""

    def way(merchant: Merchant) -> Response:
        first = order(merchant, call)
        assert getattr(merchant, call)(first).status == 200
        between(merchant, first["out_trade_no"])
        return getattr(merchant, call)(first | changes)

    return way


def by_setting(way: Way, **settings: Any) -> Way:
    def changed(merchant: Merchant) -> Response:
        before = merchant.control("GET", "settings").json
        assert merchant.control("POST", "settings", settings).status == 200
        try:
            return way(merchant)
        finally:
            merchant.control("POST", "settings", {name: before[name] for name in settings})

    return changed


def expired(call: str) -> Way:
    def way(merchant: Merchant) -> Response:
        soon = datetime.fromtimestamp(merchant.clock.time() + 60, tz=UTC).isoformat(timespec="seconds")
        first = order(merchant, call, time_expire=soon)
        assert getattr(merchant, call)(first).status == 200
        merchant.advance(61)
        return getattr(merchant, call)(first)

    return way


def close_paid(merchant: Merchant) -> Response:
    return merchant.close(merchant.paid()["out_trade_no"])


def close_young(merchant: Merchant) -> Response:
    return merchant.close(merchant.placed()["out_trade_no"])


def refunds(count: int, **changes: Any) -> Way:
    """So many refunds of one paid order; the answer to the last."""

    def way(merchant: Merchant) -> Response:
        number = merchant.paid()["out_trade_no"]
        amount = {"refund": 1, "total": 100, "currency": "CNY"} | changes
        return [merchant.refund(out_trade_no=number, amount=amount) for _ in range(count)][-1]

    return way


def unsigned(method: str, path: str) -> Way:
    headers: dict[str, str | None] = {"Accept": "*/*", "User-Agent": "t"}
    return lambda merchant: merchant.send(method, path, b"", headers)


def without_accept(method: str, path: str) -> Way:
    return lambda merchant: merchant.call(method, path, headers={"Accept": None})


def today(merchant: Merchant, days: int) -> str:
    return datetime.fromtimestamp(merchant.clock.time() + 8 * 3600 - days * 86400, tz=UTC).date().isoformat()


def bill(path: str, days: int) -> Way:
    """Of so many days ago, asked for at two in the morning of Beijing."""

    def way(merchant: Merchant) -> Response:
        of_day = (merchant.clock.time() + 8 * 3600) % 86400
        merchant.advance((2 * 3600 - of_day) % 86400)
        return merchant.call("GET", f"{path}?bill_date={today(merchant, days)}")

    return way


REFUND = "/v3/refund/domestic/refunds"
SENT_ON = f"{REFUND}/50300000000000000000000000000/apply-abnormal-refund"
BILLS = {"tradeBill": "/v3/bill/tradebill", "fundFlowBill": "/v3/bill/fundflowbill"}
QUERY = "/v3/pay/transactions/out-trade-no/NOBODY-KNOWS"
AMOUNT = {"refund": 1, "total": 100, "currency": "CNY"}
PATHS = {
    **{kind: ("POST", f"/v3/pay/transactions/{kind}") for kind in ("native", "jsapi", "h5", "app")},
    "query": ("GET", QUERY),
    "close": ("POST", f"{QUERY}/close"),
    "refund": ("POST", REFUND),
    "refundQuery": ("GET", f"{REFUND}/NOBODY-KNOWS"),
    "abnormalRefund": ("POST", SENT_ON),
    "certificates": ("GET", "/v3/certificates"),
    "echo": ("POST", "/v3/security/echo"),
    **{kind: ("GET", path) for kind, path in BILLS.items()},
}
# By call and code: what brings it about without any rule.
BY_ITSELF: dict[tuple[str, str], Way] = {
    **{(call, "SIGN_ERROR"): unsigned(*where) for call, where in PATHS.items()},
    **{(call, "INVALID_REQUEST"): without_accept(*where) for call, where in PATHS.items()},
    **{(call, "PARAM_ERROR"): post(path) for call, (method, path) in PATHS.items() if method == "POST"},
    **{(call, "PARAM_ERROR"): get(path, x="1") for call, (method, path) in PATHS.items() if method == "GET"},
}
for kind in ("native", "jsapi", "h5", "app"):
    BY_ITSELF |= {
        (kind, "INVALID_REQUEST"): expired(kind),
        (kind, "APPID_MCHID_NOT_MATCH"): ordered(kind, appid="wx0000000000000000"),
        (kind, "ORDER_CLOSED"): twice(kind, between=lambda merchant, number: merchant.close(number)),
        (kind, "ORDERPAID"): twice(kind, between=lambda merchant, number: merchant.pay(outTradeNo=number)),
        (kind, "OUT_TRADE_NO_USED"): by_setting(
            twice(kind, between=lambda *_: None, description="another"),
            repostedDifferently="OUT_TRADE_NO_USED",
        ),
    }
for kind, path in BILLS.items():
    BY_ITSELF |= {
        (kind, "NO_STATEMENT_EXIST"): bill(path, 2),
        (kind, "STATEMENT_CREATING"): bill(path, 1),
    }
BY_ITSELF |= {
    ("query", "ORDER_NOT_EXIST"): lambda merchant: merchant.query("NOBODY-KNOWS"),
    ("close", "ORDER_PAID"): close_paid,
    ("close", "RULE_LIMIT"): by_setting(close_young, closeAfter=300),
    ("refund", "INVALID_REQUEST"): refunds(1, total=99),
    ("refund", "RESOURCE_NOT_EXISTS"): post(
        REFUND, out_trade_no="NOBODY-KNOWS", out_refund_no="R1", amount=AMOUNT
    ),
    ("refund", "FREQUENCY_LIMITED"): by_setting(refunds(2), minuteBetweenRefunds=True),
    ("refundQuery", "RESOURCE_NOT_EXISTS"): get(f"{REFUND}/NOBODY-KNOWS"),
    ("abnormalRefund", "RESOURCE_NOT_EXISTS"): post(SENT_ON, out_refund_no="R1", type="MERCHANT_BANK_CARD"),
    ("certificates", "RESOURCE_NOT_EXISTS"): get("/v3/certificates"),
}


# Before anybody looks at a signature, or because it does not hold. (An INVALID_REQUEST of the order's life is signed.)
UNSIGNED = {(400, "INVALID_REQUEST"), (401, "SIGN_ERROR")}


@pytest.fixture(scope="module")
def merchant(credentials: Credentials) -> Iterator[Merchant]:
    with served(credentials) as merchant:
        yield merchant


def by_rule(call: str, status: int, code: str) -> Way:
    method, path = PATHS[call]

    def way(merchant: Merchant) -> Response:
        rule = {"on": call, "effect": "status", "status": status, "code": code, "times": 1}
        assert merchant.control("POST", "faults", {"rules": [rule]}).status == 200
        return merchant.call(method, path)

    return way


def listed(call: str) -> list[tuple[int, str]]:
    refusals = [each.split() for each in DOCUMENTED[call].replace(" - ", ", ").split(", ")]
    return [(int(status), code) for status, code in refusals]


def test_each_documented_refusal_of_a_call_can_be_had_and_is_signed_unless_nobody_was_known(
    merchant: Merchant,
) -> None:
    for call in DOCUMENTED:
        for status, code in listed(call):
            answer = (BY_ITSELF.get((call, code)) or by_rule(call, status, code))(merchant)
            assert (answer.status, answer.code) == (status, code), (call, status, code)
            if "wechatpay-signature" in answer.headers:
                merchant.verify(answer.headers, answer.body)
            else:
                assert (status, code) in UNSIGNED, (call, status, code)


def test_what_is_had_without_a_rule_is_documented_for_that_call() -> None:
    assert all((call, code) in {(call, code) for _, code in listed(call)} for call, code in BY_ITSELF)


def test_each_call_is_here(merchant: Merchant) -> None:
    names = {each["name"] for each in merchant.control("GET", "coverage").json["endpoints"]}
    assert names - {"billDownload"} == DOCUMENTED.keys() == PATHS.keys()


def test_the_codes_that_only_a_rule_makes_are_named_in_the_reference(merchant: Merchant) -> None:
    known = {each["code"] for each in merchant.control("GET", "coverage").json["refusals"]}
    by_rule_alone = {code for call in DOCUMENTED for _, code in listed(call)} - known
    [row] = [line for line in REFERENCE.read_text(encoding="utf-8").splitlines() if line.startswith(BY_RULE)]
    assert by_rule_alone == set(re.findall(r"`([A-Z_]+)`", row))
