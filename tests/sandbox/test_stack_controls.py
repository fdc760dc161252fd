"""The controls under /_sandbox/: what they give, what they refuse, and to whom they do not speak."""

import time
from decimal import Decimal

import jwt
import pytest
import requests

from sandbox.apigateway.handshake import Refusable
from sandbox.clock import Clock
from sandbox.controls import Front
from sandbox.tokens import Tokens
from wechatpay_simulator.serving import Served


class Handles:
    """As much of a sandbox as the controls see."""

    def __init__(self):
        self.clock = Clock()
        self.tokens = Tokens(self.clock)
        self.taken = ["1.10"]

    def info(self):
        return {"api": "x"}

    def events(self):
        told = {"source": "s", "detail-type": "t", "time": "2026", "bus": "b"}
        return [
            {**told, "id": f"e{number}", "detail": {"a": Decimal(text)}, "detail_text": f'{{"a": {text}}}'}
            for number, text in enumerate(self.taken)
        ]


@pytest.fixture(scope="module")
def handles():
    return Handles()


@pytest.fixture(scope="module")
def url(handles):
    async def gateway(scope, receive, send):
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b"gateway"})

    front = Front(handles)
    front.open(gateway, None)  # type: ignore[arg-type]
    served = Served(front, websockets=Refusable)
    served.start()
    yield served.url
    served.stop()


def test_a_token_carries_what_was_asked_for(url, handles):
    token = requests.post(f"{url}/_sandbox/token", json={"sub": "a", "scope": "x y"}, timeout=5).json()[
        "token"
    ]
    claims = jwt.decode(
        token, handles.tokens.public_keys[handles.tokens.kid], ["RS256"], audience=handles.tokens.audience
    )
    assert (claims["sub"], claims["scope"]) == ("a", "x y")


def test_a_quote_carries_what_was_asked_for(url, handles):
    body = {"sub": "a", "contentId": "c", "amount": 1}
    quote = requests.post(f"{url}/_sandbox/quote", json=body, timeout=5).json()["quote"]
    assert jwt.decode(quote, handles.tokens.quote_key, ["HS256"]).items() >= body.items()


def test_events_show_id_source_type_time_and_detail(url):
    answer = requests.get(f"{url}/_sandbox/events", timeout=5)
    assert answer.headers["content-type"] == "application/json"
    told = {"id": "e0", "source": "s", "detail-type": "t", "time": "2026", "detail": {"a": 1.1}}
    assert answer.json()["events"] == [told]
    assert '{"a": 1.10}' in answer.text, "to the letter"


def test_a_cursor_gives_what_came_since(url, handles):
    def ask(after):
        answer = requests.get(f"{url}/_sandbox/events", params={"after": after}, timeout=5).json()
        return [event["detail"]["a"] for event in answer["events"]], answer["next"]

    first, cursor = ask(None)
    assert first == [1.1]
    assert ask(cursor) == ([], cursor)
    handles.taken = ["1.10", "2", "3"]
    later, further = ask(cursor)
    assert later == [2, 3]
    assert ask(further) == ([], further)
    assert ask(cursor) == (later, further), "a cursor may be used again"
    handles.taken = ["1.10"]


@pytest.mark.parametrize("query", ["after=0", "after=", "after=00000000-1", "after=-1", "since=1"])
def test_a_cursor_of_another_sandbox_is_refused(url, query):
    answer = requests.get(f"{url}/_sandbox/events?{query}", timeout=5)
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["error"]


def test_the_clock_moves_everybody(url, handles):
    before = handles.clock.time()
    told = requests.post(f"{url}/_sandbox/clock", json={"advance": 60.5}, timeout=5).json()["time"]
    assert told == pytest.approx(before + 60.5, abs=2)
    assert handles.clock.time() == pytest.approx(time.time() + 60.5, abs=2)


@pytest.mark.parametrize(
    ("control", "body", "field"),
    [
        ("token", b'{"scope": "x"}', "sub"),
        ("token", b'{"sub": "", "scope": "x"}', "sub"),
        ("token", b'{"sub": 1, "scope": "x"}', "sub"),
        ("token", b'{"sub": "a"}', "scope"),
        ("token", b'{"sub": "a", "scope": ["x"]}', "scope"),
        ("token", b'{"sub": "a", "scope": "x", "more": 1}', "more"),
        ("quote", b'{"sub": "a", "contentId": "c"}', "amount"),
        ("quote", b'{"sub": "a", "contentId": "c", "amount": 19.99}', "amount"),
        ("quote", b'{"sub": "a", "contentId": "c", "amount": 0}', "amount"),
        ("quote", b'{"sub": "a", "contentId": "c", "amount": true}', "amount"),
        ("quote", b'{"sub": "a", "amount": 1}', "contentId"),
        ("clock", b'{"advance": -1}', "advance"),
        ("clock", b'{"advance": "60"}', "advance"),
        ("clock", b'{"advance": NaN}', "advance"),
        ("clock", b'{"advance": Infinity}', "advance"),
        ("clock", b'{"advance": 1e300}', "advance"),
        ("clock", b"{}", "advance"),
        ("clock", b"[]", "advance"),
        ("clock", b"\xff", "advance"),
        ("clock", b"", "advance"),
    ],
)
def test_bad_input_is_a_400_with_a_sentence_that_names_the_field(url, control, body, field):
    answer = requests.post(f"{url}/_sandbox/{control}", data=body, timeout=5)
    assert answer.status_code == 400
    assert field in answer.json()["error"]


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "192.168.0.1:8000", ""])
@pytest.mark.parametrize("path", ["/_sandbox/info", "/_sandbox/token"])
def test_another_host_name_is_refused(url, host, path):
    method = "GET" if path.endswith("info") else "POST"
    answer = requests.request(
        method, url + path, headers={"Host": host}, json={"sub": "a", "scope": ""}, timeout=5
    )
    assert answer.status_code == 403
    assert "token" not in answer.text


def test_the_other_name_of_this_machine_is_as_good(url):
    port = url.rpartition(":")[2]
    assert (
        requests.get(f"{url}/_sandbox/info", headers={"Host": f"localhost:{port}"}, timeout=5).status_code
        == 200
    )


def test_a_page_of_somebody_else_cannot_use_the_controls(url):
    headers = {"Origin": "https://evil.test"}
    assert (
        requests.post(f"{url}/_sandbox/clock", json={"advance": 1}, headers=headers, timeout=5).status_code
        == 403
    )


def test_only_known_controls_with_their_methods_are_there(url):
    assert requests.get(f"{url}/_sandbox/nothing", timeout=5).status_code == 404
    assert requests.get(f"{url}/_sandbox/clock", timeout=5).status_code == 405


def test_everything_else_is_the_apis(url):
    assert requests.get(f"{url}/api/v1/anything", headers={"Host": "evil.test"}, timeout=5).status_code == 418
