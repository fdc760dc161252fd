"""The API Gateway of the sandbox, over real HTTP: events, answers, refusals, CORS."""

import base64
import http.client
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from sandbox.apigateway.gateway import Gateway
from sandbox.apigateway.payload import Api
from sandbox.apigateway.throttles import Throttles
from sandbox.clock import Clock
from sandbox.deployed import Cors, JwtAuthorizer, Limit, Limits, Route
from sandbox.functions.lambdas import FunctionError, PayloadTooLargeError
from sandbox.tokens import Tokens
from wechatpay_simulator.serving import Served

ISSUER, AUDIENCE = "https://issuer.test", "shop"
AUTHORIZER = JwtAuthorizer(ISSUER, (AUDIENCE, "another"))
ROUTES = (
    Route("POST", "/orders", "Create", None, ()),
    Route("GET", "/orders/{outTradeNo}", "Read", None, ()),
    Route("GET", "/orders/latest", "Latest", None, ()),
    Route("ANY", "/files/{path+}", "Files", None, ()),
    Route("GET", "/mine", "Mine", AUTHORIZER, ("payments:pay", "payments:charge")),
    Route("GET", "/anyone", "Anyone", AUTHORIZER, ()),
)
CORS = Cors(("https://shop.test",), ("GET", "POST"), ("authorization", "content-type"), ("retry-after",), 600)


class Functions:
    """Stands for Lambda: remembers the events and answers what a test wants."""

    def __init__(self):
        self.events = []
        self.called = []
        self.answer = {"statusCode": 200, "body": "{}"}

    def __call__(self, function, event):
        self.called.append(function)
        self.events.append(event)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer(event) if callable(self.answer) else self.answer


@pytest.fixture(scope="module")
def clock():
    return Clock()


@pytest.fixture(scope="module")
def tokens(clock):
    return Tokens(clock, issuer=ISSUER, audience=AUDIENCE)


@pytest.fixture(scope="module")
def called(tokens, clock):
    """One gateway for all tests that want nothing special: its functions and its base URL."""
    functions = Functions()
    with served(functions, tokens, clock) as url:
        yield functions, url


@pytest.fixture
def functions(called):
    called[0].__init__()
    return called[0]


@pytest.fixture
def api(called, functions):
    return called[1]


@contextmanager
def served(functions, tokens, clock, *, cors=CORS, **options):
    """A gateway behind a port of its own."""
    gateway = Gateway(
        ROUTES,
        cors,
        functions,
        keys=tokens.public_keys,
        clock=clock,
        api=Api("123456789012", "abc123", "us-east-1"),
        **options,
    )
    server = Served(gateway)
    server.start()
    yield server.url
    server.stop()
    gateway.close()


def raw(url, method, path, headers=(), body=None):
    """A request whose path and repeated headers go out as they are."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


# ---- events ----


def test_the_event_is_payload_format_two(api, functions, clock):
    response, _ = raw(
        api,
        "GET",
        "/orders/WX%2F%E5%BE%AE?a=1&b=two%20words&a=3&empty=",
        [
            ("User-Agent", "test"),
            ("X-Twice", "one"),
            ("x-twice", "two"),
            ("Cookie", "a=1; b=2"),
            ("Connection", "close"),
        ],
    )
    (event,) = functions.events
    context = event.pop("requestContext")
    headers = event.pop("headers")
    assert event == {
        "version": "2.0",
        "routeKey": "GET /orders/{outTradeNo}",
        "rawPath": "/orders/WX/微",
        "rawQueryString": "a=1&b=two%20words&a=3&empty=",
        "cookies": ["a=1", "b=2"],
        "queryStringParameters": {"a": "1,3", "b": "two words", "empty": ""},
        "pathParameters": {"outTradeNo": "WX/微"},
        "isBase64Encoded": False,
    }
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", headers.pop("x-amzn-trace-id"))
    assert headers == {
        "content-length": "0",
        "host": api.removeprefix("http://"),
        "user-agent": "test",
        "x-twice": "one,two",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
    request_id = context.pop("requestId")
    assert response.headers["apigw-requestid"] == request_id
    assert re.fullmatch(r"[A-Za-z0-9+/]{15}=", request_id)
    assert re.fullmatch(r"\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d \+0000", context.pop("time"))
    assert context.pop("timeEpoch") == pytest.approx(clock.time() * 1000, abs=2000)
    assert context == {
        "accountId": "123456789012",
        "apiId": "abc123",
        "domainName": "abc123.execute-api.us-east-1.amazonaws.com",
        "domainPrefix": "abc123",
        "http": {
            "method": "GET",
            "path": "/orders/WX/微",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "test",
        },
        "routeKey": "GET /orders/{outTradeNo}",
        "stage": "$default",
    }


def test_events_are_dated_by_the_clock(functions, tokens):
    clock = Clock()
    clock.advance(86400)
    with served(functions, tokens, clock) as url:
        requests.get(f"{url}/orders/1", timeout=5)
    assert functions.events[0]["requestContext"]["timeEpoch"] == pytest.approx(
        (time.time() + 86400) * 1000, abs=2000
    )


@pytest.mark.parametrize(
    ("content_type", "body", "is_text"),
    [
        ("application/json", '{"微": 1}'.encode(), True),
        ("Application/JSON; charset=utf-8", b"{}", True),
        ("text/plain", b"hello", True),
        ("application/xml", b"<a/>", True),
        ("application/javascript", b"1", True),
        ("application/json", b"\xff\xfe", False),
        ("application/octet-stream", b"hello", False),
        ("application/x-www-form-urlencoded", b"a=1", False),
        ("image/png", b"\x89PNG", False),
        (None, b"{}", False),
    ],
)
def test_bodies_are_text_or_base64_by_their_type(api, functions, content_type, body, is_text):
    headers = [("Content-Length", str(len(body)))]
    if content_type is not None:
        headers.append(("Content-Type", content_type))
    raw(api, "POST", "/orders", headers, body)
    (event,) = functions.events
    assert event["isBase64Encoded"] is not is_text
    assert (event["body"].encode() if is_text else base64.b64decode(event["body"])) == body


@pytest.mark.parametrize(
    ("method", "path", "function"),
    [
        ("POST", "/orders", "Create"),
        ("GET", "/orders/1", "Read"),
        ("GET", "/orders/latest", "Latest"),
        ("GET", "/files/a/b/c", "Files"),
        ("DELETE", "/files/a", "Files"),
        ("GET", "/orders", None),
        ("POST", "/orders/1", None),
        ("GET", "/orders/", None),
        ("GET", "/orders/1/2", None),
        ("GET", "/files", None),
        ("GET", "/Orders/1", None),
        ("GET", "/", None),
    ],
)
def test_a_request_finds_its_route(api, functions, method, path, function):
    response = requests.request(method, api + path, timeout=5)
    assert functions.called == ([function] if function else [])
    if function is None:
        assert (response.status_code, response.text) == (404, '{"message":"Not Found"}')
        assert response.headers["content-type"] == "application/json"


# ---- answers ----


def test_a_full_answer_is_given_as_the_function_said(api, functions):
    functions.answer = {
        "statusCode": 201,
        "headers": {
            "Content-Type": "application/json",
            "Retry-After": 3,
            "Content-Length": "999",
            "Connection": "x",
        },
        "cookies": ["a=1; Path=/", "b=2"],
        "body": '{"微":1}',
    }
    response, content = raw(api, "POST", "/orders", [("Content-Length", "0")])
    assert (response.status, content) == (201, '{"微":1}'.encode())
    assert response.headers["content-type"] == "application/json"
    assert response.headers["retry-after"] == "3"
    assert response.headers["content-length"] == "9"
    assert response.headers.get_all("set-cookie") == ["a=1; Path=/", "b=2"]


def test_a_base64_answer_is_decoded(api, functions):
    functions.answer = {
        "statusCode": 200,
        "body": base64.b64encode(b"\x00\xff").decode(),
        "isBase64Encoded": True,
    }
    assert requests.get(f"{api}/orders/1", timeout=5).content == b"\x00\xff"


@pytest.mark.parametrize(
    ("result", "body"),
    [({"a": 1}, b'{"a":1}'), ("text", b"text"), ([1], b"[1]"), (None, b"null")],
)
def test_a_result_without_a_status_is_the_json_body_of_a_200(api, functions, result, body):
    functions.answer = result
    response = requests.get(f"{api}/orders/1", timeout=5)
    assert (response.status_code, response.content) == (200, body)
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "answer",
    [
        FunctionError("LookupError", "secret detail"),
        {"statusCode": "many"},
        {"statusCode": 9},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": {}}},
        {"statusCode": 200, "body": "!", "isBase64Encoded": True},
    ],
)
def test_a_function_that_fails_or_answers_nonsense_is_a_500_without_details(api, functions, answer):
    functions.answer = answer
    response = requests.get(f"{api}/orders/1", timeout=5)
    assert (response.status_code, response.text) == (500, '{"message":"Internal Server Error"}')


def test_a_function_that_takes_too_long_is_a_503(functions, tokens, clock):
    released = threading.Event()
    functions.answer = lambda _: released.wait(5)
    with served(functions, tokens, clock, integration_timeout=0.2) as url:
        try:
            response = requests.get(f"{url}/orders/1", timeout=5)
        finally:
            released.set()
    assert (response.status_code, response.text) == (503, '{"message":"Service Unavailable"}')


@pytest.mark.parametrize("chunked", [False, True])
def test_more_than_ten_megabytes_is_a_413_and_calls_nothing(api, functions, chunked):
    body = b"x" * (10 * 1024 * 1024 + 1)
    try:
        response = requests.post(f"{api}/orders", data=iter([body]) if chunked else body, timeout=10)
    except requests.ConnectionError:
        pass  # refused while the client still sent: it may not have read the answer
    else:
        assert (response.status_code, response.text) == (413, '{"message":"Request Entity Too Large"}')
    assert functions.called == []


def test_an_event_that_lambda_would_not_take_is_a_413(api, functions):
    functions.answer = PayloadTooLargeError("over 6 MB")
    response = requests.post(f"{api}/orders", data=b"x", timeout=5)
    assert (response.status_code, response.text) == (413, '{"message":"Request Entity Too Large"}')


def test_two_hundred_requests_run_at_once(api, functions):
    together = threading.Barrier(200)
    functions.answer = lambda _: {"statusCode": 200, "body": str(together.wait(20))}
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda n: requests.get(f"{api}/orders/{n}", timeout=30), range(200)))
    assert sorted(int(answer.text) for answer in answers) == list(range(200))


# ---- CORS ----


def test_a_preflight_of_an_allowed_origin_is_answered_for_any_path(api, functions):
    headers = {"Origin": "https://shop.test", "Access-Control-Request-Method": "POST"}
    response = requests.options(f"{api}/no/such/route", headers=headers, timeout=5)
    assert (response.status_code, response.content) == (204, b"")
    told = {name: value for name, value in response.headers.items() if name.startswith("access-control")}
    assert told == {
        "access-control-allow-origin": "https://shop.test",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "authorization,content-type",
        "access-control-expose-headers": "retry-after",
        "access-control-max-age": "600",
    }
    assert functions.called == []


def test_a_preflight_of_another_origin_allows_nothing(api):
    headers = {"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"}
    response = requests.options(f"{api}/orders", headers=headers, timeout=5)
    assert response.status_code == 204
    assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize(("path", "status"), [("/orders/1", 200), ("/nowhere", 404), ("/mine", 401)])
def test_every_answer_carries_the_headers_for_an_allowed_origin_only(api, functions, path, status):
    functions.answer = {"statusCode": 200, "body": ""}
    allowed = requests.get(api + path, headers={"Origin": "https://shop.test"}, timeout=5)
    other = requests.get(api + path, headers={"Origin": "https://evil.test"}, timeout=5)
    assert allowed.status_code == other.status_code == status
    assert allowed.headers["access-control-allow-origin"] == "https://shop.test"
    assert allowed.headers["access-control-expose-headers"] == "retry-after"
    assert "access-control-allow-origin" not in other.headers


def test_without_cors_in_the_template_options_is_a_route_like_any_other(functions, tokens, clock):
    with served(functions, tokens, clock, cors=Cors()) as url:
        response = requests.options(f"{url}/orders", headers={"Origin": "https://shop.test"}, timeout=5)
    assert response.status_code == 404


# ---- the authorizer, end to end ----


def test_claims_reach_the_function_as_text(api, functions, tokens):
    token = tokens.token(
        "alice",
        "payments:pay other",
        **{"cognito:groups": ["a", "b"], "email_verified": True, "level": 3, "iat": 1000},
    )
    requests.get(f"{api}/mine", headers={"Authorization": f"Bearer {token}"}, timeout=5)
    jwt = functions.events[0]["requestContext"]["authorizer"]["jwt"]
    assert jwt["scopes"] == ["payments:pay"]
    assert jwt["claims"].pop("exp").isdigit()
    assert jwt["claims"] == {
        "iss": ISSUER,
        "sub": "alice",
        "aud": AUDIENCE,
        "client_id": AUDIENCE,
        "scope": "payments:pay other",
        "iat": "1000",
        "token_use": "access",
        "cognito:groups": "[a b]",
        "email_verified": "true",
        "level": "3",
    }
    assert json.dumps(functions.events[0])


def test_a_refused_token_calls_nothing(api, functions, tokens):
    unsigned = requests.get(f"{api}/mine", timeout=5)
    assert (unsigned.status_code, unsigned.text) == (401, '{"message":"Unauthorized"}')
    assert unsigned.headers["www-authenticate"] == "Bearer"
    powerless = tokens.token("alice", "payments:refund")
    refused = requests.get(f"{api}/mine", headers={"Authorization": f"Bearer {powerless}"}, timeout=5)
    assert (refused.status_code, refused.text) == (403, '{"message":"Forbidden"}')
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert functions.called == []


def test_a_route_without_scopes_takes_any_good_token(api, functions, tokens):
    headers = {"Authorization": f"Bearer {tokens.token('alice', '')}"}
    assert requests.get(f"{api}/anyone", headers=headers, timeout=5).status_code == 200
    assert functions.events[0]["requestContext"]["authorizer"]["jwt"]["scopes"] is None


# ---- throttling ----


def test_what_is_over_a_routes_burst_is_refused_before_any_function_and_other_routes_go_on(tokens, clock):
    functions = Functions()
    limits = Limits(Limit(rate=0.01, burst=3), {"POST /orders": Limit(rate=0.01, burst=5)})
    with served(functions, tokens, clock, limits=limits) as url:
        read = [requests.get(f"{url}/orders/latest", timeout=5) for _ in range(4)]
        sent = [requests.post(f"{url}/orders", timeout=5) for _ in range(6)]

    assert [answer.status_code for answer in read] == [200] * 3 + [429]
    assert [answer.status_code for answer in sent] == [200] * 5 + [429]
    assert read[-1].json() == {"message": "Too Many Requests"}
    assert functions.called == ["Latest"] * 3 + ["Create"] * 5


def test_a_throttled_route_takes_requests_again_at_its_rate():
    now = [0.0]
    throttles = Throttles(Limits(Limit(rate=2, burst=2)), lambda: now[0])

    passed = []
    for moment in (0, 0, 0, 0.4, 0.6, 0.6, 10, 10, 10):
        now[0] = moment
        passed.append(throttles.take("GET /any"))

    assert passed == [True, True, False, False, True, False, True, True, False]
