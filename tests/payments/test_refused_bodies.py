"""A body that breaks a rule: the answer names the field and the rule in plain words, and nothing is done."""

import json
from typing import Any

import pytest

from payments.api.json_body import MAX_BODY_BYTES, load_members
from tests.payments.calls import Calls

NUMBER = "WX" + "A" * 26
ORDER: dict[str, Any] = {"contentId": "content-1", "amount": 1, "subject": "A thing"}
REFUND: dict[str, Any] = {"outTradeNo": NUMBER, "refundAmount": 1}

RULES: list[tuple[str, dict[str, Any], str, str]] = [
    ("native", {"contentId": None}, "contentId", "must be a string"),
    ("native", {"contentId": 1}, "contentId", "must be a string"),
    ("native", {"contentId": ""}, "contentId", "must have at least 1 character"),
    ("native", {"contentId": "x" * 129}, "contentId", "must have at most 128 characters"),
    ("native", {"userId": "x" * 129}, "userId", "must have at most 128 characters"),
    ("native", {"userId": 7}, "userId", "must be a string"),
    ("native", {"subject": "x" * 257}, "subject", "must have at most 256 characters"),
    ("native", {"body": "x" * 2049}, "body", "must have at most 2048 characters"),
    ("native", {"metadata": []}, "metadata", "must be an object"),
    ("native", {"metadata": "x"}, "metadata", "must be an object"),
    ("native", {"surprise": 1}, "surprise", "is not a known field"),
    ("native", {"s" * 100: 1}, "s" * 64, "is not a known field"),
    ("jsapi", {"openid": "o b"}, "openid", "has characters that are not allowed"),
    ("jsapi", {"openid": ""}, "openid", "must have at least 1 character"),
    ("refund", {"outTradeNo": "WX1"}, "outTradeNo", "must have at least 6 characters"),
    ("refund", {"outTradeNo": "W" * 33}, "outTradeNo", "must have at most 32 characters"),
    ("refund", {"outTradeNo": "WX 12345"}, "outTradeNo", "has characters that are not allowed"),
    ("refund", {"confirmRefundedElsewhere": "yes"}, "confirmRefundedElsewhere", "must be true or false"),
    ("close", {"outTradeNo": ["WX1"]}, "outTradeNo", "must be a string"),
]
WHOLE = {
    "native": ORDER,
    "jsapi": ORDER | {"openid": "oBuyer"},
    "refund": REFUND,
    "close": {"outTradeNo": NUMBER},
}
ALL = "payments:charge payments:refund"


@pytest.mark.parametrize(("name", "changed", "field", "issue"), RULES)
def test_a_member_that_breaks_a_rule_is_named_with_the_rule(
    calls: Calls, name: str, changed: dict[str, Any], field: str, issue: str
) -> None:
    status, answer = calls.as_("shop", ALL, name, body=WHOLE[name] | changed)
    assert (status, answer["code"]) == (400, "PARAM_ERROR")
    assert answer["details"] == {"field": field, "issue": issue}
    assert answer["error"] == f"{field} {issue}."
    assert (calls.used, calls.asked) == ([], [])


@pytest.mark.parametrize(
    ("name", "field"),
    [
        *(("native", field) for field in ORDER),
        ("jsapi", "openid"),
        *(("refund", field) for field in REFUND),
        ("close", "outTradeNo"),
    ],
)
def test_a_member_that_is_missing_is_named(calls: Calls, name: str, field: str) -> None:
    body = {member: value for member, value in WHOLE[name].items() if member != field}
    status, answer = calls.as_("shop", ALL, name, body=body)
    assert (status, answer["details"]) == (400, {"field": field, "issue": "is required"})


UNREADABLE = {
    "": "The body is empty; a JSON object is needed.",
    " \r\n": "The body is empty; a JSON object is needed.",
    "[]": "The body is not a JSON object.",
    '"text"': "The body is not a JSON object.",
    "null": "The body is not a JSON object.",
    "{": "The body is not JSON.",
    '{"a": NaN}': "The body has NaN, which is not JSON.",
    '{"a": 1, "a": 1}': 'The body has the key "a" twice.',
    '{"a": {"b": 1, "b": 2}}': 'The body has the key "b" twice.',
    json.dumps({"k" * 99: 1})[:-1] + ', "' + "k" * 99 + '": 1}': f'The body has the key "{"k" * 64}" twice.',
    '{"a": "\\ud800"}': "The body has half of a surrogate pair, which is no text.",
    '{"a": ["\\udfff"]}': "The body has half of a surrogate pair, which is no text.",
    '{"\\udc00": 1}': "The body has half of a surrogate pair, which is no text.",
    '{"a": 1e99999999999999999999}': "The body has a number whose exponent is out of range.",
    '{"a":' * 17 + "1" + "}" * 17: "The body is nested deeper than 16 levels.",
    '{"a":' + "[" * 16 + "]" * 16 + "}": "The body is nested deeper than 16 levels.",
}


@pytest.mark.parametrize("text", UNREADABLE, ids=lambda text: ascii(text)[:40])
def test_a_body_that_cannot_be_read_is_told_why(calls: Calls, text: str) -> None:
    status, answer = calls.as_("shop", ALL, "close", body=text)
    assert (status, answer["code"], answer["error"]) == (400, "INVALID_REQUEST", UNREADABLE[text])


def test_a_body_of_sixty_four_kilobytes_is_read_and_not_one_byte_more(calls: Calls) -> None:
    body = json.dumps({"outTradeNo": NUMBER})
    assert calls.as_("shop", ALL, "close", body=body + " " * (MAX_BODY_BYTES - len(body)))[0] == 404
    status, answer = calls.as_("shop", ALL, "close", body=body + " " * (MAX_BODY_BYTES - len(body) + 1))
    assert (status, answer["code"]) == (413, "INVALID_REQUEST")
    assert answer["error"] == "The body is over 64 KB."


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 16 + "1" + "}" * 16,
        json.dumps({"a": "[" * 50 + '"' + "{" * 50 + "\\" + "]}"}),
        '{"a": [[], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], [], []]}',
        '{"a": "\\ud83d\\ude00", "b": "\ue000\ud7ff"}',
    ],
    ids=["sixteen deep", "brackets in a text", "many side by side", "whole pairs"],
)
def test_what_is_just_within_the_rules_is_read(text: str) -> None:
    assert load_members(text.encode()) == json.loads(text)


@pytest.mark.parametrize("digits", [18, 19, 20, 21, 4301])
def test_a_whole_number_of_any_length_is_read_digit_by_digit(digits: int) -> None:
    written = "9" * digits
    assert str(load_members(f'{{"a": {written}, "b": -{written}}}'.encode())["a"]) == written
