"""Bills are read by the names of their columns, exactly, whatever their values hold; what cannot be read says where."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.core.books.bill_text import BillFormatError, Columns, Line, fee, fen, lines
from payments.core.books.bills import parse_fund, parse_trade
from payments.core.books.rows import FundRow, FundSums, TradeRow, TradeSums
from tests.books.bills import (
    ADDED,
    FUND_COLUMNS,
    MOVEMENT,
    PAYMENT,
    REFUND,
    TRADE_COLUMNS,
    TRADE_SUMS,
    fund_bill,
    trade_bill,
)

AWKWARD = ["a,b", "`", ",`", "a,`b,`c", "=1+1", "`,", ",", "", "《课程》"]


def trade(text: bytes) -> list[TradeRow | TradeSums]:
    return list(parse_trade(lines([text])))


def fund(text: bytes) -> list[FundRow | FundSums]:
    return list(parse_fund(lines([text])))


def test_a_payment_and_a_refund_are_read_to_the_fen():
    payment, refund, sums = trade(trade_bill(PAYMENT, REFUND))
    assert payment == TradeRow(
        line=2,
        at="2026-11-28 09:30:00",
        appid="wx1234567890abcdef",
        mchid="1900000001",
        transaction_id="4200000000202611280000000001",
        out_trade_no="WXA",
        trade_type="NATIVE",
        state="SUCCESS",
        currency="CNY",
        settlement_total=1990,
        coupon=0,
        fee=12000,
        total=1990,
        refund_total=0,
    )
    assert not payment.is_refund
    assert refund.is_refund
    assert (refund.line, refund.refund_id, refund.out_refund_no) == (3, "50000000382026112800000001", "RFA")
    assert (refund.refund_settlement, refund.refund_total, refund.fee) == (990, 990, -6000)
    assert refund.refund_state == "PROCESSING"
    assert sums == TradeSums(2, 0, 0, 0, 0, 0, 0)


def test_money_that_leaves_the_account_is_negative():
    fee_row = MOVEMENT | {
        "业务类型": "扣除交易手续费",
        "收支类型": "支出",
        "收支金额(元)": "0.12",
        "备注": "a,`b",
    }
    income, expense, sums = fund(fund_bill(MOVEMENT, fee_row))
    assert (income.amount, income.balance, income.wechat_number) == (
        1990,
        11990,
        MOVEMENT["微信支付业务单号"],
    )
    assert (expense.amount, expense.kind, expense.voucher) == (-12, "扣除交易手续费", "WXA")
    assert sums == FundSums(rows=2, income_rows=0, income=0, expense_rows=0, expense=0)


def test_a_bill_of_24_columns_has_no_totals():
    old = [column for column in TRADE_COLUMNS if column not in ADDED]
    row, sums = trade(trade_bill(PAYMENT, columns=old, sums_columns=TRADE_SUMS[:5]))
    assert (row.settlement_total, row.total, row.refund_total) == (1990, None, None)
    assert (sums.total, sums.refund_total) == (None, None)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", [True, False])
def test_line_ends_and_byte_order_marks_do_not_matter(end, mark):
    assert trade(trade_bill(PAYMENT, end=end, byte_order_mark=mark)) == trade(trade_bill(PAYMENT))


@pytest.mark.parametrize("text", AWKWARD)
@pytest.mark.parametrize("column", ["商品名称", "商户数据包"])
def test_what_a_subject_or_a_data_packet_holds_moves_no_other_value(column, text):
    assert trade(trade_bill(PAYMENT | {column: text})) == trade(trade_bill(PAYMENT))


@given(
    order=st.randoms(use_true_random=False),
    unknown=st.lists(st.sampled_from(["新列", "费率(新)", "Note"]), unique=True),
    subject=st.sampled_from([text for text in AWKWARD if ",`" not in text]),
)
def test_columns_may_stand_in_any_order_and_unknown_ones_among_them(order: random.Random, unknown, subject):
    columns = [*TRADE_COLUMNS, *unknown]
    order.shuffle(columns)
    rows = [PAYMENT | {"商品名称": subject, "新列": "9.99"}, REFUND]
    assert trade(trade_bill(*rows, columns=columns)) == trade(trade_bill(PAYMENT, REFUND))


@given(cuts=st.lists(st.integers(1, 900), max_size=20))
def test_the_pieces_that_a_bill_arrives_in_do_not_matter(cuts):
    text = trade_bill(PAYMENT, REFUND | {"商品名称": "《课程》,`"})
    places = sorted({min(cut, len(text)) for cut in cuts})
    pieces = [text[begin:end] for begin, end in zip([0, *places], [*places, len(text)], strict=True)]
    assert list(parse_trade(lines(pieces))) == trade(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0.01", 1),
        ("19.9", 1990),
        ("-3", -300),
        ("1.00000", 100),
        ("9999999999999.99", 999999999999999),
        ("", 0),
    ],
)
def test_yuan_become_fen_exactly(text, amount):
    assert fen(text) == amount


def test_a_fee_has_five_decimals():
    assert (fee("0.00001"), fee("-0.12345"), fee("1.1")) == (1, -12345, 110000)


@pytest.mark.parametrize(
    "text", ["1.001", "1e3", "1,000.00", "¥1", " 1", "１", "NaN", "+1", "1.", ".5", "--1", "0.123456789"]
)
def test_what_is_no_amount_is_named_with_its_line_and_column(text):
    with pytest.raises(
        BillFormatError, match=r"line 3, column 应结订单金额: (is no amount|has more than 2)"
    ) as told:
        trade(trade_bill(PAYMENT, PAYMENT | {"应结订单金额": text}))
    assert (told.value.line, told.value.column) == (3, "应结订单金额")


def without(column: str) -> list[str]:
    return [each for each in TRADE_COLUMNS if each != column]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "line 1: there is nothing in it"),
        (b"\xff\xfe,", "line 1: is not UTF-8"),
        (b"`1,`2\n", "line 1: a row stands where the names of the columns belong"),
        (trade_bill(columns=without("手续费")), "line 1, column 手续费: is missing"),
        (trade_bill(columns=[*TRADE_COLUMNS, "手续费"]), "line 1, column 手续费: stands there twice"),
        (trade_bill(PAYMENT).replace(b",`CNY", b""), "line 2: has 26 values for 27 columns"),
        (trade_bill(PAYMENT).partition("总交易单数".encode())[0], "line 2: the bill ends before its sums"),
        (trade_bill(PAYMENT).rpartition(b"\r\n`")[0], "line 3: the bill ends before its sums"),
        (trade_bill(PAYMENT) + b"`1\n", "line 5: something follows the sums"),
        (trade_bill(PAYMENT, sums_columns=["总交易单数"]), "line 3, column 应结订单总金额: is missing"),
        (b"x" * 70000, "line 1: is longer than 65536 bytes"),
    ],
)
def test_a_bill_that_cannot_be_read_says_where(text, sentence):
    with pytest.raises(BillFormatError) as told:
        trade(text)
    assert str(told.value) == sentence


def test_a_row_that_could_be_read_in_two_ways_is_not():
    columns = ["商品名称", *without("商品名称")]  # the free ones are no neighbours: which value is whose?
    with pytest.raises(BillFormatError, match="line 2: has 28 values for 27 columns"):
        trade(trade_bill(PAYMENT | {"商品名称": "a,`b"}, columns=columns))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"收支类型": "其他"}, "line 2, column 收支类型: is neither 收入 nor 支出"),
        ({"收支金额(元)": "-1.00"}, "line 2, column 收支金额(元): is below nought"),
    ],
)
def test_a_movement_whose_direction_is_in_doubt_is_not_guessed(change, sentence):
    with pytest.raises(BillFormatError) as told:
        fund(fund_bill(MOVEMENT | change))
    assert str(told.value) == sentence


def test_wide_brackets_in_a_column_s_name_are_brackets():
    wide = [column.replace("(", "（").replace(")", "）") for column in FUND_COLUMNS]
    values = {name: MOVEMENT.get(column, "") for name, column in zip(wide, FUND_COLUMNS, strict=True)}
    assert fund(fund_bill(values, columns=wide)) == fund(fund_bill(MOVEMENT))


def test_values_without_free_columns_are_counted_exactly():
    with pytest.raises(BillFormatError, match="has 3 values for 2 columns"):
        Columns(Line(1, "a,b"), ("a", "b")).values(Line(2, "`1,`2,`3"))
