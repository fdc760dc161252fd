"""`make cost`: what a payment costs at AWS, from the calls that a sandbox counts; prints the tables of docs/cost.md."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import requests

from sandbox.stack import Sandbox

WECHAT = "/api/v1/payments/wechat"
PAYMENTS = 3  # that are counted; every number below is of one

# US dollars, US East (N. Virginia), first tier, from the services' public price pages as of 2025: see docs/cost.md.
PRICES = {
    "API Gateway, requests": 1.00e-6,
    "Lambda, calls": 0.20e-6,
    "Lambda, GB-seconds": 0.0000133334,
    "DynamoDB, write units": 0.625e-6,
    "DynamoDB, read units": 0.125e-6,
    "EventBridge, events": 1.00e-6,
    "CloudWatch, log bytes": 0.50 / 1024**3,
}
# Seconds that a call is billed for, at one GB: an assumption, for this machine is not Lambda, nor WeChat Pay as far away.
SECONDS = {"native": 0.40, "notify": 0.06, "query": 0.04, "payment": 0.03, "publish": 0.04}
PLATFORM_LINES = 350  # bytes that Lambda itself writes for each call: START, END, REPORT
# Of the index `due` beside the table: written when the order is put, moved by its credential, left when it is paid.
INDEX_WRITES = 1 + 2 + 1


@dataclass(frozen=True)
class Counted:
    """One payment's calls: by kind, and the AWS actions that its functions' roles asked for."""

    units: dict[str, float]
    actions: dict[str, float]


def counted(sandbox: Sandbox) -> Counted:
    """Orders of a backend, each paid, queried once and looked at once; notified and published as in the cloud."""
    _pay(sandbox)  # what only a first call needs is not counted
    sandbox.drain()
    pumped = sandbox.pumped
    sandbox.aws.take_uses()
    before = {name: len(sandbox.lambdas.logs(name)) for name in sandbox.deployed.functions}
    numbers = [_pay(sandbox) for _ in range(PAYMENTS)]
    sandbox.drain()
    uses = Counter(use.action for use in sandbox.aws.take_uses() if "streams" not in use.action)
    actions = {action: count / PAYMENTS for action, count in sorted(uses.items()) if action in _COUNTED}
    published = (sandbox.pumped - pumped) / PAYMENTS
    size = max(_size(sandbox, number) for number in numbers)
    logged = sum(len(sandbox.lambdas.logs(name)) - length for name, length in before.items()) / PAYMENTS
    writes = actions["dynamodb:PutItem"] + actions["dynamodb:UpdateItem"]
    calls = dict.fromkeys(("native", "notify", "query", "payment"), 1.0) | {"publish": published}
    units = {
        "API Gateway, requests": 4.0,
        "Lambda, calls": sum(calls.values()),
        "Lambda, GB-seconds": sum(SECONDS[name] * count for name, count in calls.items()),
        "DynamoDB, write units": writes * math.ceil(size / 1024) + INDEX_WRITES,
        "DynamoDB, read units": actions["dynamodb:GetItem"] * math.ceil(size / 4096),
        "EventBridge, events": 2.0,
        "CloudWatch, log bytes": math.ceil(logged / 100) * 100.0 + PLATFORM_LINES * sum(calls.values()),
    }
    return Counted(units, actions)


_COUNTED = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:GetItem", "events:PutEvents")


def _pay(sandbox: Sandbox) -> str:
    headers = {"Authorization": f"Bearer {sandbox.tokens.token('shop', 'payments:charge')}"}
    body = {"contentId": "content-456", "amount": 99.99, "subject": "Premium Content Purchase"}
    answer = requests.post(f"{sandbox.api}{WECHAT}/native", json=body, headers=headers, timeout=30)
    number: str = answer.json()["data"]["outTradeNo"]
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


def _size(sandbox: Sandbox, number: str) -> int:
    """Bytes, as DynamoDB counts them: names and values; a number about half its digits, and three for a list or map."""

    def of(value: dict[str, Any]) -> int:
        ((kind, content),) = value.items()
        if kind == "M":
            return 3 + sum(1 + len(name.encode()) + of(member) for name, member in content.items())
        if kind == "L":
            return 3 + sum(1 + of(member) for member in content)
        return math.ceil(len(content) / 2) + 1 if kind == "N" else len(str(content).encode())

    return sum(len(name.encode()) + of(value) for name, value in _item(sandbox, number).items())


def table(found: Counted) -> str:
    """Markdown: each part's units, its price, and dollars for a million payments."""
    lines = [
        "| part | a payment | dollars a million units | dollars a million payments |",
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
        found = counted(sandbox)
    print(table(found))
    print(
        "\nAsked of AWS for one payment: "
        + ", ".join(f"{count:g} {name}" for name, count in found.actions.items())
    )


if __name__ == "__main__":
    main()
