"""A client that offers HTTP/2 with its first request, as the JDK's does, is answered by HTTP/1.1, and nothing is said of it."""

from collections.abc import Callable

import pytest

from tests.simulator.merchant import Merchant
from wechatpay_simulator import Clock, Simulator


def test_an_offer_of_http2_is_passed_over_in_silence(
    merchant_of: Callable[[Simulator, Clock], Merchant], credentials, capfd: pytest.CaptureFixture[str]
) -> None:
    simulator, clock = Simulator(credentials, clock=Clock()), Clock()
    simulator.start()
    offer: dict[str, str | None] = {
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": "h2c",
        "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
    }
    answer = merchant_of(simulator, clock).call("GET", "/v3/pay/transactions/id/1?mchid=1", headers=offer)
    simulator.stop()
    assert answer.status == 400
    assert capfd.readouterr().err == ""
