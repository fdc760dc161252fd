"""`wechatpayv3` as it has always worked: it downloads the platform certificates itself, then verifies by their serials."""

import json
import urllib.parse

import pytest
import requests
from wechatpayv3 import WeChatPay, WeChatPayType

from wechatpay_simulator import Clock, Simulator


@pytest.fixture(params=["cert", "two-certs", "mixed"])
def simulator(request, credentials):
    simulator = Simulator(credentials, clock=Clock(), mode=request.param)
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def client(simulator, credentials, receiver, tmp_path, monkeypatch):
    """Its first call is made while it is constructed, so the host is changed beneath it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    send = requests.Session.send

    def to_simulator(self, prepared, **options):
        address = urllib.parse.urlsplit(prepared.url)
        assert address.netloc == "api.mch.weixin.qq.com"
        prepared.url = f"{simulator.url}{prepared.path_url}"
        return send(self, prepared, **options)

    monkeypatch.setattr(requests.Session, "send", to_simulator)
    return WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=credentials.mchid,
        private_key=credentials.merchant_private_key,
        cert_serial_no=credentials.merchant_serial_no,
        appid=credentials.appid,
        apiv3_key=credentials.api_v3_key,
        notify_url=receiver.url,
        cert_dir=str(tmp_path),
        timeout=(5, 5),
    )


def test_it_downloads_certificates_orders_and_queries(client, tmp_path, credentials, simulator, merchant_of):
    merchant = merchant_of(simulator, Clock())
    listed = merchant.control("GET", "keys").json["certificates"]
    assert {path.stem for path in tmp_path.glob("*.pem")} == set(listed)
    for number in range(4):
        out_trade_no = f"T121775250120140{number}"
        code, message = client.pay(description="测试商品", out_trade_no=out_trade_no, amount={"total": 100})
        assert code == 200, message
        assert json.loads(message)["code_url"]
        code, message = client.query(out_trade_no=out_trade_no)
        assert (code, json.loads(message)["trade_state"]) == (200, "NOTPAY")


def test_it_reads_notifications_by_certificate(client, simulator, receiver, merchant_of):
    merchant = merchant_of(simulator, Clock())
    merchant.control("POST", "keys", {"percentage": 0})
    order = merchant.placed(notify_url=receiver.url)
    merchant.pay(codeUrl=order["code_url"])
    [came] = receiver.wait(1)
    assert client.callback(came.headers, came.body)["resource"]["out_trade_no"] == order["out_trade_no"]
