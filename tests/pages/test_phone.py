"""The phone says what WeChat would: it reads codes from pictures, pays once, and plainly says no to everything else."""

import base64
import io
import time

import png
import pytest
import requests

from sandbox.pages.scanning import MAX_PIXELS
from tests.simulator.merchant import Merchant


def test_merchant_is_shown(sandbox, browser):
    merchant = browser.get("/phone/orders").json()["merchant"]

    assert merchant["number"] == sandbox.credentials.mchid
    assert merchant["name"]


@pytest.mark.parametrize("by", ["codeUrl", "outTradeNo"])
def test_nothing_is_paid_twice(browser, by):
    code_url = browser.view(browser.order("guqin"))["codeUrl"]
    newest = browser.get("/phone/orders").json()["orders"][0]
    what = {by: {"codeUrl": code_url, **newest}[by]}

    assert browser.post("/phone/pay", json=what).status_code == 200
    again = browser.post("/phone/pay", json=what)

    assert again.status_code == 409
    assert again.json()["code"] == "ORDER_PAID"


def test_a_picture_of_the_code_is_read(browser):
    view = browser.view(browser.order("poem"))
    picture = base64.b64decode(view["qrCode"].partition(",")[2])

    scanned = browser.post("/phone/scan", data=picture).json()
    assert scanned["text"] == view["codeUrl"]
    assert scanned["order"]["amount"] == view["amount"]


def _blank(width, height):
    picture = io.BytesIO()
    png.Writer(width, height, greyscale=True).write(picture, ([200] * width for _ in range(height)))
    return picture.getvalue()


@pytest.mark.parametrize(
    "picture",
    [b"", b"no picture", b"\x89PNG\r\n\x1a\n", _blank(30, 30), _blank(MAX_PIXELS // 1000 + 1, 1000)],
)
def test_a_picture_without_a_code_is_said_to_have_none(browser, picture):
    answer = browser.post("/phone/scan", data=picture)

    assert (answer.status_code, answer.json()["code"]) == (422, "NO_CODE")


def test_a_picture_that_is_too_large_is_not_read(browser):
    assert browser.post("/phone/scan", data=b"x" * (8 * 1024 * 1024 + 1)).status_code == 413


def test_a_late_payment_is_heard_of_late(sandbox, browser):
    view = browser.view(checkout := browser.order("ink"))
    assert browser.post("/phone/pay", json={"codeUrl": view["codeUrl"], "late": True}).status_code == 200
    time.sleep(0.5)
    assert browser.view(checkout)["status"] == "waiting"

    requests.post(f"{sandbox.simulator}/_sandbox/clock", json={"advance": 21}, timeout=10)

    assert browser.view(checkout, until="paid")


def test_an_unknown_code_is_refused(browser):
    answer = browser.post("/phone/pay", json={"codeUrl": "weixin://wxpay/bizpayurl?pr=nobody"})

    assert (answer.status_code, answer.json()["code"]) == (404, "ORDER_NOT_FOUND")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"codeUrl": 1}', b'{"amount": "0.01"}'])
def test_nonsense_is_refused(browser, body):
    assert browser.post("/phone/pay", data=body).status_code == 400


def test_an_expired_code_is_refused(sandbox, browser):
    view = browser.view(browser.order("poem"))
    requests.post(f"{sandbox.api}/_sandbox/clock", json={"advance": 2 * 3600 + 1}, timeout=10)

    refused = browser.post("/phone/pay", json={"codeUrl": view["codeUrl"]})

    assert (refused.status_code, refused.json()["code"]) == (410, "ORDER_EXPIRED")


def test_an_h5_order_is_paid_as_the_browser_comes(sandbox, browser):
    merchant = Merchant(sandbox.simulator, sandbox.credentials, sandbox.clock)
    order = merchant.h5_order()
    merchant.h5(order)
    shown = browser.get("/phone/orders").json()["orders"][0]
    assert (shown["outTradeNo"], shown["kind"]) == (order["out_trade_no"], "MWEB")

    for visit, code in (
        ({"insideWeChat": True}, "H5_INSIDE_WECHAT"),
        ({"ip": "198.51.100.7"}, "H5_ADDRESS_DIFFERS"),
        ({"referer": ""}, "H5_REFERER_MISSING"),
        ({"referer": "//example.invalid/"}, "H5_REFERER_FOREIGN"),
    ):
        refused = browser.post("/phone/pay", json={"h5Url": shown["h5Url"], **visit})
        assert (refused.status_code, refused.json()["code"]) == (403, code)
    requests.post(f"{sandbox.api}/_sandbox/clock", json={"advance": 301}, timeout=10)
    assert browser.post("/phone/pay", json={"h5Url": shown["h5Url"]}).json()["code"] == "CODE_EXPIRED"

    merchant.h5(order)
    shown = browser.get("/phone/orders").json()["orders"][0]
    assert browser.post("/phone/pay", json={"h5Url": shown["h5Url"]}).status_code == 200
    assert browser.get("/phone/orders").json()["orders"][0]["state"] == "SUCCESS"


def test_a_simulator_that_is_gone_is_said_plainly(sandbox, browser, monkeypatch):
    monkeypatch.setattr(sandbox, "simulator", "http://127.0.0.1:9")

    for answer in (browser.get("/phone/orders"), browser.post("/phone/pay", json={"outTradeNo": "WX1234"})):
        assert (answer.status_code, answer.json()["code"]) == (502, "WECHAT_UNREACHABLE")
