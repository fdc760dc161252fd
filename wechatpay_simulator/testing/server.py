"""The two hosts of a test session, at addresses that stay; behind them stands another simulator for each test."""

import io
from pathlib import Path

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from wechatpay_simulator.clock import Clock
from wechatpay_simulator.credentials import Credentials
from wechatpay_simulator.notifications.deliveries import SENDING
from wechatpay_simulator.notifications.post import ANSWER_TIMEOUT_SECONDS
from wechatpay_simulator.serving import Served
from wechatpay_simulator.simulator import Simulator

_NOBODY = PlainTextResponse("No test that runs now uses the fixture wechatpay.\n", 503)


class WechatPayServer:
    """WeChat Pay's addresses and the merchant's credentials, the same from the first test to the last.

    `credentials_file` is written new, as `serve --credentials` writes it. Raises ValueError for an unknown `mode`.
    """

    def __init__(self, credentials_file: Path, *, mode: str = "pubkey") -> None:
        self.credentials_file = credentials_file
        self.credentials = Credentials.load_or_create(credentials_file)
        self._mode = mode
        Simulator(self.credentials, clock=Clock(), mode=mode)
        self._simulator: Simulator | None = None
        self._hosts = (Served(self._api), Served(self._open_platform))
        for host in self._hosts:
            host.start()

    @property
    def url(self) -> str:
        """What stands for https://api.mch.weixin.qq.com."""
        return self._hosts[0].url

    @property
    def open_platform_url(self) -> str:
        """What stands for https://api.weixin.qq.com and https://open.weixin.qq.com."""
        return self._hosts[1].url

    def begin(self) -> tuple[Simulator, io.StringIO]:
        """A simulator that nobody has asked anything yet, and its log. Its signatures go by the machine's clock: see WechatPay.advance."""
        log = io.StringIO()
        self._simulator = Simulator(
            self.credentials, clock=Clock(), signing_clock=Clock(), mode=self._mode, log=log
        )
        return self._simulator, log

    def end(self) -> None:
        """The end of that one: nothing of it is delivered any more. What is under way is waited for, five seconds at most."""
        simulator, self._simulator = self._simulator, None
        if simulator is not None:
            simulator.stop()
            simulator.wait_for(
                lambda deliveries: all(each.status != SENDING for each in deliveries),
                ANSWER_TIMEOUT_SECONDS + 1,
            )

    def stop(self) -> None:
        """Free the ports."""
        self.end()
        for host in self._hosts:
            host.stop()

    async def _api(self, scope: Scope, receive: Receive, send: Send) -> None:
        simulator = self._simulator
        app: ASGIApp = _NOBODY if simulator is None else simulator.app
        await app(scope, receive, send)

    async def _open_platform(self, scope: Scope, receive: Receive, send: Send) -> None:
        simulator = self._simulator
        app: ASGIApp = _NOBODY if simulator is None else simulator.open_platform
        await app(scope, receive, send)
