"""Secrets stay where they belong: canaries through every endpoint with every logger at DEBUG, looked for in all that came out.

Who may hold what:

| sink                           | keys, tokens, quotes | code, prepay_id | paySign    | payer                    |
|--------------------------------|----------------------|-----------------|------------|--------------------------|
| function logs, metrics         | -                    | -               | -          | -                        |
| events on the bus              | -                    | -               | -          | -                        |
| quarantine rows, buyers rows   | -                    | -               | -          | -                        |
| queue messages, dead letters   | -                    | -               | -          | -                        |
| payments rows, and the bucket  | -                    | yes             | -          | yes                      |
| answers to the caller          | -                    | native, jsapi, h5 | jsapi    | query, openid, h5        |
| requests to WeChat Pay         | Authorization alone  | -               | -          | jsapi, h5, in the body   |

The card of an abnormal refund is nobody's: it goes to WeChat Pay encrypted, and nowhere else.
"""

import io
import json
import re
import secrets
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from payments.api.tokens import checkout_token, live_ticket
from payments.core.events import entries_of
from payments.logs import logger
from tests.http.leaks import forms, leaks
from tests.http.listening import ORIGIN_KEY, PREVIOUS_KEY, UNUSED_V2_KEY
from tests.kit.logs import logged_to
from tests.kit.wechat_pay import WeChatPay
from tests.thorough import share_of

pytestmark = pytest.mark.in_turn

KEYS = "keys, tokens, quotes"
CREDENTIALS = "what the buyer pays by"
SIGNED = "what the cashier is opened with"
PAYERS = "payers"
CARDS = "the buyers' bank cards"


@pytest.fixture(scope="module")
def walked(shop, wechat):
    """One payment through every endpoint, by whoever may, with canaries in all that they hold: the secrets by kind."""
    buyer, openid, payer = (f"{name}{secrets.token_hex(12)}" for name in ("user-", "oJsapi", "oPayer"))
    quote = shop.sandbox.tokens.quote(buyer, "content-1", 1999)
    order = {"contentId": "content-1", "amount": "19.99", "subject": "x"}
    token = shop.buyer(buyer)
    native = shop.native(order | {"quote": quote}, token=token).data
    jsapi = shop.post("jsapi", order | {"quote": quote, "openid": openid}, token=token).data
    address = f"2001:db8:{secrets.randbelow(0xEFFF) + 0x1000:x}::{secrets.randbelow(0xEFFF) + 0x1000:x}"
    h5 = shop.post("h5", order | {"clientIp": address}, headers=[("X-Origin-Key", ORIGIN_KEY)]).data
    wrong = shop.sandbox.tokens.quote(buyer, "content-1", 1)
    assert shop.native(order | {"quote": wrong}, token=token).status == 403
    assert shop.native(json.dumps(order)[:-1] + ',"quote":"' + wrong, token=token).status == 400

    facts = wechat.transaction(
        shop.item(native["outTradeNo"]), payer={"openid": payer}, attach=f"attach-{secrets.token_hex(8)}"
    )
    body = wechat.envelope(facts)
    headers = wechat.headers(body)
    assert shop.notify(body, headers | {"Wechatpay-Signature": "A" * 344}).status == 401
    assert shop.notify(body, headers).status == 200
    other = wechat.envelope(facts | {"amount": {"total": 1, "currency": "CNY"}})
    assert shop.notify(other, wechat.headers(other)).status == 200
    assert shop.quarantined(native["outTradeNo"]) == ["other_amount"]
    unusable = wechat.envelope({**facts, "trade_state": "NOTPAY"})
    assert shop.notify(unusable, wechat.headers(unusable)).status == 400
    sealed = wechat.envelope(facts, api_v3_key="x" * 32)
    assert shop.notify(sealed, wechat.headers(sealed)).status == 503
    for what in ("query", "payment"):
        for number in (native["outTradeNo"], jsapi["outTradeNo"]):
            assert shop.read(what, number, token=token).status == 200
    with shop.wire.wechat_pay_down():
        assert shop.post("close", {"outTradeNo": jsapi["outTradeNo"]}, token=token).status == 503
    assert shop.post("close", {"outTradeNo": jsapi["outTradeNo"]}, token=token).status == 200
    wanted = {"outTradeNo": native["outTradeNo"], "refundAmount": 1}
    shop.post("refund", wanted, token=shop.office)  # WeChat Pay knows of no payment, and says so
    account, holder = str(secrets.randbelow(9 * 10**23) + 10**23), secrets.token_hex(12)
    stuck = shop.order()["outTradeNo"]
    shop.pay(stuck)
    rule = {"on": "refund", "effect": "result", "result": "ABNORMAL", "times": 1}
    shop.control("POST", "faults", {"rules": [rule]})
    refund = shop.post("refund", {"outTradeNo": stuck, "refundAmount": 1}, token=shop.office).data
    card = {"type": "USER_BANK_CARD", "bankType": "ICBC_DEBIT", "bankAccount": account, "realName": holder}
    sending_on = card | {"outTradeNo": stuck, "outRefundNo": refund["outRefundNo"]}
    until = time.monotonic() + 15
    while shop.post("refund/abnormal", sending_on | {"bankType": "X_DEBIT"}, token=shop.office).status != 502:
        assert time.monotonic() < until
        time.sleep(0.05)  # 409 until the bank has not taken it
    for wrong_card in ({"bankType": account}, {"bankAccount": holder}, {"realName": "\u202e" + holder}):
        assert shop.post("refund/abnormal", sending_on | wrong_card, token=shop.office).status == 400
    with shop.wire.wechat_pay_down():
        assert shop.post("refund/abnormal", sending_on, token=shop.office).status == 503
    assert shop.post("refund/abnormal", sending_on, token=shop.office).data["status"] == "PROCESSING"
    logins = [shop.control("POST", "login", {"person": buyer[-12:]}).json for _ in range(2)]
    codes = [login["code"] for login in logins]
    assert shop.post("openid", {"code": codes[0], "app": "mini"}, token=token).status == 200
    assert shop.post("openid", {"code": codes[0], "app": "mini"}, token=token).status == 400
    for effect in ({"effect": "truncate"}, {"effect": "reset_after"}, {"effect": "html", "status": 200}):
        shop.control("POST", "faults", {"rules": [{"on": "jscode2session", "times": 2, **effect}]})
        assert shop.post("openid", {"code": codes[1], "app": "mini"}, token=token).status in (400, 503)
        shop.control("DELETE", "faults")
    shop.sandbox.lambdas.invoke("SweepFunction", {})
    shop.sandbox.drain()

    who = shop.sandbox.credentials
    store = shop.sandbox.aws.client("secretsmanager")
    checkout = json.loads(
        store.get_secret_value(SecretId=shop.sandbox.deployed.refs["CheckoutSecret"])["SecretString"]
    )
    number, key = native["outTradeNo"], checkout["CHECKOUT_KEY"]
    ends = int(shop.item(number)["time_expire"]["N"])
    resource = json.loads(body)["resource"]
    return {
        KEYS: {
            **{
                f"private key, line {n}": line
                for n, line in enumerate(who.merchant_private_key.splitlines()[1:-2])
            },
            "APIv3 key": who.api_v3_key,
            "previous APIv3 key": PREVIOUS_KEY,
            "origin key": ORIGIN_KEY,
            "v2 key": UNUSED_V2_KEY,
            "official account's secret": who.app_secret,
            "mini program's secret": who.mini_program_secret,
            "WeChat's code": codes[0],
            "WeChat's code, answer lost": codes[1],
            "quote key": shop.sandbox.tokens.quote_key,
            "checkout key": key,
            "live ticket": live_ticket(out_trade_no=number, ticket_id="t", keys=[key], now=1).rpartition(".")[
                2
            ],
            "quote": quote.rpartition(".")[2],
            "wrong quote": wrong.rpartition(".")[2],
            "buyer's token": token.rpartition(".")[2],
            "decrypted member": facts["attach"],
            "ciphertext": resource["ciphertext"][:64],
            "notification's signature": headers["Wechatpay-Signature"][:64],
            **{f"token {n}": one.rpartition(".")[2] for n, one in enumerate(sorted(shop.tokens)[-20:])},
        },
        CREDENTIALS: {
            "code": native["codeUrl"].removeprefix("weixin://wxpay/"),
            "prepay_id": jsapi["prepayId"],
            "prepay_id of a link": parse_qs(urlsplit(h5["h5Url"]).query)["prepay_id"][0],
            "checkout token": checkout_token(out_trade_no=number, time_expire=ends, keys=[key]).rpartition(
                "."
            )[2],
        },
        SIGNED: {"paySign": jsapi["paymentParams"]["paySign"][:64]},
        PAYERS: {
            "jsapi openid": openid,
            "payer openid": payer,
            "exchanged openid": logins[0]["openid"],
            "h5 address": address,
        },
        CARDS: {"account": account, "holder": holder},
    }


def sinks(shop):
    """Everything that has left a process so far, as text, and the kinds of secrets that it may hold."""
    sandbox, aws = shop.sandbox, shop.sandbox.aws
    for function in sandbox.deployed.functions:
        sandbox.lambdas.logs(function)
    refs = sandbox.deployed.refs

    def rows(table):
        pages = aws.client("dynamodb").get_paginator("scan").paginate(TableName=refs[table])
        return texts([row for page in pages for row in page["Items"]])

    def dead():
        queue = {"QueueUrl": refs["SettleDeadLetters"], "MaxNumberOfMessages": 10}
        return texts(aws.client("sqs").receive_message(**queue).get("Messages", []))

    def objects():
        store, bucket = aws.client("s3"), refs["UnpublishedBucket"]
        listed = store.list_objects_v2(Bucket=bucket).get("Contents", [])
        return "\n".join(
            store.get_object(Bucket=bucket, Key=row["Key"])["Body"].read().decode() for row in listed
        )

    def answers(*endings, among=True):
        return "\n".join(
            f"{answer.headers}\n{answer.text}"
            for path, answer in shop.port.answers
            if any(f"/{ending}" in path for ending in endings) == among
        )

    outward = [one for one in shop.wire.exchanges if one.is_outbound]
    return {
        "function logs": ("\n".join(line for _, line in sandbox.written), ()),
        "events": (texts(sandbox.events()), ()),
        "quarantine": (rows("QuarantineTable"), ()),
        "buyers": (rows("BuyersTable"), ()),
        "journal": (rows("JournalTable"), ()),
        "queue messages": (
            texts([event for name, event in sandbox.given if name in ("SettleFunction", "SweepFunction")]),
            (),
        ),
        "dead letters": (dead(), ()),
        "payments": (rows("PaymentsTable"), (CREDENTIALS, PAYERS)),
        "bucket": (objects(), (CREDENTIALS, PAYERS)),
        "answers of native": (answers("wechat/native"), (CREDENTIALS,)),
        "answers of jsapi": (answers("wechat/jsapi"), (CREDENTIALS, SIGNED)),
        "answers of h5": (answers("wechat/h5"), (CREDENTIALS, PAYERS)),
        "answers of query": (answers("wechat/query"), (PAYERS,)),
        "answers of openid": (answers("wechat/openid"), (PAYERS,)),
        "other answers": (
            answers(
                *("wechat/native", "wechat/jsapi", "wechat/h5", "wechat/query", "wechat/openid"), among=False
            ),
            (),
        ),
        "requests to WeChat Pay": (
            "\n".join(f"{one.path}\n{one.body.decode(errors='replace')}" for one in outward),
            (PAYERS,),
        ),
        "authorizations": ("\n".join(one.authorization for one in outward), ()),
    }


def texts(values):
    """JSON, with what is JSON text inside left as readable as it was."""
    return "\n".join(
        json.dumps(value, ensure_ascii=False, default=str).replace('\\"', '"') for value in values
    )


def found(secrets_by_kind, everything):
    """Sink, kind and name of each secret that is where it must not be."""
    return [
        (sink, kind, name)
        for sink, (text, allowed) in everything.items()
        for kind, named in secrets_by_kind.items()
        if kind not in allowed
        for name in leaks(named, re.sub(r"\\+", r"\\", text))  # JSON within JSON doubles them
    ]


def test_over_the_whole_session_no_secret_is_where_it_must_not_be(shop, walked, capsys):
    everything = sinks(shop)
    signatures = {
        f"Authorization {n}": one.authorization.partition('signature="')[2][:64]
        for n, one in enumerate([one for one in shop.wire.exchanges if one.authorization][-20:])
    }

    kinds = {
        kind: dict(share_of(named.items(), kind, one_in=3))
        for kind, named in {**walked, "signatures of requests": signatures}.items()
    }
    hits = found(
        kinds, {**everything, "authorizations": (everything["authorizations"][0], tuple(kinds)[-1:])}
    )

    sizes = ", ".join(f"{sink} {len(text):,}" for sink, (text, _) in everything.items())
    with capsys.disabled():
        print(f"\n{sum(map(len, kinds.values()))} canaries in {sizes} characters: {len(hits)} hits")
    assert hits == []
    assert sum(map(len, kinds.values())) >= 20
    assert all(text for sink, (text, _) in everything.items() if sink not in ("dead letters", "bucket"))


def test_over_the_whole_session_every_payer_and_code_stays_in_its_row(shop):
    """Not the canaries of one walk alone: of the last hundred payments in the table."""
    pages = shop.sandbox.aws.client("dynamodb").get_paginator("scan").paginate(TableName=shop.payments)
    rows = sorted((row for page in pages for row in page["Items"]), key=lambda row: row["created_at"]["N"])[
        -100:
    ]
    known = {
        f"{row['out_trade_no']['S']} {name}": row[name]["S"].removeprefix("weixin://wxpay/")
        for row in rows
        for name in ("openid", "payer_openid", "code_url", "prepay_id", "h5_url")
        if name in row and len(row[name]["S"]) > 20
    }
    assert len(known) >= 3
    everything = sinks(shop)
    for sink in ("function logs", "events", "quarantine", "buyers", "queue messages", "dead letters"):
        text = everything[sink][0]
        assert [name for name, secret in known.items() if secret in text] == [], sink


def test_where_a_secret_belongs_it_is_found(shop, walked):
    """The search can see: what may hold a secret, and does, is told."""
    everything = sinks(shop)
    payers = ["h5 address", "jsapi openid", "payer openid"]
    assert leaks(walked[PAYERS], everything["payments"][0]) == payers
    assert leaks(walked[PAYERS], everything["answers of openid"][0]) == ["exchanged openid"]
    assert leaks(walked[CREDENTIALS], everything["answers of native"][0]) == ["checkout token", "code"]
    assert leaks(walked[SIGNED], everything["answers of jsapi"][0]) == ["paySign"]
    assert leaks(walked[PAYERS], everything["answers of query"][0]) == ["payer openid"]
    assert leaks(walked[PAYERS], everything["requests to WeChat Pay"][0]) == ["h5 address", "jsapi openid"]
    assert leaks(walked[PAYERS], everything["answers of h5"][0]) == ["h5 address"]
    assert leaks(walked[CREDENTIALS], everything["answers of h5"][0]) == ["prepay_id of a link"]


@pytest.mark.parametrize("kind", [KEYS, CREDENTIALS, SIGNED, PAYERS])
def test_a_leak_through_the_log_or_an_event_is_caught_in_every_form(walked, kind):
    name, secret = next(iter(walked[kind].items()))
    for form in forms(secret):
        written = io.StringIO()
        with logged_to(written):
            logger.warning("seeded", extra={"reason": f"it was ={form}= then"})
        assert found({kind: {name: secret}}, {"logs": (written.getvalue(), ())}) == [("logs", kind, name)]

        image: dict[str, Any] = {
            "history": {
                "L": [
                    {
                        "M": {
                            "to": {"S": "PENDING"},
                            "cause": {"S": "x"},
                            "at": {"N": "1"},
                            "event": {"S": "E"},
                        }
                    }
                ]
            }
        }
        image |= {
            name: {"S": "x"} for name in ("out_trade_no", "payment_id", "user_id", "content_id", "currency")
        }
        image |= {"amount": {"N": "1"}, "metadata": {"S": json.dumps({"leak": form})}}
        ((_, entry),) = entries_of(None, image, bus="b")
        assert found({kind: {name: secret}}, {"events": (texts([entry]), ())}) == [("events", kind, name)]


def test_a_leak_of_a_function_process_is_caught(shop, walked):
    """Through the real thing: an order number may be anything of its characters, and a refusal names it in the log."""
    leaked = secrets.token_hex(12)
    shop.read("payment", leaked)
    text, allowed = sinks(shop)["function logs"]
    assert found({KEYS: {"number": leaked}}, {"logs": (text, allowed)}) == [("logs", KEYS, "number")]


def test_a_refused_caller_learns_nothing_of_the_keys_and_nobody_else_does(shop, walked, unpaid):
    fresh = WeChatPay(shop.sandbox.credentials, SimpleNamespace(time=shop.sandbox.clock.time))
    body = fresh.envelope({"mchid": 1})
    assert shop.notify(body, fresh.headers(body)).status == 400
    _, answer = shop.port.answers[-1]
    assert leaks(walked[KEYS], answer.text) == []
