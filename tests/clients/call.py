"""Calls our wheel as it is told on standard input: caller.py says how."""

import inspect
import json
import re
import sys
from typing import Any

from wechatpay_backend import Client, PaymentsError, verify_event


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def made(call: dict[str, Any], told: dict[str, Any]) -> Any:
    if "verify" in call:
        return verify_event(**call["verify"])
    options = {snake(name): told[name] for name in ("retryFor", "timeout") if name in told}
    client = Client(told["baseUrl"], lambda: call.get("token", ""), **options)
    method = getattr(client, snake(call["name"]))
    rest, given = dict(call["input"]), {}
    for name in inspect.signature(method).parameters:
        (member,) = [one for one in rest if snake(one) == name] or [None]
        if member is not None and name != "body":
            given[name] = rest.pop(member)
    if "body" in inspect.signature(method).parameters:
        given["body"] = rest
    if "key" in call:
        given["idempotency_key"] = call["key"]
    return method(**given)


def refusal(error: Exception) -> Any:
    if not isinstance(error, PaymentsError):
        return f"{type(error).__name__}: {error}"
    return {
        "name": type(error).__name__,
        "message": str(error),
        "operation": error.operation,
        "status": error.status,
        "code": error.code,
        "details": error.details,
        "retryAfter": error.retry_after,
        "idempotencyKey": error.idempotency_key,
        "requestId": error.request_id,
        "outcomeUnknown": error.outcome_unknown,
    }


def main() -> None:
    told = json.load(sys.stdin)
    results = []
    for call in told["calls"]:
        try:
            results.append({"answer": made(call, told)})
        except Exception as problem:  # noqa: BLE001
            results.append({"refusal": refusal(problem)})
    print(json.dumps(results))


main()
