"""Clients that nobody here wrote, in another language, against the simulator run alone: every call that it answers, and how often."""

import json
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.kit.calls import accepted, calls, documented, kinds, sentence

HERE = Path(__file__).parent
CLIENTS = ("wechatpay-node-v3", "wechatpay-axios-plugin")


@pytest.fixture(scope="session", params=CLIENTS)
def client(request):
    return request.param


@pytest.fixture(scope="session")
def log(tmp_path_factory, client):
    return tmp_path_factory.mktemp(client) / "log"


@pytest.fixture(scope="session")
def walked(environment, credentials_file, simulating, client, log):
    """What the package got to know on its walk, where WeChat Pay signs with a certificate; and the simulator's coverage."""
    with simulating("--mode", "cert", "--log", str(log)) as url:
        told = walk(client, url, credentials_file, "cert", environment)
        with urllib.request.urlopen(f"{url}/_sandbox/coverage", timeout=5) as answer:
            return told, json.load(answer)


@pytest.fixture(scope="session")
def told(walked):
    return walked[0]


@pytest.fixture(scope="session")
def told_by_public_key(environment, credentials_file, simulating, client):
    """The same, shorter, where it signs with its public key's other half."""
    with simulating("--mode", "pubkey") as url:
        return walk(client, url, credentials_file, "pubkey", environment)


def walk(client, url, credentials_file, mode, environment):
    done = subprocess.run(
        ["node", str(HERE / "walk.js"), client, url, str(credentials_file), mode],
        check=False,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_makes_every_call_each_is_done_and_each_notification_accepted(
    client, walked, log, record_property
):
    _, coverage = walked
    counted, notified = calls(log.read_text(), coverage), accepted(log.read_text())
    assert counted.keys() == kinds(coverage).keys()
    assert documented(client) == counted + notified
    record_property("at_the_end", sentence(client, counted, notified))


def test_it_orders_and_is_paid_whichever_key_signs(told, told_by_public_key):
    for by_key in (told, told_by_public_key):
        assert by_key["native"]["status"] == 200
        assert by_key["native"]["data"]["code_url"].startswith("weixin://wxpay/")
        assert by_key["unpaid"]["data"]["trade_state"] == "NOTPAY"
        for answer in (by_key["paid"], by_key["paidById"]):
            assert answer["status"] == 200
            order = answer["data"]
            assert (order["trade_state"], order["amount"]["total"], order["attach"]) == (
                "SUCCESS",
                9999,
                "é微",
            )
        notification = by_key["paymentNotification"]
        assert notification["type"] == "TRANSACTION.SUCCESS"
        assert notification["resource"] == by_key["paid"]["data"]


def test_it_orders_for_each_device_and_is_paid_there(told):
    assert told["jsapi"]["data"]["payment"]["package"].startswith("prepay_id=wx")
    assert "/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx" in told["h5"]["data"]["h5_url"]
    for way, kind in (("jsapi", "JSAPI"), ("h5", "MWEB"), ("app", "APP")):
        resource = told[f"{way}Notification"]["resource"]
        assert (resource["trade_type"], resource["trade_state"]) == (kind, "SUCCESS")


def test_it_closes(told):
    assert told["close"]["status"] == 204
    assert told["closed"]["data"]["trade_state"] == "CLOSED"


def test_it_refunds_and_sends_an_abnormal_refund_to_the_buyers_card(told):
    refund, sent_on = told["refund"]["data"], told["sentOn"]["data"]
    assert (refund["status"], refund["amount"]["refund"]) == ("PROCESSING", 5000)
    assert told["abnormalNotification"]["resource"]["refund_status"] == "ABNORMAL"
    assert (sent_on["status"], sent_on["user_received_account"]) == ("PROCESSING", "工商银行借记卡3455")
    assert told["refunded"]["data"]["status"] == "SUCCESS"
    resource = told["refundNotification"]["resource"]
    assert (resource["refund_status"], resource["out_refund_no"]) == ("SUCCESS", "NODE-REFUND")
    assert resource["refund_id"] == refund["refund_id"]
    assert told["afterRefund"]["data"]["trade_state"] == "REFUND"


def test_its_encryption_passes_the_echo(told):
    assert told["echo"]["data"]["echo_message"] == "hello"
    assert told["echoDecrypted"] == "秘密"
    assert told["echoNotification"]["resource"]["echo_message"] == "hello"


def test_it_fetches_yesterdays_bills(told):
    trade, fund_flow = told["bills"]
    assert "`NODE-NATIVE" in trade
    assert "`NODE-REFUND" in trade
    assert "资金流水总笔数" in fund_flow


def test_each_notification_is_verified_by_the_key_of_the_mode(told, told_by_public_key, credentials_file):
    mine = json.loads(credentials_file.read_text())
    assert told["paymentNotification"]["serial"] == mine["platformSerialNo"]
    assert told_by_public_key["paymentNotification"]["serial"] == mine["wechatPublicKeyId"]


def test_it_is_told_what_is_wrong(told_by_public_key):
    unknown, paid = told_by_public_key["unknown"], told_by_public_key["closedAfterPayment"]
    assert (unknown["status"], unknown["data"]["code"]) == (404, "ORDER_NOT_EXIST")
    assert (paid["status"], paid["data"]["code"]) == (400, "ORDER_PAID")


def test_an_answer_that_wechat_pay_has_not_signed_is_not_believed(told_by_public_key):
    assert told_by_public_key["notSigned"].startswith("refused: ")


def test_for_what_has_a_star_in_the_table_it_has_no_method(told):
    assert not [name for name in told["methods"] if "echo" in name.lower() or "abnormal" in name.lower()]
