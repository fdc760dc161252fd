"""The WebSocket API on a port: handshakes as $connect answers them, @connections by role, ends as API Gateway ends them."""

import contextlib
import json
import threading
import time

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from sandbox.apigateway.handshake import Refusable
from sandbox.apigateway.websocket_gateway import WebSocketGateway
from sandbox.clock import Clock
from sandbox.deployed import Limit, Limits, WebSocketApi
from sandbox.functions.execution import FunctionError
from wechatpay_simulator.serving import Served

MANAGE = "arn:aws:execute-api:us-east-1:123456789012:websocket/live/{}/@connections/*"


class Functions:
    """What stands behind the two routes: it remembers its events and answers as told."""

    def __init__(self):
        self.events = []
        self.answer = {"statusCode": 200}
        self.before_answer = lambda _: None

    def __call__(self, logical_id, event):
        assert logical_id == {"CONNECT": "In", "DISCONNECT": "Out"}[event["requestContext"]["eventType"]]
        self.events.append(event)
        self.before_answer(event)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def of(self, kind):
        return [event for event in self.events if event["requestContext"]["eventType"] == kind]


class Line:
    """One gateway on a port, its clock, and the backend's ways to reach who is connected."""

    def __init__(self, aws, **settings):
        self.aws, self.clock, self.functions = aws, Clock(), Functions()
        api = WebSocketApi("websocket", "live", {"$connect": "In", "$disconnect": "Out"}, **settings)
        self.gateway = WebSocketGateway(api, self.functions, aws=aws, clock=self.clock)
        self.served = Served(self._app, websockets=Refusable)
        self.url = f"ws://127.0.0.1:{self.served.port}/live"
        self.served.start()

    async def _app(self, scope, receive, send):
        assert self.gateway.serves(scope)
        await self.gateway(scope, receive, send)

    def open(self, path="", **settings):
        return connect(self.url + path, proxy=None, **settings)

    def refusal(self, path="", **settings):
        with pytest.raises(InvalidStatus) as refused, self.open(path, **settings):
            pass
        return refused.value.response.status_code

    def connection_id(self):
        return self.functions.of("CONNECT")[-1]["requestContext"]["connectionId"]

    def management(self, credentials=None):
        return self.aws.client(
            "apigatewaymanagementapi", credentials, endpoint=f"http://127.0.0.1:{self.served.port}/live"
        )

    def until(self, holds):
        end = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.01)

    def stop(self):
        self.gateway.close()
        self.served.stop()


@pytest.fixture
def line(aws):
    line = Line(aws)
    yield line
    line.stop()


@pytest.fixture(scope="module")
def pusher(aws):
    """A role that may post to connections, and nothing else; its credentials."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": MANAGE.format("POST")}
        ],
    }
    iam = aws.client("iam")
    arn = iam.create_role(RoleName="pusher", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="pusher", PolicyName="push", PolicyDocument=json.dumps(policy))
    return aws.session_credentials(arn)


# ---- handshakes ----


def test_connect_gets_the_handshake_as_aws_hands_it_over(line):
    with line.open("?a=1&a=2", subprotocols=["live", "t1"], origin="https://pay.example.com"):
        (event,) = line.functions.of("CONNECT")
    context = event["requestContext"]
    assert event["headers"]["Sec-WebSocket-Protocol"] == "live, t1"
    assert event["multiValueHeaders"]["Origin"] == ["https://pay.example.com"]
    assert event["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert not {"Connection", "Upgrade"} & set(event["headers"])
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["isBase64Encoded"] is False
    assert (context["routeKey"], context["eventType"], context["stage"]) == ("$connect", "CONNECT", "live")
    assert (context["apiId"], context["messageDirection"]) == ("websocket", "IN")
    assert context["domainName"] == "websocket.execute-api.us-east-1.amazonaws.com"
    assert context["connectionId"].endswith("=")
    assert abs(context["connectedAt"] / 1000 - line.clock.time()) < 5
    assert "body" not in event


def test_the_subprotocol_that_connect_chooses_is_the_connections(line):
    line.functions.answer = {"statusCode": 200, "headers": {"sec-websocket-Protocol": "live"}}
    with line.open(subprotocols=["live", "t1"]) as page:
        assert page.subprotocol == "live"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"statusCode": 401}, 401),
        ({"statusCode": 403, "body": "no"}, 403),
        ({"statusCode": "503"}, 503),
        ({"statusCode": 302}, 302),
        ({"statusCode": 1000}, 502),
        ({}, 502),
        (None, 502),
        ("200", 502),
        (FunctionError("Runtime.ExitError", "it died"), 502),
        (RuntimeError("the sandbox's own fault"), 500),
    ],
)
def test_what_connect_does_not_allow_is_not_opened(line, answer, status):
    line.functions.answer = answer
    assert line.refusal() == status
    assert line.gateway.connections == []
    assert line.functions.of("DISCONNECT") == []


def test_only_the_stage_is_served(line):
    assert line.refusal("/other") == 403
    assert line.functions.events == []


def test_a_crowd_is_throttled(aws):
    line = Line(aws, limits=Limits(Limit(rate=0.001, burst=1)))
    with line.open():
        assert line.refusal() == 429
    line.stop()


# ---- @connections ----


def test_a_role_that_may_post_reaches_the_connection_it_names(line, aws, pusher):
    with line.open() as other, line.open() as page:
        aws.take_uses()
        line.management(pusher).post_to_connection(
            ConnectionId=line.connection_id(), Data='{"状态": 1}'.encode()
        )
        assert page.recv(timeout=5) == '{"状态": 1}'
        with pytest.raises(TimeoutError):
            other.recv(timeout=0.05)
    (use,) = aws.take_uses()
    assert (use.action, use.allowed) == ("execute-api:ManageConnections", True)
    assert use.resource == MANAGE.format("POST").replace("*", line.connection_id())


def test_a_role_may_do_no_more_than_its_policy_says(line, aws, pusher):
    with line.open():
        for ask in (line.management(pusher).delete_connection, line.management(pusher).get_connection):
            with pytest.raises(ClientError) as refused:
                ask(ConnectionId=line.connection_id())
            assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
            assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
        assert len(line.gateway.connections) == 1


def test_credentials_of_nobody_reach_nobody(line):
    nobody = {"AWS_ACCESS_KEY_ID": "ASIANOBODY", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "y"}
    with line.open(), pytest.raises(ClientError) as refused:
        line.management(nobody).post_to_connection(ConnectionId=line.connection_id(), Data=b"x")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_who_is_not_connected_is_gone(line, pusher):
    client = line.management(pusher)
    with line.open() as page:
        connection_id = line.connection_id()
        page.close()
        line.until(lambda: not line.gateway.connections)
    for name in ("L0SM9cOFvHcCIhw=", connection_id):
        with pytest.raises(client.exceptions.GoneException) as gone:
            client.post_to_connection(ConnectionId=name, Data=b"x")
        assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


def test_a_connection_that_is_not_open_yet_is_gone_too(line, pusher):
    client, met = line.management(pusher), []

    def post(event):
        try:
            client.post_to_connection(ConnectionId=event["requestContext"]["connectionId"], Data=b"early")
        except ClientError as refused:
            met.append(refused.response["Error"]["Code"])

    line.functions.before_answer = lambda event: post(event) if "headers" in event and not met else None
    with line.open():
        pass
    assert met == ["GoneException"]


def test_a_message_over_128_kb_is_refused(line):
    client = line.management()
    with line.open() as page:
        with pytest.raises(client.exceptions.PayloadTooLargeException):
            client.post_to_connection(ConnectionId=line.connection_id(), Data=b"x" * (128 * 1024 + 1))
        client.post_to_connection(ConnectionId=line.connection_id(), Data=b"x" * 128 * 1024)
        assert len(page.recv(timeout=5)) == 128 * 1024


def test_a_connection_can_be_looked_at_and_ended(line):
    client = line.management()
    with line.open() as page:
        seen = client.get_connection(ConnectionId=line.connection_id())
        assert seen["Identity"]["SourceIp"] == "127.0.0.1"
        assert seen["ConnectedAt"] <= seen["LastActiveAt"]
        client.delete_connection(ConnectionId=line.connection_id())
        with pytest.raises(ConnectionClosed) as closed:
            page.recv(timeout=5)
    assert closed.value.rcvd.code == 1000
    line.until(lambda: line.functions.of("DISCONNECT"))


# ---- ends ----


def test_disconnect_hears_of_the_end_with_its_code(line):
    with line.open() as page:
        page.close(4001, "enough")
    line.until(lambda: line.functions.of("DISCONNECT"))
    (event,) = line.functions.of("DISCONNECT")
    context = event["requestContext"]
    assert (context["routeKey"], context["connectionId"]) == ("$disconnect", line.connection_id())
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (4001, "enough")
    assert context["connectedAt"] <= context["requestTimeEpoch"]


def test_a_line_that_breaks_is_a_disconnect_too(line):
    with contextlib.suppress(ConnectionClosed), line.open() as page:
        page.socket.shutdown(2)
        line.until(lambda: line.functions.of("DISCONNECT"))


def test_ten_minutes_without_a_message_end_it_on_the_sandboxs_clock(line):
    with line.open() as page:
        line.clock.advance(599)
        line.management().post_to_connection(ConnectionId=line.connection_id(), Data=b"still there")
        assert page.recv(timeout=5) == "still there"
        line.clock.advance(599)
        with pytest.raises(TimeoutError):
            page.recv(timeout=0.1)
        line.clock.advance(1)
        with pytest.raises(ConnectionClosed) as closed:
            page.recv(timeout=5)
    assert closed.value.rcvd.code == 1001


def test_two_hours_end_it_however_busy_it_is(line):
    client = line.management()
    with line.open() as page:
        for _ in range(14):
            line.clock.advance(500)
            client.post_to_connection(ConnectionId=line.connection_id(), Data=b"busy")
            assert page.recv(timeout=5) == "busy"
        line.clock.advance(200)
        with pytest.raises(ConnectionClosed):
            page.recv(timeout=5)


def test_a_message_that_no_route_takes_is_forbidden(line):
    with line.open() as page:
        page.send("hello")
        answer = json.loads(page.recv(timeout=5))
    assert (answer["message"], answer["connectionId"]) == ("Forbidden", line.connection_id())


def test_a_broken_disconnect_harms_nobody(line, capfd):
    with line.open():
        line.functions.answer = FunctionError("Runtime.ExitError", "it died")
    line.until(lambda: line.functions.of("DISCONNECT"))
    line.functions.answer = {"statusCode": 200}
    with line.open() as page:
        page.send("x")
        assert page.recv(timeout=5)


def test_the_end_of_the_sandbox_ends_connections_and_calls_nobody(aws):
    line = Line(aws)
    with line.open() as page:
        threading.Thread(target=line.stop).start()
        with pytest.raises(ConnectionClosed) as closed:
            page.recv(timeout=5)
    assert closed.value.rcvd.code == 1001
    assert line.functions.of("DISCONNECT") == []


def test_a_refused_handshake_is_no_fault_in_anybodys_log(line, caplog):
    line.functions.answer = {"statusCode": 401}
    line.refusal()
    assert caplog.records == []
