"""Bills: the link is signed, the file is not; what counts is the text whose hash the link has."""

import base64
import gzip
import hashlib
import json
import re
import time
import tracemalloc
import zlib

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from tests.wechatpay.gateway import answering, client, merchant_public_key, proof, signature
from wechatpay.bill_calls import BillLink, download, fund_flow_bill, trade_bill
from wechatpay.errors import UnknownOutcomeError, UnprovenBillError

TEXT = "交易时间,商品名称\r\n`2026-11-28,`《课程》,`\r\n".encode() * 1000
SHA1 = hashlib.sha1(TEXT, usedforsecurity=False).hexdigest()
FILE = "/v3/billdownload/file?token=a%2Fb&tartype=gzip"


def linked(**changed) -> bytes:
    members = {"hash_type": "SHA1", "hash_value": SHA1, "download_url": "https://x"} | changed
    return json.dumps({name: value for name, value in members.items() if value is not None}).encode()


def fetch(server, content: bytes, *, sha1: str = SHA1, status: str = "200 OK", headers=()) -> bytes:
    origin = server(answering(content, list(headers), status))
    return b"".join(download(client(origin), BillLink(origin + FILE, sha1)))


@pytest.mark.parametrize(
    ("ask", "operation", "query"),
    [
        (trade_bill, "/v3/bill/tradebill", "bill_date=2026-11-28&bill_type=ALL&tar_type=GZIP"),
        (fund_flow_bill, "/v3/bill/fundflowbill", "bill_date=2026-11-28&account_type=BASIC&tar_type=GZIP"),
    ],
)
def test_a_link_is_what_wechat_pay_has_signed(server, ask, operation, query):
    heard: list[bytes] = []
    body = linked(hash_value=SHA1.upper())
    origin = server(answering(body, proof(body)), heard=heard)
    assert ask(client(origin), "2026-11-28") == BillLink("https://x", SHA1)
    assert heard[0].startswith(f"GET {operation}?{query} HTTP/1.1".encode())


@pytest.mark.parametrize(
    "changed", [{"hash_type": "MD5"}, {"hash_value": None}, {"download_url": None}, {"hash_value": 7}]
)
def test_an_answer_that_leads_to_no_bill_is_unknown(server, changed):
    body = linked(**changed)
    with pytest.raises(UnknownOutcomeError, match="leads to no bill"):
        trade_bill(client(server(answering(body, proof(body)))), "2026-11-28")


def test_a_link_that_nobody_has_signed_is_none(server):
    body = linked()
    with pytest.raises(UnknownOutcomeError):
        trade_bill(client(server(answering(body, {}))), "2026-11-28")
    forged = proof(body) | {"Wechatpay-Signature": signature(b"x", "merchant")}
    with pytest.raises(UnknownOutcomeError):
        trade_bill(client(server(answering(body, forged))), "2026-11-28")


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(TEXT, mtime=0),
        gzip.compress(TEXT[:500], mtime=0) + gzip.compress(TEXT[500:], mtime=0),
        gzip.compress(b"", mtime=0) + gzip.compress(TEXT, mtime=0) + gzip.compress(b"", mtime=0),
    ],
)
def test_a_file_comes_as_the_text_that_was_signed(server, content):
    assert fetch(server, content) == TEXT


def test_the_request_for_a_file_is_signed_with_its_query(server):
    heard: list[bytes] = []
    origin = server(answering(gzip.compress(TEXT), {}), heard=heard)
    assert b"".join(download(client(origin), BillLink(origin + FILE, SHA1))) == TEXT
    head = heard[0].decode()
    assert head.startswith(f"GET {FILE} HTTP/1.1\r\n")
    signed = dict(re.findall(r'(\w+)="([^"]*)"', head))
    message = f"GET\n{FILE}\n{signed['timestamp']}\n{signed['nonce_str']}\n\n".encode()
    merchant_public_key().verify(base64.b64decode(signed["signature"]), message, PKCS1v15(), SHA256())


def test_a_file_that_a_proxy_calls_compressed_once_more_is_the_file_itself(server):
    assert fetch(server, gzip.compress(TEXT), headers=[("Content-Encoding", "gzip")]) == TEXT


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (gzip.compress(TEXT[:-1], mtime=0), "hash is not the one"),
        (b"", "hash is not the one"),
        (gzip.compress(TEXT, mtime=0)[:-9], "cut off"),
        (gzip.compress(TEXT, mtime=0)[:60], "cut off"),
        (gzip.compress(TEXT, mtime=0) + gzip.compress(TEXT, mtime=0)[:5], "cut off"),
        (gzip.compress(TEXT, mtime=0) + b"more", "not gzip"),
        (TEXT, "not gzip"),
        (gzip.compress(TEXT, mtime=0)[:-8] + bytes(8), "damaged"),
    ],
)
def test_any_other_file_is_not_wechat_pay_s(server, content, sentence):
    with pytest.raises(UnprovenBillError, match=sentence):
        fetch(server, content)


def test_a_file_that_does_not_arrive_whole_is_unknown(server):
    content = gzip.compress(TEXT)

    def cut(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content[:-20])

    origin = server(cut)
    with pytest.raises(UnknownOutcomeError):
        b"".join(download(client(origin), BillLink(origin + FILE, SHA1)))


@pytest.mark.parametrize(
    "status", ["302 Found", "400 Bad Request", "404 Not Found", "429 Too Many", "500 Oops"]
)
def test_an_answer_that_is_no_file_is_unknown_and_leads_nowhere_else(server, status):
    with pytest.raises(UnknownOutcomeError, match=f"HTTP {status[:3]}"):
        fetch(server, b"{}", status=status, headers=[("Location", "http://127.0.0.1:9/")])


def test_a_file_that_drips_is_waited_for_no_longer_than_there_is_time(server):
    def drip(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n\x1f")
        time.sleep(3)

    origin = server(drip)
    with pytest.raises(UnknownOutcomeError, match=r"Timeout|Protocol"):
        b"".join(download(client(origin, seconds=1), BillLink(origin + FILE, SHA1)))


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/v3/billdownload/file?token=a",
        "https://api.mch.weixin.qq.com.evil.example/v3/billdownload/file?token=a",
        "https://api.mch.weixin.qq.com@evil.example/v3/billdownload/file?token=a",
        "http://api.mch.weixin.qq.com/v3/billdownload/file?token=a",
        "https://api.mch.weixin.qq.com:8443/v3/billdownload/file?token=a",
        "https://api.mch.weixin.qq.com/v3/refund/domestic/refunds/1",
        "https://api.mch.weixin.qq.com/v3/billdownload/file/../../pay?token=a",
        "https://api.mch.weixin.qq.com/v3/billdownload/file?token=a#x",
        "//api.mch.weixin.qq.com/v3/billdownload/file",
        "https://[/v3/billdownload/file",
        "",
    ],
)
def test_no_signed_request_goes_anywhere_but_to_wechat_pay_s_files(url):
    def nobody(*_):
        raise AssertionError("a request was signed")

    asks = client("https://api.mch.weixin.qq.com", nonce=nobody)
    with pytest.raises(UnknownOutcomeError, match="leads elsewhere"):
        list(download(asks, BillLink(url, SHA1)))


def test_memory_stays_flat_whatever_a_file_becomes(server):
    size = 200 << 20
    packed = zlib.compressobj(9, wbits=31)
    content = b"".join([*(packed.compress(bytes(1 << 20)) for _ in range(200)), packed.flush()])
    origin = server(answering(content, {}))
    sha1 = hashlib.sha1(bytes(size)).hexdigest()
    tracemalloc.start()
    sizes = map(len, download(client(origin), BillLink(origin + FILE, sha1)))
    read = sum(sizes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read == size
    assert peak < 8 << 20
