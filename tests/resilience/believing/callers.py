"""Callers who believe every word: they repeat what a 503 or a 429 asks for after exactly `Retry-After`, and act on the rest.

A shop that was told a definite no opens another order; an office that was told one pays the money back otherwise; whoever
hears nothing repeats; whoever is tired comes back after hours.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from payments.core import identifiers
from tests.resilience.believing.agenda import Agenda
from tests.resilience.believing.oracle import DAY, FINAL, Oracle

SCOPE = "model"  # the stack's, of which order numbers are made
ORDERING = ("native", "jsapi", "app", "h5")  # the functions that open orders
OF_THIS_KIND = {"jsapi": {"openid": "o-buyer"}, "h5": {"clientIp": "203.0.113.10"}}
UNHEARD = 5  # seconds after which somebody who heard nothing repeats
MOST_ATTEMPTS = 4  # orders for one purchase


@dataclass
class Reply:
    """What the API answered."""

    status: int
    members: dict[str, Any]
    retry_after: int | None

    @property
    def data(self) -> dict[str, Any]:
        """The members of `data`."""
        data: dict[str, Any] = self.members["data"]
        return data

    @property
    def code(self) -> str:
        """Of a refusal."""
        return str(self.members.get("code", ""))

    @property
    def details(self) -> dict[str, Any]:
        """Of a refusal."""
        details: dict[str, Any] = self.members.get("details", {})
        return details

    def __str__(self) -> str:
        if self.status == 200:
            kept = {
                name: value
                for name, value in self.data.items()
                if name not in ("qrCode", "checkoutUrl", "paymentParams")
            }
            return f"200 {kept}"
        after = f" Retry-After {self.retry_after}" if self.retry_after is not None else ""
        return f"{self.status} {self.code} {self.details or ''}{after} ({self.members.get('error', '')})"


@dataclass(eq=False)
class Purchase:
    """One thing that a buyer buys: at most one payment, however many orders it takes."""

    name: int
    method: str
    amount: int
    sub: str
    named: bool
    keyed: bool
    attempts: int = 0
    numbers: list[str] = field(default_factory=list)
    paid: bool = False


@dataclass(eq=False)
class Wish:
    """One thing that a caller wants; repeated until a definite answer is heard."""

    name: int
    function: str
    sub: str
    scope: str
    body: dict[str, Any] | None
    key: str | None = None
    number: str | None = None  # of the order, where there is one already
    purchase: Purchase | None = None
    then: Callable[["Wish", Reply], None] | None = None
    tries: int = 0
    patience: int = 6  # tries before the caller leaves for `absence` seconds
    absence: int = 3 * 3600
    last_try: float = 0.0
    over: bool = False
    told_200: bool = False
    dropped: bool = False  # paid back otherwise after a 4xx: nobody asks again
    told_no: str | None = None
    told_number: str | None = None
    numbers: set[str] = field(default_factory=set)  # of refunds that were reserved for it
    unheard: str | None = None  # the refund of an answer that never arrived
    excused: set[str] = field(default_factory=set)

    @property
    def same(self) -> object:
        """What it shares with a wish that must be answered alike: a buyer's second order of the same thing, without a key."""
        if self.key is not None or self.function not in ORDERING or self.body is None:
            return self.name
        return self.body.get("userId", self.sub), self.body["contentId"], self.body["amount"]

    def __str__(self) -> str:
        key = f" key {self.key}" if self.key else " without a key"
        return f"wish {self.name} ({self.sub}: {self.function}{key} {json.dumps(self.body)})"


class Callers:
    """All wishes of a world. `call` makes one call; None when nobody answered."""

    def __init__(
        self,
        agenda: Agenda,
        oracle: Oracle,
        *,
        call: Callable[[Wish], tuple[Reply | None, bool]],
    ) -> None:
        self.purchases: list[Purchase] = []
        self.wishes: list[Wish] = []
        self.ceased: float | None = None
        """Since when nothing goes wrong any more, and everybody is patient."""
        self.no_refunds_until = 0.0
        """Until when API Gateway lets nobody refund."""
        self._agenda = agenda
        self._oracle = oracle
        self._call = call

    # ---- shops ----

    def purchase(self, *, method: str, amount: int, sub: str, named: bool, keyed: bool) -> Purchase:
        """A buyer wants something: an order is opened for it."""
        purchase = Purchase(len(self.purchases), method, amount, sub, named, keyed)
        self.purchases.append(purchase)
        self.open(purchase)
        return purchase

    def open(self, purchase: Purchase) -> Wish:
        """The next order of a purchase."""
        purchase.attempts += 1
        body: dict[str, Any] = {
            "contentId": f"c{purchase.name}",
            "amount": purchase.amount // 100,
            "subject": "A thing",
        }
        body |= {"userId": f"u{purchase.name % 2}"} if purchase.named else {}
        body |= OF_THIS_KIND.get(purchase.method, {})
        key = f"p{purchase.name}-{purchase.attempts}" if purchase.keyed else None
        wish = self._wish(purchase.method, purchase.sub, "payments:charge", body, key=key, then=self._opened)
        wish.purchase = purchase
        if key is not None:
            wish.number = identifiers.out_trade_no(
                scope=SCOPE, route=purchase.method, caller=purchase.sub, key=key
            )
        self.ask(wish)
        return wish

    def _opened(self, wish: Wish, reply: Reply) -> None:
        purchase, oracle, words = wish.purchase, self._oracle, f"{wish} heard {reply}"
        assert purchase is not None
        if reply.status == 200:
            number: Any = reply.data["outTradeNo"]
            (name,) = reply.data.keys() & {"codeUrl", "prepayId", "h5Url"}
            code = str(reply.data[name]).partition("&redirect_url=")[0]
            if wish.number is not None and number != wish.number:
                oracle.violated("another number", words)
            if wish.told_no is not None:
                oracle.violated("a no taken back", f"{words}, after {wish.told_no}")
            wish.number = number
            oracle.codes.setdefault(number, set()).add(code)
            if number not in purchase.numbers:
                purchase.numbers.append(number)
        elif reply.status == 409 and reply.code == "ORDERPAID":
            number = wish.number or reply.details["outTradeNo"]
            oracle.told_paid(number, words)
            purchase.paid = True
        elif (reply.status, reply.code) in ((409, "ORDERCLOSED"), (502, "WECHAT_REFUSED")):
            wish.told_no = str(reply)
            number = wish.number or reply.details.get("outTradeNo")
            if number is not None:
                oracle.told_unpayable(number, words)
            self._another(purchase)
        else:
            oracle.violated("unforeseen answer", words)

    def _another(self, purchase: Purchase) -> None:
        """The shop believes that nobody can pay what it has: it opens another order."""
        if not purchase.paid and purchase.attempts < MOST_ATTEMPTS:
            self._agenda.at(self._agenda.now() + 1, lambda: None if purchase.paid else self._again(purchase))

    def _again(self, purchase: Purchase) -> None:
        self.open(purchase)

    def close(self, purchase: Purchase, number: str, sub: str) -> Wish:
        """The shop wants an order closed."""
        wish = self._wish(
            "close", sub, "payments:charge", {"outTradeNo": number}, number=number, then=self._closed
        )
        wish.purchase = purchase
        self.ask(wish)
        return wish

    def _closed(self, wish: Wish, reply: Reply) -> None:
        words, number = f"{wish} heard {reply}", wish.number
        assert number is not None
        assert wish.purchase is not None
        if reply.status == 200:
            self._oracle.told_unpayable(number, words)
            self._another(wish.purchase)
        elif (reply.status, reply.code) == (409, "ORDERPAID"):
            self._oracle.told_paid(number, words)
            wish.purchase.paid = True
        elif reply.status == 404 and self._oracle.restored:
            pass
        else:
            self._oracle.violated("unforeseen answer", words)

    def look(self, purchase: Purchase, number: str, function: str) -> Wish:
        """The shop wants to know: `function` is query or payment."""
        wish = self._wish(function, purchase.sub, "payments:charge", None, number=number, then=self._looked)
        wish.purchase = purchase
        self.ask(wish)
        return wish

    def _looked(self, wish: Wish, reply: Reply) -> None:
        words, number, purchase = f"{wish} heard {reply}", wish.number, wish.purchase
        assert number is not None
        assert purchase is not None
        if reply.status == 200:
            state = reply.data.get("tradeState") or reply.data.get("status")
            if state in ("CLOSED", "PAYERROR", "closed", "failed"):
                self._oracle.told_unpayable(number, words)
                self._another(purchase)
            elif state in ("SUCCESS", "REFUND", "succeeded", "partially_refunded", "refunded"):
                self._oracle.told_paid(number, words)
                purchase.paid = True
            if state == "SUCCESS" and number in self._oracle.credited_as_refund:
                self._oracle.violated("untouched, and not so there", words)
        elif reply.status not in (502, 404) or (reply.status == 404 and not self._oracle.restored):
            self._oracle.violated("unforeseen answer", words)

    # ---- offices ----

    def refund(self, number: str, *, sub: str, amount: int, reason: str, key: str | None) -> Wish:
        """An office wants money back for a buyer."""
        body = {
            "outTradeNo": number,
            "refundAmount": f"{amount // 100}.{amount % 100:02}",
            "refundReason": reason,
        }
        wish = self._wish("refund", sub, "payments:refund", body, key=key, number=number, then=self._refunded)
        self.ask(wish)
        return wish

    def _refunded(self, wish: Wish, reply: Reply) -> None:
        oracle, words = self._oracle, f"{wish} heard {reply}"
        if reply.status == 200:
            number, status = reply.data["outRefundNo"], reply.data["status"]
            if wish.told_number not in (None, number):
                oracle.violated("another number", f"{words}, after {wish.told_number}")
            wish.told_number = number
            oracle.excuse(wish, number)
            if status == "CLOSED":
                wish.told_no = wish.told_no or str(reply)
            oracle.told_refund(number, status, words)
            oracle.one_payout(wish)
        elif reply.status == 409 and reply.details.get("refundedElsewhere"):
            assert wish.body is not None
            wish.body["confirmRefundedElsewhere"] = True
            wish.over = False
            self._agenda.at(self._agenda.now() + 60, lambda: self._repeated(wish))
        elif reply.status == 502 and (number := reply.details.get("outRefundNo")) is not None:
            wish.told_no = str(reply)
            wish.told_number = wish.told_number or number
            oracle.told_never(number, words)
            oracle.excuse(wish, number)
            oracle.one_payout(wish)
        elif reply.code in ("REFUND_NOT_ALLOWED", "REFUND_EXCEEDS") or reply.status == 502:
            oracle.excuse(wish, None)
            wish.told_no = str(reply)
            wish.dropped = reply.status != 502
            oracle.one_payout(wish)
        elif reply.status == 404 and oracle.restored:
            wish.told_no = str(reply)
        else:
            oracle.violated("unforeseen answer", words)

    # ---- all of them ----

    def repeat(self, wish: Wish) -> None:
        """Somebody asks once more for what has been answered; the answer must not change."""
        if (
            wish.over
            and not wish.dropped
            and (wish.key is not None or wish.function in ("close", "query", "payment"))
        ):
            wish.over = False
            self.ask(wish)

    def differ(self, which: int) -> None:
        """A caller uses the key of something that was answered 200 for something else."""
        keyed = [
            each
            for each in self.wishes
            if each.key and each.told_200 and each.body and "refundAmount" in each.body
        ]
        if keyed and not self._oracle.restored:
            first = keyed[-1 - which % len(keyed)]
            assert first.body is not None
            body = {**first.body, "refundReason": "something else"}
            wish = self._wish(
                "refund", first.sub, first.scope, body, key=first.key, number=first.number, then=self._differs
            )
            self.ask(wish)

    def _differs(self, wish: Wish, reply: Reply) -> None:
        wish.dropped = True
        if (reply.status, reply.code) != (422, "IDEMPOTENCY_MISMATCH"):
            self._oracle.violated(
                "unforeseen answer", f"{wish}, whose key is another refund's, heard {reply}"
            )

    def forgotten(self) -> None:
        """A restored table does not know any more which refunds came to nothing: the same request sends them (docs/operations.md)."""
        for wish in self.wishes:
            ended = wish.told_number
            if wish.told_no is None or wish.number is None or ended is None:
                continue
            if self._oracle.refund_status(wish.number, ended) not in FINAL:
                self._oracle.limits["told that it came to nothing, before a restore"] += 1
                self._oracle.never.pop(ended, None)
                wish.told_no = None

    def compared(self) -> None:
        """Somebody has compared the books after a restore: offices know which of their refunds WeChat Pay has."""
        for wish in self.wishes:
            known = [no for no in wish.numbers if no in self._oracle.ledger.refunds]
            if known and not wish.over:
                wish.over, wish.dropped, wish.told_number = True, True, known[0]

    def _wish(
        self, function: str, sub: str, scope: str, body: Mapping[str, Any] | None, **given: Any
    ) -> Wish:
        wish = Wish(len(self.wishes), function, sub, scope, None if body is None else dict(body), **given)
        self.wishes.append(wish)
        return wish

    def _repeated(self, wish: Wish) -> None:
        if not wish.over:
            self.ask(wish)

    def ask(self, wish: Wish) -> None:
        """One call, and what its caller makes of it."""
        now = self._agenda.now()
        if wish.function == "refund" and now < self.no_refunds_until:
            self._agenda.at(self.no_refunds_until, lambda: self._repeated(wish))
            return
        if wish.function == "refund" and wish.key is None and wish.last_try and now - wish.last_try > DAY:
            self._oracle.limits["keyless, away for more than a day"] += 1
            wish.excused |= wish.numbers
        wish.tries += 1
        wish.last_try = now
        reply, heard = self._call(wish)
        if reply is not None and not heard and reply.status == 200 and wish.function == "refund":
            wish.unheard = reply.data["outRefundNo"]
        if reply is None and wish.function == "refund":
            self._oracle.answered_unheard(wish)
        if reply is None or not heard:
            self._later(wish, UNHEARD)
        elif reply.status in (429, 503):
            if reply.retry_after is None:
                self._oracle.violated("unforeseen answer", f"{wish} heard {reply}")
            self._later(wish, reply.retry_after or UNHEARD)
        elif reply.status == 500:
            self._oracle.violated("internal error", f"{wish} heard {reply}")
            wish.over = True
        else:
            wish.over = True
            wish.told_200 = wish.told_200 or reply.status == 200
            assert wish.then is not None
            wish.then(wish, reply)

    def _later(self, wish: Wish, seconds: float) -> None:
        if self.ceased is None and wish.tries % wish.patience == 0:
            seconds = max(seconds, wish.absence)
        self._agenda.at(self._agenda.now() + seconds, lambda: self._repeated(wish))
