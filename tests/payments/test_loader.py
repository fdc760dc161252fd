"""The loader against the corners of JSON: what has one reading is read so, all else is refused, and nothing in between."""

import contextlib
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from payments.api.json_body import load, load_members
from payments.api.request_bodies import Close, NewJsapiOrder, NewOrder, NewRefund
from payments.core.errors import InvalidRequestError, ParameterError

# Text that RFC 8259 does not know, by what is wrong with it; each is put where a value may stand.
NO_JSON = [
    *(
        "1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,,2]",
        '{"a":1,}',
        '{"a" 1}',
        '{"a":}',
        "{1:1}",
        "{a:1}",
        "{'a':1}",
        "{,}",
    ),
    *(
        '{"a":1 "b":2}',
        '{"a":1,,"b":2}',
        '{"a"}',
        '{"a"::1}',
        '{"a":1}}',
        "[1]]",
        "[",
        "]",
        "{",
        "}",
        '["a"',
        '{"a":1',
    ),
    *(
        "+1",
        "-",
        "--1",
        "-+1",
        "01",
        "-01",
        "00",
        "1.",
        ".1",
        "-.1",
        "1.e1",
        "1e",
        "1e+",
        "1E-",
        "1e1.5",
        "0x1",
    ),
    *(
        "0e",
        "0.e1",
        "1_0",
        "1\u00a0",
        "1a",
        "-a",
        "Infinity",
        "-Infinity",
        "NaN",
        "nan",
        "inf",
        "1eE2",
        "\uff11",
    ),
    *(
        "True",
        "FALSE",
        "nul",
        "nulll",
        "truefalse",
        "undefined",
        "None",
        "'a'",
        "`a`",
        "a",
        "$",
        "\\",
        "//",
        "#",
    ),
    *('"', '"a', '"\\"', '"\\x41"', '"\\a"', '"\\u"', '"\\u12"', '"\\u12g4"', '"\\U0041"', '"\\', '"a"b"'),
    *(
        '"\n"',
        '"\t"',
        '"\r"',
        '"\x00"',
        '"\x1f"',
        '"\x0b"',
        "\x0c1",
        "\x0b1",
        "\u20281",
        "\u00a01",
        "\ufeff1",
        "\x00",
    ),
    *("/**/1", "1//", "1/*x*/", "<!--1-->", "1;", "(1)", "@1", "*", "&1"),
]
NO_TEXT = {
    "latin-1": b'{"a":"\xe9"}',
    "an overlong slash": b'{"a":"\xc0\xaf"}',
    "an overlong NUL": b'{"a":"\xc0\x80"}',
    "a surrogate": b'{"a":"\xed\xa0\x80"}',
    "a pair of them": b'{"a":"\xed\xa0\x81\xed\xb0\x81"}',
    "beyond U+10FFFF": b'{"a":"\xf4\x90\x80\x80"}',
    "five bytes": b'{"a":"\xf8\x88\x80\x80\x80"}',
    "half a character": b'{"a":"\xe4\xb8"}',
    "a lone continuation": b'{"a":"\x80"}',
    "utf-16": '{"a":1}'.encode("utf-16"),
    "utf-16 without a mark": '{"a":1}'.encode("utf-16-le"),
    "utf-32": '{"a":1}'.encode("utf-32"),
    "a byte order mark": '{"a":1}'.encode("utf-8-sig"),
}
ONE_READING: dict[str, Any] = {
    "0": 0,
    "-0": 0,
    "1E2": Decimal("1E2"),
    "1e-2": Decimal("0.01"),
    "0e+1": Decimal("0E+1"),
    "123456789012345678901234567890": Decimal("123456789012345678901234567890"),
    "0.1": Decimal("0.1"),
    "1.10": Decimal("1.10"),
    "1e400": Decimal("1e400"),
    '""': "",
    '"\\u0000"': "\0",
    '"\\ud834\\udd1e"': "\U0001d11e",
    '"\\/\\b\\f\\n\\r\\t"': "/\b\f\n\r\t",
    '"\x7f"': "\x7f",
    '"\u2028"': "\u2028",
    '"\uffff"': "\uffff",
    '" [{\\"]} "': ' [{"]} ',
    "[]": [],
    "[ ]": [],
    "[[],[[]]]": [[], [[]]],
    '{"":0}': {"": 0},
    '{"a":1,"A":2}': {"a": 1, "A": 2},
    '{"__proto__":{}}': {"__proto__": {}},
    " \r\n\t1 ": 1,
    "null": None,
    "true": True,
}


@pytest.mark.share(3)
@pytest.mark.parametrize("text", NO_JSON, ids=ascii)
def test_what_is_not_json_is_refused_wherever_it_stands(text: str) -> None:
    for body in (text, f'{{"a":{text}}}', f'{{"a":[{text}]}}', f'{{"a":1}}{text}', f'{text}{{"a":1}}'):
        with pytest.raises(InvalidRequestError):
            load_members(body.encode())


@pytest.mark.parametrize("raw", NO_TEXT.values(), ids=NO_TEXT.keys())
def test_what_is_not_utf_8_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        load_members(raw)


@pytest.mark.parametrize("text", ONE_READING, ids=ascii)
def test_what_has_one_reading_is_read_so_digit_by_digit(text: str) -> None:
    read = load_members(f'{{"a":{text}}}'.encode())["a"]

    assert read == ONE_READING[text]
    assert str(read) == str(ONE_READING[text])


@given(st.binary(max_size=200) | st.text(max_size=120).map(str.encode))
@example(b'{"a":1e99999999999999999999}')
@example(b'{"a":' + b"9" * 5000 + b"}")
@example(b'{"a":' * 5000)
@example(b'{"\\ud800":1}')
@settings(max_examples=200, derandomize=True, deadline=None, database=None)
def test_any_bytes_are_read_as_everybody_reads_them_or_refused(raw: bytes) -> None:
    with contextlib.suppress(InvalidRequestError):
        members = load_members(raw)
        assert members == json.loads(raw.decode(), parse_float=Decimal, parse_int=Decimal)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), JSON, max_size=6))
@settings(max_examples=80, derandomize=True, deadline=None, database=None)
def test_what_others_write_is_read_back_whole(members: dict[str, Any]) -> None:
    for written in (json.dumps(members), json.dumps(members, ensure_ascii=False, indent=2)):
        if len(written) < 60_000 and written.count("[") + written.count("{") < 16:
            assert load_members(written.encode()) == members


STRUCTS = (NewOrder, NewJsapiOrder, NewRefund, Close)
ASSIGNED = [
    *(
        "status",
        "paid",
        "refunded",
        "refundable",
        "refunding",
        "version",
        "transaction_id",
        "transactionId",
        "tradeState",
    ),
    *(
        "out_trade_no",
        "content_id",
        "user_id",
        "sub",
        "scope",
        "mchid",
        "appid",
        "notify_url",
        "time_expire",
        "currency",
    ),
    *(
        "total",
        "fen",
        "amount.total",
        "history",
        "refunds",
        "due_at",
        "code_url",
        "prepay_id",
        "__class__",
        "__proto__",
    ),
    *(
        "constructor",
        "",
        " ",
        "amount ",
        "Amount",
        "AMOUNT",
        "outTradeNo\0",
        "\u0430mount",
        "latePaid",
        "late_paid",
    ),
]


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_no_body_sets_what_is_not_its_own(kind: type[msgspec.Struct]) -> None:
    for name in ASSIGNED:
        with pytest.raises(ParameterError, match="is not a known field") as refused:
            load(json.dumps({name: 1}).encode(), kind)
        assert refused.value.details["field"] == name


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=70), value=JSON)
@settings(max_examples=30, derandomize=True, deadline=None, database=None)
def test_a_name_that_nobody_knows_is_never_let_in(
    kind: type[msgspec.Struct], name: str, value: object
) -> None:
    if name in kind.__struct_encode_fields__:
        return
    with pytest.raises((ParameterError, InvalidRequestError)):
        load(json.dumps({name: value}).encode(), kind)
