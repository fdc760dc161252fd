"""Both of our clients call every operation that a shop may call, as they would be published, against a sandbox."""

from typing import Any

from tests.clients.caller import Caller
from tests.clients.scene import Scene
from tests.kit.document import DOCUMENT
from tests.kit.shop import Shop


def schema_of(name: str) -> dict[str, Any] | None:
    """Of what a client answers: of `data` where there is one; None for a text."""
    (operation,) = [one for one in DOCUMENT.operations.values() if one["operationId"] == name]
    media = DOCUMENT.resolved(operation["responses"]["200"])["content"].get("application/json")
    if media is None:
        return None
    schema = DOCUMENT.resolved(media["schema"])
    data: dict[str, Any] = schema.get("properties", {}).get("data", schema)
    return data


def test_every_operation_is_called_and_answers_what_is_documented(client: Caller, shop: Shop) -> None:
    calls = Scene(shop).calls()
    told = client.calls(shop.sandbox.api, *calls)
    for call, came in zip(calls, told, strict=True):
        assert "answer" in came, (call["name"], came)
        schema = schema_of(call["name"])
        if schema is None:
            assert isinstance(came["answer"], str)
            assert len(came["answer"]) > 100
        else:
            DOCUMENT.validator(schema).validate(came["answer"])


def test_a_key_of_ones_own_finds_the_order_of_the_first_call(client: Caller, shop: Shop) -> None:
    opening = next(call for call in Scene(shop).calls() if call["name"] == "openNativePayment")
    key = f"order-{opening['input']['contentId']}"
    first, again, without, other = client.calls(
        shop.sandbox.api,
        opening | {"key": key},
        opening | {"key": key},
        opening,
        opening | {"key": key, "input": opening["input"] | {"amount": "1.00"}},
    )
    assert first["answer"]["outTradeNo"] == again["answer"]["outTradeNo"] != without["answer"]["outTradeNo"]
    refusal = other["refusal"]
    assert (refusal["status"], refusal["code"], refusal["idempotencyKey"]) == (
        422,
        "IDEMPOTENCY_MISMATCH",
        key,
    )


def test_a_refusal_says_code_and_details(client: Caller, shop: Shop) -> None:
    paid = shop.paid_order("9.99")
    token, office = (shop.sandbox.tokens.token("shop", f"payments:{scope}") for scope in ("charge", "refund"))
    order = {"contentId": "c", "amount": "9.999", "subject": "Tea"}
    bad, many, closed, unknown, nobody, far = (
        told["refusal"]
        for told in client.calls(
            shop.sandbox.api,
            {"name": "openNativePayment", "token": token, "input": order},
            {"name": "refundPayment", "token": office, "input": {"outTradeNo": paid, "refundAmount": 10}},
            {"name": "closePayment", "token": token, "input": {"outTradeNo": paid}},
            {"name": "getPayment", "token": token, "input": {"outTradeNo": "WX/../x?y"}},
            {"name": "getPayment", "token": "nobody", "input": {"outTradeNo": paid}},
            {"name": "closePayment", "token": office, "input": {"outTradeNo": paid}},
        )
    )
    assert (bad["status"], bad["code"], bad["details"]["field"]) == (400, "PARAM_ERROR", "amount")
    assert bad["message"].startswith("openNativePayment: PARAM_ERROR: amount must ")
    assert (bad["operation"], bad["outcomeUnknown"], len(bad["idempotencyKey"])) == (
        "openNativePayment",
        False,
        36,
    )
    assert (many["status"], many["code"], many["details"]["refundable"]) == (422, "REFUND_EXCEEDS", "9.99")
    assert (closed["status"], closed["code"]) == (409, "ORDERPAID")
    assert closed.get("idempotencyKey") is None
    assert unknown["status"] in (400, 404)
    assert (nobody["status"], nobody["code"], nobody["message"]) == (
        401,
        "GATEWAY",
        "getPayment: GATEWAY: Unauthorized",
    )
    assert (far["status"], far["code"]) == (403, "GATEWAY")
    assert bad["requestId"]


def test_what_cannot_be_sent_is_refused_before_it_is(client: Caller) -> None:
    nowhere = "http://127.0.0.1:9"
    told = client.calls(
        nowhere,
        {"name": "getPayment", "input": {"outTradeNo": ""}},
        {"name": "openNativePayment", "input": {}, "key": "with a blank"},
        {"name": "openNativePayment", "input": {}, "key": ""},
    )
    assert [came["refusal"].partition(":")[0] in ("TypeError", "ValueError") for came in told] == [True] * 3
