"""`make cost`: what a payment, an order that nobody pays and a page that waits cost at AWS; prints the tables of docs/cost.md."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import requests

from sandbox.aws.item_size import item_bytes
from sandbox.stack import Sandbox

WECHAT = "/api/v1/payments/wechat"
PAYMENTS = 3  # that are counted; every number below is of one

# US dollars, US East (N. Virginia), first tier, from the services' public price pages as of 2025: see docs/cost.md.
PRICES = {
    "API Gateway, requests": 1.00e-6,
    "API Gateway, messages": 1.00e-6,
    "API Gateway, connection minutes": 0.25e-6,
    "Lambda, calls": 0.20e-6,
    "Lambda, GB-seconds": 0.0000133334,
    "DynamoDB, write units": 0.625e-6,
    "DynamoDB, read units": 0.125e-6,
    "EventBridge, events": 1.00e-6,
    "SQS, requests": 0.40e-6,
    "CloudWatch, log bytes": 0.50 / 1024**3,
}
# Seconds that a call is billed for, at one GB: an assumption, for this machine is not Lambda, nor WeChat Pay as far away.
SECONDS = {
    "native": 0.40,
    "notify": 0.06,
    "query": 0.04,
    "payment": 0.03,
    "publish": 0.04,  # and journal, whose batches are counted with its
    "settle": 0.35,
    "live_push": 0.03,
    "page": 0.03,
}
PLATFORM_LINES = 350  # bytes that Lambda itself writes for each call: START, END, REPORT
ACCESS_LINE = 400  # bytes of API Gateway's line for each request, in the form of template.yaml
# Of the index `due` beside the table: written when the order is put, moved by its credential, left when it is paid.
INDEX_WRITES = 1 + 2 + 1
# … and of an order that nobody pays: moved by each lease and by what a look says next, and by the wish to close.
MOVES = 2
# Of the books: an order's row three times (opened, credential, paid), each in the table and in two indexes, and the row of its
# payment. Under load a batch of the stream holds several changes of one order, and writes its row once.
JOURNAL_WRITES = 3 * 3 + 1
ABANDONED_JOURNAL_WRITES = 4 * 3  # opened, credential, to be closed, closed
# Of a look: a tenth of a SendMessageBatch, and one receipt and one deletion of its message.
REQUESTS_A_LOOK = 2.1


@dataclass(frozen=True)
class Counted:
    """One payment's calls: by kind, and the AWS actions that its functions' roles asked for."""

    units: dict[str, float]
    actions: dict[str, float]


def counted(sandbox: Sandbox) -> Counted:
    """Orders of a backend, each paid, queried once and looked at once; notified and published as in the cloud."""
    _pay(sandbox)  # what only a first call needs is not counted
    sandbox.drain()
    pumped, pushed = sandbox.pumped, _pushed(sandbox)
    sandbox.aws.take_uses()
    before = {name: len(sandbox.lambdas.logs(name)) for name in sandbox.deployed.functions}
    numbers = [_pay(sandbox) for _ in range(PAYMENTS)]
    sandbox.drain()
    uses = _uses(sandbox)
    actions = {action: count / PAYMENTS for action, count in sorted(uses.items()) if action in _COUNTED}
    published = (sandbox.pumped - pumped) / PAYMENTS
    size = max(item_bytes(_item(sandbox, number)) for number in numbers)
    logged = sum(len(sandbox.lambdas.logs(name)) - length for name, length in before.items()) / PAYMENTS
    writes = actions["dynamodb:PutItem"] + actions["dynamodb:UpdateItem"]
    pushes = (_pushed(sandbox) - pushed) / PAYMENTS
    calls = dict.fromkeys(("native", "notify", "query", "payment"), 1.0)
    calls |= {"publish": published, "live_push": pushes}
    units = {
        "API Gateway, requests": 4.0,
        "Lambda, calls": sum(calls.values()),
        "Lambda, GB-seconds": sum(SECONDS[name] * count for name, count in calls.items()),
        "DynamoDB, write units": writes * math.ceil(size / 1024) + INDEX_WRITES + JOURNAL_WRITES,
        # Of each news, live_push asks once, consistently, who waits.
        "DynamoDB, read units": actions["dynamodb:GetItem"] * math.ceil(size / 4096) + pushes,
        "EventBridge, events": 2.0,
        "CloudWatch, log bytes": math.ceil(logged / 100) * 100.0
        + PLATFORM_LINES * sum(calls.values())
        + ACCESS_LINE * 4,
    }
    return Counted(units, actions)


def abandoned(sandbox: Sandbox) -> Counted:
    """Orders of a backend that nobody pays, looked at and closed in the end; counted from their opening."""
    sandbox.drain()
    sandbox.aws.take_uses()
    pumped, pushed, took = sandbox.pumped, _pushed(sandbox), len(sandbox.events())
    before = {name: len(sandbox.lambdas.logs(name)) for name in sandbox.deployed.functions}
    numbers = [_opened(sandbox) for _ in range(PAYMENTS)]
    looked = _settled(sandbox)
    while any(_item(sandbox, number)["status"]["S"] != "CLOSED" for number in numbers):
        due = min(int(_item(sandbox, number)["due_at"]["N"]) for number in numbers)
        sandbox.clock.advance(max(1, due + 30 - sandbox.clock.time()))
        (sweep,) = (timer for name, timer in sandbox.schedules.items() if name.startswith("Sweep"))
        sweep.run_now()
        sandbox.drain()
    uses = _uses(sandbox)
    actions = {action: count / PAYMENTS for action, count in sorted(uses.items()) if action in _COUNTED}
    looks = (_settled(sandbox) - looked) / PAYMENTS
    pushes = (_pushed(sandbox) - pushed) / PAYMENTS
    published = (sandbox.pumped - pumped) / PAYMENTS - looks
    size = max(item_bytes(_item(sandbox, number)) for number in numbers)
    logged = sum(
        len(sandbox.lambdas.logs(name)) - length for name, length in before.items() if name != "SweepFunction"
    )
    writes = actions["dynamodb:PutItem"] + actions["dynamodb:UpdateItem"]
    calls = {"native": 1.0, "settle": looks, "publish": published, "live_push": pushes}
    units = {
        "API Gateway, requests": 1.0,
        "Lambda, calls": sum(calls.values()),
        "Lambda, GB-seconds": sum(SECONDS[name] * count for name, count in calls.items()),
        "DynamoDB, write units": writes * math.ceil(size / 1024)
        + INDEX_WRITES
        + MOVES * 2 * looks
        + ABANDONED_JOURNAL_WRITES,
        "DynamoDB, read units": actions["dynamodb:GetItem"] * math.ceil(size / 4096) + pushes,
        "EventBridge, events": (len(sandbox.events()) - took) / PAYMENTS,
        "SQS, requests": REQUESTS_A_LOOK * looks,
        "CloudWatch, log bytes": math.ceil(logged / PAYMENTS / 100) * 100.0
        + PLATFORM_LINES * sum(calls.values())
        + ACCESS_LINE,
    }
    return Counted(units, {"looks": looks, **actions})


def waiting(*, socket: bool) -> Counted:
    """A page that is open for a minute, its files kept by the browser; reckoned from checkout.js, not counted.

    With a socket it looks when that opens, each 20 seconds and at the news; without one after 1.5 seconds each, and
    after half a minute less and less often.
    """
    looks = 1 + 1 + 2 + 1 if socket else 1 + 36
    calls = looks + (2 if socket else 0)  # $connect and $disconnect; the push is a payment's own
    units = {
        "API Gateway, requests": float(looks),
        "Lambda, calls": float(calls),
        "Lambda, GB-seconds": SECONDS["page"] * calls,
        "DynamoDB, read units": float(looks),
        "CloudWatch, log bytes": (450.0 + PLATFORM_LINES) * calls + ACCESS_LINE * looks,
    }
    if socket:
        units |= {
            "API Gateway, messages": 1.0,
            "API Gateway, connection minutes": 1.0,
            "DynamoDB, write units": 4.0,  # a row comes and its connection goes, each with its place in the index
        }
        units["DynamoDB, read units"] += 0.5  # whose connection it was that ended
    return Counted(units, {})


def _uses(sandbox: Sandbox) -> Counter[str]:
    """What functions asked AWS for, but for the books: how often those are written depends on what a batch holds."""
    journal = sandbox.deployed.functions["JournalFunction"].role_arn
    return Counter(
        use.action
        for use in sandbox.aws.take_uses()
        if "streams" not in use.action and use.principal != journal
    )


def _pushed(sandbox: Sandbox) -> int:
    """How often the function live_push has been called: it writes one line each."""
    return sandbox.lambdas.logs("LivePushFunction").count('"message":"pages told"')


def _settled(sandbox: Sandbox) -> int:
    """How often the function settle has been called: it writes one line a payment."""
    log = sandbox.lambdas.logs("SettleFunction")
    return sum(log.count(f'"message":"{what}"') for what in ("settled", "nothing to settle", "not settled"))


_COUNTED = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:GetItem", "events:PutEvents")


def _headers(sandbox: Sandbox) -> dict[str, str]:
    return {"Authorization": f"Bearer {sandbox.tokens.token('shop', 'payments:charge')}"}


def _opened(sandbox: Sandbox) -> str:
    body = {"contentId": "content-456", "amount": 99.99, "subject": "Premium Content Purchase"}
    answer = requests.post(f"{sandbox.api}{WECHAT}/native", json=body, headers=_headers(sandbox), timeout=30)
    number: str = answer.json()["data"]["outTradeNo"]
    return number


def _pay(sandbox: Sandbox) -> str:
    headers, number = _headers(sandbox), _opened(sandbox)
    requests.post(f"{sandbox.simulator}/_sandbox/pay", json={"outTradeNo": number}, timeout=30)
    for _ in range(200):
        item = _item(sandbox, number)
        if item["status"]["S"] == "PAID":
            break
    for what in ("query", "payment"):
        requests.get(f"{sandbox.api}{WECHAT}/{what}/{number}", headers=headers, timeout=30)
    sandbox.drain()
    return number


def _item(sandbox: Sandbox, number: str) -> dict[str, Any]:
    key = {"out_trade_no": {"S": number}}
    table = sandbox.deployed.refs["PaymentsTable"]
    item: dict[str, Any] = sandbox.aws.client("dynamodb").get_item(
        TableName=table, Key=key, ConsistentRead=True
    )["Item"]
    return item


def table(found: Counted) -> str:
    """Markdown: each part's units, its price, and dollars for a million."""
    lines = [
        "| part | of one | dollars a million units | dollars a million |",
        "|---|---|---|---|",
    ]
    total = 0.0
    for name, units in found.units.items():
        cost = units * PRICES[name] * 1e6
        total += cost
        lines.append(f"| {name} | {units:.4g} | {PRICES[name] * 1e6:.4g} | {cost:.2f} |")
    return "\n".join([*lines, f"| **together** | | | **{total:.2f}** |"])


def main() -> None:
    """Count in a sandbox of its own, and print."""
    with Sandbox(schedules=False) as sandbox:
        found = {"payment": counted(sandbox), "order that nobody pays": abandoned(sandbox)}
    for what, one in found.items():
        print(f"{table(one)}\n\n{asked(what, one)}\n")
    for socket in (True, False):
        print(f"{table(waiting(socket=socket))}\n")


def asked(what: str, found: Counted) -> str:
    """The calls of one, in a sentence."""
    return f"Asked of AWS for one {what}: " + ", ".join(
        f"{count:g} {name}" for name, count in found.actions.items()
    )


if __name__ == "__main__":
    main()
