"""Whatever a caller sends: the right refusal, naming the field; never our fault, and never half an order."""

import gzip
import json
import random
import secrets
import time

import pytest

pytestmark = pytest.mark.in_turn

GOOD = {"contentId": "content-1", "amount": "1.00", "subject": "A photograph"}
TEXT = json.dumps(GOOD)
OPEN = TEXT[:-1]  # to be continued with further members
HOURGLASS = "\U0000231b"
EMOJI = "\U0001f600"
RARE = "\U00020bb7"


def with_(**members):
    return GOOD | members


def without(name):
    return {key: value for key, value in GOOD.items() if key != name}


UNREADABLE = {
    "empty": b"",
    "only spaces": b" \r\n\t ",
    "a word": b"hello",
    "a form": b"contentId=content-1&amount=1.00&subject=s",
    "xml": b"<xml><amount>1</amount></xml>",
    "cut short": TEXT[:-1].encode(),
    "one too many": TEXT.encode() + b"}",
    "two objects": TEXT.encode() * 2,
    "something behind": TEXT.encode() + b"\x00",
    "an array": b"[]",
    "an order in an array": f"[{TEXT}]".encode(),
    "a string": b'"text"',
    "an order in a string": json.dumps(TEXT).encode(),
    "null": b"null",
    "a number": b"1",
    "true": b"true",
    "single quotes": TEXT.replace('"', "'").encode(),
    "a comment": b"/* order */" + TEXT.encode(),
    "a trailing comma": (OPEN + ",}").encode(),
    "a bare name": b'{contentId:"content-1"}',
    "the same member twice": (OPEN + ',"amount":"1.00"}').encode(),
    "the same member twice, other price": (OPEN + ',"amount":0.01}').encode(),
    "the same member twice, once escaped": (OPEN + ',"\\u0061mount":0.01}').encode(),
    "the same member twice in metadata": (OPEN + ',"metadata":{"a":1,"a":2}}').encode(),
    "the same member twice, deep": (OPEN + ',"metadata":{"x":[{"y":{"a":1,"b":2,"a":1}}]}}').encode(),
    "too deep": (OPEN + ',"metadata":{"x":' + "[" * 15 + "]" * 15 + "}}").encode(),
    "far too deep": b"[" * 60_000,
    "far too deep in a member": (OPEN + ',"metadata":' + '{"a":' * 12_000).encode(),
    "closed before it is open": b"]" * 30_000 + b"[" * 30_000,
    "NaN in metadata": (OPEN + ',"metadata":{"x":NaN}}').encode(),
    "Infinity in metadata": (OPEN + ',"metadata":{"x":[-Infinity]}}').encode(),
    "a raw line feed in a string": TEXT.replace("photograph", "photo\ngraph").encode(),
    "a raw tab in a string": TEXT.replace("photograph", "photo\tgraph").encode(),
    "a raw NUL in a string": TEXT.replace("photograph", "photo\0graph").encode(),
    "an unknown escape": TEXT.replace("photograph", "\\x41").encode(),
    "a broken escape": TEXT.replace("photograph", "\\u12g4").encode(),
    "latin-1": json.dumps(with_(subject="Café"), ensure_ascii=False).encode("latin-1"),
    "gbk": json.dumps(with_(subject="照片"), ensure_ascii=False).encode("gbk"),
    "utf-16": TEXT.encode("utf-16"),
    "utf-16-le": TEXT.encode("utf-16-le"),
    "utf-16-be": TEXT.encode("utf-16-be"),
    "utf-32": TEXT.encode("utf-32"),
    "utf-32-be": TEXT.encode("utf-32-be"),
    "utf-7": json.dumps(with_(subject="照片"), ensure_ascii=False).encode("utf-7")[::-1],
    "a byte order mark": TEXT.encode("utf-8-sig"),
    "an overlong slash": TEXT.encode().replace(b"photograph", b"\xc0\xaf"),
    "a surrogate in utf-8": TEXT.encode().replace(b"photograph", b"\xed\xa0\x80"),
    "half a surrogate pair": TEXT.replace("photograph", "\\ud83d").encode(),
    "the other half": TEXT.replace("photograph", "\\ude00").encode(),
    "a pair the wrong way round": TEXT.replace("photograph", "\\ude00\\ud83d").encode(),
    "half a pair in an id": TEXT.replace("content-1", "\\udfff").encode(),
    "half a pair as a name in metadata": (OPEN + ',"metadata":{"\\ud800":1}}').encode(),
    "half a pair deep in metadata": (OPEN + ',"metadata":{"a":[{"b":"\\udbff"}]}}').encode(),
    "half a pair as a member's name": (OPEN + ',"\\ud800":1}').encode(),
    "gzip": gzip.compress(TEXT.encode()),
    "random bytes": random.Random(7).randbytes(2000),
}


@pytest.mark.share(9)
@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_body_that_has_no_single_reading_is_refused_whole(shop, nothing_created, raw):
    answer = shop.native(raw)

    assert answer.refusal == (400, "INVALID_REQUEST", None)
    assert answer.json["details"] == {}
    assert answer.json["error"]


@pytest.mark.parametrize(
    ("what", "field", "body"),
    [
        ("jsapi", "openid", {"openid": "oBuyer\n"}),
        ("close", "outTradeNo", {"outTradeNo": "WX1234\n"}),
        ("refund", "outTradeNo", {"outTradeNo": "WX1234\n", "refundAmount": 1}),
    ],
)
def test_a_line_feed_at_the_end_is_a_character_too(shop, nothing_created, what, field, body):
    whole = (GOOD | body) if what == "jsapi" else body
    token = shop.office if what == "refund" else None
    assert shop.post(what, whole, token=token).refusal == (400, "PARAM_ERROR", field)


@pytest.mark.share(9)
@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_it_is_refused_just_so_when_it_comes_as_bytes_of_no_known_kind(shop, nothing_created, raw):
    answer = shop.native(raw, headers=[("Content-Type", "application/octet-stream")])

    assert answer.refusal == (400, "INVALID_REQUEST", None)


WRONG = {
    **{f"no {name}": (without(name), name) for name in GOOD},
    **{f"{name} null": (with_(**{name: None}), name) for name in GOOD},
    **{
        f"{name} {json.dumps(value)}": (with_(**{name: value}), name)
        for name in ("contentId", "subject", "userId", "body")
        for value in (1, 1.5, 0, 10**30, True, False, [], ["a"], {}, {"a": "b"})
    },
    **{
        f"metadata {json.dumps(value)}": (with_(metadata=value), "metadata")
        for value in (1, 1.5, True, "text", "{}", "", [], [{}], [["a", "b"]])
    },
    **{
        f"{name} of {length}": (with_(**{name: "x" * length}), name)
        for name, length in (
            *(("contentId", 0), ("contentId", 129), ("contentId", 60_000)),
            *(("subject", 0), ("subject", 257), ("subject", 60_000)),
            *(("userId", 0), ("userId", 129), ("body", 2049)),
        )
    },
    **{
        f"{name} {value!a}": (with_(**{name: value}), name)
        for name in ("contentId", "subject", "userId")
        for value in (
            *(" ", "   ", "\u3000", "\u00a0", "\u2003 "),
            *("a\x00b", "a\nb", "a\r\nb", "\ta", "a\x1b[31m", "a\x7f", "a\x85b", "\x9f"),
        )
    },
    **{f"body {value!a}": (with_(body=value), "body") for value in ("a\x00b", "a\x1bb", "a\x7f", "\x85")},
    **{
        f"subject {value!a}": (with_(subject=value), "subject")
        for value in (EMOJI, f"A photograph {EMOJI}", RARE, "\U0010ffff", "\U0001f1e8\U0001f1f3")
    },
    **{
        f"subject {value!a}": (with_(subject=value), "subject")
        for value in (
            # right-to-left overrides, isolates and marks; zero width; blanks that are none to a machine; line ends
            *(
                "Pay \u202e99.1",
                "\u2066a\u2069",
                "a\u200fb",
                "a\u061cb",
                "a\u200bb",
                "a\u200db",
                "\ufeffa",
                "a\u2060b",
            ),
            *(
                "\u3164",
                "\u115f\u1160",
                "\uffa0",
                "\u2800\u2800",
                "\ufe0f",
                " \u2800\u3000",
                "\u00ad",
                "\u034f",
            ),
            *("a\u2028b", "a\u2029b", "a\u180eb", "a\ufff9b"),
        )
    },
    **{
        f"the unknown member {name!r}": (with_(**{name: value}), name)
        for name, value in (
            *(("status", "PAID"), ("paid", 100), ("outTradeNo", "WX1"), ("refundable", 1), ("openid", "o")),
            *(("content_id", "c"), ("ContentId", "c"), ("Amount", "0.01"), ("amount ", "0.01"), ("", 1)),
            *(("__proto__", {}), ("total", 1), ("currency", "USD"), ("notify_url", "https://example.com")),
        )
    },
    "metadata of 4097 bytes": (with_(metadata={"k": "x" * (4097 - 8)}), "metadata"),
    "metadata of 4098 bytes in 1366 characters": (with_(metadata={"k": "照" * 1364}), "metadata"),
    "metadata of many": (with_(metadata={f"name-{n}": n for n in range(400)}), "metadata"),
}


@pytest.mark.share(10)
@pytest.mark.parametrize(("order", "field"), WRONG.values(), ids=WRONG.keys())
def test_a_member_that_breaks_a_rule_is_named(shop, nothing_created, order, field):
    answer = shop.native(order)

    assert answer.refusal == (400, "PARAM_ERROR", field)
    assert set(answer.json) == {"error", "code", "details"}
    assert set(answer.json["details"]) == {"field", "issue"}
    assert answer.json["error"] == f"{field} {answer.json['details']['issue']}."


FITTING = {
    "a contentId of 128": {"contentId": "x" * 128},
    "a contentId of 128 emoji": {"contentId": EMOJI * 128},
    "a userId of 128": {"userId": "x" * 128},
    "a subject of one": {"subject": "x"},
    "a subject of 256": {"subject": "x" * 256},
    "a subject with marks": {"subject": f"<b>&\"'\\/ {HOURGLASS} \u4e2d\u6587 \uffee"},
    "a subject with a variation selector": {"subject": "\u2764\ufe0f \u8fbb\ufe00"},
    "a subject right to left": {"subject": "\u05e9\u05dc\u05d5\u05dd \u0633\u0644\u0627\u0645"},
    "a body of 2048": {"body": "x" * 2048},
    "a body of several lines": {"body": "one\r\n\ttwo\n" + EMOJI},
    "empty metadata": {"metadata": {}},
    "metadata of 4096 bytes": {"metadata": {"k": "x" * (4096 - 8)}},
    "metadata of 4095 bytes in 1365 characters": {"metadata": {"k": "照" * 1362 + "x"}},
    "metadata sixteen levels deep": {"metadata": {"x": [[[[[[[[[[[[[["deep"]]]]]]]]]]]]]]}},
    "metadata with every kind": {"metadata": {"a": None, "b": [True, 1, -0.5, "x", EMOJI], "": {"c": {}}}},
    "nulls for what may be left out": dict.fromkeys(
        ["userId", "body", "metadata", "quote", "app", "attach", "goodsTag", "goods", "storeInfo", "fapiao"]
    ),
}


TO_WECHAT_PAY = {
    "attach": ({"attach": "照" * 42 + "xx"}, {"attach": "照" * 42 + "xx"}),
    "a tag": ({"goodsTag": "WXG|2027 *"}, {"goods_tag": "WXG|2027 *"}),
    "an invoice": ({"fapiao": True}, {"support_fapiao": True}),
    "no invoice": ({"fapiao": False}, {"support_fapiao": False}),
    "profit sharing": ({"profitSharing": True}, {"settle_info": {"profit_sharing": True}}),
    "a price before": ({"goods": {"costPrice": "1.20"}}, {"detail": {"cost_price": 120}}),
    "goods": (
        {
            "goods": {
                "invoiceId": "R 1",
                "goodsDetail": [
                    {"merchantGoodsId": "a-1", "quantity": 1, "unitPrice": 0.5},
                    {
                        "merchantGoodsId": "b_2",
                        "quantity": 1_000_000,
                        "unitPrice": "1000000",
                        "goodsName": "照" * 85,
                        "wechatpayGoodsId": "1" * 32,
                    },
                ],
            }
        },
        {
            "detail": {
                "invoice_id": "R 1",
                "goods_detail": [
                    {"merchant_goods_id": "a-1", "quantity": 1, "unit_price": 50},
                    {
                        "merchant_goods_id": "b_2",
                        "wechatpay_goods_id": "1" * 32,
                        "goods_name": "照" * 85,
                        "quantity": 1_000_000,
                        "unit_price": 100_000_000,
                    },
                ],
            }
        },
    ),
    "a shop": (
        {"storeInfo": {"id": "SZ 1", "name": "店", "areaCode": "440305", "address": "照" * 170}},
        {
            "scene_info": {
                "payer_client_ip": "127.0.0.1",
                "store_info": {"id": "SZ 1", "name": "店", "area_code": "440305", "address": "照" * 170},
            }
        },
    ),
}


@pytest.mark.parametrize(("members", "told"), TO_WECHAT_PAY.values(), ids=TO_WECHAT_PAY.keys())
def test_what_else_wechat_pay_may_be_told_arrives_in_its_words(shop, members, told):
    number = shop.native(with_(**members)).data["outTradeNo"]

    entry = shop.ledger()[number]
    assert {name: entry.get(name) for name in told} == told


@pytest.mark.parametrize("members", FITTING.values(), ids=FITTING.keys())
def test_what_just_fits_is_taken_and_kept_as_it_came(shop, members):
    number = shop.native(with_(**members)).data["outTradeNo"]

    item, details = shop.item(number), shop.read("payment", number).data
    assert item["subject"]["S"] == with_(**members)["subject"]
    assert item.get("body", {}).get("S") == members.get("body")
    assert details["contentId"] == with_(**members)["contentId"]
    assert details["userId"] == (members.get("userId") or "shop-backend")
    ours = {"outTradeNo": number, "tradeState": "NOTPAY"}
    assert details["metadata"] == (members.get("metadata") or {}) | ours


def test_metadata_cannot_pass_for_ours(shop):
    theirs = {"outTradeNo": "WX-mine", "tradeState": "SUCCESS", "transactionId": "4200", "shelf": "B"}
    number = shop.order(metadata=theirs)["outTradeNo"]

    metadata = shop.read("payment", number).data["metadata"]
    assert (metadata["outTradeNo"], metadata["tradeState"], metadata["shelf"]) == (number, "NOTPAY", "B")


@pytest.mark.parametrize(
    "number", ["123456789012345678901234567890", "-1e-7", "1.10", "1e308", "1e-400", "0.1000"]
)
def test_numbers_in_metadata_come_back_digit_by_digit(shop, number):
    opened = shop.native(OPEN + f',"metadata":{{"n":{number}}}}}').data["outTradeNo"]

    told = shop.read("payment", opened).text
    text = told[told.index('"n":') + 4 :].partition(",")[0]
    assert text.upper().replace("+", "") == number.upper()


@pytest.mark.parametrize("number", ["1e309", "-1e309", "9" * 400])
def test_a_number_in_metadata_that_no_reader_of_events_could_hold_is_refused(shop, number):
    answer = shop.native(OPEN + f',"metadata":{{"deep":[{{"n":{number}}}]}}}}')

    assert (answer.status, answer.json["details"]["field"]) == (400, "metadata")
    assert answer.json["error"] == "metadata must not have a number beyond 1.797e308."


@pytest.mark.parametrize(
    ("subject", "description"),
    [
        ("x" * 127, "x" * 127),
        ("x" * 128, "x" * 127),
        ("照" * 42, "照" * 42),
        ("照" * 43, "照" * 42),
        ("照" * 256, "照" * 42),
        ("x" + "照" * 100, "x" + "照" * 42),
        ("xx" + "照" * 100, "xx" + "照" * 41),
        ("é" * 100, "é" * 63),
        ("x" * 126 + "é", "x" * 126),
        ("x" * 125 + "é", "x" * 125 + "é"),
        ("\u3000" * 60 + "照", "照"),
        (" \u2800\ufe0fA photograph ", "A photograph "),
    ],
)
def test_a_long_subject_reaches_wechat_pay_cut_on_a_character_to_127_bytes(shop, subject, description):
    number = shop.order(subject=subject)["outTradeNo"]

    assert shop.ledger()[number]["description"] == description
    assert shop.item(number)["subject"]["S"] == subject


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream"])
def test_a_body_of_64_kb_is_read_and_one_byte_more_is_not(shop, kind):
    most = TEXT.encode().ljust(64 * 1024)
    assert shop.native(most, headers=[("Content-Type", kind)]).status == 200

    before = shop.census()
    for raw in (most + b" ", b"[" * 100_000, TEXT.encode() * 1000, bytes(1_000_000)):
        assert shop.native(raw, headers=[("Content-Type", kind)]).refusal == (413, "INVALID_REQUEST", None)
    assert shop.census() == before


@pytest.mark.parametrize(
    "kind",
    [
        *(
            "application/json",
            "application/json; charset=utf-8",
            "APPLICATION/JSON",
            "text/plain",
            "text/html",
        ),
        *(
            "application/octet-stream",
            "application/x-www-form-urlencoded",
            "application/json;charset=utf-16",
            "",
        ),
        *("image/png", "*/*", "nonsense", "application/vnd.api+json", "multipart/form-data; boundary=x"),
    ],
)
def test_the_body_is_read_the_same_whatever_its_content_type_says(shop, kind):
    answer = shop.native(TEXT, headers=[("Content-Type", kind)])

    assert answer.data["amount"] == 1.0
    assert answer.headers["content-type"] == "application/json"


def test_no_answer_may_be_kept_by_a_cache_or_taken_for_something_else(shop):
    for answer in (shop.native(TEXT), shop.native(b"{"), shop.read("payment", "WX-nobody")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "key",
    ["", "a b", "a\tb", "caf\u00e9", "\u00ff", "x" * 256, "x" * 4000, "a\x7fb", "a\x01b"],
    ids=lambda key: ascii(key)[:20],
)
def test_an_unusable_idempotency_key_is_refused(shop, nothing_created, key):
    assert shop.native(GOOD, key=key.encode("latin-1")).refusal == (400, "PARAM_ERROR", "Idempotency-Key")


@pytest.mark.parametrize("key", ["x", "x" * 255, "!~", '"quoted"', "a,b;c=d", "{}[]<>"])
def test_any_visible_ascii_is_an_idempotency_key(shop, key):
    assert shop.native(GOOD, key=key).status == 200


@pytest.mark.share(9)
@pytest.mark.parametrize("what", ["query", "payment"])
@pytest.mark.parametrize(
    "number",
    [
        *(
            "WX123",
            "x",
            "x" * 33,
            "x" * 500,
            "WX123%20456",
            "WX123+456",
            "WX1234%00",
            "WX%2F12345",
            "%2e%2e%2fetc",
        ),
        *(
            "..%2f..%2fx",
            "WX12345;",
            "WX12345'--",
            "WX12345%22",
            "%E7%85%A7%E7%89%87%E7%85%A7%E7%89%87",
            "%FF%FE%FD%FC",
        ),
        *(
            "WX12345%0A",
            "{outTradeNo}",
            "$ne:null",
            "WX12345~",
            "%F0%9F%98%80WX12345",
            "WX.12345",
            "WX12345%E2%80%8B",
        ),
    ],
)
def test_what_cannot_be_an_order_number_is_refused(shop, what, number):
    assert shop.read(what, number).refusal == (400, "PARAM_ERROR", "outTradeNo")


@pytest.mark.parametrize("what", ["query", "payment"])
@pytest.mark.parametrize("number", ["WX1234", "x" * 32, "_-|*_-|*", "000000", "WXAAAAAAAAAAAAAAAAAAAAAAAAAA"])
def test_an_order_number_that_nobody_has_is_not_found(shop, what, number):
    answer = shop.read(what, number)

    assert answer.status == 404
    assert answer.text == '{"error":"There is no such order.","code":"ORDER_NOT_FOUND","details":{}}'


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            ("GET", "native"),
            ("PUT", "native"),
            ("POST", "native/"),
            ("POST", "Native"),
            ("POST", "query/WX1234"),
        ),
        *(
            ("GET", "query/"),
            ("GET", "query"),
            ("GET", "payment/WX1234/x"),
            ("DELETE", "payment/WX1234"),
            ("GET", "notify"),
        ),
    ],
)
def test_another_route_is_the_gateways_own_not_found(shop, method, path):
    lines = [("Authorization", f"Bearer {shop.backend}")]
    answer = shop.port.send(method, f"/api/v1/payments/wechat/{path}", headers=lines)

    assert (answer.status, answer.json) == (404, {"message": "Not Found"})


def test_a_query_string_changes_nothing(shop, unpaid):
    told = shop.read("payment", f"{unpaid}?outTradeNo=WX1234&userId=somebody")

    assert told.data["metadata"]["outTradeNo"] == unpaid


def test_no_body_takes_longer_than_its_size_explains(shop, nothing_created):
    """64 KB of the worst: many members of which the last is there twice, many quotes, many escapes, many brackets."""
    names = [f'"{n:x}":0' for n in range(6900)]
    worst = [
        ("{" + ",".join([*names, names[-1]]) + "}").encode(),
        b'{"a":"' + b'\\"' * 32_000 + b'"}',
        b'"' * 65_000,
        b"\\" * 65_000,
        b'{"a":"' + b"\\" * 65_000,
        b"[]" * 32_000,
        b'{"amount":' + b"9" * 65_000 + b"}",
        b'{"amount":1.' + b"9" * 65_000 + b"}",
        b'{"amount":1e' + b"9" * 65_000 + b"}",
    ]
    ordinary = min(_time(shop, b'{"a":"' + b"x" * 65_000 + b'"}') for _ in range(3))
    for raw in worst:
        assert min(_time(shop, raw) for _ in range(3)) < ordinary + 0.25, raw[:40]


def _time(shop, raw):
    begin = time.perf_counter()
    assert shop.native(raw).status == 400
    return time.perf_counter() - begin


def test_a_body_with_random_bytes_changed_is_never_our_fault(shop):
    chance = random.Random(20240101)
    seen = set()
    for turn in range(150):
        buyer = f"user-{turn:03}-{secrets.token_hex(4)}"
        good = with_(userId=buyer, body="two\nlines", metadata={"a": [1, 2.5, None]}, quote="x")
        raw = bytearray(json.dumps(good).encode())
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(raw))
            change = chance.randrange(4)
            if change == 0:
                raw[place] ^= 1 << chance.randrange(8)
            elif change == 1:
                raw[place] = chance.choice(b'"\\{}[]:,019.eE-+ \x00\xff')
            elif change == 2:
                del raw[place : place + chance.randint(1, 8)]
            else:
                raw[place:place] = raw[chance.randrange(len(raw)) :][:12]
        answer = shop.native(bytes(raw))
        seen.add((answer.status, answer.json.get("code")))
        if answer.status == 200:
            number = answer.data["outTradeNo"]
            said = json.loads(bytes(raw))  # whoever else reads this body must come to the same amount
            assert int(shop.item(number)["amount"]["N"]) == round(float(said["amount"]) * 100)

    assert seen <= {(200, None), (400, "PARAM_ERROR"), (400, "INVALID_REQUEST")}
