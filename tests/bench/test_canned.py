"""The canned server answers what was recorded, in its order, signs what is WeChat Pay's anew, and refuses all else."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.bench.stage.authority import server_context
from tests.bench.stage.canned import HOSTS, Answered, Asked, Canned, Replaying, Script
from tests.kit.keys import merchant
from wechatpay.errors import SignatureError
from wechatpay.keys import KeyRing, load_public_key
from wechatpay.verification import verify
from wechatpay_simulator import Credentials

DYNAMODB, WECHAT = "dynamodb.us-east-1.amazonaws.com", "api.mch.weixin.qq.com"
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def credentials() -> Credentials:
    return merchant()


@pytest.fixture(scope="module")
def canned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Canned, Path]]:
    tls, trusted = server_context(HOSTS, tmp_path_factory.mktemp("authority"))
    server = Canned(tls)
    yield server, trusted
    server.close()


@pytest.fixture
def ask(canned: tuple[Canned, Path]) -> Iterator[Ask]:
    server, trusted = canned
    server.reset()
    pools = [
        urllib3.HTTPSConnectionPool(
            "127.0.0.1",
            server.port,
            server_hostname=host,
            assert_hostname=host,
            ca_certs=str(trusted),
            retries=False,
        )
        for host in HOSTS
    ]

    def asked(host: str, name: str, members: dict[str, Any] | None = None) -> Any:
        pool = pools[HOSTS.index(host)]
        if host == WECHAT:
            method, path = name.split(" ")
            return pool.request(method, path, headers={"Host": host})
        return pool.request(
            "POST", "/", body=json.dumps(members), headers={"Host": host, "X-Amz-Target": name}
        )

    yield asked
    for pool in pools:
        pool.close()


def recorded(*told: tuple[str, str, dict[str, Any], bytes]) -> Script:
    script = Script()
    for host, name, members, answer in told:
        wechat = host == WECHAT
        method, path = name.split(" ") if wechat else ("POST", "/")
        headers = {} if wechat else {"x-amz-target": name}
        asked = Asked(host, method, path, headers, json.dumps(members).encode())
        script.add(asked, Answered(200, (("Content-Type", "application/json"),), answer))
    return script


def test_answers_come_in_their_order_and_begin_again(
    canned: tuple[Canned, Path], ask: Ask, credentials: Credentials
) -> None:
    table = {"TableName": "payments"}
    script = recorded(
        (DYNAMODB, "DynamoDB.GetItem", table, b'{"first": 1}'),
        (DYNAMODB, "DynamoDB.PutItem", table, b'{"put": 1}'),
        (DYNAMODB, "DynamoDB.GetItem", table, b'{"second": 1}'),
    )
    canned[0].source = Replaying(script, credentials)
    told = [
        ask(DYNAMODB, f"DynamoDB.{name}", table).json()
        for name in ("GetItem", "GetItem", "PutItem", "GetItem")
    ]
    assert told == [{"first": 1}, {"second": 1}, {"put": 1}, {"first": 1}]
    assert canned[0].asked == {"aws": 4}
    assert canned[0].connections == 1
    assert canned[0].refused == []


@pytest.mark.parametrize(
    ("target", "members"),
    [
        ("DynamoDB.GetItem", {"TableName": "others"}),
        ("DynamoDB.PutItem", {"TableName": "payments"}),
        ("secretsmanager.GetSecretValue", {"SecretId": "signing"}),
    ],
)
def test_what_was_not_recorded_is_refused_and_told(
    canned: tuple[Canned, Path], ask: Ask, credentials: Credentials, target: str, members: dict[str, str]
) -> None:
    script = recorded((DYNAMODB, "DynamoDB.GetItem", {"TableName": "payments"}, b"{}"))
    canned[0].source = Replaying(script, credentials)
    answer = ask(DYNAMODB, target, members)
    assert answer.status == 400
    assert answer.json()["__type"] == "NotRecorded"
    assert canned[0].refused == [f"{DYNAMODB} {target} {next(iter(members.values()))}"]


def test_an_answer_of_wechat_pay_is_signed_now_whenever_it_was_recorded(
    canned: tuple[Canned, Path], ask: Ask, credentials: Credentials
) -> None:
    body = b'{"code_url": "weixin://wxpay/bizpayurl?pr=1"}'
    canned[0].source = Replaying(recorded((WECHAT, "GET /v3/pay", {}, body)), credentials)
    answer = ask(WECHAT, "GET /v3/pay")
    keys = KeyRing({credentials.wechat_public_key_id: load_public_key(credentials.wechat_public_key)})
    verify(answer.headers, answer.data, keys=keys, now=time.time())
    with pytest.raises(SignatureError):
        verify(answer.headers, answer.data + b" ", keys=keys, now=time.time())
    assert canned[0].asked == {"wechat": 1}


def test_the_key_that_signs_is_read_before_anybody_asks(credentials: Credentials) -> None:
    """It takes as long as a tenth of a cold start, and would be counted as one's of whoever asks first."""
    body = b'{"code_url": "weixin://wxpay/bizpayurl?pr=1"}'
    asked = Asked(WECHAT, "GET", "/v3/pay", {}, b"")
    script = recorded((WECHAT, "GET /v3/pay", {}, body))
    times = [time.process_time()]
    source = Replaying(script, credentials)
    times.append(time.process_time())
    assert source.answer(asked) is not None
    times.append(time.process_time())
    assert times[2] - times[1] < (times[1] - times[0]) / 4


def test_another_order_is_answered_in_its_own_name(
    canned: tuple[Canned, Path], ask: Ask, credentials: Credentials
) -> None:
    number, other = "WXABCDEFGHIJKLMNOPQRSTUVWX23", "WXABCDEFGHIJKLMNOPQRST000007"
    item = {"Item": {"out_trade_no": {"S": number}}}
    script = recorded(
        (DYNAMODB, "DynamoDB.GetItem", {"TableName": "payments"}, json.dumps(item).encode()),
        (WECHAT, f"GET /v3/pay/{number}", {}, json.dumps({"out_trade_no": number}).encode()),
    )
    canned[0].source = Replaying(script, credentials, number)
    told = ask(DYNAMODB, "DynamoDB.GetItem", {"TableName": "payments", "Key": {"out_trade_no": {"S": other}}})
    assert told.json() == {"Item": {"out_trade_no": {"S": other}}}
    assert ask(WECHAT, f"GET /v3/pay/{other}").json() == {"out_trade_no": other}
    assert ask(WECHAT, "GET /v3/pay/WXANOTHERALTOGETHER").status == 400


def test_each_answer_ends_its_connection_when_new_ones_are_measured(
    canned: tuple[Canned, Path], ask: Ask, credentials: Credentials
) -> None:
    server, table = canned[0], {"TableName": "payments"}
    server.source = Replaying(recorded((DYNAMODB, "DynamoDB.GetItem", table, b"{}")), credentials)
    server.one_each = True
    try:
        for _ in range(3):
            assert ask(DYNAMODB, "DynamoDB.GetItem", table).status == 200
    finally:
        server.one_each = False
    assert server.connections == 3
