"""The pytest plugin: the fixture `wechatpay`, and in the report of a test that failed what WeChat Pay saw of it.

Nothing is imported, served or made before a test asks for it. Without pytest the module is there, and has no fixtures.
"""

from collections.abc import Generator, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wechatpay_simulator.testing.server import WechatPayServer
    from wechatpay_simulator.testing.wechatpay import WechatPay

_LINES = 100  # of the log, the latest


if TYPE_CHECKING or find_spec("pytest"):
    import pytest

    _USED = pytest.StashKey["WechatPay"]()

    def pytest_addoption(parser: pytest.Parser) -> None:
        """The one setting: which of WeChat Pay's keys sign."""
        parser.addini(
            "wechatpay_mode",
            "whose key signs in the fixture wechatpay: pubkey, cert, two-certs or mixed",
            default="pubkey",
        )

    @pytest.fixture(scope="session")
    def wechatpay_server(
        request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> "Iterator[WechatPayServer]":
        """WeChat Pay's url, open_platform_url, credentials and credentials_file, to configure a program with once."""
        from wechatpay_simulator.testing.server import WechatPayServer

        mode = str(request.config.getini("wechatpay_mode"))
        folder = tmp_path_factory.mktemp("wechatpay")
        try:
            server = WechatPayServer(folder / "credentials.json", mode=mode)
        except ValueError as error:
            raise pytest.UsageError(f"wechatpay_mode: {error}") from None
        yield server
        server.stop()

    @pytest.fixture
    def wechatpay(
        request: pytest.FixtureRequest, wechatpay_server: "WechatPayServer"
    ) -> "Iterator[WechatPay]":
        """WeChat Pay with an empty ledger: pay(), refund(), told(), advance(), faults(), orders, notifications."""
        from wechatpay_simulator.testing.wechatpay import WechatPay

        simulator, log = wechatpay_server.begin()
        handle = WechatPay(wechatpay_server, simulator, log)
        request.node.stash[_USED] = handle
        yield handle
        wechatpay_server.end()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
        """Put the log of the test's requests and notifications into its report, when it has failed."""
        report = yield
        handle = item.stash.get(_USED, None)
        if handle is not None and report.failed:
            lines = handle.log.splitlines()[-_LINES:]
            report.sections.append(("WeChat Pay", "\n".join(lines) or f"no request came to {handle.url}"))
        return report
