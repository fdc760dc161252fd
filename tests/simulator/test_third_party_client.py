"""A client that nobody here wrote, `wechatpayv3`, against the simulator run alone. Only its host is changed."""

import gzip
import hashlib
import json
import subprocess
import sys
import time
import urllib.request
from datetime import datetime, timedelta

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import RequestType

from tests.simulator.test_bills import BEIJING


@pytest.fixture
def url(credentials_file):
    command = [
        sys.executable,
        "-m",
        "wechatpay_simulator",
        "--port",
        "0",
        "--credentials",
        str(credentials_file),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.terminate()
        assert process.wait(timeout=10) == 0


@pytest.fixture
def client(url, credentials_file, receiver, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    mine = json.loads(credentials_file.read_text())
    client = WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=mine["mchid"],
        private_key=mine["merchantPrivateKey"],
        cert_serial_no=mine["merchantSerialNo"],
        appid=mine["appid"],
        apiv3_key=mine["apiV3Key"],
        notify_url=receiver.url,
        public_key=mine["wechatPublicKey"],
        public_key_id=mine["wechatPublicKeyId"],
        timeout=(5, 5),
    )
    client._core._gate_way = url
    return client


def pay(url, **by):
    return control(url, "pay", **by)


def control(url, name, **members):
    body = json.dumps(members).encode()
    with urllib.request.urlopen(f"{url}/_sandbox/{name}", data=body, timeout=5) as answer:
        return json.load(answer)


def test_it_orders_is_paid_queries_and_reads_the_notification(client, url, receiver):
    code, message = client.pay(
        description="测试商品", out_trade_no="T1217752501201407", amount={"total": 100}, attach="é微"
    )
    assert code == 200, message
    assert json.loads(client.query(out_trade_no="T1217752501201407")[1])["trade_state"] == "NOTPAY"

    paid = pay(url, codeUrl=json.loads(message)["code_url"])

    for number in ({"out_trade_no": "T1217752501201407"}, {"transaction_id": paid["transaction_id"]}):
        code, message = client.query(**number)
        assert code == 200
        order = json.loads(message)
        assert (order["trade_state"], order["amount"]["total"], order["attach"]) == ("SUCCESS", 100, "é微")

    [came] = receiver.wait(1)
    notification = client.callback(came.headers, came.body)
    assert notification["event_type"] == "TRANSACTION.SUCCESS"
    assert notification["resource"] == order


def test_it_is_told_what_is_wrong(client):
    code, message = client.pay(description="x", out_trade_no="short", amount={"total": 100})
    assert (code, json.loads(message)["code"]) == (400, "PARAM_ERROR")
    code, message = client.query(out_trade_no="NOBODY-KNOWS")
    assert (code, json.loads(message)["code"]) == (404, "ORDER_NOT_EXIST")
    client._core._cert_serial_no = "4" * 40
    code, message = client.query(out_trade_no="NOBODY-KNOWS")
    assert (code, json.loads(message)["code"]) == (401, "SIGN_ERROR")


def test_it_orders_for_a_buyer_and_closes(client):
    ordered = {
        "description": "测试商品",
        "out_trade_no": "T1217752501201408",
        "amount": {"total": 100},
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "pay_type": WeChatPayType.JSAPI,
    }
    code, message = client.pay(**ordered)
    assert (code, json.loads(message)["prepay_id"][:2]) == (200, "wx")
    for _ in range(2):
        code, message = client.close("T1217752501201408")
        assert (code, message) == (204, "")  # text, as it reads whatever says that it is JSON
    assert json.loads(client.query(out_trade_no="T1217752501201408")[1])["trade_state"] == "CLOSED"
    code, message = client.pay(**ordered)
    assert (code, json.loads(message)["code"]) == (400, "ORDER_CLOSED")


def test_it_orders_for_a_phones_browser_and_the_buyer_pays_there(client, url, receiver):
    ordered = {
        "description": "测试商品",
        "out_trade_no": "T1217752501201411",
        "amount": {"total": 100},
        "scene_info": {"payer_client_ip": "14.23.150.211", "h5_info": {"type": "Wap"}},
        "pay_type": WeChatPayType.H5,
    }
    code, message = client.pay(**ordered)
    assert code == 200, message
    link = json.loads(message)["h5_url"]
    assert link.startswith(f"{url}/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx")
    pay(url, h5Url=link, ip="14.23.150.211")
    [came] = receiver.wait(1)
    told = client.callback(came.headers, came.body)["resource"]
    assert (told["trade_type"], told["trade_state"]) == ("MWEB", "SUCCESS")
    code, message = client.pay(**ordered)
    assert (code, json.loads(message)["code"]) == (400, "ORDERPAID")
    ordered["scene_info"] = {"payer_client_ip": "14.23.150.211"}
    code, message = client.pay(**ordered | {"out_trade_no": "T1217752501201412"})
    refusal = json.loads(message)
    assert (code, refusal["code"], refusal["detail"]["field"]) == (400, "PARAM_ERROR", "/scene_info/h5_info")


def test_it_orders_for_its_own_app_and_the_buyer_pays_there(client, url, receiver):
    code, message = client.pay(
        description="测试商品",
        out_trade_no="T1217752501201413",
        amount={"total": 100},
        pay_type=WeChatPayType.APP,
    )
    assert code == 200, message
    pay(url, prepayId=json.loads(message)["prepay_id"])
    [came] = receiver.wait(1)
    told = client.callback(came.headers, came.body)["resource"]
    assert (told["trade_type"], told["trade_state"]) == ("APP", "SUCCESS")
    code, message = client.pay(
        description="测试商品",
        out_trade_no="T1217752501201413",
        amount={"total": 100},
        pay_type=WeChatPayType.NATIVE,
    )
    assert (code, json.loads(message)["code"]) == (400, "ORDERPAID")


def test_it_refunds_queries_and_reads_the_notification(client, url, receiver):
    code, message = client.pay(
        description="测试商品",
        out_trade_no="T1217752501201409",
        amount={"total": 100},
        payer={"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        pay_type=WeChatPayType.JSAPI,
    )
    paid = pay(url, prepayId=json.loads(message)["prepay_id"])
    receiver.wait(1)

    code, message = client.refund(
        out_refund_no="R1217752501201409",
        transaction_id=paid["transaction_id"],
        amount={"refund": 40, "total": 100, "currency": "CNY"},
        reason="商品已售完",
        notify_url=receiver.url,
    )
    assert code == 200, message
    refund = json.loads(message)
    assert (refund["status"], refund["amount"]["refund"]) == ("PROCESSING", 40)

    came = receiver.wait(2)[1]
    notification = client.callback(came.headers, came.body)
    assert notification["event_type"] == "REFUND.SUCCESS"
    told = notification["resource"]
    assert (told["refund_id"], told["refund_status"]) == (refund["refund_id"], "SUCCESS")

    code, message = client.query_refund("R1217752501201409")
    assert code == 200, message
    assert json.loads(message) == refund | {"status": "SUCCESS", "success_time": told["success_time"]}
    assert json.loads(client.query(out_trade_no="T1217752501201409")[1])["trade_state"] == "REFUND"
    code, message = client.close("T1217752501201409")
    assert (code, json.loads(message)["code"]) == (400, "ORDER_PAID")
    code, message = client.refund(
        out_refund_no="R1217752501201410",
        out_trade_no="T1217752501201409",
        amount={"refund": 61, "total": 100, "currency": "CNY"},
    )
    assert (code, json.loads(message)["code"]) == (400, "INVALID_REQUEST")


def test_it_sends_an_abnormal_refund_to_the_buyers_card(client, url, receiver):
    control(url, "settings", refundAfter=None)
    client.pay(description="测试商品", out_trade_no="T1217752501201410", amount={"total": 100})
    pay(url, outTradeNo="T1217752501201410")
    _, message = client.refund(
        out_refund_no="R1217752501201410",
        out_trade_no="T1217752501201410",
        amount={"refund": 100, "total": 100, "currency": "CNY"},
        notify_url=receiver.url,
    )
    refund = json.loads(message)
    control(url, "refund", outRefundNo=refund["out_refund_no"], status="ABNORMAL")
    code, message = client.abnormal_refund(
        refund["refund_id"],
        refund["out_refund_no"],
        "USER_BANK_CARD",
        bank_type="ICBC_DEBIT",
        bank_account="6222020200112233455",
        real_name="张三",
    )
    assert code == 200, message
    sent_on = json.loads(message)
    assert (sent_on["status"], sent_on["user_received_account"]) == ("PROCESSING", "工商银行借记卡3455")
    control(url, "refund", outRefundNo=refund["out_refund_no"], status="SUCCESS")
    told = [client.callback(came.headers, came.body)["resource"] for came in receiver.wait(3)]
    assert {each.get("refund_status") for each in told} == {None, "ABNORMAL", "SUCCESS"}


def test_its_encryption_and_its_reader_of_notifications_pass_the_echo(client, receiver):
    code, message = client._core.request(
        "/v3/security/echo",
        method=RequestType.POST,
        data={
            "echo_message": "hello",
            "encrypted_echo_message": client._core.encrypt("秘密"),
            "notify_url": receiver.url,
        },
        cipher_data=True,
    )
    assert code == 200, message
    said = json.loads(message)
    assert (said["echo_message"], client.decrypt(said["encrypted_echo_message"])) == ("hello", "秘密")
    [came] = receiver.wait(1)
    notification = client.callback(came.headers, came.body)
    assert notification["event_type"] == "SECURITY_ECHO.SUCCESS"
    told = notification["resource"]
    assert (told["echo_message"], client.decrypt(told["encrypt_echo_message"])) == ("hello", "秘密")


def test_it_fetches_yesterdays_bills(client, url, monkeypatch):
    assert (
        client.pay(description="测试商品", out_trade_no="T1217752501201411", amount={"total": 100})[0] == 200
    )
    pay(url, outTradeNo="T1217752501201411")
    now = time.time()
    day = datetime.fromtimestamp(now, tz=BEIJING)
    ready = day.replace(hour=10, minute=0, second=0) + timedelta(days=1)
    ahead = (ready - day).total_seconds() + 1
    control(url, "clock", advance=ahead)
    monkeypatch.setattr("time.time", lambda: now + ahead)  # the client goes by the machine's clock
    for ask in (client.trade_bill, client.fundflow_bill):
        code, message = ask(day.date().isoformat())
        assert code == 200, message
        told = json.loads(message)
        code, bill = client.download_bill(told["download_url"])
        assert code == 200, bill
        text = gzip.decompress(bill)
        assert hashlib.sha1(text).hexdigest() == told["hash_value"]
        assert "`T1217752501201411" in text.decode()
