"""How rules stand and fall: counting, order, chance, clearing; and what is not a rule."""

import pytest

from wechatpay_simulator.faults.fault_rule import parsed_rule
from wechatpay_simulator.faults.faults import Faults


@pytest.fixture
def merchant(shared_merchant):
    shared_merchant.control("DELETE", "faults")
    yield shared_merchant
    shared_merchant.control("DELETE", "faults")


def post(merchant, *rules, **more):
    return merchant.control("POST", "faults", {"rules": list(rules), **more})


def error(status, **more):
    return {"on": "query", "effect": "status", "status": status, "code": "X"} | more


def asked(merchant, count):
    return [merchant.query("NOBODY-KNOWS").status for _ in range(count)]


def test_rules_are_a_script_when_they_are_counted(merchant):
    assert post(merchant, error(500, times=2), error(429, times=1)).status == 200
    post(merchant, error(503, times=1))
    assert asked(merchant, 6) == [500, 500, 429, 503, 404, 404]


def test_without_times_a_rule_stands_until_cleared(merchant):
    post(merchant, error(500))
    assert asked(merchant, 3) == [500] * 3
    assert merchant.control("DELETE", "faults").json["rules"] == []
    assert asked(merchant, 1) == [404]


def test_the_list_tells_what_happened(merchant):
    post(merchant, error(500, times=3), error(429), seed=7)
    asked(merchant, 1)
    assert merchant.control("GET", "faults").json == {
        "seed": 7,
        "rules": [
            error(500, times=3, probability=1, happened=1, left=2),
            error(429, probability=1, happened=0),
        ],
    }


def test_chance_is_the_same_for_the_same_seed(merchant):
    seen = []
    for seed in (1, 1, 2):
        merchant.control("DELETE", "faults")
        post(merchant, error(500, probability=0.5), seed=seed)
        seen.append(asked(merchant, 24))
    assert seen[0] == seen[1] != seen[2]
    assert 4 < seen[0].count(500) < 20


def test_chance_may_be_never_or_always(merchant):
    post(merchant, error(500, probability=0), error(503, probability=1.0))
    assert asked(merchant, 5) == [503] * 5


def test_the_end_of_a_refund_is_asked_for_by_name():
    faults = Faults()
    faults.add([parsed_rule({"on": "refund", "effect": "result", "result": "ABNORMAL", "times": 1}, "rule")])
    assert faults.take("refund", "latency", "status") is None
    rule = faults.take("refund", "result")
    assert rule is not None
    assert rule.parameters["result"] == "ABNORMAL"
    assert faults.take("refund", "result") is None


GOOD = {"on": "native", "effect": "reset_after"}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ([], "not a JSON object"),
        (b"{", "not JSON"),
        ({}, "rules is a list"),
        ({"rules": {}}, "rules is a list"),
        ({"rules": [], "sed": 1}, "'sed'"),
        ({"rules": [], "seed": "1"}, "seed is a whole number"),
        ({"rules": [], "seed": None}, "seed is a whole number"),
        ({"rules": [], "seed": True}, "seed is a whole number"),
        ({"rules": ["reset_after"]}, "rules[0] is not an object"),
        ({"rules": [GOOD, {"effect": "reset_after"}]}, "rules[1].on is missing"),
        ({"rules": [{"on": "native"}]}, "rules[0].effect is missing"),
        ({"rules": [{"on": "payment", "effect": "latency"}]}, "rules[0].on is not one of native, jsapi"),
        ({"rules": [{"on": ["native"], "effect": "latency"}]}, "rules[0].on is not"),
        ({"rules": [{"on": "native", "effect": "explode"}]}, "rules[0].effect is not one of latency"),
        ({"rules": [{"on": "native", "effect": "drop"}]}, "drop is not an effect on native"),
        ({"rules": [{"on": "notification", "effect": "html"}]}, "html is not an effect on notification"),
        ({"rules": [{"on": "query", "effect": "result"}]}, "result is not an effect on query"),
        (
            {"rules": [{"on": "query", "effect": "errcode", "errcode": -1}]},
            "errcode is not an effect on query",
        ),
        ({"rules": [{"on": "accessToken", "effect": "stale"}]}, "stale is not an effect on accessToken"),
        ({"rules": [{"on": "accessToken", "effect": "errcode"}]}, "rules[0].errcode is missing"),
        ({"rules": [{"on": "accessToken", "effect": "errcode", "errcode": 0}]}, "rules[0].errcode is not"),
        ({"rules": [{"on": "accessToken", "effect": "errcode", "errcode": "-1"}]}, "rules[0].errcode is not"),
        ({"rules": [GOOD | {"seconds": 1}]}, "rules[0].seconds is unknown"),
        ({"rules": [GOOD | {"times": 0}]}, "rules[0].times"),
        ({"rules": [GOOD | {"times": 1.5}]}, "rules[0].times"),
        ({"rules": [GOOD | {"times": "1"}]}, "rules[0].times"),
        ({"rules": [GOOD | {"times": True}]}, "rules[0].times"),
        ({"rules": [GOOD | {"times": None}]}, "rules[0].times"),
        ({"rules": [GOOD | {"probability": 1.01}]}, "rules[0].probability"),
        ({"rules": [GOOD | {"probability": "half"}]}, "rules[0].probability"),
        (b'{"rules":[{"on":"native","effect":"latency","seconds":NaN}]}', "rules[0].seconds is not"),
        ({"rules": [{"on": "native", "effect": "latency"}]}, "rules[0].seconds is missing"),
        ({"rules": [{"on": "native", "effect": "latency", "seconds": -1}]}, "rules[0].seconds"),
        ({"rules": [{"on": "native", "effect": "latency", "seconds": "1"}]}, "rules[0].seconds"),
        ({"rules": [{"on": "native", "effect": "status", "code": "X"}]}, "rules[0].status is missing"),
        ({"rules": [{"on": "native", "effect": "status", "status": 500}]}, "rules[0].code is missing"),
        ({"rules": [error("500")]}, "rules[0].status"),
        ({"rules": [error(204)]}, "rules[0].status"),
        ({"rules": [error(600)]}, "rules[0].status"),
        ({"rules": [error(500, code="")]}, "rules[0].code"),
        ({"rules": [error(500, code=5)]}, "rules[0].code"),
        ({"rules": [error(500, empty=False, signed="yes")]}, "rules[0].signed"),
        ({"rules": [error(500, after=1)]}, "rules[0].after"),
        ({"rules": [{"on": "native", "effect": "html"}]}, "rules[0].status is missing"),
        ({"rules": [{"on": "notification", "effect": "duplicate"}]}, "rules[0].copies is missing"),
        ({"rules": [{"on": "notification", "effect": "duplicate", "copies": 1}]}, "rules[0].copies"),
        ({"rules": [{"on": "notification", "effect": "delay"}]}, "rules[0].seconds is missing"),
        ({"rules": [{"on": "refund", "effect": "result"}]}, "rules[0].result is missing"),
        ({"rules": [{"on": "refund", "effect": "result", "result": "PROCESSING"}]}, "rules[0].result is not"),
    ],
)
def test_what_is_not_a_rule_is_a_400_that_names_the_field(merchant, body, sentence):
    response = merchant.control("POST", "faults", body)
    assert (response.status, response.code) == (400, "BAD_CONTROL")
    assert sentence in response.json["error"]
    assert merchant.control("GET", "faults").json["rules"] == []


@pytest.mark.share(4)
@pytest.mark.parametrize(
    "on", ["native", "jsapi", "h5", "app", "query", "close", "refund", "refundQuery", "certificates"]
)
@pytest.mark.parametrize(
    "effect",
    [
        {"effect": "latency", "seconds": 1},
        {"effect": "reset_before"},
        {"effect": "reset_after"},
        {"effect": "status", "status": 500, "code": "SYSTEM_ERROR"},
        {"effect": "html", "status": 502},
        {"effect": "bad_signature"},
        {"effect": "no_signature"},
        {"effect": "probe_signature"},
        {"effect": "wrong_serial"},
        {"effect": "stale"},
        {"effect": "truncate"},
    ],
)
def test_every_effect_goes_with_every_request(on, effect):
    rule = parsed_rule({"on": on, "times": 1} | effect, "rule")
    assert (rule.on, rule.effect) == (on, effect["effect"])
