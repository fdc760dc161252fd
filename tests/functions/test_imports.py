"""What a function loads decides its cold start: only what its own endpoint uses, also once it has been called."""

import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(folder.name for folder in (ROOT / "functions").iterdir() if (folder / "app.py").exists())
NOWHERE = "http://127.0.0.1:9"  # nobody answers there

EXAMINED = """
import json, os, sys
kept_from, kind, call = sys.argv[1:]
for name in kept_from.split():
    os.environ.pop(name, None)
os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] = kind
asked, starting = [], True

def hear(event, arguments):
    if starting and event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen"):
        asked.append(event)

sys.addaudithook(hear)
import app
starting = False
at_start = set(sys.modules)
tls = sys.modules.get("wechatpay.tls")
roots = 0 if tls is None else tls.client_context.cache_info().currsize
if (event := json.loads(call)) is not None:
    app.lambda_handler(event, None)
same = {"wechatpay", "wechatpay.tls"}  # what verifies servers is the same for AWS
loaded = [sorted({name.partition(".")[0] for name in set(names) - same}) for names in (at_start, sys.modules)]
print("examined " + json.dumps([asked, roots, *loaded]))
"""

CLAIMS = {"authorizer": {"jwt": {"claims": {"sub": "user-1", "scope": "payments:charge"}}}}
READER = {"authorizer": {"jwt": {"claims": {"sub": "support-1", "scope": "payments:read"}}}}
YESTERDAY = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 16 * 3600))  # in Beijing
BOOKKEEPER = {"authorizer": {"jwt": {"claims": {"sub": "books-1", "scope": "payments:reconcile"}}}}
ORDER = '{"contentId":"content-1","amount":1,"subject":"A photograph"}'
HEADERS = {
    "wechatpay-timestamp": "1700000000",
    "wechatpay-nonce": "nonce",
    "wechatpay-serial": "PUB_KEY_ID_0",
    "wechatpay-signature": "AAAA",
}
NUMBER = {"S": "WX123456"}
IMAGE = {
    "out_trade_no": NUMBER,
    "payment_id": NUMBER,
    "user_id": NUMBER,
    "content_id": NUMBER,
    "amount": {"N": "1"},
    "currency": {"S": "CNY"},
    "history": {
        "L": [
            {
                "M": {
                    "to": {"S": "PENDING"},
                    "cause": {"S": "created"},
                    "at": {"N": "1"},
                    "event": {"S": "PaymentCreated"},
                }
            }
        ]
    },
}
JOURNALLED = IMAGE | {
    **dict.fromkeys(("method", "subject", "mchid", "appid", "fingerprint", "wechat_request"), NUMBER),
    **{name: {"N": "1"} for name in ("time_expire", "created_at", "updated_at", "version")},
    "status": {"S": "PENDING"},
}
CALLS = {
    "checkout": {"pathParameters": {"token": "of nobody"}},
    "checkout_intent": {"body": ORDER, "requestContext": CLAIMS},
    "checkout_open": {
        "body": "{}",
        "headers": {"content-type": "application/json"},
        "pathParameters": {"token": "of nobody"},
    },
    "live_connect": {"requestContext": {"connectionId": "L0SM9cOFvHcCIhw="}},
    "native": {"body": ORDER, "requestContext": CLAIMS},
    "jsapi": {"body": ORDER[:-1] + ',"openid":"oBuyer"}', "requestContext": CLAIMS},
    "h5": {"body": ORDER[:-1] + ',"clientIp":"203.0.113.10"}', "requestContext": CLAIMS},
    "query": {"pathParameters": {"outTradeNo": "WX123456"}, "requestContext": CLAIMS},
    "payment": {"pathParameters": {"outTradeNo": "WX123456"}, "requestContext": CLAIMS},
    "orders": {"queryStringParameters": {"day": "2024-01-01"}, "requestContext": READER},
    "bill_days": {"requestContext": BOOKKEEPER},
    "bill_day": {"pathParameters": {"date": "2024-01-01"}, "requestContext": BOOKKEEPER},
    "bill_again": {"pathParameters": {"date": YESTERDAY}, "requestContext": BOOKKEEPER},
    "export_status": {"pathParameters": {"exportId": "EX" + "A" * 26}, "requestContext": READER},
    "checkout_wechat": {"pathParameters": {"token": "of nobody"}},
    "verify_file": {"pathParameters": {"file": "favicon.ico"}},
    "openid": {"body": '{"code":"c"}', "requestContext": CLAIMS},
    "notify": {"body": "{}", "headers": HEADERS},
    "live_push": {"detail": {"outTradeNo": "WX123456", "version": 3, "status": "succeeded"}},
    "live_disconnect": {"requestContext": {"connectionId": "L0SM9cOFvHcCIhw="}},
    "journal": {
        "Records": [
            {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": JOURNALLED}},
        ]
    },
    "publish": {"Records": [{"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": IMAGE}}]},
}


def run(script, function, *arguments):
    """Standard output of `script` in a fresh interpreter that has the function's folder and layers on its path."""
    folders = [ROOT / "functions" / function, ROOT / "layers" / "wechatpay", ROOT / "layers" / "payments"]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_ENDPOINT_URL": NOWHERE,
        "POWERTOOLS_SERVICE_NAME": "wechatpay",
        "WECHAT_APP_ID": "wx0000000000000000",
        "WECHAT_MCH_ID": "1900000109",
        "WECHAT_GATEWAY": NOWHERE,
        "WECHAT_BACKUP_GATEWAY": NOWHERE,
        "WECHAT_GATEWAYS_ALLOWED": NOWHERE,
        "WECHAT_NOTIFY_URL": "https://shop.example.com/notify",
        "STACK_SCOPE": "test",
        "DUE_SHARDS": "4",
        "REQUIRE_QUOTE": "true",
        "PAYMENTS_TABLE": "payments",
        "QUARANTINE_TABLE": "quarantine",
        "SIGNING_SECRET": "signing",
        "VERIFICATION_SECRET": "verification",
        "CERTIFICATES_SECRET": "certificates",
        "EVENT_BUS": "payments",
        "CONNECTIONS_TABLE": "connections",
        "CHECKOUT_SECRET": "checkout",
        "APPS_SECRET": "apps",
        "BUYERS_TABLE": "buyers",
        "JOURNAL_TABLE": "journal",
        "EXPORTS_TABLE": "exports",
        "EXPORTS_BUCKET": "exports",
        "BILLS_TABLE": "bills",
        "BILLS_BUCKET": "bills",
        "BOOKS_QUEUE": f"{NOWHERE}/books",
        "WECHAT_OPEN_PLATFORM": NOWHERE,
        "WECHAT_OPEN_PLATFORMS_ALLOWED": NOWHERE,
        "LIVE_URL": "ws://127.0.0.1:9/live",
    }
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        cwd=folders[0],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


KEPT_FROM = {  # variables that the template does not give to the function
    "native": "EVENT_BUS",
    "notify": "EVENT_BUS SIGNING_SECRET",
    "payment": "EVENT_BUS SIGNING_SECRET VERIFICATION_SECRET",
    "journal": "PAYMENTS_TABLE SIGNING_SECRET VERIFICATION_SECRET",
    "publish": "PAYMENTS_TABLE SIGNING_SECRET VERIFICATION_SECRET",
}


class Examined(NamedTuple):
    """One fresh process of a function, from its start to the end of a call, if it gets one."""

    asked: list[str]  # whom it asked for anything while it started
    roots: int  # how many files of root certificates it had read by then
    at_start: set[str]  # packages that were loaded by then
    after_a_call: set[str]


@cache
def examined(function, kind="on-demand"):
    call = json.dumps(CALLS.get(function) if kind == "on-demand" else None)
    lines = run(EXAMINED, function, KEPT_FROM.get(function, ""), kind, call).splitlines()
    (line,) = [line for line in lines if line.startswith("examined ")]
    asked, roots, *loaded = json.loads(line.removeprefix("examined "))
    return Examined(asked, roots, *map(set, loaded))


@pytest.mark.parametrize(
    ("function", "never"),
    [
        ("payment", {"cryptography", "requests", "boto3", "qrcode", "jwt", "wechatpay"}),
        ("orders", {"cryptography", "requests", "boto3", "qrcode", "jwt", "wechatpay"}),
        ("export_status", {"cryptography", "requests", "boto3", "qrcode", "jwt", "wechatpay"}),
        ("bill_days", {"cryptography", "requests", "boto3", "qrcode", "jwt", "wechatpay"}),
        ("bill_day", {"cryptography", "requests", "boto3", "qrcode", "jwt", "wechatpay"}),
        ("bill_again", {"cryptography", "requests", "boto3", "qrcode", "jwt", "wechatpay"}),
        ("notify", {"requests", "boto3", "qrcode", "jwt"}),
        ("journal", {"cryptography", "requests", "boto3", "qrcode", "jwt", "wechatpay"}),
        ("publish", {"pynamodb", "cryptography", "requests", "boto3", "qrcode", "jwt", "wechatpay"}),
        (
            "verify_file",
            {"pynamodb", "cryptography", "requests", "boto3", "qrcode", "jwt", "wechatpay"},
        ),
        ("live_push", {"cryptography", "requests", "boto3", "qrcode", "jwt", "wechatpay"}),
        ("live_disconnect", {"cryptography", "requests", "boto3", "qrcode", "jwt", "wechatpay"}),
        ("live_connect", {"requests", "boto3", "qrcode", "jwt"}),
        ("checkout", {"boto3", "jwt"}),
        ("checkout_intent", {"requests", "boto3", "qrcode"}),
        ("checkout_open", {"boto3", "jwt"}),
        ("query", {"boto3", "qrcode", "jwt"}),
        ("openid", {"boto3", "qrcode", "jwt"}),
        ("checkout_wechat", {"boto3", "qrcode", "jwt"}),
        ("jsapi", {"boto3", "qrcode"}),
        ("native", {"boto3"}),
    ],
)
def test_a_function_loads_only_what_its_endpoint_uses(function, never):
    assert function in CALLS
    assert examined(function).at_start & never == set()
    assert examined(function).after_a_call & never == set()


NEVER = {"PIL", "boto3", "pydantic", "aws_xray_sdk", "moto", "sandbox", "numpy"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_loads_what_none_should(function):
    assert examined(function).at_start & NEVER == set()


WHAT_CALLS_NEED = {"pynamodb", "cryptography", "requests", "qrcode"}


@pytest.mark.share(3)
@pytest.mark.parametrize("kind", ["on-demand", "provisioned-concurrency", "snap-start"])
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("native", ["cryptography", "pynamodb", "qrcode", "requests"]),
        ("query", ["cryptography", "pynamodb", "requests"]),
        ("notify", ["cryptography", "pynamodb"]),
        ("payment", ["pynamodb"]),
        ("journal", ["pynamodb"]),
        ("publish", []),
    ],
)
def test_a_start_loads_what_calls_will_need_and_asks_nobody_for_anything(function, expected, kind):
    assert sorted(examined(function, kind).at_start & WHAT_CALLS_NEED) == expected
    assert examined(function, kind).asked == []


DRAWN = """
import sys
if sys.argv[1] == "missing":
    sys.modules |= {"PIL": None, "png": None}  # as in the cloud: an import of them fails
import app
from payments.api import qr
assert qr.data_url("weixin://wxpay/bizpayurl?pr=x").startswith("data:image/png;base64,")
found = sorted(name for name, module in sys.modules.items() if module and name.partition(".")[0] == "PIL")
print(found)
"""


@pytest.mark.parametrize("imaging_library", ["missing", "installed"])
def test_drawing_a_qr_code_loads_no_imaging_library(imaging_library):
    assert run(DRAWN, "native", imaging_library) == "[]\n"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_read_the_root_certificates_once_before_its_first_call(function):
    """For AWS and for WeChat Pay together."""
    assert examined(function).roots == 1


GARBAGE = """
import gc, json, os, sys
for name in sys.argv[1].split():
    os.environ.pop(name, None)
if sys.argv[2]:
    os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] = sys.argv[2]
looked = []
gc.collect()
gc.callbacks.append(lambda phase, found: looked.append(found["generation"]) if phase == "start" else None)
import payments
began = len(looked)
import app
during = len(looked) - began
left = sum(len(gc.get_objects(generation)) for generation in range(3))
print("garbage", json.dumps([during, gc.isenabled(), gc.get_freeze_count(), left]))
"""


def garbage(function, kind):
    """How often it was looked for during a start, whether it is now, how many objects are exempt and how many are not."""
    (line,) = [
        line
        for line in run(GARBAGE, function, KEPT_FROM.get(function, ""), kind).splitlines()
        if line.startswith("garbage ")
    ]
    return json.loads(line.removeprefix("garbage "))


@pytest.mark.share(4)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_nobody_looks_for_garbage_while_lambda_starts_a_function_nor_later_in_what_the_start_has_made(
    function,
):
    during, looked_for, exempt, left = garbage(function, "on-demand")

    assert (during, looked_for) == (0, True)
    assert exempt > 10_000
    assert left < 1_000


def test_where_lambda_starts_nothing_garbage_is_looked_for_as_ever():
    during, looked_for, exempt, _ = garbage("payment", "")

    assert during > 10
    assert (looked_for, exempt) == (True, 0)
