"""Notifications: what WeChat Pay signed is believed, once; whatever else comes in on that route changes nothing."""

import base64
import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.kit.keys import stranger
from tests.thorough import many

pytestmark = pytest.mark.in_turn

SUCCESS = (200, {"code": "SUCCESS", "message": "Success"})
SIGNED = ("Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Serial", "Wechatpay-Signature")


@pytest.fixture
def changes_nothing(shop, unpaid):
    """The row of `unpaid` stays as it is, byte for byte, and nothing is told of it."""
    before = shop.item(unpaid)
    yield
    assert shop.item(unpaid) == before
    assert shop.event_names(unpaid) == ["PaymentCreated"]


@pytest.fixture
def good(shop, wechat, unpaid):
    """A notification's body that would pay for `unpaid`."""
    return wechat.envelope(wechat.transaction(shop.item(unpaid)))


def assert_not_proven(answer):
    assert answer.status == 401
    assert set(answer.json) == {"code", "message"}
    assert answer.json["code"] == "FAIL"
    assert answer.json["message"].startswith("SIGN_ERROR: ")


def assert_refused(answer, status, code):
    assert (answer.status, answer.json["code"]) == (status, "FAIL")
    assert answer.json["message"].startswith(f"{code}: ")


# ---- the good one ----


def test_a_good_notification_pays_for_the_order(shop, wechat, unpaid):
    facts = wechat.transaction(shop.item(unpaid))
    body = wechat.envelope(facts)
    answer = shop.notify(body, wechat.headers(body))

    assert (answer.status, answer.json) == SUCCESS
    item = shop.item(unpaid)
    assert item["status"] == {"S": "PAID"}
    assert item["transaction_id"] == {"S": facts["transaction_id"]}
    assert item["payer_openid"] == {"S": facts["payer"]["openid"]}
    assert item["success_time"] == {"S": facts["success_time"]}
    assert (item["paid"], item["refundable"]) == ({"N": "1999"}, {"N": "1999"})
    assert (item["refunding"], item["refunded"]) == ({"N": "0"}, {"N": "0"})
    assert item["version"] == {"N": "3"}
    assert "due_at" not in item
    assert "due_shard" not in item

    query = shop.read("query", unpaid).data
    assert (query["tradeState"], query["transactionId"]) == ("SUCCESS", facts["transaction_id"])
    assert (query["payer"], query["successTime"]) == (facts["payer"], facts["success_time"])
    details = shop.read("payment", unpaid).data
    assert (details["status"], details["amount"]) == ("succeeded", "19.99")
    assert details["metadata"]["tradeState"] == "SUCCESS"
    assert details["completedAt"]

    assert shop.event_names(unpaid) == ["PaymentCreated", "PaymentSucceeded"]
    told = shop.events(unpaid)[-1]
    assert told["source"] == "wechatpay.payments"
    assert told["detail"]["id"] == f"{unpaid}#3"
    assert told["detail"]["amount"] == {"total": 1999, "currency": "CNY"}
    assert (told["detail"]["status"], told["detail"]["previousStatus"]) == ("succeeded", "pending")
    assert facts["payer"]["openid"] not in json.dumps(told)


def test_it_pays_however_its_bytes_and_header_names_are_delivered(shop, wechat):
    for content_type in ("application/octet-stream", "application/json", "text/plain", "application/xml"):
        for case in (str.upper, str.lower, str.title, str.swapcase):
            number = shop.order()["outTradeNo"]
            body = wechat.envelope(wechat.transaction(shop.item(number)))
            headers = {case(name): value for name, value in wechat.headers(body).items()}
            answer = shop.notify(body, headers, content_type=content_type)
            assert (answer.status, answer.json) == SUCCESS
            assert shop.item(number)["status"] == {"S": "PAID"}


@pytest.mark.parametrize("in_base64", [True, False])
@pytest.mark.parametrize("case", [str.upper, str.lower, str.title, str.swapcase])
def test_the_function_itself_takes_either_form_and_any_case(shop, wechat, unpaid, good, in_base64, case):
    event = {
        "version": "2.0",
        "routeKey": "POST /api/v1/payments/wechat/notify",
        "headers": {case(name): value for name, value in wechat.headers(good).items()},
        "requestContext": {},
        "body": base64.b64encode(good).decode() if in_base64 else good.decode(),
        "isBase64Encoded": in_base64,
    }
    answer = shop.sandbox.lambdas.invoke("NotifyFunction", event)

    assert (answer["statusCode"], json.loads(answer["body"])) == SUCCESS
    assert shop.item(unpaid)["status"] == {"S": "PAID"}


def test_a_signature_without_its_type_is_of_the_only_type_there_is(shop, wechat, unpaid, good):
    headers = wechat.headers(good)
    del headers["Wechatpay-Signature-Type"]

    assert shop.notify(good, headers).status == 200
    assert shop.item(unpaid)["status"] == {"S": "PAID"}


def test_a_clock_that_is_almost_five_minutes_off_is_still_believed(shop, wechat):
    for seconds in (-290, 290):
        number = shop.order()["outTradeNo"]
        body = wechat.envelope(wechat.transaction(shop.item(number)))
        timestamp = int(shop.sandbox.clock.time()) + seconds
        assert shop.notify(body, wechat.headers(body, timestamp=timestamp)).status == 200
        assert shop.item(number)["status"] == {"S": "PAID"}


def test_a_delivery_of_yesterdays_event_is_judged_by_its_signature_not_by_its_age(shop, wechat, unpaid):
    facts = wechat.transaction(shop.item(unpaid), success_time="2020-01-01T00:00:00+08:00")
    body = wechat.envelope(facts, create_time="2020-01-01T00:00:01+08:00")

    assert shop.notify(body, wechat.headers(body)).status == 200
    assert shop.item(unpaid)["status"] == {"S": "PAID"}


def test_a_second_delivery_is_thanked_for_and_changes_nothing_more(shop, wechat, unpaid, good):
    assert shop.notify(good, wechat.headers(good)).status == 200
    paid = shop.item(unpaid)

    again = wechat.envelope(wechat.transaction(paid, transaction_id=paid["transaction_id"]["S"]))
    same = wechat.headers(good)
    for body, headers in (
        (good, same),
        (good, same),
        (good, wechat.headers(good)),
        (again, wechat.headers(again)),
    ):
        answer = shop.notify(body, headers)
        assert (answer.status, answer.json) == SUCCESS
    assert shop.item(unpaid) == paid
    assert shop.event_names(unpaid) == ["PaymentCreated", "PaymentSucceeded"]
    assert shop.quarantined(unpaid) == []


def test_many_copies_at_once_pay_exactly_once(shop, wechat, unpaid, good):
    headers, copies = wechat.headers(good), many(200, instead=50)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: shop.notify(good, headers), range(copies)))

    assert [(answer.status, answer.json) for answer in answers] == [SUCCESS] * copies
    item = shop.item(unpaid)
    steps = [entry["M"]["to"]["S"] for entry in item["history"]["L"]]
    assert steps == ["CREATING", "PENDING", "PAID"]
    assert item["version"] == {"N": "3"}
    assert (item["paid"], item["refundable"]) == ({"N": "1999"}, {"N": "1999"})
    assert shop.event_names(unpaid) == ["PaymentCreated", "PaymentSucceeded"]
    assert shop.quarantined(unpaid) == []


# ---- not signed, or not by WeChat Pay ----


@pytest.mark.parametrize("name", SIGNED)
def test_every_header_of_the_signature_must_be_there(shop, wechat, good, changes_nothing, name):
    headers = wechat.headers(good)
    for value in (None, "", " "):
        lines = [(n, v) for n, v in headers.items() if n != name]
        if value is not None:
            lines.append((name, value))
        assert_not_proven(shop.notify(good, lines))


def test_no_subset_of_the_headers_will_do(shop, wechat, good, changes_nothing):
    headers = list(wechat.headers(good).items())
    for chosen in range(2 ** len(SIGNED) - 1):
        lines = [line for place, line in enumerate(headers[: len(SIGNED)]) if chosen >> place & 1]
        assert_not_proven(shop.notify(good, lines))


@pytest.mark.parametrize("name", [*SIGNED, "Wechatpay-Signature-Type"])
def test_no_header_of_the_signature_may_come_twice(shop, wechat, good, changes_nothing, name):
    headers = wechat.headers(good)
    for other in (headers[name], "x", ""):
        assert_not_proven(shop.notify(good, [*headers.items(), (name, other)]))
        assert_not_proven(shop.notify(good, [(name.lower(), other), *headers.items()]))


@pytest.mark.share(10)
@pytest.mark.parametrize(
    ("name", "change"),
    [
        *(("Wechatpay-Timestamp", lambda v, d=d: str(int(v) + d)) for d in (-1, 1, 10, -299)),
        *(
            ("Wechatpay-Timestamp", lambda v, f=f: f.format(v))
            for f in ("+{}", "-{}", "{}.0", "0{}", "{}000", "{}e0")
        ),
        *(("Wechatpay-Timestamp", t) for t in ("0", "abc", "\u00b2\u00b3", "1e9", "0x5f5e100", "None")),
        ("Wechatpay-Timestamp", lambda v: v[:5] + " " + v[5:]),
        ("Wechatpay-Timestamp", lambda v: hex(int(v))),
        ("Wechatpay-Nonce", lambda v: v[:-1]),
        ("Wechatpay-Nonce", lambda v: v + "x"),
        ("Wechatpay-Nonce", lambda v: v.upper()),
        ("Wechatpay-Nonce", lambda v: v[::-1]),
        ("Wechatpay-Nonce", "x" * 129),
        ("Wechatpay-Nonce", lambda v: v[:9] + "\t" + v[9:]),
        ("Wechatpay-Nonce", lambda v: v[:9] + "," + v[9:]),
        ("Wechatpay-Nonce", lambda v: v[:9] + "\\n" + v[9:]),
        ("Wechatpay-Nonce", "caf\u00e9"),
        ("Wechatpay-Serial", lambda v: v.lower()),
        ("Wechatpay-Serial", lambda v: v[:-1]),
        ("Wechatpay-Serial", lambda v: v + "0"),
        ("Wechatpay-Serial", lambda v: v.removeprefix("PUB_KEY_ID_")),
        ("Wechatpay-Serial", "PUB_KEY_ID_"),
        ("Wechatpay-Serial", "F" * 40),
        ("Wechatpay-Serial", "0"),
        ("Wechatpay-Serial", "*"),
        ("Wechatpay-Serial", "x" * 3000),
        ("Wechatpay-Serial", lambda v: "../" + v),
        ("Wechatpay-Signature", lambda v: v[:-8]),
        ("Wechatpay-Signature", lambda v: v[4:]),
        ("Wechatpay-Signature", lambda v: v.rstrip("=")),
        ("Wechatpay-Signature", lambda v: v + "AAAA"),
        ("Wechatpay-Signature", lambda v: v + v),
        ("Wechatpay-Signature", lambda v: v[:100] + " " + v[100:]),
        ("Wechatpay-Signature", lambda v: v[:100] + "!" + v[100:]),
        ("Wechatpay-Signature", lambda v: v[:100] + "\t" + v[100:]),
        ("Wechatpay-Signature", lambda v: v.swapcase()),
        ("Wechatpay-Signature", lambda v: base64.b64decode(v).hex()),
        ("Wechatpay-Signature", lambda v: base64.b64encode(base64.b64decode(v)[::-1]).decode()),
        ("Wechatpay-Signature", base64.b64encode(bytes(256)).decode()),
        ("Wechatpay-Signature", base64.b64encode(b"\xff" * 256).decode()),
        ("Wechatpay-Signature", "A" * 344),
        ("Wechatpay-Signature", "A" * 5000),
        ("Wechatpay-Signature", lambda v: "WECHATPAY/SIGNTEST/" + v),
        ("Wechatpay-Signature", lambda v: "WECHATPAY/SIGNTEST/" + v[19:]),
        ("Wechatpay-Signature", "WECHATPAY/SIGNTEST/"),
        ("Wechatpay-Signature-Type", lambda v: v.lower()),
        ("Wechatpay-Signature-Type", ""),
        ("Wechatpay-Signature-Type", "none"),
        ("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3"),
        ("Wechatpay-Signature-Type", "WECHATPAY2-RSA-2048-SHA256"),
        ("Wechatpay-Signature-Type", "HMAC-SHA256"),
    ],
)
def test_no_header_of_the_signature_may_be_altered(shop, wechat, good, changes_nothing, name, change):
    headers = wechat.headers(good)
    changed = change(headers[name]) if callable(change) else change
    assert changed != headers[name]

    lines = headers | {name: changed.encode("latin-1", "replace")}
    assert_not_proven(shop.notify(good, lines))


def test_no_character_of_the_signature_may_be_altered(shop, wechat, good, changes_nothing):
    headers = wechat.headers(good)
    signature = headers["Wechatpay-Signature"]
    for place in range(0, len(signature) - 3, 9):
        other = "A" if signature[place] != "A" else "B"
        changed = signature[:place] + other + signature[place + 1 :]
        assert_not_proven(shop.notify(good, headers | {"Wechatpay-Signature": changed}))


def test_no_bit_of_the_body_may_be_altered(shop, wechat, good, changes_nothing):
    headers = wechat.headers(good)
    for place in range(0, len(good), 11):
        flipped = bytearray(good)
        flipped[place] ^= 1 << place % 8
        assert_not_proven(shop.notify(bytes(flipped), headers))


def test_the_same_json_in_other_bytes_is_not_what_was_signed(shop, wechat, good, changes_nothing):
    headers, members = wechat.headers(good), json.loads(good)
    for other in (
        json.dumps(members, ensure_ascii=False).encode(),
        json.dumps(members, separators=(",", ":")).encode(),
        json.dumps(members, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode(),
        json.dumps(dict(reversed(members.items())), ensure_ascii=False, separators=(",", ":")).encode(),
        json.dumps(members, ensure_ascii=False, indent=2).encode(),
        good.replace(b'{"id"', b'{"\\u0069d"'),
        good.replace(b"AEAD_AES_256_GCM", b"AEAD_AES_256_GC\\u004d"),
        good + b"\n",
        good + b" ",
        b" " + good,
        b"\xef\xbb\xbf" + good,
        good[:-1],
        good[1:],
        good * 2,
        good.decode().encode("utf-16"),
        good.decode().encode("gbk"),
        base64.b64encode(good),
        b"",
        b"{}",
    ):
        assert other != good
        assert_not_proven(shop.notify(other, headers))
        assert_not_proven(shop.notify(other, headers, content_type="application/octet-stream"))


def test_the_border_between_the_signed_parts_cannot_be_moved(shop, wechat, good, changes_nothing):
    headers = wechat.headers(good)
    timestamp, nonce = headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"]
    for lines, body in (
        ({"Wechatpay-Nonce": nonce[:-4]}, nonce[-4:].encode() + b"\n" + good),
        ({"Wechatpay-Nonce": nonce + good[:1].decode()}, good[1:]),
        ({"Wechatpay-Timestamp": timestamp[:-1], "Wechatpay-Nonce": timestamp[-1] + nonce}, good),
        ({"Wechatpay-Timestamp": timestamp + nonce[:1], "Wechatpay-Nonce": nonce[1:]}, good),
    ):
        assert_not_proven(shop.notify(body, headers | lines))


@pytest.mark.parametrize("seconds", [-301, 301, -3600, 3600, -86400, 86400, -(10**9)])
def test_what_was_signed_five_minutes_off_is_stale(shop, wechat, good, changes_nothing, seconds):
    timestamp = int(shop.sandbox.clock.time()) + seconds + (5 if seconds > 0 else 0)

    assert_not_proven(shop.notify(good, wechat.headers(good, timestamp=timestamp)))


def test_only_wechat_pays_own_key_proves_anything(shop, wechat, good, changes_nothing):
    ours, weixin = wechat.credentials.wechat_public_key_id, wechat.credentials
    theirs = stranger().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for key, serial in (
        (weixin.merchant_private_key, weixin.merchant_serial_no),
        (weixin.merchant_private_key, ours),
        (weixin.wechat_private_key, weixin.merchant_serial_no),
        (weixin.platform_private_key, weixin.platform_serial_no),  # not trusted here: only the public key is
        (weixin.platform_private_key, ours),
        (weixin.wechat_private_key, weixin.platform_serial_no),
        (weixin.wechat_private_key, "A" * 40),
        (theirs, ours),
        (theirs, "B" * 40),
    ):
        assert_not_proven(shop.notify(good, wechat.headers(good, key=key, serial=serial)))


def test_another_padding_is_another_signature(shop, wechat, good, changes_nothing):
    headers = wechat.headers(good)
    key: Any = load_pem_private_key(wechat.credentials.wechat_private_key.encode(), password=None)
    message = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode() + good + b"\n"
    signature = key.sign(message, PSS(MGF1(SHA256()), PSS.MAX_LENGTH), SHA256())

    forged = headers | {"Wechatpay-Signature": base64.b64encode(signature).decode()}
    assert_not_proven(shop.notify(good, forged))


@pytest.mark.parametrize(
    "line",
    [
        *(
            ("Host", "localhost"),
            ("Host", "127.0.0.1"),
            ("X-Forwarded-Host", "localhost"),
            ("X-Forwarded-For", "127.0.0.1"),
        ),
        *(
            ("X-Real-IP", "101.226.103.1"),
            ("Authorization", "Bearer x"),
            ("X-Skip-Verify", "true"),
            ("Content-Encoding", "gzip"),
        ),
    ],
)
def test_nobody_talks_us_out_of_the_signature(shop, wechat, good, changes_nothing, line):
    headers = wechat.headers(good) | {"Wechatpay-Signature": "A" * 344}
    assert_not_proven(shop.notify(good, [*headers.items(), line]))
    assert_not_proven(shop.notify(good, [line]))


def test_unknown_serials_read_the_secret_once_at_most_and_ask_nobody(shop, wechat, good, changes_nothing):
    with shop.spending("NotifyFunction") as spent:
        for _ in range(50):
            assert_not_proven(shop.notify(good, wechat.headers(good, serial=secrets.token_hex(20).upper())))

    assert spent.aws.count("secretsmanager:GetSecretValue") <= 1
    assert not [use for use in spent.aws if use.startswith("dynamodb:")]
    assert spent.outbound == []


# ---- signed by WeChat Pay, and not true of us ----


@pytest.mark.share(9)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mchid": "1900000109"}, "other_mchid"),
        ({"appid": "wx0000000000000000"}, "other_appid"),
        ({"amount": {"total": 1998, "payer_total": 1998, "currency": "CNY"}}, "other_amount"),
        ({"amount": {"total": 199900, "payer_total": 199900, "currency": "CNY"}}, "other_amount"),
        ({"amount": {"total": 1, "payer_total": 1999, "currency": "CNY"}}, "other_amount"),
        ({"amount": {"total": 0, "payer_total": 0, "currency": "CNY"}}, "other_amount"),
        ({"amount": {"total": -1999, "currency": "CNY"}}, "other_amount"),
        ({"amount": {"total": 10**30, "currency": "CNY"}}, "other_amount"),
        ({"amount": {"total": 1999, "payer_total": 1999, "currency": "USD"}}, "other_amount"),
        ({"amount": {"total": 1999, "payer_total": 1999, "currency": "cny"}}, "other_amount"),
        ({"amount": {"total": 1999}}, "incomplete"),
        ({"amount": {"total": "1999", "currency": "CNY"}}, "incomplete"),
        ({"amount": {"total": 1999.0, "currency": "CNY"}}, "incomplete"),
        ({"amount": {"total": True, "currency": "CNY"}}, "incomplete"),
        ({"amount": {"currency": "CNY"}}, "incomplete"),
        ({"amount": None}, "incomplete"),
        ({"amount": 1999}, "incomplete"),
        ({"amount": [1999, "CNY"]}, "incomplete"),
        ({"transaction_id": None}, "incomplete"),
        ({"transaction_id": ""}, "incomplete"),
        ({"transaction_id": 4200}, "incomplete"),
    ],
    ids=str,
)
def test_money_that_does_not_fit_the_order_is_set_aside_and_not_credited(
    shop, wechat, unpaid, changes_nothing, changes, reason
):
    body = wechat.envelope(wechat.transaction(shop.item(unpaid), **changes))
    for _ in range(2):  # once more, as WeChat Pay may: the same evidence is kept once
        answer = shop.notify(body, wechat.headers(body))
        assert (answer.status, answer.json) == SUCCESS

    assert shop.quarantined(unpaid) == [reason]


def test_a_second_payment_of_a_paid_order_is_set_aside(shop, wechat, unpaid, good):
    assert shop.notify(good, wechat.headers(good)).status == 200
    paid = shop.item(unpaid)

    second = wechat.envelope(wechat.transaction(paid))
    answer = shop.notify(second, wechat.headers(second))

    assert (answer.status, answer.json) == SUCCESS
    assert shop.item(unpaid) == paid
    assert shop.quarantined(unpaid) == ["second_transaction"]
    assert shop.event_names(unpaid) == ["PaymentCreated", "PaymentSucceeded"]


def test_a_payment_of_an_unknown_order_is_set_aside_and_asked_for_again(
    shop, wechat, unpaid, changes_nothing
):
    number = f"WX{secrets.token_hex(13)}"
    body = wechat.envelope(wechat.transaction(shop.item(unpaid), out_trade_no=number))
    answer = shop.notify(body, wechat.headers(body))

    assert_refused(answer, 503, "SYSTEMERROR")
    assert shop.item(number) is None
    assert shop.quarantined(number) == ["unknown_order"]
    assert shop.events(number) == []


def test_what_is_set_aside_names_no_payer(shop, wechat, unpaid):
    facts = wechat.transaction(shop.item(unpaid), amount={"total": 1, "currency": "CNY"})
    body = wechat.envelope(facts)
    shop.notify(body, wechat.headers(body))

    rows = shop.sandbox.aws.client("dynamodb").scan(TableName=shop.quarantine)["Items"]
    (row,) = [row for row in rows if row["out_trade_no"]["S"] == unpaid]
    assert facts["payer"]["openid"] not in json.dumps(row)
    assert json.loads(row["facts"]["S"])["transaction_id"] == facts["transaction_id"]


# ---- signed by WeChat Pay, and not a notification of a payment ----


def test_an_answer_of_wechat_pay_is_not_a_notification(shop, wechat, unpaid):
    """Answers are signed in the very same way: one that was overheard must not pay for anything."""
    with shop.wire.notifications_lost():
        assert shop.control("POST", "pay", {"outTradeNo": unpaid}).status == 200
        number = shop.order()["outTradeNo"]
        assert shop.read("query", number).status == 200
    overheard = shop.wire.about(number)
    assert [exchange.method for exchange in overheard] == ["POST", "GET"]
    before = shop.item(number)
    for exchange in overheard:
        headers = {n: v for n, v in exchange.answer.headers.items() if n.startswith("wechatpay-")}
        assert len(headers) >= 4
        assert_refused(shop.notify(exchange.answer.body, headers), 400, "INVALID_REQUEST")
    assert shop.item(number) == before

    plain = json.dumps(wechat.transaction(shop.item(number))).encode()
    assert_refused(shop.notify(plain, wechat.headers(plain)), 400, "INVALID_REQUEST")
    assert shop.item(number) == before


@pytest.mark.share(9)
@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"null", b'"text"', b"1", b"", b"text", b"{", b"\xff\xfe", b"[" * 60_000]
)
def test_a_signed_body_of_another_kind_is_refused(shop, wechat, unpaid, changes_nothing, body):
    assert_refused(shop.notify(body, wechat.headers(body)), 400, "INVALID_REQUEST")


@pytest.mark.share(9)
@pytest.mark.parametrize(
    "changes",
    [
        *(
            {"event_type": ""},
            {"event_type": None},
            {"event_type": 1},
            {"event_type": ["TRANSACTION.SUCCESS"]},
            {"id": ""},
            {"id": None},
            {"id": 1},
        ),
        *({"resource_type": kind} for kind in ("plain", "", None, "Encrypt-Resource")),
        *({"resource": {"algorithm": name}} for name in ("AEAD_SM4_GCM", "none", "", None, "AES_256_ECB")),
        *({"resource": {"ciphertext": text}} for text in ("", None, 1, ["x"])),
        *({"resource": {"nonce": text}} for text in ("", None, 1)),
    ],
    ids=str,
)
def test_an_envelope_that_is_no_encrypted_notification_is_refused(
    shop, wechat, unpaid, changes_nothing, changes
):
    body = wechat.envelope(wechat.transaction(shop.item(unpaid)), **changes)

    assert_refused(shop.notify(body, wechat.headers(body)), 400, "INVALID_REQUEST")


@pytest.mark.share(9)
@pytest.mark.parametrize(
    "changes",
    [
        *(
            {"event_type": kind}
            for kind in ("COUPON.USE", "SECURITY_ECHO", "TRANSACTION.FAIL", "transaction.success", "x")
        ),
        *({"event_type": kind} for kind in ("REFUND.SUCCESS", "REFUND.CLOSED", "REFUND.ABNORMAL")),
        *({"original_type": kind} for kind in ("refund", "Transaction", "coupon", "profitsharing")),
    ],
    ids=str,
)
def test_a_notification_of_another_kind_is_thanked_for_and_pays_for_nothing(
    shop, wechat, unpaid, changes_nothing, changes
):
    body = wechat.envelope(wechat.transaction(shop.item(unpaid)), **changes)
    answer = shop.notify(body, wechat.headers(body))

    assert (answer.status, answer.json) == SUCCESS
    assert shop.kept(json.loads(body)["id"])["event_type"]["S"] == json.loads(body)["event_type"]
    assert shop.quarantined(unpaid) == []


@pytest.mark.parametrize("resource", [None, "text", [], 1, {}])
def test_an_envelope_without_its_resource_is_refused(shop, wechat, unpaid, changes_nothing, resource):
    members = json.loads(wechat.envelope(wechat.transaction(shop.item(unpaid))))
    body = json.dumps(members | {"resource": resource}).encode()

    assert_refused(shop.notify(body, wechat.headers(body)), 400, "INVALID_REQUEST")


def test_a_refund_notice_that_holds_a_payment_credits_nothing(shop, wechat, unpaid, changes_nothing):
    facts = wechat.transaction(shop.item(unpaid))
    for event_type in ("REFUND.SUCCESS", "REFUND.CLOSED", "REFUND.ABNORMAL"):
        body = wechat.envelope(facts, event_type=event_type, original_type="refund")
        assert_refused(shop.notify(body, wechat.headers(body)), 400, "INVALID_REQUEST")


def test_a_refund_of_an_order_that_is_not_known_to_be_paid_is_kept_with_it_once(shop, wechat, unpaid):
    facts = {
        "mchid": wechat.credentials.mchid,
        "out_trade_no": unpaid,
        "transaction_id": "42" + "0" * 26,
        "out_refund_no": "RF" + "A" * 26,
        "refund_id": "50" + "0" * 26,
        "refund_status": "SUCCESS",
        "amount": {"total": 1999, "refund": 1999, "payer_total": 1999, "payer_refund": 1999},
    }
    body = wechat.envelope(facts, event_type="REFUND.SUCCESS", original_type="refund")

    before = shop.item(unpaid)
    for _ in range(3):
        answer = shop.notify(body, wechat.headers(body))
        assert (answer.status, answer.json) == SUCCESS
    after = shop.item(unpaid)
    assert len(after["held"]["L"]) == 1
    assert (after["status"], after["version"]) == (before["status"], before["version"])


@pytest.mark.share(9)
@pytest.mark.parametrize(
    "changes",
    [
        *(
            {"trade_state": state}
            for state in ("NOTPAY", "CLOSED", "REVOKED", "USERPAYING", "PAYERROR", "REFUND", "success")
        ),
        *(
            {name: value}
            for name in ("trade_state", "mchid", "appid", "out_trade_no")
            for value in (None, "", 1, [])
        ),
    ],
    ids=str,
)
def test_a_payment_notice_that_lacks_what_it_must_say_is_refused(
    shop, wechat, unpaid, changes_nothing, changes
):
    body = wechat.envelope(wechat.transaction(shop.item(unpaid), **changes))

    assert_refused(shop.notify(body, wechat.headers(body)), 400, "INVALID_REQUEST")


@pytest.mark.parametrize("plaintext", [b"", b"text", b"[]", b"null", b"1", b"\xff", b"{", b"[" * 20_000])
def test_a_resource_that_holds_no_object_is_refused(shop, wechat, unpaid, changes_nothing, plaintext):
    body = wechat.envelope(plaintext)

    assert_refused(shop.notify(body, wechat.headers(body)), 400, "INVALID_REQUEST")


def test_what_cannot_be_decrypted_is_asked_for_again(shop, wechat, unpaid, changes_nothing):
    """The key may only just have been changed: WeChat Pay must come again."""
    facts = wechat.transaction(shop.item(unpaid))
    for body in (
        wechat.envelope(facts, api_v3_key="0" * 32),
        wechat.envelope(facts, api_v3_key=wechat.credentials.api_v3_key.swapcase()),
        wechat.envelope(facts, resource={"associated_data": "refund"}),
        wechat.envelope(facts, resource={"associated_data": ""}),
        wechat.envelope(facts, resource={"associated_data": None}),
        wechat.envelope(facts, resource={"nonce": "0" * 12}),
        wechat.envelope(facts, resource={"nonce": "0" * 11}),
        wechat.envelope(facts, resource={"nonce": "照" * 4}),
        wechat.envelope(facts, resource={"nonce": "照" * 12}),
        wechat.envelope(facts, resource={"ciphertext": "AAAA"}),
        wechat.envelope(facts, resource={"ciphertext": "A" * 400}),
        wechat.envelope(facts, resource={"ciphertext": "no base64!"}),
        wechat.envelope(facts, resource={"ciphertext": "照片"}),
    ):
        assert_refused(shop.notify(body, wechat.headers(body)), 503, "SYSTEMERROR")


def test_a_notification_of_over_64_kb_is_refused_unread(shop, wechat, unpaid, changes_nothing):
    body = wechat.envelope(wechat.transaction(shop.item(unpaid)), padding="x" * 65_536)

    assert_refused(shop.notify(body, wechat.headers(body)), 413, "INVALID_REQUEST")


def test_a_refusal_tells_nobody_why_in_numbers_or_keys(shop, wechat, good, changes_nothing):
    answers = [
        shop.notify(good, wechat.headers(good) | {"Wechatpay-Signature": "A" * 344}),
        shop.notify(good, wechat.headers(good, serial="A" * 40)),
        shop.notify(b"{}", wechat.headers(b"{}")),
    ]
    for answer in answers:
        assert wechat.credentials.api_v3_key not in answer.text
        assert wechat.credentials.mchid not in answer.text
        assert "Traceback" not in answer.text
