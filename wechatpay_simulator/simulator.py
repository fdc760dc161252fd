"""The simulator put together, and served on a loopback port."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TextIO

from starlette.types import ASGIApp

from wechatpay_simulator.bills.bill_calls import Bills
from wechatpay_simulator.bills.statements import Statements
from wechatpay_simulator.cashier.call_up import CallUp
from wechatpay_simulator.cashier.h5_checks import H5Checks
from wechatpay_simulator.cashier.h5_page import H5Page
from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.controls.bill_controls import BillControls
from wechatpay_simulator.controls.controls import Controls
from wechatpay_simulator.controls.coverage_control import CoverageControl
from wechatpay_simulator.controls.fault_controls import FaultControls
from wechatpay_simulator.controls.key_controls import KeyControls
from wechatpay_simulator.controls.login_controls import LoginControls
from wechatpay_simulator.controls.notify_controls import NotifyControls
from wechatpay_simulator.controls.refund_controls import RefundControls
from wechatpay_simulator.controls.settings_controls import (
    SettingsControls,
    choice,
    domains,
    duration,
    flag,
)
from wechatpay_simulator.credentials import Credentials
from wechatpay_simulator.faults.fault_rule import ABNORMAL_REFUND, REFUND
from wechatpay_simulator.faults.faults import Faults
from wechatpay_simulator.forgetting.forgetting import Forgetting
from wechatpay_simulator.gateway import Gateway
from wechatpay_simulator.notifications.courier import Courier
from wechatpay_simulator.notifications.deliveries import Delivery
from wechatpay_simulator.notifications.echo import Echo
from wechatpay_simulator.notifications.notification import refund_notification
from wechatpay_simulator.notifications.post import host_name
from wechatpay_simulator.openplatform.apps import Apps
from wechatpay_simulator.openplatform.authorize import Authorize
from wechatpay_simulator.openplatform.codes import Codes
from wechatpay_simulator.openplatform.platform import OpenPlatform
from wechatpay_simulator.openplatform.tokens import Tokens
from wechatpay_simulator.orders.ledger import REPOSTED, Ledger
from wechatpay_simulator.orders.paying import Paying
from wechatpay_simulator.orders.transactions import Transactions
from wechatpay_simulator.paths import Paths
from wechatpay_simulator.protocol.authorization import Gatekeeper
from wechatpay_simulator.protocol.certificates import Certificates
from wechatpay_simulator.protocol.keys import Keys
from wechatpay_simulator.protocol.merchant_keys import MerchantKeys
from wechatpay_simulator.protocol.rates import Rates
from wechatpay_simulator.refunds.abnormal_refund import AbnormalRefunds
from wechatpay_simulator.refunds.domestic_refunds import Refunds
from wechatpay_simulator.refunds.refund import Refund, RefundStatus
from wechatpay_simulator.refunds.refund_ledger import RefundLedger
from wechatpay_simulator.serving import Served
from wechatpay_simulator.watching.log import Log
from wechatpay_simulator.watching.mistakes import Mistakes
from wechatpay_simulator.watching.watched import Watched


class Simulator:
    """A WeChat Pay APIv3 for the one merchant of `credentials`, on the time of `clock`.

    `mode` says which of WeChat Pay's keys sign (see Keys). Raises ValueError for one that there is not. With
    `minute_between_refunds` two refunds of one order lie a minute apart, or the second is refused. With a `log` each request
    and notification is a line of it, with what was wrong in words. Notifications go to this machine, and to `notify_hosts`,
    exact names of hosts; raises ValueError for what is no such name.

    With `keep_orders` orders that have ended are forgotten, the oldest first, as soon as there are more than so many, or a
    tenth more: see Forgetting. Requests, answers and notifications are dated and judged by `signing_clock`, which is `clock`
    unless said: whoever advances the one, but not the time of the merchant's program, keeps the other as it is.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        clock: Timepiece,
        mode: str = "pubkey",
        minute_between_refunds: bool = False,
        log: TextIO | None = None,
        notify_hosts: Iterable[str] = (),
        keep_orders: int | None = None,
        signing_clock: Timepiece | None = None,
    ) -> None:
        signing_clock = signing_clock or clock
        keys = Keys(credentials, signing_clock, mode=mode)
        merchant_keys = MerchantKeys(credentials)
        ledger = Ledger(clock)
        faults = Faults()
        rates = Rates(clock)
        apps, codes = Apps(credentials), Codes(clock)
        authorize = Authorize(apps, codes)
        written = None if log is None else Log(log, clock)
        self._courier = Courier(
            keys.for_notification,
            faults,
            clock,
            written,
            notify_hosts=frozenset(host_name(host) for host in notify_hosts),
        )
        self._refund_ledger = RefundLedger(
            ledger,
            clock,
            told=partial(_tell, courier=self._courier, clock=clock, merchant_keys=merchant_keys),
            outcome=partial(_outcome, faults, REFUND),
            minute_between=minute_between_refunds,
        )
        statements = Statements(ledger, self._refund_ledger)
        endpoints = [
            *Transactions(credentials, ledger, apps).endpoints(),
            *Refunds(self._refund_ledger).endpoints(),
            *AbnormalRefunds(
                self._refund_ledger, keys=keys, outcome=partial(_outcome, faults, ABNORMAL_REFUND)
            ).endpoints(),
            *Certificates(keys, merchant_keys).endpoints(),
            *Bills(statements, clock).endpoints(),
            *Echo(keys=keys, merchant_keys=merchant_keys, courier=self._courier, clock=clock).endpoints(),
        ]
        gateway = Gateway(
            endpoints,
            gatekeeper=Gatekeeper(credentials.mchid, merchant_keys, signing_clock),
            mistakes=Mistakes(credentials, merchant_keys, signing_clock, endpoints),
            keys=keys,
            faults=faults,
            rates=rates,
        )
        h5_checks = H5Checks(ledger)
        paying = Paying(ledger=ledger, courier=self._courier, clock=clock, merchant_keys=merchant_keys)
        settings = SettingsControls(
            refundAfter=duration(self._refund_ledger, "after", or_null="refunds wait for somebody"),
            minuteBetweenRefunds=flag(self._refund_ledger, "minute_between"),
            closeAfter=duration(ledger, "close_after"),
            repostedDifferently=choice(ledger, "reposted_differently", *REPOSTED),
            rateLimits=flag(rates, "are_held"),
            h5Domains=domains(h5_checks, "domains"),
            oauthDomains=domains(authorize, "domains"),
        )
        controls = Controls(
            ledger=ledger,
            refund_ledger=self._refund_ledger,
            courier=self._courier,
            clock=clock,
            paying=paying,
            h5_checks=h5_checks,
            call_up=CallUp(ledger, merchant_keys, credentials.mchid),
        ).app(
            [
                *RefundControls(self._refund_ledger).routes(),
                *settings.routes(),
                *LoginControls(apps, codes).routes(),
                *BillControls(statements, ledger, self._refund_ledger).routes(),
                *FaultControls(faults).routes(),
                *KeyControls(keys, merchant_keys).routes(),
                *CoverageControl(endpoints).routes(),
                *NotifyControls(
                    ledger=ledger, courier=self._courier, merchant_keys=merchant_keys, clock=clock
                ).routes(),
            ]
        )
        self.app: ASGIApp = Paths(controls, H5Page(h5_checks, paying, clock).app(), gateway)
        tokens = Tokens(apps, clock)
        self.open_platform: ASGIApp = OpenPlatform(
            apps=apps, codes=codes, tokens=tokens, authorize=authorize, faults=faults
        ).app
        if keep_orders is not None:
            forgetting = Forgetting(
                keep_orders,
                ledger=ledger,
                refund_ledger=self._refund_ledger,
                courier=self._courier,
                others=(faults, statements, apps, codes, tokens),
            )
            self.app, self.open_platform = forgetting.after(self.app), forgetting.after(self.open_platform)
        if written is not None:
            self.app, self.open_platform = Watched(self.app, written), Watched(self.open_platform, written)
        self._served: Served | None = None
        self._open_platform_served: Served | None = None
        self._stopped = False

    @property
    def url(self) -> str:
        """The base URL. Raises RuntimeError before start()."""
        if self._served is None:
            raise RuntimeError("the simulator is not started")
        return self._served.url

    @property
    def open_platform_url(self) -> str:
        """The base URL of the open platform, `open_platform` as a host of its own. Raises RuntimeError before start()."""
        if self._open_platform_served is None:
            raise RuntimeError("the simulator is not started")
        return self._open_platform_served.url

    def deliveries(self) -> list[Delivery]:
        """Every attempt to deliver a notification so far, oldest first; a sandbox in the same process needs no request for it."""
        return self._courier.deliveries()

    def wait_for(self, holds: Callable[[Sequence[Delivery]], bool], seconds: float) -> bool:
        """Whether it `holds` of the deliveries, now or within so many seconds of real time."""
        return self._courier.wait_for(holds, seconds)

    def start(self, port: int = 0, *, open_platform_port: int = 0, host: str = "127.0.0.1") -> str:
        """Serve on `host` (port 0 picks a free one) and return the base URL once both answer, the open platform, too.

        Raises PortError, an OSError, when a port is taken or the host is not of this machine, RuntimeError when it was started
        before. Whoever reaches another host than 127.0.0.1 can use the controls, which nobody signs.
        """
        if self._served is not None or self._stopped:
            raise RuntimeError("a simulator is started once")
        served = Served(self.app, port=port, host=host)
        try:
            open_platform = Served(self.open_platform, port=open_platform_port, host=host)
        except OSError:
            served.stop()
            raise
        self._served, self._open_platform_served = served, open_platform
        served.start()
        open_platform.start()
        return served.url

    def stop(self) -> None:
        """Free the port for good; refunds and notifications that wait are forgotten. Harmless when not started."""
        self._stopped = True
        self._refund_ledger.stop()
        self._courier.stop()
        for served in (self._served, self._open_platform_served):
            if served is not None:
                served.stop()
        self._served = self._open_platform_served = None


def _tell(refund: Refund, *, courier: Courier, clock: Timepiece, merchant_keys: MerchantKeys) -> None:
    """Notify the merchant of a refund's end, if the refund says where."""
    if refund.notify_url is not None:
        key = merchant_keys.api_v3_key
        courier.send(refund_notification(refund, refund.notify_url, api_v3_key=key, now=clock.time()))


def _outcome(faults: Faults, on: str) -> RefundStatus:
    """How a refund that is accepted or sent on now will end by itself: well, unless a fault rule says otherwise."""
    fault = faults.take(on, "result")
    return RefundStatus.SUCCESS if fault is None else RefundStatus(fault.parameters["result"])
