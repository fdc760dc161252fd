"""A client that nobody here wrote, in another language: the npm package wechatpay-node-v3 against the simulator run alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.npm import installed

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def packages():
    """Where node finds the package."""
    return installed(HERE / "package.json", "node")


@pytest.fixture(scope="session", params=["pubkey", "cert"])
def mode(request):
    """How WeChat Pay signs: with its public key's other half, or with a certificate's that a client downloads."""
    return request.param


@pytest.fixture(scope="session")
def credentials(tmp_path_factory):
    return tmp_path_factory.mktemp("node") / "credentials.json"


@pytest.fixture(scope="session")
def told(packages, mode, credentials):
    """What the package got to know on its walk."""
    options = ["--port", "0", "--credentials", str(credentials), "--mode", mode]
    command = [sys.executable, "-m", "wechatpay_simulator", *options]
    with subprocess.Popen(command, cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        walk = subprocess.run(
            ["node", str(HERE / "walk.js"), url, str(credentials), mode],
            check=False,
            env={**os.environ, "NODE_PATH": str(packages)},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
        process.terminate()
    assert walk.returncode == 0, walk.stderr
    return json.loads(walk.stdout)


def test_it_orders_and_is_paid(told):
    assert told["native"]["status"] == 200
    assert told["native"]["data"]["code_url"].startswith("weixin://wxpay/")
    assert told["unpaid"]["data"]["trade_state"] == "NOTPAY"
    for answer in (told["paid"], told["paidById"]):
        assert answer["status"] == 200
        order = answer["data"]
        assert (order["trade_state"], order["amount"]["total"], order["attach"]) == ("SUCCESS", 9999, "é微")
        assert order["transaction_id"] == told["transactionId"]


def test_it_reads_the_payment_notification(told):
    assert told["paymentNotification"]["type"] == "TRANSACTION.SUCCESS"
    assert told["paymentNotification"]["resource"] == told["paid"]["data"]


def test_it_refunds_and_reads_the_notification(told):
    assert told["refund"]["status"] == told["refunded"]["status"] == 200
    assert told["refund"]["data"]["status"] == "PROCESSING"
    assert told["refunded"]["data"]["status"] == "SUCCESS"
    assert told["refunded"]["data"]["amount"]["refund"] == 5000
    assert told["refundNotification"]["type"] == "REFUND.SUCCESS"
    resource = told["refundNotification"]["resource"]
    assert (resource["refund_status"], resource["out_refund_no"]) == ("SUCCESS", "NODE-REFUND")
    assert resource["refund_id"] == told["refund"]["data"]["refund_id"]
    assert told["afterRefund"]["data"]["trade_state"] == "REFUND"


def test_it_orders_within_wechat_and_closes(told):
    assert told["jsapi"]["data"]["package"].startswith("prepay_id=wx")
    assert told["close"]["status"] == 204
    assert told["closed"]["data"]["trade_state"] == "CLOSED"


def test_it_orders_for_a_phones_browser_and_for_an_app_and_is_paid(told):
    assert "/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx" in told["h5"]["data"]["h5_url"]
    for way, kind in (("h5", "MWEB"), ("app", "APP")):
        resource = told[f"{way}Notification"]["resource"]
        assert (resource["trade_type"], resource["trade_state"]) == (kind, "SUCCESS")


def test_it_is_told_what_is_wrong(told):
    unknown, paid = told["unknown"], told["closedAfterPayment"]
    assert (unknown["status"], unknown["data"]["code"]) == (404, "ORDER_NOT_EXIST")
    assert (paid["status"], paid["data"]["code"]) == (400, "ORDER_PAID")


def test_it_verified_every_answer_and_notification(told, mode, credentials):
    mine = json.loads(credentials.read_text())
    serial = mine["wechatPublicKeyId" if mode == "pubkey" else "platformSerialNo"]
    assert told["serials"] == [serial]
    # 14 answers and 4 notifications; to verify certificates it downloads them first.
    assert told["verified"] == (18 if mode == "pubkey" else 19)
