"""The API tried by its document alone: good and bad requests of every caller, made by schemathesis."""

import ipaddress
import json
import os
import time
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from tests.contract.callers import RETURN_ORIGIN, Callers
from tests.contract.rules import SCHEMAS, fits, goods_are_told, within_bytes
from tests.kit.document import DOCUMENT

pytestmark = pytest.mark.in_turn

FEW = 4
EXAMPLES = int(os.environ.get("EXAMPLES", FEW))  # random ones of each operation, beside examples and bounds
ENDS = time.monotonic() + 60 * float(os.environ.get("MINUTES", "10"))
CONFIG = {
    "generation": {
        "max-examples": EXAMPLES,
        "deterministic": EXAMPLES == FEW,
        "database": "none",
        "with-security-parameters": False,
    },
    # Bounds, examples and random ones. Other methods are no route at all: API Gateway answers 404, which is no 405.
    "phases": {"coverage": {"unexpected-methods": []}},
    "checks": {
        "unsupported_method": {"enabled": False},
        # 422 is about what happened before: a key that was used, money that is left.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "422", "429"]},
        # 503 while WeChat Pay is down is in the file, but it is not down here.
        "not_a_server_error": {"expected-statuses": ["2xx", "4xx"]},
    },
}
is_number = DOCUMENT.validator(SCHEMAS["OrderNumber"]).is_valid
BODIES = {
    "native": "NewOrder",
    "jsapi": "NewJsapiOrder",
    "app": "NewOrder",
    "openid": "WantedOpenid",
    "checkout": "NewCheckout",
    "open": "OpenCheckout",
    "h5": "NewH5Order",
    "close": "Close",
    "refund": "NewRefund",
    "refund/abnormal": "AbnormalRefund",
    "exports": "NewExport",
}


@cache
def api() -> Any:
    """schemathesis and what it makes of the document: not for each process that only collects."""
    import schemathesis
    from schemathesis.config import SchemathesisConfig

    return schemathesis.openapi.from_dict(DOCUMENT.raw, config=SchemathesisConfig.from_dict(CONFIG))


@pytest.mark.share(6)
@pytest.mark.parametrize(("method", "path"), sorted(DOCUMENT.operations))
def test_the_api_answers_as_its_document_says(method: str, path: str, callers: Callers) -> None:
    # Not `parametrize()`: its tests all have one name, and several processes that share the work go by names.
    from schemathesis.pytest.lazy import get_all_tests

    operation = api().include(method=method, path=path)
    (made,) = get_all_tests(schema=operation, test_func=answers_as_documented, settings=None, given_kwargs={})
    _, tried = made.ok()
    tried(callers=callers)


def answers_as_documented(case: Any, callers: Callers) -> None:
    from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

    if time.monotonic() > ENDS and EXAMPLES > FEW:
        return  # enough for one `make api-fuzz`
    who = callers.who_for(case)
    about_an_order_of_ours(case, callers)
    headers = {} if who == "nobody" else {"Authorization": f"Bearer {callers.tokens[who]}"}

    answer = case.call(base_url=callers.sandbox.api, session=callers.http, headers=headers)

    told = {name.lower(): values[0] for name, values in answer.headers.items()}
    sent = answer.request
    problem = DOCUMENT.problem(sent.method, sent.path_url, answer.status_code, told, answer.content)
    assert not problem, problem
    refused_exactly_without_a_scope(case, callers.scopes.get(who), answer)
    unsaid = [] if schema_says_all(sent) else [positive_data_acceptance]
    if brings_a_quote(sent):  # looked at for a buyer only, and then any fault of it is 403
        unsaid.append(negative_data_rejection)
    case.validate_response(answer, headers=headers, excluded_checks=unsaid)
    taken_exactly_when_it_fits(sent, answer)


def refused_exactly_without_a_scope(case: Any, scopes: str | None, answer: Any) -> None:
    """API Gateway's own refusals, before anything of the request is looked at."""
    wanted = {
        scope
        for one in DOCUMENT.operations[case.method.upper(), case.path]["security"]
        for scope in one["accessToken"]
    }
    gateways = answer.json() if answer.status_code in (401, 403) else {}
    if not wanted or answer.status_code == 404:
        assert "message" not in gateways or "code" in gateways  # notify's own have both
    elif scopes is None:
        assert gateways == {"message": "Unauthorized"}
    elif wanted.isdisjoint(scopes.split()):
        assert gateways == {"message": "Forbidden"}
    else:
        assert "message" not in gateways


def about_an_order_of_ours(case: Any, callers: Callers) -> None:
    """A number that looks like one becomes that of an order that is there."""
    ours = {"outTradeNo": callers.number_for(case)}
    if is_number((case.path_parameters or {}).get("outTradeNo")):
        case.path_parameters = case.path_parameters | ours
    if isinstance(case.body, dict) and is_number(case.body.get("outTradeNo")):
        case.body = case.body | ours


def body_of(sent: Any) -> tuple[str | None, Any]:
    """The name of the body's schema, and the body as it was read; an amount with a fraction digit by digit."""
    name = BODIES.get(sent.path_url.rsplit("/", 1)[-1])
    try:
        return name, json.loads(sent.body or b"", parse_float=Decimal)
    except ValueError:
        return name, None


def brings_a_quote(sent: Any) -> bool:
    _, body = body_of(sent)
    return isinstance(body, dict) and "quote" in body


def schema_says_all(sent: Any) -> bool:
    """Whether the body breaks no rule that the file has in words only: how an amount is written, bytes, origins, apps."""
    name, body = body_of(sent)
    path = sent.path_url.partition("?")[0]
    if path.endswith("/orders") or "/bills" in path:
        return False  # which parameters go together, which days there are
    if name is None or not isinstance(body, dict):
        return True
    if name in ("WantedOpenid", "NewExport"):
        return False  # which codes there are, WeChat says; which day comes first
    plain = all(
        not isinstance(amount, Decimal) or -2 <= int(amount.as_tuple().exponent) <= 0
        for amount in amounts(body)
    )
    lawful = body.get("returnUrl") in (None, f"{RETURN_ORIGIN}/thanks") and body.get("expiresAt") is None
    lawful = lawful and body.get("app") in (None, "shop", "mini", "mobile")
    reachable = name != "NewH5Order" or is_address(body.get("clientIp"))
    if not (plain and lawful and reachable and within_bytes(name, json.loads(sent.body))):
        return False
    return not fits(name, json.loads(sent.body)) or goods_are_told(body.get("goods"))


def amounts(value: Any) -> Iterator[object]:
    """Every amount of a body, wherever it stands."""
    if isinstance(value, list):
        for each in value:
            yield from amounts(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name in ("amount", "refundAmount", "costPrice", "unitPrice"):
                yield each
            elif name != "metadata":
                yield from amounts(each)


def is_address(text: Any) -> bool:
    """What a backend must say of its buyer; a buyer's own order has no quote here, and is refused for that."""
    try:
        address = ipaddress.ip_address(text) if isinstance(text, str) else None
    except ValueError:
        return False
    return address is not None and not address.is_unspecified and not address.is_multicast


def taken_exactly_when_it_fits(sent: Any, answer: Any) -> None:
    name, body = body_of(sent)
    if name is None or answer.status_code not in (200, 400):
        return
    good = isinstance(body, dict) and fits(name, json.loads(sent.body)) and schema_says_all(sent)
    if answer.status_code == 200:
        assert good, sent.body
    elif answer.json()["details"].get("field") != "Idempotency-Key":
        assert not good, (sent.body, answer.text)
