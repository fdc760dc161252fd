"""The app's secret, codes, tokens, session keys and openids: in the question and the one answer, and nowhere else."""

import io
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from payments.openplatform import answers
from payments.openplatform.client import OpenPlatform
from tests.http.leaks import leaks
from tests.kit.serving import Answering, serving

SECRET, CODE = "5ec2e7" + "0" * 26, "c0de" + "1" * 28
SESSION_KEY, TOKEN, OPENID = "c2Vzc2lvbiBrZXkgb2YgYWxpY2U=", "99_" + "t" * 60, "oAlice" + "0" * 22
CANARIES = {"secret": SECRET, "code": CODE, "session key": SESSION_KEY, "token": TOKEN, "openid": OPENID}
HELD = f'"session_key":"{SESSION_KEY}","access_token":"{TOKEN}"'.encode()

# What the other end sends, and then hangs up.
ANSWERS = {
    "nothing": b"",
    "no HTTP": b"GARBAGE " + HELD + b"\r\n\r\n",
    "headers that cannot be read": b"HTTP/1.1 200 OK\r\nno header at all\r\n\tfolded\r\n: x\r\n\r\n{"
    + HELD
    + b"}",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "an answer cut off": b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{" + HELD,
    "chunks that are none": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n" + HELD,
    "zip that is none": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + HELD,
    "too much": b"HTTP/1.1 200 OK\r\n\r\n" + HELD + b" " * answers.MAX_ANSWER_BYTES,
    "no JSON": b"HTTP/1.1 200 OK\r\n\r\n{" + HELD,
    "JSON without end": b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 60_000,
    "a list": b"HTTP/1.1 200 OK\r\n\r\n[{" + HELD + b"}]",
    "no openid": b"HTTP/1.1 200 OK\r\n\r\n{" + HELD + b"}",
    "an openid that is none": b'HTTP/1.1 200 OK\r\n\r\n{"openid": ["'
    + OPENID.encode()
    + b'"],'
    + HELD
    + b"}",
    "a number that is none": b'HTTP/1.1 200 OK\r\n\r\n{"errcode": "40029", ' + HELD + b"}",
    "a sentence that quotes": b'HTTP/1.1 200 OK\r\n\r\n{"errcode": 40029, "errmsg": "'
    + SECRET.encode()
    + b'"}',
    "a wrong secret": b'HTTP/1.1 200 OK\r\n\r\n{"errcode": 40125, "errmsg": "' + SECRET.encode() + b'"}',
    "another place": b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\n\r\n" + HELD,
    "a page": b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>" + HELD + b"</html>",
}


@contextmanager
def answering(content: bytes) -> Iterator[str]:
    """An open platform that says this to everybody, byte for byte."""

    class Handler(Answering):
        def do_GET(self) -> None:
            self.wfile.write(content)
            self.close_connection = True

    with serving(Handler) as origin:
        yield origin


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """What every logger of this process says, at DEBUG, stack traces included."""
    said, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(said), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def texts(problem: BaseException | None) -> str:
    """Whatever an exception says, and those that it came from, shown or not."""
    if problem is None:
        return ""
    return f"{problem!r}\n{problem}\n{texts(problem.__cause__)}\n{texts(problem.__context__)}"


@pytest.mark.parametrize("mini_program", [False, True])
@pytest.mark.parametrize("said", ANSWERS)
def test_no_exception_and_no_log_line_quotes_what_was_asked_or_answered(said, mini_program):
    with answering(ANSWERS[said]) as origin, everything_logged() as logged:
        client = OpenPlatform(origin=origin, clock=lambda: 0.0)
        with pytest.raises(answers.OpenPlatformError) as refused:
            client.openid(CODE, appid="wx" + "0" * 16, secret=SECRET, mini_program=mini_program)
    assert leaks(CANARIES, texts(refused.value)) == []
    assert leaks(CANARIES, logged.getvalue()) == []


def test_nor_does_one_of_a_host_that_cannot_be_reached():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        origin = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with everything_logged() as logged:
            client = OpenPlatform(origin=origin, clock=lambda: 0.0)
            with pytest.raises(answers.UnknownAnswerError) as refused:
                client.openid(CODE, appid="wx" + "0" * 16, secret=SECRET, mini_program=False)
    assert leaks(CANARIES, texts(refused.value)) == []
    assert leaks(CANARIES, logged.getvalue()) == []


@pytest.mark.parametrize("said", ANSWERS)
@pytest.mark.parametrize("app", ["shop", "mini"])
def test_the_function_tells_and_logs_none_of_it(login, said, app):
    login.secrets.put("apps", {"WECHAT_APP_SECRET": SECRET, "WECHAT_APP_SECRET_MINI": SECRET})
    with answering(ANSWERS[said]) as origin, everything_logged() as logged:
        login.at(origin)
        told = login.ask(CODE, app=app)
    assert told.status in (400, 500, 503)
    everything = f"{told}\n{logged.getvalue()}\n{login.written.getvalue()}\n{login.wiring.measured}"
    assert leaks(CANARIES, everything) == []


def test_nor_where_it_goes_well(login):
    code, openid = login.code("mini")
    with everything_logged() as logged:
        told = login.ask(code, app="mini", by="alice", scope="payments:pay")
    assert told.openid == openid
    everything = f"{logged.getvalue()}\n{login.written.getvalue()}\n{login.wiring.measured}\n{login.db.items('BuyersTable')}"
    assert (
        leaks({"code": code, "openid": openid, "secret": login.credentials.mini_program_secret}, everything)
        == []
    )


def test_a_fault_of_ours_quotes_none_of_it_either(login):
    """Not even where the question cannot be put together."""
    login.secrets.put("apps", {"WECHAT_APP_SECRET": SECRET})
    login.wiring.__dict__["open_platform"] = OpenPlatform(origin="no address", clock=lambda: 0.0)
    with everything_logged() as logged:
        told = login.ask(CODE)
    assert told.status == 503
    assert leaks(CANARIES, f"{told}\n{logged.getvalue()}\n{login.written.getvalue()}") == []


def test_reprs_show_no_secret():
    from payments.api.openids.body import WantedOpenid
    from payments.storage.secret_members import AppSecrets

    shown = f"{WantedOpenid(code=CODE)!r} {AppSecrets({'WECHAT_APP_SECRET': SECRET})!r}"
    assert leaks(CANARIES, shown) == []
