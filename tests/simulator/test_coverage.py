"""GET /_sandbox/coverage: what it lists is what is checked, call by call and member by member."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.notifications.kinds import LISTED
from tests.simulator.merchant import Merchant, Response
from wechatpay_simulator.faults.fault_rule import REQUESTS

REFERENCE = (Path(__file__).parents[2] / "docs/simulator-reference.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def coverage(shared_merchant: Merchant) -> dict[str, Any]:
    response = shared_merchant.control("GET", "coverage")
    assert response.status == 200
    return response.json


def named(coverage: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in coverage["endpoints"] if each["name"] == name)


def called(
    merchant: Merchant, endpoint: dict[str, Any], *, body: Any = None, query: str = "", **path: str
) -> Response:
    target = endpoint["path"]
    for name in endpoint["fields"]["path"]:
        target = target.replace("{" + name + "}", path.get(name, "T1217752501201407"))
    data = b"" if body is None else json.dumps(body).encode()
    serial: dict[str, str | None] = {"Wechatpay-Serial": merchant.credentials.wechat_public_key_id}
    return merchant.call(endpoint["method"], target + query, data, headers=serial)


def minimal(members: dict[str, Any], merchant: Merchant) -> dict[str, Any]:
    """An object of what is required alone, each by its rule."""
    own = {
        "appid": merchant.credentials.appid,
        "mchid": merchant.credentials.mchid,
        "notify_url": "http://127.0.0.1:9/notify",
        "type": "MERCHANT_BANK_CARD",
        "currency": "CNY",
    }
    return {
        name: own[name] if name in own else usual(rule, merchant)
        for name, rule in members.items()
        if rule["required"]
    }


def usual(rule: dict[str, Any], merchant: Merchant) -> Any:
    if rule["type"] == "structure":
        return minimal(rule["members"], merchant)
    return rule["minimum"] if rule["type"] == "integer" else "T12177525"


def paths(
    members: dict[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Each member, and those within it."""
    for name, rule in members.items():
        yield (*above, name), rule
        if rule["type"] == "structure":
            yield from paths(rule["members"], (*above, name))


def with_member(
    body: dict[str, Any], members: dict[str, Any], path: tuple[str, ...], value: Any, merchant: Merchant
) -> Any:
    """The body with this member, and with what its object requires."""
    changed = json.loads(json.dumps(body))
    place, rules = changed, members
    for name in path[:-1]:
        rules = rules[name]["members"]
        place = place.setdefault(name, minimal(rules, merchant))
    place[path[-1]] = value
    return changed


def test_its_calls_are_those_that_fault_rules_name(coverage: dict[str, Any]) -> None:
    assert {each["name"] for each in coverage["endpoints"]} == set(REQUESTS)
    assert len(coverage["endpoints"]) == len(REQUESTS) + 1  # there are two queries of an order


def test_each_call_is_there_and_needs_a_signature(
    shared_merchant: Merchant, coverage: dict[str, Any]
) -> None:
    for endpoint in coverage["endpoints"]:
        path = endpoint["path"].replace("{", "").replace("}", "")
        response = shared_merchant.send(endpoint["method"], path, b"", {"Accept": "*/*", "User-Agent": "t"})
        assert (response.status, response.code) == (401, "SIGN_ERROR"), endpoint


def test_each_member_of_a_body_is_known_and_has_the_type_that_is_listed(
    shared_merchant: Merchant, coverage: dict[str, Any]
) -> None:
    tried = 0
    for endpoint in coverage["endpoints"]:
        members = endpoint["fields"]["body"]
        body = minimal(members, shared_merchant)
        for path, rule in paths(members):
            value: Any = "no" if rule["type"] in ("integer", "boolean", "items", "structure") else {}
            response = called(
                shared_merchant, endpoint, body=with_member(body, members, path, value, shared_merchant)
            )
            detail = response.json["detail"]
            assert (response.code, detail["field"], detail["issue"]) == (
                "PARAM_ERROR",
                "/" + "/".join(path),
                "wrong type",
            ), endpoint["name"]
            tried += 1
    assert tried > 100


def test_no_other_member_is_known_and_what_is_listed_as_required_is(
    shared_merchant: Merchant, coverage: dict[str, Any]
) -> None:
    for endpoint in coverage["endpoints"]:
        members = endpoint["fields"]["body"]
        if not members:
            continue
        body = minimal(members, shared_merchant)
        for object_path in [(), *(path for path, rule in paths(members) if rule["type"] == "structure")]:
            changed = with_member(body, members, (*object_path, "unheard_of"), 1, shared_merchant)
            detail = called(shared_merchant, endpoint, body=changed).json["detail"]
            pointer = "/" + "/".join((*object_path, "unheard_of"))
            assert (detail["field"], detail["issue"]) == (pointer, "illegal extra parameter")
        for name in body:
            rest = {each: value for each, value in body.items() if each != name}
            detail = called(shared_merchant, endpoint, body=rest).json["detail"]
            assert (detail["field"], detail["issue"]) == (f"/{name}", "required")


def test_each_parameter_of_path_and_query_has_its_rule(
    shared_merchant: Merchant, coverage: dict[str, Any]
) -> None:
    for endpoint in coverage["endpoints"]:
        for name, rule in endpoint["fields"]["path"].items():
            body = (
                minimal(endpoint["fields"]["body"], shared_merchant) if endpoint["method"] == "POST" else None
            )
            long = called(shared_merchant, endpoint, body=body, **{name: "1" * (rule["maximum"] + 1)})
            assert long.json["detail"]["field"] == name
            assert long.json["detail"]["location"] == "uri_template"
        for name, rule in endpoint["fields"]["query"].items():
            long = called(shared_merchant, endpoint, query=f"?{name}={'1' * (rule['maximum'] + 1)}")
            assert (long.code, long.json["detail"]["field"]) == ("PARAM_ERROR", name)
        if endpoint["method"] == "GET":
            other = called(shared_merchant, endpoint, query="?unheard_of=1")
            assert other.json["detail"]["issue"] == "illegal extra parameter"


def test_the_rules_are_shown_with_their_bounds(coverage: dict[str, Any]) -> None:
    body = named(coverage, "native")["fields"]["body"]
    assert body["out_trade_no"] == {
        "type": "text",
        "title": "商户订单号",
        "required": True,
        "minimum": 6,
        "maximum": 32,
        "pattern": r"^[0-9a-zA-Z_\-|*]+$",
    }
    assert body["amount"]["members"]["total"]["minimum"] == 1
    assert named(coverage, "close")["path"] == "/v3/pay/transactions/out-trade-no/{out_trade_no}/close"


def test_the_refusals_are_listed_and_the_document_names_each_code(coverage: dict[str, Any]) -> None:
    refusals = coverage["refusals"]
    codes = {(each["status"], each["code"]) for each in refusals}
    assert {
        (401, "SIGN_ERROR"),
        (400, "PARAM_ERROR"),
        (404, "ORDER_NOT_EXIST"),
        (429, "FREQUENCY_LIMITED"),
    } <= codes
    assert len(refusals) > 25
    for each in refusals:
        assert f"`{each['code']}`" in REFERENCE
        assert each["when"]
        assert each["message"]
    expired = next(each for each in refusals if "已失效" in each["message"])
    assert expired["when"].startswith("the last moment to pay has passed")


def test_the_notifications_are_those_that_can_be_triggered(coverage: dict[str, Any]) -> None:
    assert {(each["event_type"], each["original_type"]) for each in coverage["notifications"]} == set(LISTED)
    assert len(coverage["notifications"]) == len(LISTED)


@pytest.mark.parametrize("path", ["/v3/profitsharing/orders", "/v3/pay/transactions/nativ"])
def test_an_unknown_path_says_so_in_its_body(shared_merchant: Merchant, path: str) -> None:
    response = shared_merchant.call("POST", path, b"{}")
    assert (response.status, response.code) == (404, "NOT_FOUND")
    assert response.json["detail"] == {
        "issue": "this simulator does not know the path: GET /_sandbox/coverage lists those that it knows",
        "location": "uri",
    }
    assert "detail" not in shared_merchant.call("POST", "/pay/unifiedorder", b"{}").json
