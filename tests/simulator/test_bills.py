"""Bills: a day's payments and refunds as rows, sums that are right, and the refusals around them."""

import gzip
import hashlib
import random
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

BEIJING = timezone(timedelta(hours=8))
DAY = 86400


def today(merchant: Any) -> datetime:
    return datetime.fromtimestamp(merchant.clock.time(), tz=BEIJING)


def advance_to(merchant: Any, hour: int, *, days: int = 1) -> str:
    """Move to that hour of a later day; the day that it is now."""
    now = today(merchant)
    then = (now + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)
    merchant.advance((then - now).total_seconds() + 1)
    return now.date().isoformat()


@pytest.fixture
def merchant(merchant: Any) -> Any:
    """At noon of a Beijing day: what a test does happens on one day."""
    advance_to(merchant, 12)
    return merchant


def link(merchant: Any, bill: str = "tradebill", **query: str) -> Any:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return merchant.call("GET", f"/v3/bill/{bill}" + ("?" + text if text else ""))


def fetched(merchant: Any, url: str) -> Any:
    return merchant.call("GET", url.removeprefix(merchant.url))


def bill(
    merchant: Any, day: str, kind: str = "tradebill", **query: str
) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The rows of a bill and its sums, by the names of their columns."""
    told = link(merchant, kind, bill_date=day, **query)
    assert told.status == 200, told.body
    text = fetched(merchant, told.json["download_url"]).body
    assert hashlib.sha1(text).hexdigest() == told.json["hash_value"]
    return parsed(text)


def parsed(text: bytes) -> tuple[list[dict[str, str]], dict[str, str]]:
    lines = text.decode("utf-8-sig").splitlines()
    names, sums = lines[0].split(","), lines[-2].split(",")

    def values(line: str) -> list[str]:
        return line.removeprefix("`").split(",`")

    rows = [dict(zip(names, values(line), strict=True)) for line in lines[1:-2]]
    return rows, dict(zip(sums, values(lines[-1]), strict=True))


def test_a_payment_and_its_refund_are_two_rows_of_their_day(merchant: Any) -> None:
    order = merchant.paid(
        description="公仔, 大号", amount={"total": 1000, "currency": "CNY"}, attach="a`b\nc"
    )
    refund = merchant.refund(
        out_trade_no=order["out_trade_no"], amount={"refund": 400, "total": 1000, "currency": "CNY"}
    ).json
    merchant.advance(5)
    day = advance_to(merchant, 10)
    (paid, back), sums = bill(merchant, day)
    assert len(paid) == 27
    assert paid["交易时间"] == order["success_time"][:19].replace("T", " ")
    assert (paid["微信订单号"], paid["商户订单号"]) == (order["transaction_id"], order["out_trade_no"])
    assert (paid["交易类型"], paid["交易状态"], paid["货币种类"]) == ("NATIVE", "SUCCESS", "CNY")
    assert (paid["应结订单金额"], paid["订单金额"], paid["退款金额"]) == ("10.00", "10.00", "0.00")
    assert (paid["商品名称"], paid["商户数据包"]) == ("公仔, 大号", "a`b\\nc")
    assert (paid["微信退款单号"], paid["退款状态"], paid["手续费"], paid["费率"]) == (
        "0",
        "",
        "0.06000",
        "0.60%",
    )
    assert (back["微信退款单号"], back["商户退款单号"]) == (refund["refund_id"], refund["out_refund_no"])
    assert (back["交易状态"], back["退款金额"], back["申请退款金额"], back["订单金额"]) == (
        "REFUND",
        "4.00",
        "4.00",
        "0.00",
    )
    assert (back["退款类型"], back["退款状态"], back["手续费"]) == ("ORIGINAL", "SUCCESS", "-0.02000")
    assert sums == {
        "总交易单数": "2",
        "应结订单总金额": "10.00",
        "退款总金额": "4.00",
        "充值券退款总金额": "0.00",
        "手续费总金额": "0.04000",
        "订单总金额": "10.00",
        "申请退款总金额": "4.00",
    }


def test_the_fund_flow_has_fees_of_their_own_and_a_balance(merchant: Any) -> None:
    order = merchant.paid(amount={"total": 1000, "currency": "CNY"})
    refund = merchant.refund(
        out_trade_no=order["out_trade_no"], amount={"refund": 1000, "total": 1000, "currency": "CNY"}
    ).json
    day = advance_to(merchant, 10)
    rows, sums = bill(merchant, day, "fundflowbill")
    assert [(row["业务类型"], row["收支类型"], row["收支金额(元)"], row["账户结余(元)"]) for row in rows] == [
        ("交易", "收入", "10.00", "10.00"),
        ("扣除交易手续费", "支出", "0.06", "9.94"),
        ("退款", "支出", "9.94", "0.00"),
    ]
    assert rows[0]["微信支付业务单号"] == rows[1]["微信支付业务单号"] == order["transaction_id"]
    assert (rows[2]["微信支付业务单号"], rows[2]["业务凭证号"]) == (
        refund["refund_id"],
        refund["out_refund_no"],
    )
    assert rows[2]["备注"] == "退款总金额10.00元;含手续费0.06元"
    assert sums == {
        "资金流水总笔数": "3.0",
        "收入笔数": "1.0",
        "收入金额": "10.00",
        "支出笔数": "2.0",
        "支出金额": "10.00",
    }


def test_of_the_merchants_three_accounts_only_the_basic_one_has_movements(merchant: Any) -> None:
    merchant.paid()
    day = advance_to(merchant, 10)
    assert link(merchant, "fundflowbill", bill_date=day, account_type="BASIC").status == 200
    for account in ("OPERATION", "FEES"):
        told = link(merchant, "fundflowbill", bill_date=day, account_type=account)
        assert (told.status, told.code) == (400, "NO_STATEMENT_EXIST")


@pytest.mark.parametrize("seed", range(3))
def test_a_random_day_balances_in_both_bills(merchant: Any, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(12):
        total = draw.randint(1, 5000)
        coupon = draw.randint(0, total // 2)
        means = {"coupons": [{"amount": coupon, "type": draw.choice(["CASH", "NOCASH"])}]} if coupon else {}
        placed = merchant.placed(amount={"total": total, "currency": "CNY"})
        assert merchant.pay(codeUrl=placed["code_url"], **means).status == 200
        left = total
        while left and draw.random() < 0.6:
            part = draw.randint(1, left)
            answer = merchant.refund(
                out_trade_no=placed["out_trade_no"],
                amount={"refund": part, "total": total, "currency": "CNY"},
            )
            assert answer.status == 200, answer.body
            left -= part
    day = advance_to(merchant, 10)
    trades, sums = bill(merchant, day)
    funds, fund_sums = bill(merchant, day, "fundflowbill")
    settled = Decimal(sums["应结订单总金额"]) - Decimal(sums["退款总金额"]) - Decimal(sums["手续费总金额"])
    assert settled == Decimal(fund_sums["收入金额"]) - Decimal(fund_sums["支出金额"])
    assert settled == Decimal(funds[-1]["账户结余(元)"])
    for column, name in (
        ("订单金额", "订单总金额"),
        ("申请退款金额", "申请退款总金额"),
        ("手续费", "手续费总金额"),
    ):
        assert sum(Decimal(row[column]) for row in trades) == Decimal(sums[name])


def test_a_day_has_what_happened_from_midnight_to_midnight_in_beijing(merchant: Any) -> None:
    now = today(merchant)
    merchant.control("POST", "settings", {"refundAfter": None})
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    merchant.advance((midnight - now).total_seconds() - 60)
    late = merchant.paid()
    merchant.advance(120)
    early = merchant.paid()
    merchant.refund(out_trade_no=late["out_trade_no"], amount={"refund": 1, "total": 100, "currency": "CNY"})
    first, second = now.date().isoformat(), midnight.date().isoformat()
    advance_to(merchant, 10)
    assert [row["商户订单号"] for row in bill(merchant, first)[0]] == [late["out_trade_no"]]
    rows, _ = bill(merchant, second)
    assert [(row["商户订单号"], row["交易状态"]) for row in rows] == [
        (early["out_trade_no"], "SUCCESS"),
        (late["out_trade_no"], "REFUND"),
    ]


def test_a_bill_is_not_there_before_ten_and_not_of_a_day_without_any(merchant: Any) -> None:
    merchant.paid()
    day = advance_to(merchant, 8)
    assert (link(merchant, bill_date=day).status, link(merchant, bill_date=day).code) == (
        400,
        "STATEMENT_CREATING",
    )
    advance_to(merchant, 10, days=0)
    assert link(merchant, bill_date=day).status == 200
    before = (datetime.fromisoformat(day) - timedelta(days=1)).date().isoformat()
    assert (link(merchant, bill_date=before).status, link(merchant, bill_date=before).code) == (
        400,
        "NO_STATEMENT_EXIST",
    )


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"bill_date": "2026-13-01"},
        {"bill_date": "20261128"},
        {"bill_date": "2020-01-01"},
        {"bill_date": "2999-01-01"},
        {"bill_date": "DAY", "bill_type": "SOME"},
        {"bill_date": "DAY", "tar_type": "ZIP"},
        {"bill_date": "DAY", "mchid": "1"},
    ],
)
@pytest.mark.parametrize("kind", ["tradebill", "fundflowbill"])
def test_what_no_bill_can_be_is_refused(merchant: Any, kind: str, query: dict[str, str]) -> None:
    merchant.paid()
    day = advance_to(merchant, 10)
    answer = link(merchant, kind, **{name: day if value == "DAY" else value for name, value in query.items()})
    assert (answer.status, answer.code) == (400, "PARAM_ERROR")


def test_today_has_no_bill(merchant: Any) -> None:
    merchant.paid()
    answer = link(merchant, bill_date=today(merchant).date().isoformat())
    assert (answer.status, answer.code) == (400, "PARAM_ERROR")


def test_a_link_lives_five_minutes_and_its_file_is_not_signed(merchant: Any) -> None:
    merchant.paid()
    day = advance_to(merchant, 10)
    told = link(merchant, bill_date=day, tar_type="GZIP")
    merchant.verify(told.headers, told.body)
    file = fetched(merchant, told.json["download_url"])
    assert "wechatpay-signature" not in file.headers
    assert hashlib.sha1(gzip.decompress(file.body)).hexdigest() == told.json["hash_value"]
    merchant.advance(299)
    assert fetched(merchant, told.json["download_url"]).status == 200
    merchant.advance(1)
    assert (
        fetched(merchant, told.json["download_url"]).status,
        fetched(merchant, told.json["download_url"]).code,
    ) == (404, "RESOURCE_NOT_EXISTS")


def test_a_bill_stays_as_it_was_made(merchant: Any) -> None:
    merchant.control("POST", "settings", {"refundAfter": None})
    order = merchant.paid()
    refund = merchant.refund(
        out_trade_no=order["out_trade_no"], amount={"refund": 1, "total": 100, "currency": "CNY"}
    ).json
    day = advance_to(merchant, 10)
    first = bill(merchant, day)
    merchant.control("POST", "refund", {"outRefundNo": refund["out_refund_no"], "status": "SUCCESS"})
    assert bill(merchant, day) == first
    assert first[0][1]["退款状态"] == "PROCESSING"


def test_the_bills_of_payments_and_of_refunds_are_parts_of_the_whole(merchant: Any) -> None:
    order = merchant.paid()
    merchant.refund(out_trade_no=order["out_trade_no"], amount={"refund": 1, "total": 100, "currency": "CNY"})
    day = advance_to(merchant, 10)
    (paid,), sums = bill(merchant, day, bill_type="SUCCESS")
    assert (len(paid), list(sums)) == (20, ["总交易单数", "应结订单总金额", "手续费总金额", "订单总金额"])
    (back,), _ = bill(merchant, day, bill_type="REFUND")
    assert len(back) == 29
    assert back["退款申请时间"] == back["交易时间"]
    assert back["退款成功时间"] > back["退款申请时间"]


def test_a_refund_that_was_closed_comes_back_to_the_account(merchant: Any) -> None:
    order = merchant.paid(amount={"total": 1000, "currency": "CNY"})
    merchant.control("POST", "settings", {"refundAfter": None})
    refund = merchant.refund(
        out_trade_no=order["out_trade_no"], amount={"refund": 500, "total": 1000, "currency": "CNY"}
    ).json
    merchant.control("POST", "refund", {"outRefundNo": refund["out_refund_no"], "status": "CLOSED"})
    day = advance_to(merchant, 10)
    rows, _ = bill(merchant, day, "fundflowbill")
    assert [(row["业务类型"], row["收支金额(元)"]) for row in rows][2:] == [
        ("退款", "4.97"),
        ("退款退回", "4.97"),
    ]
    assert rows[-1]["账户结余(元)"] == "9.94"
    assert bill(merchant, day)[0][1]["退款状态"] == "FAIL"


def test_what_is_planted_is_in_the_bill_and_in_its_sums(merchant: Any) -> None:
    dropped, altered = merchant.paid(), merchant.paid()
    day = advance_to(merchant, 10)
    changes = [
        {"drop": {"商户订单号": dropped["out_trade_no"]}},
        {"alter": {"商户订单号": altered["out_trade_no"]}, "to": {"订单金额": "7.00"}},
        {"add": {"商户订单号": "somebody", "交易状态": "SUCCESS", "订单金额": "1.00"}},
    ]
    planted = merchant.control("POST", "bills", {"date": day, "bill": "trade", "changes": changes})
    assert planted.json["planted"] == [{"date": day, "bill": "trade", "changes": changes}]
    rows, sums = bill(merchant, day)
    assert [(row["商户订单号"], row["订单金额"]) for row in rows] == [
        (altered["out_trade_no"], "7.00"),
        ("somebody", "1.00"),
    ]
    assert (sums["总交易单数"], sums["订单总金额"]) == ("2", "8.00")
    assert merchant.control("DELETE", "bills").json["planted"] == []
    assert len(bill(merchant, day)[0]) == 2


def test_bills_are_written_in_either_form(merchant: Any) -> None:
    merchant.paid()
    day = advance_to(merchant, 10)
    told = link(merchant, bill_date=day).json
    usual = fetched(merchant, told["download_url"]).body
    assert usual.startswith(b"\xef\xbb\xbf")
    assert usual.endswith(b"\r\n")
    merchant.control("POST", "bills", {"byteOrderMark": False, "crlf": False, "oldLayout": True})
    told = link(merchant, bill_date=day).json
    other = fetched(merchant, told["download_url"]).body
    assert not other.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in other
    rows, sums = parsed(other)
    assert (len(rows[0]), len(sums)) == (24, 5)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            {"date": "yesterday", "bill": "trade", "changes": [{"add": {"商户号": "1"}}]},
            "date is a Beijing day, as 2026-11-28.",
        ),
        (
            {"date": "2026-11-28", "bill": "fees", "changes": [{"add": {"商户号": "1"}}]},
            "bill is one of trade, fundflow.",
        ),
        ({"date": "2026-11-28", "bill": "trade", "changes": []}, "changes is a list that is not empty."),
        (
            {"date": "2026-11-28", "bill": "trade", "changes": [{"alter": {"商户号": "1"}}]},
            'changes[0] is {"drop": row}, {"alter": row, "to": row} or {"add": row}.',
        ),
        (
            {"date": "2026-11-28", "bill": "trade", "changes": [{"drop": {"商户": "1"}}]},
            "changes[0].drop.商户 is no column of this bill;",
        ),
        (
            {"date": "2026-11-28", "bill": "trade", "changes": [{"drop": {"商户号": 1}}]},
            "changes[0].drop is an object of texts, by the names of columns.",
        ),
        ({"crlf": "yes"}, "crlf is true or false."),
        ({"lines": 3}, "There is no member 'lines' here;"),
    ],
)
def test_a_control_that_is_none_says_why(shared_merchant: Any, body: dict[str, Any], sentence: str) -> None:
    answer = shared_merchant.control("POST", "bills", body)
    assert answer.status == 400
    assert answer.json["error"].startswith(sentence)
    assert shared_merchant.control("GET", "bills").json["planted"] == []


def test_a_refund_in_the_console_is_a_refund_like_others(merchant: Any, receiver: Any) -> None:
    order = merchant.paid(notify_url=receiver.url)
    made = merchant.control("POST", "console_refund", {"outTradeNo": order["out_trade_no"], "amount": 30})
    assert made.status == 200, made.body
    assert merchant.query_refund(made.json["out_refund_no"]).json["amount"]["refund"] == 30
    receiver.wait(2)
    assert (
        merchant.control("POST", "console_refund", {"outTradeNo": order["out_trade_no"], "amount": 71}).status
        == 409
    )
    assert merchant.control("POST", "console_refund", {"outTradeNo": "nobody's", "amount": 1}).status == 409
    assert (
        merchant.control("POST", "console_refund", {"outTradeNo": order["out_trade_no"], "amount": 0}).status
        == 400
    )
    day = advance_to(merchant, 10)
    assert bill(merchant, day)[0][1]["商户退款单号"] == made.json["out_refund_no"]
