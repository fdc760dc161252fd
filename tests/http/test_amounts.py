"""Amounts: from the text in a body to fen, and unchanged through every place that shows them."""

import json
import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from payments.api.json_body import load
from payments.api.request_bodies import NewOrder
from payments.core.money import MAX_FEN, AmountError, fen, yuan
from tests.thorough import many

pytestmark = pytest.mark.in_turn

DIGITS = "9" * 5000
METADATA = '{"price":1.10,"share":12345678901234567890.123,"count":123456789012345678901234567890,"rate":1.0}'

ACCEPTED = {
    "19.99": 1999,
    "100": 10000,
    "100.0": 10000,
    "100.00": 10000,
    "0.01": 1,
    "0.1": 10,
    "0.10": 10,
    "1": 100,
    "8.88": 888,
    "1000000": 100_000_000,
    "1000000.00": 100_000_000,
    "999999.99": 99_999_999,
    '"19.9"': 1990,
    '"19.99"': 1999,
    '"100"': 10000,
    '"0.01"': 1,
    '"0.10"': 10,
    '"1000000"': 100_000_000,
    '"1000000.00"': 100_000_000,
    '"\\u0031\\u0039.99"': 1999,
}

OUT_OF_BOUNDS = [
    *("1e-2", "1E-2", "1e0", "1E+0", "0.1e1", "10e-1", "1999e-2", "1.0e0"),
    *("1e2", "1E2", "1e1", "1E+2", "1.000", "0.001", "1e-3", "100e-4", "19.990", "0.009", "999999.999"),
    *("0", "-0", "0.0", "0.00", "-0.0", "-1", "-0.01", "-19.99", "1000000.01", "1000001", "1e7"),
    *("1e400", "-1e400", "1e-400", "1e3000000", "1e-3000000", "1E99999999", "0e3000000", "0e-3000000"),
    *(DIGITS, f"-{DIGITS}", f"0.{DIGITS}", f"{DIGITS}.01", "18446744073709551616", "9223372036854775808"),
]

NO_AMOUNTS = [
    *("true", "false", "null", "[]", "[1]", "[19.99]", "{}", '{"total":1999}', '{"amount":19.99}'),
    *('"1_000"', '" 1"', '"1 "', '"1\\n"', '"\\t1"', '"1\\u0000"', '"\\u00a01"', '""', '" "'),
    *('"019.9"', '"00"', '"01"', '".5"', '"5."', '"."', '"+1"', '"-1"', '"-0"', '"--1"', '"1.2.3"', '"1..2"'),
    *('"1,000.00"', '"1,5"', '"1e2"', '"1E2"', '"1e-2"', '"0x10"', '"NaN"', '"Infinity"', '"-Infinity"'),
    *('"0"', '"0.0"', '"0.00"', '"0.001"', '"1.000"', '"100.000"', '"1000000.01"', '"1000001"', '"9999999"'),
    *(
        '"10000000"',
        f'"{DIGITS}"',
        '"¥1"',
        '"1元"',
        '"１００"',
        '"１９.９"',
        '"1.２"',
        '"٣"',
        '"𝟏"',
        '"²"',
        '"½"',
        '"一"',
    ),
    *('"true"', '"null"', '"1/2"', '"%31"', '"1\\u200b"', '"\\u202e1"', '"\\ufeff1"'),
]

NO_JSON = [
    *("NaN", "-NaN", "Infinity", "-Infinity", "nan", "inf", "+1", ".5", "5.", "01", "-01", "00", "1_000"),
    *("1,000.00", "0x10", "1 000", "1e", "1e+", "--1", "- 1", "1.2.3", "１００", "¥1", "'1'", "undefined"),
    *("True", "None", "19.99f", "1n", "", "\\u0031", "1.-2"),
]


def body(amount):
    return f'{{"contentId":"content-1","subject":"A photograph","amount":{amount}}}'


@pytest.mark.share(5)
@pytest.mark.parametrize("text", ACCEPTED)
def test_an_amount_of_at_most_two_decimals_is_kept_as_exact_fen(shop, text):
    answer = shop.native(body(text))

    number, wanted = answer.data["outTradeNo"], ACCEPTED[text]
    assert f'"amount":{wanted // 100}.{wanted % 100:02d},' in answer.text
    assert shop.item(number)["amount"] == {"N": str(wanted)}
    assert shop.ledger()[number]["amount"]["total"] == wanted


@pytest.mark.share(10)
@pytest.mark.parametrize("text", [*OUT_OF_BOUNDS, *NO_AMOUNTS], ids=lambda text: ascii(text)[:24])
def test_what_is_no_amount_is_refused_by_its_field_and_opens_nothing(shop, nothing_created, text):
    answer = shop.native(body(text))

    assert answer.refusal == (400, "PARAM_ERROR", "amount")
    assert answer.json["error"] == f"amount {answer.json['details']['issue']}."


@pytest.mark.share(10)
@pytest.mark.parametrize("text", NO_JSON, ids=lambda text: ascii(text)[:24])
def test_an_amount_that_is_not_even_json_makes_the_whole_body_unreadable(shop, nothing_created, text):
    answer = shop.native(body(text))

    assert answer.refusal == (400, "INVALID_REQUEST", None)
    assert answer.json["details"] == {}


@pytest.mark.parametrize("text", ["1e99999999999999999999", "1e-99999999999999999999", f"1e{DIGITS}"])
def test_an_exponent_beyond_all_arithmetic_is_refused_as_well(shop, nothing_created, text):
    assert shop.native(body(text)).status == 400


def test_an_order_without_an_amount_is_refused(shop, nothing_created):
    answer = shop.native('{"contentId":"content-1","subject":"A photograph"}')

    assert (answer.status, answer.json) == (
        400,
        {
            "error": "amount is required.",
            "code": "PARAM_ERROR",
            "details": {"field": "amount", "issue": "is required"},
        },
    )


class Amounts(msgspec.Struct):
    """A body that is nothing but amounts."""

    all: list[Any]


def test_no_bad_amount_costs_more_time_than_a_good_one():
    for text in (*OUT_OF_BOUNDS, *NO_AMOUNTS):
        order = load(body(text).encode(), NewOrder)
        with pytest.raises(AmountError):
            fen(order.amount)


def test_every_amount_from_one_fen_to_ten_thousand_yuan_survives_unchanged():
    values = range(1, 1_000_001, many(1, instead=13))
    texts = [f"{value // 100}.{value % 100:02d}" for value in values]
    assert [fen(text) for text in texts] == list(values)
    assert [str(yuan(value)) for value in values] == texts


def test_as_numbers_in_a_body_amounts_are_the_same():
    values = [*range(1, 100_000, many(1, instead=13)), *range(100_000, 1_000_001, many(41, instead=401))]
    for start in range(0, len(values), 7000):  # as many as a body of 64 KB holds
        some = values[start : start + 7000]
        numbers = ",".join(f"{value // 100}.{value % 100:02d}" for value in some)
        assert [fen(number) for number in load(f'{{"all":[{numbers}]}}'.encode(), Amounts).all] == some


def test_the_shortest_way_to_write_an_amount_means_the_same():
    for value in (*range(1, 100_000, many(10, instead=90)), *range(100, 10_000_001, 9_900), MAX_FEN):
        short = f"{value / 100:.2f}".rstrip("0").rstrip(".")
        amounts = load(f'{{"all":[{short},"{short}"]}}'.encode(), Amounts)
        assert [fen(amount) for amount in amounts.all] == [value, value]


def test_answer_table_wechat_pay_query_and_details_all_agree_on_an_amount(shop):
    chance = random.Random(1999)
    values = [
        1,
        2,
        9,
        10,
        11,
        99,
        100,
        101,
        999,
        1000,
        1001,
        1005,
        1998,
        1999,
        2675,
        110_000,
        999_999,
        1_000_000,
    ]
    values += [chance.randrange(1, 1_000_001) for _ in range(many(22, instead=2))]

    def open_one(value):
        text = f"{value // 100}.{value % 100:02d}"
        written = chance.choice(
            [text, f'"{text}"', text.rstrip("0").rstrip("."), f'"{text.rstrip("0").rstrip(".")}"']
        )
        answer = shop.native(body(written))
        number = answer.data["outTradeNo"]
        return number, value, text, answer.text, shop.read("query", number), shop.read("payment", number)

    opened = [open_one(value) for value in values]

    ledger = shop.ledger()
    for number, value, text, answer, query, details in opened:
        assert f'"amount":{text},' in answer
        assert shop.item(number)["amount"] == {"N": str(value)}
        assert json.loads(shop.item(number)["wechat_request"]["S"])["amount"]["total"] == value
        assert ledger[number]["amount"]["total"] == value
        assert query.data["amount"] == {"total": value, "currency": "CNY"}
        assert details.data["amount"] == text


# ---- numbers of a product's own ----


def test_metadata_comes_back_digit_by_digit(shop):
    body = '{"userId": "exact", "contentId": "c", "amount": "1.00", "subject": "A lamp", "metadata": %s}'
    number = shop.native(body % METADATA).data["outTradeNo"]
    details = json.loads(shop.read("payment", number).body, parse_float=Decimal)["data"]["metadata"]
    written = json.loads(METADATA, parse_float=Decimal)
    assert {name: str(details[name]) for name in written} == {name: str(written[name]) for name in written}

    (created,) = shop.events(number)
    assert f'"metadata":{METADATA}' in created["detail_text"]
    shown = shop.port.send("GET", "/_sandbox/events", headers=[("Host", "127.0.0.1")])
    assert f'"metadata":{METADATA}' in shown.text
