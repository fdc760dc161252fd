"""Whatever is sent, the log has a sentence for it, and the answer is WeChat Pay's: what looks for mistakes makes none."""

import base64
import json
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulator.merchant import Merchant
from wechatpay_simulator import Clock, Credentials
from wechatpay_simulator.protocol.merchant_keys import MerchantKeys
from wechatpay_simulator.watching.mistakes import Mistakes

Signing = Callable[[bytes], str]

latin = st.text(st.characters(max_codepoint=255), max_size=40)
targets = st.one_of(
    st.binary(max_size=40), st.from_regex(rb"/v3/[a-z%0-9]{0,8}(\?[a-z%=&+0-9]{0,12})?", fullmatch=True)
)
values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)
bodies = st.one_of(
    st.binary(max_size=60),
    values.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [b"[" * 900 + b"]" * 900, b'{"a":' * 900 + b"1" + b"}" * 900, b"[" * 8000, b'{"a":"\\ud800"}']
    ),
)


@pytest.fixture(scope="module")
def merchant_and_mistakes(credentials: Credentials) -> tuple[Merchant, Mistakes]:
    clock = Clock()
    mistakes = Mistakes(credentials, MerchantKeys(credentials), clock, [])
    return Merchant("http://127.0.0.1:9", credentials, clock), mistakes


@given(
    target=targets,
    body=bodies,
    other=bodies,
    host=latin,
    nonce=latin,
    method=st.sampled_from(["GET", "POST", "X"]),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_of_any_request_whose_signature_is_by_the_right_key(
    merchant_and_mistakes: tuple[Merchant, Mistakes],
    target: bytes,
    body: bytes,
    other: bytes,
    host: str,
    nonce: str,
    method: str,
) -> None:
    merchant, mistakes = merchant_and_mistakes
    signature = merchant.sign(b"GET\n" + other)
    fields = {
        "mchid": merchant.credentials.mchid,
        "nonce_str": nonce.replace('"', "").replace(",", "") or "n",
        "timestamp": str(int(merchant.clock.time())),
        "serial_no": merchant.credentials.merchant_serial_no,
        "signature": signature,
    }
    header = "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{value}"' for name, value in fields.items())
    mistakes.remember(header, method=method, target=target, body=other)
    said = mistakes.sentence(header, method=method, target=target, body=body, host=host)
    assert said.startswith(("the signature covers", "Authorization "))


@given(header=latin | latin.map(lambda text: "WECHATPAY2-SHA256-RSA2048 " + text), body=bodies)
@settings(max_examples=100, deadline=None)
def test_of_any_header(merchant_and_mistakes: tuple[Merchant, Mistakes], header: str, body: bytes) -> None:
    assert merchant_and_mistakes[1].sentence(header, method="POST", target=b"/v3/x", body=body, host="h")


def test_of_a_deep_or_wide_body_it_takes_no_more_than_seconds(
    merchant_and_mistakes: tuple[Merchant, Mistakes],
) -> None:
    merchant, mistakes = merchant_and_mistakes
    signature = base64.b64decode(merchant.sign(b"something else"))
    for body in (b"[" * 900 + b"]" * 900, json.dumps({str(each): each for each in range(1500)}).encode()):
        header = merchant.authorization("POST", "/v3/x", body, signature=base64.b64encode(signature).decode())
        begun = time.process_time()
        mistakes.sentence(header, method="POST", target=b"/v3/x", body=body, host="h")
        assert time.process_time() - begun < 5
