"""The people of a window: shops that open orders, buyers who pay or do not, an office that refunds. They believe every word.

A caller repeats after exactly Retry-After where it is told to, or hours later, after a while where nobody answered, and
takes whatever else it is told for the truth. A keyless refund whose first 200 never came is not repeated: only a key
covers that.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.soak.console import Console
from tests.soak.window import Window

AMOUNT = 1000  # fen
TRIES = 8  # of one caller, until it gives up
COMES_BACK = 0.3  # of those who gave up, hours later
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
PILED_UP = 7800  # virtual seconds: longer than an order lives
LAST_LOOK = 5400  # virtual seconds: what is looked at now is looked at next when its time is over
LOOK_TAKES = 3.0  # virtual seconds, where looks are what is short
FOUND_WITHIN = 180  # virtual seconds, of a payment that nobody told of
REPEATED = (500, 503, 429)


@dataclass(frozen=True)
class Mood:
    """What people mostly do, in shares of those who could."""

    pays: int = 78
    abandons: int = 12
    closes: int = 5
    both: int = 5  # closes, and pays at about the same moment
    again: float = 0.3  # of those who close: repeats its create while the order is being closed
    keyless: float = 0.3  # of refunds
    away: float = 0.05  # of those who are asked to repeat: comes hours later instead
    console: float = 0.02  # of payments: paid back in the merchant console …
    console_first: float = 0.5  # … of those, before we have heard of the payment
    refunds: float = 0.3  # for each order
    lost: float = 0.05  # of notifications: never arrive
    console_lost: bool = (
        False  # nor does any of the console's refunds; only where WeChat Pay tells of them in another way
    )
    every: float = 2.0  # virtual seconds from one order to the next
    quiet: bool = False  # nothing goes wrong at all
    fresh: int = (
        0  # of the orders: paid in silence after all others have expired, just before somebody looks again
    )


@dataclass(frozen=True)
class Reply:
    """What the API answered."""

    status: int
    members: dict[str, Any]
    retry_after: float | None

    @property
    def data(self) -> dict[str, Any]:
        """The members of `data`."""
        data: dict[str, Any] = self.members["data"]
        return data

    @property
    def sent(self) -> bool:
        """Whether it tells of a request that went to WeChat Pay and whose sending is over."""
        return "WeChat Pay" in str(self.members.get("error"))

    @property
    def being_sent(self) -> bool:
        """Whether it tells of one whose sending goes on."""
        return "being sent" in str(self.members.get("error"))

    @property
    def word(self) -> str:
        """Status and code: `502 WECHAT_REFUSED`."""
        return f"{self.status} {self.members.get('code', '')}".strip()


@dataclass
class Order:
    """One wish for an order: who pays, and what was told of it."""

    name: str
    fate: str  # pays | abandons | closes | both
    told: list[Reply] = field(default_factory=list)  # definite answers to the create
    close_told: list[Reply] = field(default_factory=list)
    states: list[str] = field(default_factory=list)  # definite states that a query or the payment told
    number: str | None = None
    paid: bool = False  # at WeChat Pay
    unheard: bool = False  # an answer to its create never came
    callers: int = 0  # who ask for it at the same time
    paid_at: float = 0.0  # epoch seconds
    closing: bool = False  # somebody has asked for its end
    console: bool = False  # somebody pays it back by another way


@dataclass
class RefundWish:
    """One wish for a refund, and what was told of it. Its name is the reason that goes with it."""

    name: str
    order: Order
    amount: int  # fen
    key: str | None
    told: list[Reply] = field(default_factory=list)
    unheard: bool = False  # an answer never came


class People:
    """Everybody of one window that has so many orders."""

    def __init__(self, window: Window, *, orders: int, mood: Mood | None = None) -> None:
        self._window = window
        self._mood = mood or Mood()
        refunds = round(orders * self._mood.refunds)
        self._chance = random.Random(f"people {window.seed}")
        self.orders = [self._order(number) for number in range(orders)]
        self.refunds: list[RefundWish] = []
        self._refunds_left = refunds
        self._share = self._mood.refunds * 1.4  # of paid orders, for not all are
        self._console = Console(window)
        window.lost, window.console_lost = self._mood.lost, self._mood.console_lost
        self.outcomes: Counter[str] = Counter()
        self.limits: Counter[str] = Counter()
        """What is documented as nobody's promise, by kind."""

    def begin(self) -> None:
        """Let them come, one after the other."""
        if self._mood.fresh:
            self._pile_up()
            return
        for place, order in enumerate(self.orders):
            self._window.at(
                self._window.clock.time() + place * self._mood.every * self._chance.uniform(0.9, 1.1),
                lambda order=order: self._open(order),
            )

    def _pile_up(self) -> None:
        """All but a few have expired by the time at which somebody looks again; then looks take their time, too."""
        began, fresh = self._window.clock.time(), self._mood.fresh
        looked_again = began + PILED_UP

        def piles_up() -> None:
            self._window.look_takes = LOOK_TAKES
            self._window.no_sweep_before(looked_again)

        self._window.no_sweep_before(began + LAST_LOOK)
        self._window.at(began + LAST_LOOK + 1200, piles_up)
        for order in self.orders[:-fresh]:
            order.fate = "abandons"
            self._window.at(began, lambda order=order: self._open(order))
        for order in self.orders[-fresh:]:
            order.fate = "pays at once"
            self._window.at(looked_again - 70, lambda order=order: self._open(order))

    def late(self) -> list[str]:
        """Payments of which no notification told, and that were found too late though they were due."""
        found = []
        for order in self.orders[-self._mood.fresh :] if self._mood.fresh else []:
            history = self._window.images.payments[order.number or ""]["history"]
            known = next((entry["at"] for entry in history if entry["to"] == "PAID"), float("inf"))
            if known - order.paid_at > FOUND_WITHIN:
                found.append(f"I11 {order.name}: paid, and known only {known - order.paid_at:.0f} s later")
        return found

    def the_rest(self) -> bool:
        """What is left of the refunds is asked for now; whether there was any."""
        paid = [order for order in self.orders if order.paid and order.number]
        left, self._refunds_left = self._refunds_left, 0
        for _ in range(left if paid else 0):
            self._refund_later(self._chance.choice(paid), self._chance.uniform(1, 600))
        return bool(left and paid)

    # ---- calling ----

    def _call(
        self,
        function: str,
        body: dict[str, Any] | None = None,
        *,
        number: str | None = None,
        key: str | None = None,
        scope: str = "payments:charge",
        sub: str = "shop",
    ) -> Reply | None:
        event: dict[str, Any] = {
            "routeKey": function,
            "headers": {"content-type": "application/json"} | ({"idempotency-key": key} if key else {}),
            "body": None if body is None else json.dumps(body),
            "pathParameters": {"outTradeNo": number} if number else None,
            "requestContext": {"authorizer": {"jwt": {"claims": {"sub": sub, "scope": scope}}}},
        }
        answer = self._window.invoke(function, event)
        if answer is None:
            self.outcomes[f"{function} no answer"] += 1
            return None
        wait = {name.lower(): value for name, value in answer["headers"].items()}.get("retry-after")
        reply = Reply(answer["statusCode"], json.loads(answer["body"]), None if wait is None else float(wait))
        self.outcomes[f"{function} {reply.word}"] += 1
        if self._mood.quiet and reply.status == 503 and not reply.members.get("details", {}).get("closing"):
            self._window.violations.append(f"I10 nothing went wrong, and {function} answers {reply.members}")
        if reply.status == 500:
            self._window.violations.append(f"{function} answers INTERNAL_ERROR: {self._last_error()}")
        return reply

    def _last_error(self) -> str:
        lines = [line for line in self._window.logs.getvalue().splitlines() if '"exception"' in line]
        return lines[-1][-600:] if lines else "?"

    def _until_told(
        self,
        call: Callable[[], Reply | None],
        then: Callable[[Reply], None],
        *,
        tries: int = TRIES,
        unheard: Callable[[], bool] = lambda: True,
        before: Reply | None = None,
    ) -> None:
        """Call until there is a definite answer, which `then` gets; give up after so many tries, and perhaps come back.

        `unheard` says whether to go on after no answer at all; `before` is the last answer.
        """
        reply = call()
        self._check_wait(before, reply)
        if reply is not None and reply.status not in REPEATED:
            then(reply)
            return
        if reply is None and not unheard():
            return
        go_on = partial(self._until_told, call, then, unheard=unheard)
        if self._chance.random() < self._mood.away:
            self._window.after(self._chance.uniform(1, 20) * 3600, partial(go_on, tries=min(tries, 4)))
        elif tries > 1:
            told = reply is not None and reply.retry_after is not None
            wait = reply.retry_after if told else self._chance.uniform(1, 30)
            self._window.after(wait, partial(go_on, tries=tries - 1, before=reply if told else None))
        elif self._chance.random() < COMES_BACK:
            self._window.after(self._chance.uniform(1, 5) * 3600, partial(go_on, tries=3))

    def _check_wait(self, before: Reply | None, reply: Reply | None) -> None:
        """Whoever has waited for as long as they were told, after a send that had ended, is not told that it goes on."""
        if before is None or reply is None or not before.sent or self._window.functions.current is not None:
            return
        if reply.being_sent:
            self._window.violations.append(
                f"I9 told to repeat after {before.retry_after} s, then: {reply.members}"
            )

    # ---- orders ----

    def _order(self, number: int) -> Order:
        mood = self._mood
        shares = (mood.pays, mood.abandons, mood.closes, mood.both)
        (fate,) = self._chance.choices(("pays", "abandons", "closes", "both"), shares)
        return Order(f"order {number} of {self._window.seed}", fate)

    def _open(self, order: Order) -> None:
        function = self._chance.choice(("native", "native", "jsapi"))
        self._ask(order, function, lambda reply: self._opened(order, function, reply))

    def _ask(self, order: Order, function: str, then: Callable[[Reply], None]) -> None:
        body = {"contentId": "photo-1", "amount": AMOUNT // 100, "subject": order.name}
        body |= {"openid": OPENID} if function == "jsapi" else {}
        order.callers += 1

        def call() -> Reply | None:
            reply = self._call(function, body, key=order.name.replace(" ", "-"))
            order.unheard = order.unheard or reply is None
            # Somebody who died, or who asks at the same time, may really be sending it.
            return None if reply and reply.being_sent and (order.unheard or order.callers > 1) else reply

        def told(reply: Reply) -> None:
            order.callers -= 1
            order.told.append(reply)
            then(reply)

        self._until_told(call, told)

    def _opened(self, order: Order, function: str, reply: Reply) -> None:
        if reply.status != 200:
            return
        order.number = reply.data["outTradeNo"]
        name = "codeUrl" if "codeUrl" in reply.data else "prepayId"
        credential = {name: reply.data[name]}
        soon = (
            self._chance.uniform(2, 600) if self._chance.random() < 0.9 else self._chance.uniform(6600, 7190)
        )
        if order.fate == "pays at once":
            self._pay(order, credential)
        if order.fate in ("pays", "both"):
            self._window.after(soon, lambda: self._pay(order, credential))
        if order.fate == "both":
            soon = max(soon + self._chance.uniform(-5, 5), 0)
        if order.fate in ("closes", "both"):
            self._window.after(soon, lambda: self._close(order))
            if self._chance.random() < self._mood.again:
                again = soon + self._chance.uniform(0, 5)
                self._window.after(again, lambda: self._ask(order, function, lambda _: None))
        if self._chance.random() < 0.1:
            self._window.after(soon + self._chance.uniform(-5, 60), lambda: self._query(order))

    def _pay(self, order: Order, credential: dict[str, str]) -> None:
        answer = self._window.control("pay", credential)
        if answer.status_code == 200:
            order.paid, order.paid_at = True, self._window.clock.time()
            if self._chance.random() < self._mood.console:
                first = self._chance.random() < self._mood.console_first
                self._console_refund(order, 0.0 if first else self._chance.uniform(1, 1800))
            if self._chance.random() < self._share and self._refunds_left:
                self._refunds_left -= 1
                self._refund_later(order, self._chance.expovariate(1 / 900))
        elif (
            not order.closing
            and self._window.clock.time() < self._window.images.payments[order.number or ""]["time_expire"]
        ):
            self._window.violations.append(
                f"I3 {order.name}: a caller was answered a credential that cannot be paid: {answer.text}"
            )

    def _close(self, order: Order) -> None:
        order.closing = True
        self._until_told(lambda: self._call("close", {"outTradeNo": order.number}), order.close_told.append)

    def _query(self, order: Order) -> None:
        function = self._chance.choice(("query", "payment"))

        def told(reply: Reply) -> None:
            if reply.status == 200:
                order.states.append(str(reply.data.get("tradeState") or reply.data["status"]))

        self._until_told(lambda: self._call(function, number=order.number), told, tries=3)

    # ---- refunds ----

    def _console_refund(self, order: Order, seconds: float) -> None:
        """Somebody pays back in the merchant console, all of it or a part; not at all where too little is left."""
        order.console = True
        amount = self._chance.choice((AMOUNT, AMOUNT, 500))
        self._window.after(seconds, lambda: self._console.refund(order.name, amount))

    def _refund_later(self, order: Order, seconds: float) -> None:
        amount = 100 * self._chance.randint(1, 6)
        name = f"refund {len(self.refunds)}"
        wish = RefundWish(
            name, order, amount, name.replace(" ", "-") if self._chance.random() < 0.7 else None
        )
        self.refunds.append(wish)
        self._window.after(seconds, lambda: self._refund(wish))

    def _refund(self, wish: RefundWish) -> None:
        body = {
            "outTradeNo": wish.order.number,
            "refundAmount": f"{wish.amount // 100}.00",
            "refundReason": wish.name,
        }

        def call() -> Reply | None:
            reply = self._call("refund", body, key=wish.key, scope="payments:refund", sub="office")
            self._window.refund_sent()
            return reply

        def unheard() -> bool:
            wish.unheard = True
            if wish.key is None and self._answered(wish):
                self.limits["keyless refund whose first 200 never came"] += 1
                return False
            return True

        def told(reply: Reply) -> None:
            # Not paid yet as far as our table knows: the office comes again when it has heard of the money.
            if reply.word == "409 REFUND_NOT_ALLOWED" and not self._known_paid(wish):
                self._window.after(700, lambda: self._refund(wish))
            else:
                wish.told.append(reply)

        self._until_told(call, told, unheard=unheard)

    def _answered(self, wish: RefundWish) -> bool:
        """Whether the function had done all it does before it answers 200: only a key covers an answer that is lost then."""
        refunds = self._window.images.payments[wish.order.number or ""]["refunds"]
        mine = [refund for refund in refunds.values() if refund.get("reason") == wish.name]
        return any("unanswered_by" not in refund for refund in mine)

    def _known_paid(self, wish: RefundWish) -> bool:
        return self._window.images.payments[wish.order.number or ""]["paid"] > 0
