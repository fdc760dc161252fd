"""The store's own verbs, drawn from a seed: every one of every part, on a few payments, rightly and wrongly; rare ones first."""

import inspect
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass, replace
from typing import Any

from payments.core import lifecycle
from payments.core.allowance import Allowance, OpenOrder
from payments.core.checkouts.checkout import Checkout
from payments.core.errors import RefusedUpdate, StorageUnavailableError
from payments.core.facts import OrderFacts
from payments.core.lifecycle import RefundStatus, Status
from payments.core.payment import Credential, Payment, Refund
from payments.storage.connections import Connection
from payments.storage.looks import Due
from payments.wiring import Wiring
from tests.kit.payments import a_payment

MCHID, APPID = "1900000109", "wx8888888888888888"
PARTS = ("store", "looks", "refunds", "allowances", "connections", "quarantine", "checkouts", "visits")
NOT_VERBS = ("session",)
POOL = 5  # payments that are played with at once
WRONG = 0.1  # of what a verb is told does not fit
BEGAN = 1_800_000_000  # epoch seconds
MOMENTS = ("2027-01-14T23:59:59+08:00", "2027-01-15T16:00:00+08:00", "2027-01-16T00:00:00+08:00", "soon")


class NothingThereError(Exception):
    """A verb needs something that the payments at hand do not have: another one is drawn."""


class Verbs:
    """Draws verbs of the wiring's stores and their arguments, by the names and types of their parameters.

    A parameter that nothing here knows by name or type fails: give it a value below.
    """

    def __init__(self, seed: object, environment: Mapping[str, str]) -> None:
        self._chance = random.Random(f"verbs {seed}")
        self._wiring = Wiring({**environment, "DUE_SHARDS": "3"})
        self._now = BEGAN
        self._known: list[Payment] = []  # as somebody saw them, some of them long ago
        self._checkouts: list[Checkout] = []  # likewise
        self._made = 0
        self._refused = RefusedUpdate()  # the last one
        self._verbs = [
            (part, name)
            for part in PARTS
            for name, _ in inspect.getmembers(getattr(self._wiring, part), inspect.ismethod)
            if not name.startswith("_") and name not in NOT_VERBS
        ]
        self._verbs += [
            (part, name)
            for part in PARTS
            for name, found in vars(type(getattr(self._wiring, part))).items()
            if isinstance(found, staticmethod) and not name.startswith("_")
        ]
        self.outcomes: Counter[str] = Counter()

    @property
    def never_done(self) -> list[str]:
        """Verbs that were refused each time."""
        return [f"{part}.{name}" for part, name in self._verbs if not self.outcomes[f"{part}.{name} done"]]

    @property
    def never_refused(self) -> list[str]:
        """Verbs that were done each time."""
        refused = {what.split(" ")[0] for what in self.outcomes if not what.endswith(" done")}
        return [f"{part}.{name}" for part, name in self._verbs if f"{part}.{name}" not in refused]

    def one(self) -> None:
        """One verb."""
        self._now += self._chance.randint(0, 8)
        part, name = self._chance.choices(self._verbs, [self._rarity(*verb) for verb in self._verbs])[0]
        if part == "store" and name not in ("create", "get") and len(self._known) < POOL:
            name = "create"
        verb = getattr(getattr(self._wiring, part), name)
        try:
            arguments = self._arguments(verb)
        except NothingThereError:
            return
        try:
            told = verb(**arguments)
        except (RefusedUpdate, StorageUnavailableError) as refused:
            if isinstance(refused, RefusedUpdate):
                self._refused = refused
            self.outcomes[f"{part}.{name} {type(refused).__name__}"] += 1
        else:
            self.outcomes[f"{part}.{name} done"] += 1
            if (part, name) == ("store", "create"):
                self._known.append(arguments["payment"])
            if (part, name) == ("checkouts", "create"):
                self._checkouts.append(arguments["checkout"])
            if part == "visits":  # who waits for a return has just begun
                self._checkouts = [
                    told if one.checkout_id == told.checkout_id else one for one in self._checkouts
                ]
        self._look_again()

    def _rarity(self, part: str, name: str) -> float:
        done, refused = (self.outcomes[f"{part}.{name} {how}"] for how in ("done", "RefusedUpdate"))
        return (1 + done) ** -0.7 + (not refused) / 2  # tried: the least operations until all was seen

    def _look_again(self) -> None:
        """Somebody reads a payment or a checkout; where a payment has ended, another takes its place now and then."""
        if self._checkouts and self._chance.random() < 0.2:
            at = self._chance.randrange(len(self._checkouts))
            read = self._wiring.checkouts.get(self._checkouts[at].checkout_id)
            self._checkouts[at] = read if read is not None else self._checkouts[at]
            if read is not None and read.paid_by is not None:
                del self._checkouts[at]
        if not self._known or self._chance.random() < 0.3:
            return
        at = self._chance.randrange(len(self._known))
        seen = self._wiring.store.get(self._known[at].out_trade_no)
        if seen is not None:
            self._known[at] = seen
        if seen is not None and seen.status is Status.REFUNDED and self._chance.random() < 0.3:
            del self._known[at]

    def _arguments(self, verb: Callable[..., Any]) -> dict[str, Any]:
        if verb.__qualname__ == "CheckoutStore.create":
            return {"checkout": self._new_checkout()}
        if verb.__qualname__ == "VisitStore.use_nonce" and self._fits():
            return self._awaited() | {"now": self._now}
        about = self._chance.choice(self._known) if self._known else self._payment()
        if verb.__name__ == "create":
            about = self._payment()
        # Few payments, and few of their refunds, are where a refund's verbs begin: one of those, if there is one.
        begins = _where_it_begins(verb)
        if verb.__name__ != "create" and self._fits():
            about = self._chance.choice([one for one in self._known if begins(one)] or [about])
        refunds = [each for each in begins(about) if isinstance(each, Refund)]
        refunds = refunds or list(about.refunds.values())
        refund = self._chance.choice(refunds) if refunds else None
        given = {}
        for parameter in inspect.signature(verb).parameters.values():
            if parameter.default is not inspect.Parameter.empty and self._chance.random() < 0.5:
                continue
            given[parameter.name] = self._argument(parameter, about, refund)
        return given

    def _argument(self, parameter: inspect.Parameter, about: Payment, refund: Refund | None) -> Any:
        name, kind = parameter.name, str(getattr(parameter.annotation, "__name__", parameter.annotation))
        made: dict[str, Callable[[], Any]] = {
            "Payment": lambda: about,
            "Refund": lambda: self._new_refund(about, refund),
            "OrderFacts": lambda: self._paid(about),
            "Credential": lambda: self._chance.choice(
                (Credential(code_url="weixin://x"), Credential(prepay_id="wx1"))
            ),
            "Allowance": self._allowance,
            "refused": lambda: self._refused,
            "RefusedUpdate": lambda: self._refused,
            "Checkout": self._checkout,
            "checkout_id": lambda: self._checkout().checkout_id,
            "checkout_ids": lambda: {one.checkout_id for one in (self._checkout(), *self._checkouts)},
            "out_trade_nos": lambda: {one.out_trade_no for one in (about, *self._known)},
            "owner": lambda: self._chance.choice((None, about.user_id, "a-stranger")),
            "fresh": lambda: self._chance.randint(0, 9),
            "Connection": self._connection,
            "RefundEdge": lambda: self._chance.choice((lifecycle.REFUND_ACCEPTED, lifecycle.REFUND_STUCK)),
            "bool": lambda: self._chance.random() < 0.5,
            "out_refund_no": lambda: _number_of(refund),
            "Due": lambda: Due("money#0", about.out_trade_no, about.due_at if about.due_at else self._now),
            "caller": lambda: (refund.unanswered_by if refund else None) or "office",
            "connection_id": lambda: self._chance.choice("pqrs"),
            "create_time": lambda: self._chance.choice(MOMENTS),
            "success_time": lambda: self._chance.choice(MOMENTS),
        }
        if name in _OF_PAYMENT:
            return getattr(about, name) if self._fits() else self._other(getattr(about, name))
        if (draw := made.get(kind) or made.get(name)) is not None:
            return draw()
        if is_dataclass(parameter.annotation):
            given: Any = parameter.annotation
            members = inspect.signature(given).parameters.values()
            return given(**{m.name: self._argument(m, about, refund) for m in members})
        return self._plain(parameter, kind)

    def _plain(self, parameter: inspect.Parameter, kind: str) -> Any:
        name = parameter.name
        if "Mapping" in kind:
            return {"wechatCode": "PARAM_ERROR", "message": "no"}
        if "list" in kind or "Sequence" in kind:
            return [f"{name}-{number}" for number in range(self._chance.randint(0, 2))]
        if "int" in kind:
            return self._number(name)
        if "str" in kind:
            absent = "None" in kind and self._chance.random() < 0.3
            return None if absent else f"{name}-{self._chance.randint(1, 3)}"
        raise AssertionError(f"no value is drawn for {parameter}")

    def _number(self, name: str) -> int:
        if name == "shard":
            return self._chance.randrange(3)
        if name == "most":
            return self._chance.randint(1, 4)
        if name == "day":
            return BEGAN // 86400
        if name == "minute":
            return BEGAN // 60
        return self._now + (self._chance.randint(0, 300) if name != "now" else 0)

    def _fits(self) -> bool:
        return self._chance.random() >= WRONG

    def _other(self, value: Any) -> Any:
        return value + self._chance.choice((-1, 1)) if isinstance(value, int) else f"{value}x"

    # ---- things ----

    def _payment(self) -> Payment:
        self._made += self._fits()  # now and then a number that exists
        number = f"WX{self._made:04d}"
        return a_payment(
            number,
            content_id="photo-1",
            subject="一本书",
            mchid=MCHID,
            appid=APPID,
            amount=self._chance.randint(1, 500),
            time_expire=self._now + 7200,
            created_at=self._now,
            updated_at=self._now,
        )

    def _paid(self, about: Payment) -> OrderFacts:
        """What says that it is paid; one of its members does not fit, now and then."""
        number, mchid, appid, total, currency = (
            value if self._fits() else self._other(value)
            for value in (getattr(about, name) for name in _OF_PAYMENT)
        )
        return OrderFacts(
            out_trade_no=number,
            mchid=mchid,
            appid=appid,
            trade_state=self._chance.choice(("SUCCESS", "REFUND")),
            transaction_id=f"42{self._chance.randint(1, 3)}",
            total=total,
            currency=currency,
            openid=self._chance.choice((None, "o-buyer")),
            success_time=self._chance.choice((None, "2026-01-01T12:00:00+08:00")),
        )

    def _new_refund(self, about: Payment, known: Refund | None) -> Refund:
        if known is not None and not self._fits():
            return known  # its number is taken
        amount = self._chance.choice((1, about.refundable, about.refundable + 1, about.paid // 2)) or 1
        refund = Refund(
            out_refund_no=f"RF{about.out_trade_no}{len(about.refunds)}",
            status=RefundStatus.REQUESTED,
            amount=amount,
            created_at=self._now,
            reason=self._chance.choice((None, "returned")),
            wechat_request="{}",
        )
        refund = replace(refund, unanswered_by="office") if self._chance.random() < 0.5 else refund
        return replace(refund, sent_at=self._now) if self._chance.random() < 0.7 else refund

    def _allowance(self) -> Allowance:
        orders = tuple(
            OpenOrder(f"WX{n}", "wish", self._now, self._now + 50) for n in range(self._chance.randint(0, 2))
        )
        return Allowance(orders, self._now - self._now % 60, len(orders))

    def _checkout(self) -> Checkout:
        """As somebody saw one; now and then one that is not there."""
        if not self._checkouts:
            raise NothingThereError
        known = self._chance.choice(self._checkouts)
        return known if self._fits() else replace(known, checkout_id=f"{known.checkout_id}x")

    def _awaited(self) -> dict[str, Any]:
        """A return from WeChat that some checkout waits for."""
        known = [
            {"checkout_id": checkout.checkout_id, "device": device, "nonce_hash": visit.nonce_hash}
            for checkout in self._checkouts
            for device, visit in checkout.visits.items()
            if visit.nonce_hash is not None
        ]
        if not known:
            raise NothingThereError
        return self._chance.choice(known)

    def _new_checkout(self) -> Checkout:
        made = self._chance.randint(0, self._made)  # now and then an id that exists
        return Checkout(
            checkout_id=f"CO{made:04d}",
            user_id="user-1",
            content_id="photo-1",
            appid=APPID,
            amount=self._chance.randint(1, 500),
            currency="CNY",
            subject="一本书",
            asked="{}",
            fingerprint="F",
            created_at=self._now,
            expires_at=self._now + 7200,
            return_url=self._chance.choice((None, "https://shop.example/")),
        )

    def _connection(self) -> Connection:
        chosen = self._chance.choice
        return Connection(f"WX{chosen('12')}", f"T{chosen('123')}", chosen("pqrs"), self._now)


def _where_it_begins(verb: Callable[..., Any]) -> Callable[[Payment], Sequence[Refund | Payment]]:
    """What of a payment a verb can be done with: refunds, or the payment itself."""

    def refunds(suit: Callable[[Refund], object]) -> Callable[[Payment], Sequence[Refund | Payment]]:
        return lambda payment: [refund for refund in payment.refunds.values() if suit(refund)]

    if verb.__name__ == "reserve":
        return lambda payment: [payment] if payment.refundable else []
    if verb.__name__ == "record_sent_on":
        return refunds(lambda refund: refund.status is RefundStatus.ABNORMAL)
    if verb.__name__ in ("record_repetition", "mark_answered"):
        return refunds(lambda refund: refund.unanswered_by)
    if verb.__qualname__.startswith("RefundStore."):
        return refunds(lambda refund: not refund.status.is_final)
    return lambda payment: [payment]


def _number_of(refund: Refund | None) -> str:
    if refund is None:
        raise NothingThereError
    return refund.out_refund_no


_OF_PAYMENT = ("out_trade_no", "mchid", "appid", "amount", "currency")
