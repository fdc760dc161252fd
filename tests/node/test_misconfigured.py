"""Clients that nobody here wrote, set up wrongly: what the simulator's log says of each is what was done wrong."""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from wechatpayv3 import WeChatPay, WeChatPayType

from tests.kit.keys import stranger

HERE = Path(__file__).parent
CLIENTS = ("wechatpayv3", "wechatpay-node-v3", "wechatpay-axios-plugin")
# By what is wrong: the value, and what the log says.
MISTAKES = {
    "key": (
        None,
        (
            "another private key made the signature than that of the certificate which serial_no names, "
            "or its padding is not PKCS #1 v1.5"
        ),
    ),
    "serial": (
        "4" * 40,
        "serial_no is of no certificate of this merchant; the key that signed is that of {merchantSerialNo}",
    ),
    "mchid": ("1900000109", "mchid is another merchant's: this simulator's is {mchid}"),
    "clock": (600, "the timestamp is (59[0-9]|600) s ahead of the simulator's clock, 300 s are allowed"),
    "slow clock": (-600, "the timestamp is 60[0-9] s behind the simulator's clock, 300 s are allowed"),
}


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("misconfigured") / "log"


@pytest.fixture(scope="module")
def simulator(simulating, log):
    with simulating("--log", str(log)) as url:
        yield url


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    """Of a key that WeChat Pay has not heard of."""
    file = tmp_path_factory.mktemp("key") / "apiclient_key.pem"
    file.write_bytes(stranger().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


@pytest.fixture
def asked(simulator, credentials_file, environment, monkeypatch):
    """Makes the client ask for an order, set up with the mistake."""

    def in_python(mistake, value) -> None:
        mine = json.loads(credentials_file.read_text())
        if mistake == "clock":
            real = time.time
            monkeypatch.setattr("time.time", lambda: real() + value)
        client = WeChatPay(
            wechatpay_type=WeChatPayType.NATIVE,
            mchid=value if mistake == "mchid" else mine["mchid"],
            private_key=value.read_text() if mistake == "key" else mine["merchantPrivateKey"],
            cert_serial_no=value if mistake == "serial" else mine["merchantSerialNo"],
            appid=mine["appid"],
            apiv3_key=mine["apiV3Key"],
            public_key=mine["wechatPublicKey"],
            public_key_id=mine["wechatPublicKeyId"],
            timeout=(5, 5),
        )
        client._core._gate_way = simulator
        code, message = client.query(out_trade_no="NOBODY-KNOWS")
        assert (code, json.loads(message)["code"]) == (401, "SIGN_ERROR")

    def in_node(name, mistake, value) -> None:
        command = ["node", str(HERE / "mistaken.js"), name, simulator, str(credentials_file), mistake]
        subprocess.run([*command, str(value)], env=environment, check=True, capture_output=True, timeout=30)

    return lambda name, *wrong: in_python(*wrong) if name == CLIENTS[0] else in_node(name, *wrong)


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_log_says_what_is_wrong_with_it(asked, log, credentials_file, key_file, mistake, name):
    value, sentence = MISTAKES[mistake]
    asked(name, mistake.removeprefix("slow "), value or key_file)
    line = log.read_text().splitlines()[-1]
    said = re.fullmatch(r"\S+ GET \S+ 401: (.*); SIGN_ERROR: .*", line)
    assert said, line
    expected = sentence.format(**json.loads(credentials_file.read_text()))
    assert re.fullmatch(expected if "clock" in mistake else re.escape(expected), said[1]), line
