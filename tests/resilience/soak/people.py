"""The people of a window: shops that open orders, buyers who pay or do not, an office that refunds. They believe every word.

A caller repeats after exactly Retry-After where it is told to, or hours later, after a while where nobody answered, and
takes whatever else it is told for the truth. A keyless refund whose first 200 never came is not repeated: only a key
covers that.
"""

import random
from collections import Counter
from collections.abc import Callable
from functools import partial

from tests.resilience.soak.callers import Callers
from tests.resilience.soak.console import Console
from tests.resilience.soak.window import Window
from tests.resilience.soak.wishes import Mood, Order, RefundWish, Reply

AMOUNT = 1000  # fen
OF_THIS_KIND = {"jsapi": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}, "h5": {"clientIp": "203.0.113.10"}}
SURE_OF_A_LINK = 55  # seconds: what an h5Url has left at least when it is told, and a little less
PILED_UP = 7800  # virtual seconds: longer than an order lives
LAST_LOOK = 5400  # virtual seconds: what is looked at now is looked at next when its time is over
LOOK_TAKES = 3.0  # virtual seconds, where looks are what is short
FOUND_WITHIN = 180  # virtual seconds, of a payment that nobody told of


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
        window.courier.lost, window.courier.console_lost = self._mood.lost, self._mood.console_lost
        self._callers = Callers(window, self._mood, self._chance)
        self.outcomes = self._callers.outcomes
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
                partial(self._open, order),
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
            self._window.at(began, partial(self._open, order))
        for order in self.orders[-fresh:]:
            order.fate = "pays at once"
            self._window.at(looked_again - 70, partial(self._open, order))

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

    # ---- orders ----

    def _order(self, number: int) -> Order:
        mood = self._mood
        shares = (mood.pays, mood.abandons, mood.closes, mood.both)
        (fate,) = self._chance.choices(("pays", "abandons", "closes", "both"), shares)
        return Order(f"order {number} of {self._window.seed}", fate)

    def _open(self, order: Order) -> None:
        function = self._chance.choice(("native", "native", "jsapi", "app", "h5"))
        self._ask(order, function, lambda reply: self._opened(order, function, reply))

    def _ask(self, order: Order, function: str, then: Callable[[Reply], None]) -> None:
        body = {"contentId": "photo-1", "amount": AMOUNT // 100, "subject": order.name}
        body |= OF_THIS_KIND.get(function, {})
        order.callers += 1

        def call() -> Reply | None:
            reply = self._callers.call(function, body, key=order.name.replace(" ", "-"))
            order.unheard = order.unheard or reply is None
            # Somebody who died, or who asks at the same time, may really be sending it.
            return None if reply and reply.being_sent and (order.unheard or order.callers > 1) else reply

        def told(reply: Reply) -> None:
            order.callers -= 1
            order.told.append(reply)
            then(reply)

        self._callers.until_told(call, told)

    def _opened(self, order: Order, function: str, reply: Reply) -> None:
        if reply.status != 200:
            return
        order.number = reply.data["outTradeNo"]
        (name,) = reply.data.keys() & {"codeUrl", "h5Url", "prepayId"}
        credential = {
            name: reply.data[name].partition("&redirect_url=")[0]
        }  # the way back is not WeChat Pay's
        soon = (
            self._chance.uniform(2, 600) if self._chance.random() < 0.9 else self._chance.uniform(6600, 7190)
        )
        if name == "h5Url":
            soon = min(soon, SURE_OF_A_LINK)
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
        elif order.closing or self._window.clock.time() >= self._expires(order):
            return
        elif any(order.name.encode() in body for body in self._window.late):
            self.limits["code replaced by a request that was given up and arrived later"] += 1
        else:
            self._window.violations.append(
                f"I3 {order.name}: a caller was answered a credential that cannot be paid: {answer.text}"
            )

    def _expires(self, order: Order) -> float:
        return float(self._window.images.payments[order.number or ""]["time_expire"])

    def _close(self, order: Order) -> None:
        order.closing = True
        self._callers.until_told(
            lambda: self._callers.call("close", {"outTradeNo": order.number}), order.close_told.append
        )

    def _query(self, order: Order) -> None:
        function = self._chance.choice(("query", "payment"))

        def told(reply: Reply) -> None:
            if reply.status == 200:
                order.states.append(str(reply.data.get("tradeState") or reply.data["status"]))

        self._callers.until_told(lambda: self._callers.call(function, number=order.number), told, tries=3)

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
            reply = self._callers.call("refund", body, key=wish.key, scope="payments:refund", sub="office")
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

        self._callers.until_told(call, told, unheard=unheard)

    def _answered(self, wish: RefundWish) -> bool:
        """Whether the function had done all it does before it answers 200: only a key covers an answer that is lost then."""
        refunds = self._window.images.payments[wish.order.number or ""]["refunds"]
        mine = [refund for refund in refunds.values() if refund.get("reason") == wish.name]
        return any("unanswered_by" not in refund for refund in mine)

    def _known_paid(self, wish: RefundWish) -> bool:
        return self._window.images.payments[wish.order.number or ""]["paid"] > 0
