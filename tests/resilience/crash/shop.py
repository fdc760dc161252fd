"""The people around a run: a shop that calls the API and repeats its calls, and the buyer who pays."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.kit.functions import api_event, page_event
from tests.resilience.crash.run import Run

WAITS = (2, 10, 30, 60, 300)  # seconds between one try of a caller and the next
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
OF_THIS_KIND = {"jsapi": {"openid": OPENID}, "h5": {"clientIp": "203.0.113.10"}}
AMOUNT = 1000  # fen


@dataclass(frozen=True)
class Reply:
    """What the API answered."""

    status: int
    members: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """The members of `data`."""
        data: dict[str, Any] = self.members["data"]
        return data


class Shop:
    """Calls of one run. A try that died or got a 5xx of ours is repeated, unless the caller has given up."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.key = f"key-{run.number}"

    def call(
        self,
        function: str,
        body: dict[str, Any] | None = None,
        *,
        number: str | None = None,
        key: str | None = None,
        scope: str = "payments:charge",
        sub: str = "shop",
        aside: bool = False,
    ) -> Reply | None:
        """One try; None when there was no answer. `aside`: it is not this call whose effects are counted."""
        event = api_event(function, body, number=number, key=key, sub=sub, scope=scope)
        return self._called(function, event, aside=aside)

    def _called(self, function: str, event: dict[str, Any], *, aside: bool = False) -> Reply | None:
        answer = self.run.invoke(function, event, aside=aside)
        if answer is None:
            return None
        reply = Reply(answer["statusCode"], json.loads(answer["body"]))
        denied = any(each.endswith("denied") for each in self.run.effects.happened)
        if reply.members.get("code") == "INTERNAL_ERROR" and not denied:
            self.run.violations.append(f"{function} answers INTERNAL_ERROR: {self._last_error()}")
        return reply

    def repeat(
        self,
        call: Callable[[], Reply | None],
        then: Callable[[Reply], None],
        waits: tuple[int, ...] = WAITS,
    ) -> None:
        """Call until there is an answer that is not "try again"; `then` gets it."""
        reply = call()
        if reply is not None and reply.status not in (500, 503):
            then(reply)
        elif waits:
            moment = self.run.clock.time() + waits[0]
            self.run.at(moment, lambda: self.repeat(call, then, waits[1:]))

    # ---- orders ----

    def order(self, function: str, *, key: str | None = None, buyer: str | None = None) -> Reply | None:
        """One try to open the run's order, `buyer`'s where one is named."""
        body = {"contentId": "photo-1", "amount": AMOUNT // 100, "subject": self.run.name}
        body |= {"userId": buyer} if buyer else {}
        return self.call(function, body | OF_THIS_KIND.get(function, {}), key=key)

    def opened(self, function: str = "native") -> str:
        """An order that is open: its number."""
        reply = self.order(function, key=self.key)
        assert reply is not None
        assert reply.status == 200, reply.members
        return str(reply.data["outTradeNo"])

    def paid(self) -> str:
        """An order that is paid, notified and published: its number."""
        number = self.opened()
        self.pay(number)
        self.run.until_quiet()
        assert self.run.images.payments[number]["status"] == "PAID"
        return number

    def pay(self, number: str) -> None:
        """The buyer pays, if that is still possible."""
        self.run.world.control("pay", {"outTradeNo": number})

    def pay_by(self, reply: Reply) -> None:
        """The buyer pays by the code, link or prepay_id that the caller was answered last: it must be good."""
        if reply.status != 200:
            return
        (name,) = reply.data.keys() & {"codeUrl", "h5Url", "prepayId"}
        credential = reply.data[name].partition("&redirect_url=")[0]  # the way back is not WeChat Pay's
        answer = self.run.world.control("pay", {name: credential})
        if answer.status_code != 200:
            self.run.promises.told.append(
                f"a caller was answered a {name} that cannot be paid: {answer.text}"
            )

    # ---- checkouts ----

    def checkout(self, *, key: str | None = None) -> Reply | None:
        """One try to keep the run's checkout."""
        body = {"contentId": "photo-1", "amount": AMOUNT // 100, "subject": self.run.name}
        return self.call("checkout_intent", body, key=key)

    def kept(self) -> str:
        """A checkout: the token of its address."""
        reply = self.checkout(key=self.key)
        assert reply is not None
        return str(reply.data["checkoutUrl"]).rpartition("/")[2]

    def open(self, token: str, kind: str, *, aside: bool = False) -> Reply | None:
        """A device's page opens the checkout, and takes it over where another one holds it."""
        event = page_event(token, {"kind": kind, "takeOver": True}, OF_THIS_KIND["h5"]["clientIp"])
        reply = self._called("checkout_open", event, aside=aside)
        payable = [one for one in self.run.world.orders(self.run.name) if one["trade_state"] == "NOTPAY"]
        if len(payable) > 1:
            self.run.violations.append(f"I9 {len(payable)} orders of one checkout can be paid")
        if reply is not None and reply.status == 200 and reply.members["status"] == "closing":
            return Reply(503, reply.members)  # not closed yet on the other device: the buyer taps again
        return reply

    def pay_shown(self, reply: Reply) -> None:
        """The buyer pays what a device shows: it must be good."""
        if reply.status == 200 and reply.members["status"] == "waiting":
            self.pay_by(Reply(200, {"data": reply.members}))

    # ---- refunds ----

    def notified(self) -> None:
        """The last notification there is arrives, at this very moment."""
        self.run.look()
        self.run.deliver(self.run.world.notifications()[-1]["id"])

    def refund(
        self, number: str, *, key: str | None = None, amount: int = 300, aside: bool = False
    ) -> Reply | None:
        """One try to refund a part."""
        body = {"outTradeNo": number, "refundAmount": f"{amount // 100}.00", "refundReason": "returned"}
        return self.call("refund", body, key=key, scope="payments:refund", sub="office", aside=aside)

    def refunded(self, reply: Reply) -> None:
        """A caller was answered about a refund."""
        if (
            reply.status == 200 and reply.data["status"] != "CLOSED"
        ):  # CLOSED is told of one that nobody has, too
            self.run.promises.refunds_accepted.add(reply.data["outRefundNo"])

    def _last_error(self) -> str:
        lines = [line for line in self.run.world.logs.getvalue().splitlines() if "exception" in line]
        return lines[-1][-400:] if lines else "?"
