"""`wechatpayv3` makes every call that the simulator answers, each is done, and the simulator's own log says how many they were."""

import gzip
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import RequestType

from tests.kit.calls import TESTING, accepted, calls, documented, kinds, sentence
from tests.simulator.merchant import Merchant
from tests.simulator.receiver import Receiver
from tests.simulator.test_bills import BEIJING
from wechatpay_simulator import Clock, Credentials, Simulator

# It asks a certificate for its end by a property that cryptography has replaced.
pytestmark = pytest.mark.filterwarnings("ignore:Properties that return a naïve datetime")

CLIENT = "wechatpayv3"
HOST = "api.mch.weixin.qq.com"
ORDER = {"description": "测试商品", "amount": {"total": 100}}
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
CARD = {"bank_type": "ICBC_DEBIT", "bank_account": "6222020200112233455", "real_name": "张三"}
Make = Callable[[], WeChatPay]


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def merchant(credentials: Credentials, log: io.StringIO) -> Iterator[Merchant]:
    """Beside a simulator that signs with certificates, so that there is something to download."""
    clock = Clock()
    simulator = Simulator(credentials, clock=clock, mode="cert", log=log)
    url = simulator.start()
    yield Merchant(url, credentials, clock)
    simulator.stop()


@pytest.fixture
def make(
    merchant: Merchant, credentials: Credentials, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Make:
    """A client with WeChat Pay's host led elsewhere, which downloads the certificates when it is made."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    send = requests.Session.send

    def to_simulator(session: Any, prepared: Any, **options: Any) -> Any:
        assert urlsplit(prepared.url).netloc == HOST
        prepared.url = f"{merchant.url}{prepared.path_url}"
        return send(session, prepared, **options)

    monkeypatch.setattr(requests.Session, "send", to_simulator)
    return lambda: WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=credentials.mchid,
        private_key=credentials.merchant_private_key,
        cert_serial_no=credentials.merchant_serial_no,
        appid=credentials.appid,
        apiv3_key=credentials.api_v3_key,
        notify_url=receiver.url,
        timeout=(5, 5),
    )


def done(answer: tuple[int, Any]) -> Any:
    code, message = answer
    assert code in (200, 204), message
    return json.loads(message) if message else None


def called_up(client: WeChatPay, credentials: Credentials, prepay_id: str, *, in_app: bool) -> dict[str, str]:
    """What a page or an app hands to WeChat, signed as the client's documents show."""
    stamp, nonce = str(int(datetime.now(tz=BEIJING).timestamp())), "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"
    if in_app:
        signature = client.sign([credentials.appid, stamp, nonce, prepay_id])
        return {
            "appid": credentials.appid,
            "partnerid": credentials.mchid,
            "prepayid": prepay_id,
            "package": "Sign=WXPay",
            "noncestr": nonce,
            "timestamp": stamp,
            "sign": signature,
        }
    package = f"prepay_id={prepay_id}"
    return {
        "appId": credentials.appid,
        "timeStamp": stamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": client.sign([credentials.appid, stamp, nonce, package]),
    }


def walk(client: WeChatPay, merchant: Merchant, receiver: Receiver) -> None:
    """Every call once, and more often where an order has to be in some state."""
    mine = merchant.credentials
    code = done(client.pay(out_trade_no="EVERY-NATIVE", attach="é微", **ORDER))["code_url"]
    assert done(client.query(out_trade_no="EVERY-NATIVE"))["trade_state"] == "NOTPAY"
    paid = merchant.pay(codeUrl=code).json
    assert done(client.query(transaction_id=paid["transaction_id"]))["attach"] == "é微"

    payer = {"openid": OPENID}
    jsapi = done(client.pay(out_trade_no="EVERY-JSAPI", payer=payer, pay_type=WeChatPayType.JSAPI, **ORDER))
    app = done(client.pay(out_trade_no="EVERY-APP", pay_type=WeChatPayType.APP, **ORDER))
    for answer, in_app in ((jsapi, False), (app, True)):
        payment = called_up(client, mine, answer["prepay_id"], in_app=in_app)
        assert merchant.pay(payment=payment).status == 200
    scene = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}
    link = done(client.pay(out_trade_no="EVERY-H5", scene_info=scene, pay_type=WeChatPayType.H5, **ORDER))
    assert merchant.pay(h5Url=link["h5_url"], ip="203.0.113.7").status == 200
    done(client.pay(out_trade_no="EVERY-CLOSED", **ORDER))
    assert client.close("EVERY-CLOSED") == (204, "")

    merchant.control("POST", "settings", {"refundAfter": None})
    amount = {"refund": 40, "total": 100, "currency": "CNY"}
    refund = done(client.refund("EVERY-REFUND", amount, transaction_id=paid["transaction_id"], reason="售完"))
    ended = {"outRefundNo": "EVERY-REFUND", "status": "ABNORMAL"}
    assert merchant.control("POST", "refund", ended).status == 200
    sent_on = done(client.abnormal_refund(refund["refund_id"], "EVERY-REFUND", "USER_BANK_CARD", **CARD))
    assert sent_on["user_received_account"] == "工商银行借记卡3455"
    merchant.control("POST", "refund", ended | {"status": "SUCCESS"})
    assert done(client.query_refund("EVERY-REFUND"))["status"] == "SUCCESS"

    message = {"echo_message": "hello", "encrypted_echo_message": client._core.encrypt("秘密")}
    echo = client._core.request(
        "/v3/security/echo",
        method=RequestType.POST,
        data=message | {"notify_url": receiver.url},
        cipher_data=True,
    )
    assert client.decrypt(done(echo)["encrypted_echo_message"]) == "秘密"


def read_bills(client: WeChatPay, day: str, url: str) -> None:
    for ask in (client.trade_bill, client.fundflow_bill):
        told = done(ask(day))
        link = told["download_url"].replace(url, f"https://{HOST}")  # it signs what follows this host
        code, bill = client.download_bill(link)
        text = gzip.decompress(bill)
        assert (code, hashlib.sha1(text).hexdigest()) == (200, told["hash_value"])
        assert "`EVERY-NATIVE" in text.decode()


def test_it_makes_every_call_and_each_is_done(
    make: Make,
    merchant: Merchant,
    receiver: Receiver,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    eventually: Callable[[Callable[[], bool]], None],
    record_property: Callable[[str, object], None],
) -> None:
    client = make()
    walk(client, merchant, receiver)
    came = receiver.wait(7)
    told = Counter(client.callback(each.headers, each.body)["event_type"] for each in came)

    now = merchant.clock.time()
    day = datetime.fromtimestamp(now, tz=BEIJING)
    ahead = (day.replace(hour=10, minute=0, second=0) + timedelta(days=1) - day).total_seconds() + 1
    monkeypatch.setattr("time.time", lambda: now + ahead)  # which both go by, client and simulator
    read_bills(client, day.date().isoformat(), merchant.url)

    eventually(lambda: accepted(log.getvalue()) == told)  # its answers, on their way
    coverage = merchant.control("GET", "coverage").json
    counted, notified = calls(log.getvalue(), coverage), accepted(log.getvalue())
    assert counted.keys() == kinds(coverage).keys()
    assert documented(CLIENT) == counted + notified
    said = sentence(CLIENT, counted, notified)
    assert said in TESTING.read_text(encoding="utf-8")
    record_property("at_the_end", said)


def test_for_what_has_a_star_in_the_table_it_has_no_method() -> None:
    methods = [name for name in dir(WeChatPay) if not name.startswith("_")]
    assert not [name for name in methods if "echo" in name or "certificate" in name]


def test_an_answer_that_wechat_pay_has_not_signed_is_not_believed(make: Make, merchant: Merchant) -> None:
    client = make()
    merchant.control("POST", "faults", {"rules": [{"on": "native", "effect": "bad_signature"}]})
    with pytest.raises(Exception, match="failed to verify the signature"):
        client.pay(out_trade_no="EVERY-NATIVE", **ORDER)
