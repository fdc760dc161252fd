"""The log names the mistake in a client's signature; the client itself is told what WeChat Pay tells, and no more."""

import base64
import io
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.simulator.merchant import Merchant, Response
from wechatpay_simulator import Clock, Credentials, Simulator

NATIVE = "/v3/pay/transactions/native"
QUERY = "/v3/pay/transactions/out-trade-no/T1217752501201407?mchid={mchid}"


@dataclass
class Watched:
    """A merchant and the log of the simulator that it talks to."""

    merchant: Merchant
    text: io.StringIO

    def line(self) -> str:
        """The newest line."""
        return self.text.getvalue().splitlines()[-1]


@pytest.fixture(scope="module")
def watched(credentials: Credentials) -> Iterator[Watched]:
    clock, text = Clock(), io.StringIO()
    simulator = Simulator(credentials, clock=clock, log=text)
    url = simulator.start()
    yield Watched(Merchant(url, credentials, clock, open_platform_url=simulator.open_platform_url), text)
    simulator.stop()


@dataclass
class Signed:
    """A request, and what its signature covers in place of it; None: what is sent."""

    method: str = "POST"
    target: str = NATIVE
    body: bytes = b'{"description":"\xe5\xa4\xa9/<1>","amount":{"total":100,"currency":"CNY"}}'
    covers: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)  # of Authorization, instead of the right ones
    text: Any = None  # from the lines that are covered to the text
    key: Any = None
    hashed: Any = field(default_factory=SHA256)
    padding: Any = field(default_factory=PKCS1v15)
    age: float = 0
    unit: int = 1  # 1000 for milliseconds


def sent(watched: Watched, what: Signed) -> Response:
    """Signed here, with nothing of the simulator's."""
    merchant = watched.merchant
    target = what.target.format(mchid=merchant.credentials.mchid)
    timestamp = str(int((merchant.clock.time() - what.age) * what.unit))
    nonce = what.fields.get("nonce_str", secrets.token_hex(16))
    covered: dict[str, Any] = {
        "method": what.method,
        "target": target,
        "timestamp": timestamp,
        "nonce": nonce,
        "body": what.body,
    }
    covered |= {
        name: value(covered[name]) if callable(value) else value for name, value in what.covers.items()
    }
    covered["target"] = covered["target"].format(mchid=merchant.credentials.mchid)
    lines = [value if isinstance(value, bytes) else value.encode() for value in covered.values()]
    text = what.text(lines) if what.text else b"".join(line + b"\n" for line in lines)
    key: Any = what.key or load_pem_private_key(
        merchant.credentials.merchant_private_key.encode(), None, unsafe_skip_rsa_key_validation=True
    )
    fields = {
        "mchid": merchant.credentials.mchid,
        "nonce_str": nonce,
        "timestamp": timestamp,
        "serial_no": merchant.credentials.merchant_serial_no,
        "signature": base64.b64encode(key.sign(text, what.padding, what.hashed)).decode(),
    } | what.fields
    authorization = ",".join(f'{name}="{value}"' for name, value in fields.items() if value != "...")
    headers: dict[str, str | None] = {
        "Accept": "*/*",
        "User-Agent": "t",
        "Content-Type": "application/json",
        "Host": "shop.example",
        "Authorization": f"WECHATPAY2-SHA256-RSA2048 {authorization}",
    }
    return merchant.send(what.method, target, what.body, headers)


def as_json(**how: Any) -> Any:
    return lambda body: json.dumps(json.loads(body), **how).encode()


GET = Signed("GET", QUERY, b"")
ANOTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

MISTAKES: dict[str, tuple[Signed, Any]] = {
    "an empty body": (
        Signed(covers={"body": b""}),
        "the signature covers an empty body, and one of 65 bytes came",
    ),
    "another body": (
        Signed(covers={"body": lambda body: body.replace(b"100", b"101")}),
        (
            "the signature covers another body than the one that came, or another nonce_str: "
            "the key is right, and nothing else that was tried fits"
        ),
    ),
    "another path": (
        Signed(covers={"target": "/v3/pay/transactions/jsapi"}),
        "the signature covers another path, /v3/pay/transactions/jsapi",
    ),
    "the path without the query": (
        Signed("GET", QUERY, b"", covers={"target": lambda target: target.partition("?")[0]}),
        "the signature covers the path without the query",
    ),
    "a query that did not come": (
        Signed(
            "GET", QUERY.partition("?")[0], b"", covers={"target": lambda target: target + "?mchid={mchid}"}
        ),
        "the signature covers a query, mchid=…, that did not come",
    ),
    "the host": (
        Signed(covers={"target": f"https://api.mch.weixin.qq.com{NATIVE}"}),
        "the signature covers the host, too: only path and query are signed",
    ),
    "the host that it called": (
        Signed(covers={"target": f"http://shop.example{NATIVE}"}),
        "the signature covers the host, too: only path and query are signed",
    ),
    "no /v3": (
        Signed(covers={"target": NATIVE.removeprefix("/v3")}),
        "the signature covers the path with a slash or its beginning missing, or with a slash too many",
    ),
    "the path decoded": (
        Signed(
            "GET",
            "/v3/pay/transactions/out-trade-no/T1%7C2%2A34?mchid={mchid}",
            b"",
            covers={"target": lambda target: target.replace("%7C", "|").replace("%2A", "*")},
        ),
        "the signature covers the path decoded or encoded otherwise: sign it as it is sent",
    ),
    "another timestamp": (
        Signed(covers={"timestamp": lambda own: str(int(own) - 2)}),
        "the signature covers another timestamp, 2 s earlier than the header's",
    ),
    "a timestamp in milliseconds": (
        Signed(unit=1000),
        "the timestamp is in milliseconds: it is in seconds",
    ),
    "a slow clock": (
        Signed(age=400),
        re.compile(r"the timestamp is 40[01] s behind the simulator's clock, 300 s are allowed"),
    ),
    "a fast clock": (
        Signed(age=-3600),
        re.compile(r"the timestamp is (3599|3600) s ahead of the simulator's clock, 300 s are allowed"),
    ),
    "no last line feed": (
        Signed(text=b"\n".join),
        "the final line feed is missing: the last line ends with one, too",
    ),
    "no line for an empty body": (
        Signed("GET", QUERY, b"", text=b"\n".join),
        "the final line feed is missing: an empty body has its line, too",
    ),
    "a body that is sent with a line feed more": (
        Signed(body=b'{"a":1}\n', covers={"body": b'{"a":1}'}),
        "the signature covers the body without the line feed that it ends with, or the final line feed is missing",
    ),
    "carriage returns": (
        Signed(text=lambda lines: b"".join(line + b"\r\n" for line in lines)),
        "the lines end with CR LF: they end with LF alone",
    ),
    "line feeds that are two letters": (
        Signed(text=lambda lines: b"".join(line + b"\\n" for line in lines)),
        "the lines end with a backslash and an n, not a line feed",
    ),
    "nonce before timestamp": (
        Signed(text=lambda lines: b"".join(lines[place] + b"\n" for place in (0, 1, 3, 2, 4))),
        "nonce_str stands before the timestamp: the timestamp comes first",
    ),
    "another nonce": (
        Signed("GET", QUERY, b"", covers={"nonce": secrets.token_hex(16)}),
        (
            "the signature covers another nonce_str than the header's, or another path: "
            "the key is right, and nothing else that was tried fits"
        ),
    ),
    "the nonce in capitals": (
        Signed(covers={"nonce": str.upper}, fields={"nonce_str": "abcdef0123456789"}),
        "the signature covers another nonce_str than the header's: one in another form",
    ),
    "another method": (
        Signed(covers={"method": "GET"}),
        "the signature covers the method GET, the request is a POST",
    ),
    "the method in small letters": (
        Signed(covers={"method": "post"}),
        "the signature covers the method post, the request is a POST",
    ),
    "another key": (
        Signed(key=ANOTHER_KEY),
        (
            "another private key made the signature than that of the certificate which serial_no names, "
            "or its padding is not PKCS #1 v1.5"
        ),
    ),
    "another padding": (
        Signed(padding=PSS(MGF1(SHA256()), PSS.DIGEST_LENGTH)),
        (
            "another private key made the signature than that of the certificate which serial_no names, "
            "or its padding is not PKCS #1 v1.5"
        ),
    ),
    "another hash": (Signed(hashed=SHA1()), "the signature is of a SHA-1 hash: it is of SHA-256"),
    "another serial number": (
        Signed(fields={"serial_no": "4" * 40}),
        re.compile(
            "serial_no is of no certificate of this merchant; the key that signed is that of [0-9A-F]{40}"
        ),
    ),
    "another merchant": (
        Signed(fields={"mchid": "1900000109"}),
        re.compile("mchid is another merchant's: this simulator's is [0-9]{10}"),
    ),
    "spaces in the JSON": (
        Signed(covers={"body": as_json(ensure_ascii=False)}),
        (
            "the signature covers the same JSON written otherwise, with spaces after its commas and colons: "
            "sign the very bytes that are sent"
        ),
    ),
    "sorted keys": (
        Signed(covers={"body": as_json(ensure_ascii=False, separators=(",", ":"), sort_keys=True)}),
        "the signature covers the same JSON written otherwise, with its keys sorted: sign the very bytes that are sent",
    ),
    "keys in another order": (
        Signed(body=b'{"a":1,"b":2,"c":3}', covers={"body": b'{"b":2,"c":3,"a":1}'}),
        (
            "the signature covers the same JSON written otherwise, with its keys in another order: "
            "sign the very bytes that are sent"
        ),
    ),
    "escaped unicode": (
        Signed(covers={"body": as_json(separators=(",", ":"))}),
        (
            "the signature covers the same JSON written otherwise, with characters escaped as \\uXXXX: "
            "sign the very bytes that are sent"
        ),
    ),
    "escaped slashes": (
        Signed(covers={"body": lambda body: body.replace(b"/", b"\\/")}),
        (
            "the signature covers the same JSON written otherwise, with slashes escaped as \\/: "
            "sign the very bytes that are sent"
        ),
    ),
    "escaped markup and spaces": (
        Signed(
            covers={
                "body": lambda body: (
                    as_json(ensure_ascii=False)(body).replace(b"<", b"\\u003c").replace(b">", b"\\u003e")
                )
            }
        ),
        (
            "the signature covers the same JSON written otherwise, with spaces after its commas and colons and "
            "with < > & escaped as \\u003c and the like: sign the very bytes that are sent"
        ),
    ),
    "a GET with a body": (
        Signed("GET", QUERY, b'{"a":1}', covers={"body": b""}),
        "a GET came with a body of 7 bytes, and the signature covers an empty one",
    ),
    "a GET with a body that is only signed": (
        Signed("GET", QUERY, b"", covers={"body": b"{}"}),
        "the signature covers a body, and none came: that of a GET is empty",
    ),
    "two mistakes": (
        Signed(
            "GET", QUERY, b"", covers={"target": lambda target: target.partition("?")[0]}, text=b"\n".join
        ),
        (
            "the signature covers the path without the query; "
            "and the final line feed is missing: an empty body has its line, too"
        ),
    ),
    "hashed twice": (
        Signed(text=lambda lines: sha256(b"".join(line + b"\n" for line in lines)).digest()),
        "the text was hashed twice",
    ),
    "a field is missing": (
        Signed(fields={"serial_no": "..."}),
        'Authorization has no serial_no, written as name="value"',
    ),
    "not Base64": (Signed(fields={"signature": "not base64!"}), "the signature is not standard Base64"),
    "too short": (
        Signed(fields={"signature": "ZmFrZQ=="}),
        "the signature has 4 bytes: one of this certificate's key has 256",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_mistake_is_named_in_the_log_and_the_client_is_told_what_wechat_pay_tells(
    watched: Watched, name: str
) -> None:
    what, sentence = MISTAKES[name]
    response = sent(watched, what)

    assert (response.status, response.code) == (401, "SIGN_ERROR")
    line = watched.line()
    said = line.split(" 401: ")[1].rpartition("; SIGN_ERROR: ")[0]
    if isinstance(sentence, str):
        assert said == sentence
    else:
        assert sentence.fullmatch(said)
    assert response.json["message"] == line.rpartition("; SIGN_ERROR: ")[2]
    assert said not in response.body.decode()


def test_the_signature_of_an_earlier_request_is_recognised(watched: Watched) -> None:
    first, second = b'{"first":1}', b'{"second":2}'
    sent(watched, Signed(body=first))
    response = sent(watched, Signed(body=second, covers={"body": first}))
    assert response.status == 401
    assert "the signature covers another body than the one that came: an earlier request's" in watched.line()


def test_the_key_of_the_merchants_other_certificate_is_recognised(watched: Watched) -> None:
    mine = watched.merchant.credentials
    other = load_pem_private_key(mine.merchant_private_key_new.encode(), None)
    assert sent(watched, Signed(key=other)).status == 401
    assert (
        f"the key that signed is that of the merchant's certificate {mine.merchant_serial_no_new}"
        in watched.line()
    )
    assert sent(watched, Signed(key=other, fields={"serial_no": mine.merchant_serial_no_new})).status == 401
    assert "serial_no is of a certificate of the merchant's that is not accepted now" in watched.line()
    assert sent(watched, Signed(fields={"serial_no": mine.wechat_public_key_id})).status == 401
    assert "serial_no names a key of WeChat Pay's" in watched.line()


def test_of_a_large_body_less_is_tried_and_it_is_named_all_the_same(watched: Watched) -> None:
    large = json.dumps({"description": "x" * 1_000_000}).encode()
    assert sent(watched, Signed(body=large, covers={"body": large.replace(b"x", b"y", 1)})).status == 401
    assert "the signature covers another body than the one that came" in watched.line()
