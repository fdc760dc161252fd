"""The phone says what WeChat would: paid once, and plainly no to everything else."""

import pytest
import requests


def test_merchant_is_shown(sandbox, browser):
    merchant = browser.get("/phone/orders").json()["merchant"]

    assert merchant["number"] == sandbox.credentials.mchid
    assert merchant["name"]


@pytest.mark.parametrize("by", ["codeUrl", "outTradeNo"])
def test_nothing_is_paid_twice(browser, by):
    answer, _ = browser.order("guqin")
    order = answer.json()["data"]
    what = {by: order[by]}

    assert browser.post("/phone/pay", json=what).status_code == 200
    again = browser.post("/phone/pay", json=what)

    assert again.status_code == 409
    assert again.json()["code"] == "ORDER_PAID"


def test_an_unknown_code_is_refused(browser):
    answer = browser.post("/phone/pay", json={"codeUrl": "weixin://wxpay/bizpayurl?pr=nobody"})

    assert (answer.status_code, answer.json()["code"]) == (404, "ORDER_NOT_FOUND")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"codeUrl": 1}', b'{"amount": "0.01"}'])
def test_nonsense_is_refused(browser, body):
    assert browser.post("/phone/pay", data=body).status_code == 400


def test_an_expired_code_is_refused(sandbox, browser):
    answer, _ = browser.order("poem")
    requests.post(f"{sandbox.api}/_sandbox/clock", json={"advance": 2 * 3600 + 1}, timeout=10)

    refused = browser.post("/phone/pay", json={"codeUrl": answer.json()["data"]["codeUrl"]})

    assert (refused.status_code, refused.json()["code"]) == (410, "ORDER_EXPIRED")
    assert browser.get("/shop/time").json()["now"] == pytest.approx(sandbox.clock.time(), abs=5)


def test_a_simulator_that_is_gone_is_said_plainly(sandbox, browser, monkeypatch):
    monkeypatch.setattr(sandbox, "simulator", "http://127.0.0.1:9")

    for answer in (browser.get("/phone/orders"), browser.post("/phone/pay", json={"outTradeNo": "WX1234"})):
        assert (answer.status_code, answer.json()["code"]) == (502, "WECHAT_UNREACHABLE")
