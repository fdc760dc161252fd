"""Idempotency-Key: one key of one caller is one order, whatever is lost, repeated or sent at once."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.in_turn


@pytest.fixture
def key():
    return f"key-{secrets.token_hex(8)}"


@pytest.fixture
def order():
    """For a buyer of its own, since what a buyer has open is limited."""
    user_id = f"user-{secrets.token_hex(4)}"
    return {"userId": user_id, "contentId": "content-1", "amount": 19.99, "subject": "A photograph"}


def test_the_same_key_and_body_is_the_same_order_and_code(shop, key, order):
    first = shop.native(order, key=key).data
    again = shop.native(order, key=key).data

    assert again == first
    assert first["outTradeNo"].startswith("WX")
    assert len(first["outTradeNo"]) == 28
    assert [exchange.method for exchange in shop.wire.about(first["outTradeNo"])] == ["POST"]
    assert shop.item(first["outTradeNo"])["version"] == {"N": "2"}
    assert shop.event_names(first["outTradeNo"]) == ["PaymentCreated"]


def test_the_same_order_in_other_words_is_the_same_order(shop, key, order):
    first = shop.native(order, key=key).data
    for words in (
        json.dumps(dict(reversed(order.items())), indent=3),
        json.dumps(order | {"amount": "19.99"}),
        json.dumps(order).replace("photo", "\\u0070hoto"),
        json.dumps(order | {"metadata": None, "body": None}),
    ):
        assert shop.native(words, key=key).data == first


def test_the_key_may_come_under_a_header_of_any_case(shop, key, order):
    first = shop.native(order, key=key).data

    assert shop.native(order, headers=[("IDEMPOTENCY-KEY", key)]).data == first
    assert shop.native(order, headers=[("idempotency-key", key)]).data == first


def test_without_a_key_and_a_named_buyer_every_order_is_a_new_one(shop, order):
    del order["userId"]
    numbers = {shop.native(order).data["outTradeNo"] for _ in range(5)}

    assert len(numbers) == 5


def test_keys_are_taken_exactly(shop, key, order):
    keys = [key, key.upper(), key + "x", key[:-1], f'"{key}"', f"{key},{key}"]
    numbers = {shop.native(order, key=one).data["outTradeNo"] for one in keys}

    assert len(numbers) == len(keys)


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"amount": 20},
            {"amount": 19.98},
            {"amount": "0.01"},
            {"contentId": "content-2"},
            {"subject": "A photo"},
        ),
        *(
            {"userId": "user-2"},
            {"userId": None},
            {"body": "framed"},
            {"metadata": {"shelf": "B"}},
            {"metadata": {}},
        ),
    ],
    ids=str,
)
def test_another_body_under_the_same_key_is_refused_and_changes_nothing(shop, key, change, order):
    number = shop.native(order, key=key).data["outTradeNo"]
    before, census = shop.item(number), shop.census()

    answer = shop.native(order | change, key=key)

    assert answer.refusal == (422, "IDEMPOTENCY_MISMATCH", None)
    assert (shop.item(number), shop.census()) == (before, census)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"size":1.5}', '{"size":"1.5"}'),
        ('{"size":1}', '{"size":"1"}'),
        ('{"size":1}', '{"size":true}'),
        ('{"size":null}', "{}"),
        ('{"size":12345678901234567890123}', '{"size":"12345678901234567890123"}'),
        ('{"size":[1,2]}', '{"size":[2,1]}'),
        ('{"size":""}', '{"size":null}'),
    ],
)
def test_other_metadata_under_the_same_key_is_another_body(shop, key, one, other, order):
    def with_metadata(text):
        return json.dumps(order)[:-1] + f',"metadata":{text}}}'

    assert shop.native(with_metadata(one), key=key).status == 200
    assert shop.native(with_metadata(other), key=key).refusal == (422, "IDEMPOTENCY_MISMATCH", None)


def test_one_key_of_two_callers_is_two_orders(shop, key, order):
    buyer = f"buyer-{secrets.token_hex(4)}"
    quote = shop.sandbox.tokens.quote(buyer, "content-1", 1999)
    first = shop.native(order, key=key).data
    second = shop.native(order, key=key, token=shop.token("another-backend", "payments:charge")).data
    third = shop.native(order | {"userId": buyer, "quote": quote}, key=key, token=shop.buyer(buyer)).data

    assert len({one["outTradeNo"] for one in (first, second, third)}) == 3
    assert len({one["codeUrl"] for one in (first, second, third)}) == 3


def test_a_new_quote_does_not_make_it_another_order(shop, key, order):
    buyer = f"buyer-{secrets.token_hex(4)}"
    now = int(shop.sandbox.clock.time())
    quotes = [shop.sandbox.tokens.quote(buyer, "content-1", 1999, exp=now + life) for life in (300, 600)]
    order |= {"userId": buyer}
    data = [shop.native(order | {"quote": quote}, key=key, token=shop.buyer(buyer)).data for quote in quotes]

    assert data[0] == data[1]


def test_a_paid_order_is_not_opened_again(shop, key, order):
    number = shop.native(order, key=key).data["outTradeNo"]
    shop.pay(number)
    before = shop.item(number)

    answer = shop.native(order, key=key)

    assert answer.refusal == (409, "ORDERPAID", None)
    assert answer.json["details"] == {"outTradeNo": number}
    assert shop.item(number) == before
    assert shop.native(order | {"amount": 1}, key=key).refusal == (422, "IDEMPOTENCY_MISMATCH", None)


def test_twenty_at_once_under_one_key_open_one_order(shop, key, order):
    census = shop.census()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: shop.native(order, key=key), range(20)))

    good = [answer.data for answer in answers if answer.status == 200]
    assert good
    assert all(data == good[0] for data in good)
    for answer in answers:
        if answer.status != 200:
            assert answer.refusal == (503, "SYSTEMERROR", None)
            assert int(answer.headers["retry-after"]) >= 1
    number = good[0]["outTradeNo"]
    assert shop.census() == (census[0] + 1, census[1] + 1)
    assert [entry["M"]["to"]["S"] for entry in shop.item(number)["history"]["L"]] == ["CREATING", "PENDING"]
    assert shop.event_names(number) == ["PaymentCreated"]
    assert shop.native(order, key=key).data == good[0]


def test_when_wechat_pay_says_nothing_the_order_waits_and_the_same_bytes_go_out_again(shop, key, order):
    census = shop.census()
    with shop.wire.wechat_pay_down():
        answer = shop.native(order, key=key)
    assert answer.refusal == (503, "SYSTEMERROR", None)
    assert int(answer.headers["retry-after"]) >= 1
    assert shop.census()[0] == census[0] + 1

    shop.sandbox.clock.advance(16)  # by then, nobody can still be waiting for WeChat Pay's answer
    number = shop.native(order, key=key).data["outTradeNo"]

    sent = shop.wire.about(number)
    assert [exchange.answer.status for exchange in sent] == [
        502,
        502,
        200,
    ]  # main host, backup host, and again
    assert len({exchange.body for exchange in sent}) == 1
    assert shop.item(number)["wechat_request"]["S"].encode() == sent[0].body
    assert shop.census()[0] == census[0] + 1
    assert list(shop.ledger()).count(number) == 1
