"""The client's questions about one paid order, by either number, answered by the simulator."""

import json
import time

import requests

from sandbox.simulator import Clock, Credentials, Simulator
from wechatpay.client import Client
from wechatpay.keys import KeyRing, load_private_key
from wechatpay.signing import MerchantSigner


def test_a_paid_order_is_found_by_both_its_numbers() -> None:
    credentials = Credentials.create()
    simulator = Simulator(credentials, clock=Clock())
    gateway = simulator.start()
    try:
        key = load_private_key(credentials.merchant_private_key)
        signer = MerchantSigner(credentials.mchid, credentials.merchant_serial_no, key)
        client = Client(
            signer=lambda: signer,
            keys=KeyRing.of(
                public_key_id=credentials.wechat_public_key_id, public_key=credentials.wechat_public_key
            ),
            gateways=[gateway],
            clock=time.time,
            nonce=lambda: f"{time.time_ns():032d}",
        )
        request = {
            "appid": credentials.appid,
            "mchid": credentials.mchid,
            "description": "A thing",
            "out_trade_no": "T2026_0001-a|b*",
            "notify_url": "http://127.0.0.1:9/notify",
            "amount": {"total": 1, "currency": "CNY"},
        }
        code_url = client.order_native(json.dumps(request).encode())
        paid = requests.post(f"{gateway}/_sandbox/pay", json={"codeUrl": code_url}, timeout=10).json()
        by_ours = client.query_by_out_trade_no("T2026_0001-a|b*")
        by_theirs = client.query_by_transaction_id(paid["transaction_id"])
    finally:
        simulator.stop()
    assert by_ours == by_theirs
    assert (by_ours["trade_state"], by_ours["transaction_id"]) == ("SUCCESS", paid["transaction_id"])
