"""The people of a window: shops that open orders, buyers who pay or do not, an office that refunds. They believe every word.

A caller repeats after exactly Retry-After where it is told to, after a while where nobody answered, and takes whatever
else it is told for the truth. A keyless refund whose answer never came is not repeated: only a key covers that.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.soak.window import Window

AMOUNT = 1000  # fen
SPREAD = 2.0  # virtual seconds from one order to the next
TRIES = 8  # of one caller, until it gives up
COMES_BACK = 0.3  # of those who gave up, hours later
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
REPEATED = (500, 503, 429)


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
    closing: bool = False  # somebody has asked for its end


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
    """Everybody of one window, at `orders` orders and `refunds` refunds."""

    def __init__(self, window: Window, *, orders: int, refunds: int) -> None:
        self._window = window
        self._chance = random.Random(f"people {window.seed}")
        self.orders = [self._order(number) for number in range(orders)]
        self.refunds: list[RefundWish] = []
        self._refunds_left = refunds
        self._share = refunds / max(orders, 1) * 1.4  # of paid orders, for not all are
        self.outcomes: Counter[str] = Counter()
        self.limits: Counter[str] = Counter()
        """What is documented as nobody's promise, by kind."""

    def begin(self) -> None:
        """Let them come, one after the other."""
        for place, order in enumerate(self.orders):
            self._window.at(
                self._window.clock.time() + place * SPREAD * self._chance.uniform(0.9, 1.1),
                lambda order=order: self._open(order),
            )

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
    ) -> None:
        """Call until there is a definite answer, which `then` gets; give up after so many tries, and perhaps come back."""
        reply = call()
        if reply is not None and reply.status not in REPEATED:
            then(reply)
            return
        if reply is None and not unheard():
            return
        if tries > 1:
            wait = (
                self._chance.uniform(1, 30)
                if reply is None or reply.retry_after is None
                else reply.retry_after
            )
            self._window.after(wait, lambda: self._until_told(call, then, tries=tries - 1, unheard=unheard))
        elif self._chance.random() < COMES_BACK:
            hours = self._chance.uniform(1, 5)
            self._window.after(hours * 3600, lambda: self._until_told(call, then, tries=3, unheard=unheard))

    # ---- orders ----

    def _order(self, number: int) -> Order:
        (fate,) = self._chance.choices(("pays", "abandons", "closes", "both"), (78, 12, 5, 5))
        return Order(f"order {number} of {self._window.seed}", fate)

    def _open(self, order: Order) -> None:
        function = self._chance.choice(("native", "native", "jsapi"))
        body = {"contentId": "photo-1", "amount": AMOUNT // 100, "subject": order.name}
        body |= {"openid": OPENID} if function == "jsapi" else {}
        self._until_told(
            lambda: self._call(function, body, key=order.name.replace(" ", "-")),
            lambda reply: self._opened(order, reply),
        )

    def _opened(self, order: Order, reply: Reply) -> None:
        order.told.append(reply)
        if reply.status != 200:
            return
        order.number = reply.data["outTradeNo"]
        name = "codeUrl" if "codeUrl" in reply.data else "prepayId"
        credential = {name: reply.data[name]}
        soon = (
            self._chance.uniform(2, 600) if self._chance.random() < 0.9 else self._chance.uniform(6600, 7190)
        )
        if order.fate in ("pays", "both"):
            self._window.after(soon, lambda: self._pay(order, credential))
        if order.fate == "both":
            soon = max(soon + self._chance.uniform(-5, 5), 0)
        if order.fate in ("closes", "both"):
            self._window.after(soon, lambda: self._close(order))
        if self._chance.random() < 0.1:
            self._window.after(soon + self._chance.uniform(-5, 60), lambda: self._query(order))

    def _pay(self, order: Order, credential: dict[str, str]) -> None:
        answer = self._window.control("pay", credential)
        if answer.status_code == 200:
            order.paid = True
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
            if wish.key is None:
                self.limits["keyless refund whose answer never came"] += 1
            return wish.key is not None

        def told(reply: Reply) -> None:
            # Not paid yet as far as our table knows: the office comes again when it has heard of the money.
            if reply.word == "409 REFUND_NOT_ALLOWED" and not self._known_paid(wish):
                self._window.after(700, lambda: self._refund(wish))
            else:
                wish.told.append(reply)

        self._until_told(call, told, unheard=unheard)

    def _known_paid(self, wish: RefundWish) -> bool:
        return self._window.images.payments[wish.order.number or ""]["paid"] > 0
