"""The whole sandbox, once for all tests here."""

import pytest

from sandbox.stack import NOTIFY_PATH
from tests.http.listening import Listening, hide_canaries
from tests.http.matrix import VERIFY_FILE
from tests.http.shop import Shop
from tests.http.wire import Wire
from tests.kit.wechat_pay import WeChatPay


@pytest.fixture(scope="session")
def wire():
    running = Wire()
    yield running
    running.close()


@pytest.fixture(scope="session")
def sandbox(wire):
    gateways = dict.fromkeys(("WeChatGateway", "WeChatBackupGateway", "WeChatGatewaysAllowed"), wire.url)
    files = f"{VERIFY_FILE}=YnNtMB6ewuyKkEqm"
    with Listening(**gateways, WeChatNotifyUrl=wire.url + NOTIFY_PATH, WeChatVerifyFiles=files) as running:
        wire.wechat, wire.api = running.simulator, running.api
        hide_canaries(running)
        running.warm()
        yield running


@pytest.fixture(scope="session")
def shop(sandbox, wire):
    shop = Shop(sandbox, wire)
    yield shop
    shop.port.close()
    shop.simulator.close()


@pytest.fixture(scope="session")
def wechat(sandbox):
    return WeChatPay(sandbox.credentials, sandbox.clock)


@pytest.fixture
def nothing_created(shop):
    """Whatever the test sends, no order comes of it."""
    before = shop.census()
    yield
    assert shop.census() == before


@pytest.fixture
def unpaid(shop):
    """The number of a fresh order that waits for its buyer."""
    return shop.order()["outTradeNo"]


def pytest_collection_modifyitems(items):
    """What looks back over the whole session comes last."""
    items.sort(key=lambda item: item.name.startswith("test_over_the_whole_session"))
