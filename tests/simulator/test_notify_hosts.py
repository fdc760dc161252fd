"""Notifications beyond this machine: to hosts that were named when the simulator was made, and to no other."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kit.serving import Answering, serving
from tests.simulator.merchant import Merchant
from wechatpay_simulator import Clock, Credentials, Simulator
from wechatpay_simulator.notifications.courier import NOT_SENT
from wechatpay_simulator.notifications.post import tell

NAMED, OTHER = (
    "127.0.0.2",
    "127.0.0.3",
)  # loopback as well, so that nothing leaves; to the simulator they are other hosts


@pytest.fixture(scope="module")
def merchant(credentials: Credentials) -> Iterator[Merchant]:
    clock = Clock()
    simulator = Simulator(credentials, clock=clock, notify_hosts=[NAMED])
    yield Merchant(simulator.start(), credentials, clock)
    simulator.stop()


@pytest.fixture(scope="module", params=[NAMED, OTHER])
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_payment_a_refund_and_an_echo_reach_it_or_nobody(merchant: Merchant, host: str, eventually) -> None:
    came: list[str] = []

    class Handler(Answering):
        def do_POST(self) -> None:
            came.append(json.loads(self.body())["event_type"])
            self.answer(200)

    with serving(Handler, host=host) as origin:
        url = f"{origin}/notify"
        order = merchant.paid(notify_url=url)
        asked = {"notify_url": url, "amount": {"refund": 1, "total": 100, "currency": "CNY"}}
        assert merchant.refund(out_trade_no=order["out_trade_no"], **asked).status == 200
        merchant.advance(2)
        echo = json.dumps({"echo_message": "hello", "notify_url": url}).encode()
        key: dict[str, str | None] = {"Wechatpay-Serial": merchant.credentials.wechat_public_key_id}
        assert merchant.call("POST", "/v3/security/echo", echo, headers=key).status == 200
        eventually(lambda: len(told := statuses(merchant, url)) == 3 and "sending" not in told)
    if host == NAMED:
        assert set(came) == {"TRANSACTION.SUCCESS", "REFUND.SUCCESS", "SECURITY_ECHO.SUCCESS"}
        assert statuses(merchant, url) == [200] * 3
    else:
        assert came == []
        assert statuses(merchant, url) == [NOT_SENT] * 3


def statuses(merchant: Merchant, url: str) -> list[int | str]:
    return [each["status"] for each in merchant.deliveries() if each["url"] == url]


def test_a_name_that_will_not_do_is_a_value_error(credentials: Credentials) -> None:
    with pytest.raises(ValueError, match="is not the name of one host"):
        Simulator(credentials, clock=Clock(), notify_hosts=["http://example.com"])


class Echoing(Answering):
    """Answers with the request's target and Host."""

    def do_POST(self) -> None:
        self.body()
        self.answer(200, f"{self.path} {self.headers['host']}".encode())


def test_localhost_is_this_machine_whatever_a_hosts_file_says(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo

    def as_the_file_says(host: str, *more: Any, **named: Any) -> Any:
        return look_up(OTHER if host == "localhost" else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", as_the_file_says)
    with serving(Echoing, host=OTHER) as elsewhere:
        port = elsewhere.rpartition(":")[2]
        assert tell(f"http://localhost:{port}/notify", {}, b"").status == "unreachable"
    with serving(Echoing) as here:
        port = here.rpartition(":")[2]
        told = tell(f"http://localhost:{port}/notify", {}, b"")
    assert told.body.decode() == f"/notify localhost:{port}"


@pytest.mark.parametrize("host", ["fd00::abc", "::ffff:10.0.0.1", "fd00::80"])
def test_an_address_with_colons_and_no_port_is_called_as_it_stands(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def look_up(host: str, port: int, *_: Any, **__: Any) -> Any:
        asked.append((host, port))
        raise OSError("nobody is called from here")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert tell(f"http://[{host}]/notify", {}, b"", others=[host]).status == "unreachable"
    assert asked == [(host, 80)]


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/notify?shop=1&x=%20", "/notify?shop=1&x=%20"),
        ("/通知 a", "/%E9%80%9A%E7%9F%A5%20a"),
        ("?a=/b?c", "/?a=/b?c"),
        ("", "/"),
    ],
)
def test_the_whole_address_is_called(target: str, sent: str) -> None:
    with serving(Echoing) as origin:
        told = tell(f"{origin}{target}", {}, b"")
    assert told.body.decode().split()[0] == sent
