"""Notifications beyond this machine: to hosts that were named when the simulator was made, and to no other."""

import json
from collections.abc import Iterator

import pytest

from tests.kit.serving import Answering
from tests.simulator.merchant import Merchant
from wechatpay_simulator import Clock, Credentials, Simulator
from wechatpay_simulator.notifications.courier import NOT_SENT

NAMED, OTHER = "127.0.0.2", "127.0.0.3"  # loopback as well, so that nothing leaves; to the simulator they are other hosts


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

    with serving_at(host, Handler) as port:
        url = f"http://{host}:{port}/notify"
        before = len(merchant.deliveries())
        order = merchant.placed(notify_url=url)
        merchant.pay(codeUrl=order["code_url"])
        refunded(merchant, order["out_trade_no"], url)
        echoed(merchant, url)
        eventually(lambda: len(came) == 3 or unsent(merchant, before) == 3)
    expected = {"TRANSACTION.SUCCESS", "REFUND.SUCCESS", "SECURITY_ECHO.SUCCESS"}
    assert set(came) == (expected if host == NAMED else set())
