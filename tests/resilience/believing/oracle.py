"""What each caller was told, against WeChat Pay's own books: every violation is a sentence with the numbers in it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tests.resilience.believing.ledger import LIVE, Ledger, Order, Refund

if TYPE_CHECKING:
    from tests.resilience.believing.callers import Wish

RANKS = {"CREATING": 0, "PENDING": 1, "CLOSING": 2, "FAILED": 3, "CLOSED": 3}  # money: 4 and more
RANKS |= {"PAID": 4, "PARTIALLY_REFUNDED": 5, "REFUNDED": 6}
FINAL = ("SUCCEEDED", "CLOSED")
DAY = 24 * 3600


class Oracle:
    """Hears of all that happens. `violations` are (kind, sentence)."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.violations: list[tuple[str, str]] = []
        self.passed_over: frozenset[str] = frozenset()
        """Kinds of violation that are known and not reported."""
        self.limits = Counter[str]()
        self.images: dict[str, Mapping[str, Any]] = {}
        self.due: dict[str, int] = {}
        self.credited_as_refund: set[str] = (
            set()
        )  # paid, when WeChat Pay already said that money had gone back
        self.events: list[tuple[str, str, Mapping[str, Any]]] = []
        self.restored = False
        self.owners: dict[str, Wish] = {}
        """Whose wish a refund number was reserved for."""
        self.unpayable: dict[str, str] = {}
        """Orders that somebody was told to be closed or failed, and by which words."""
        self.codes: dict[str, set[str]] = {}
        """The credentials of each order that somebody was told."""
        self.never: dict[str, str] = {}
        """Refund numbers that somebody was told will not be paid, and by which words."""
        self.accepted: dict[str, str] = {}
        """Refund numbers that somebody was told are accepted, with the last status that was told."""

    def violated(self, kind: str, sentence: str) -> None:
        """One more."""
        if kind not in self.passed_over:
            self.violations.append((kind, sentence))

    # ---- the table ----

    def saw(self, change: Mapping[str, Any], wish: "Wish | None", said: Mapping[str, str]) -> None:
        """One record of the stream; `wish` is whose invocation wrote it, `said` what queries were answered last."""
        new, old = change.get("NewImage"), change.get("OldImage")
        if new is None:
            return
        number = new["out_trade_no"]["S"]
        self.images[number] = new
        if "due_at" in new:
            self.due[number] = int(new["due_at"]["N"])
        else:
            self.due.pop(number, None)
        if problem := _unsound(old, new):
            self.violated("table", f"{number}: {problem}")
        known = len(old["history"]["L"]) if old else 0
        for entry in new["history"]["L"][known:]:
            members = entry["M"]
            if "event" in members:
                event = members["event"]["S"]
                self.events.append((number, event, members))
                by_query = event == "PaymentSucceeded" and members["cause"]["S"] == "query"
                if by_query and said.get(number) == "REFUND":
                    self.credited_as_refund.add(number)
                if number in self.credited_as_refund and by_query and "elsewhere" not in members:
                    self.violated(
                        "an event lies", f"{event} of {number} says nothing of the money that went back"
                    )
                if event == "RefundRequested" and wish is not None:
                    self._reserved(members["out_refund_no"]["S"], new, wish)

    def _reserved(self, out_refund_no: str, image: Mapping[str, Any], wish: "Wish") -> None:
        elsewhere = "elsewhere" in image["refunds"]["M"][out_refund_no]["M"]
        if wish.function == "refund" and not elsewhere:
            self.owners.setdefault(out_refund_no, wish)

    def forgotten(self, items: Sequence[Mapping[str, Any]]) -> None:
        """The table was restored to these items."""
        self.restored = True
        self.images = {item["out_trade_no"]["S"]: item for item in items}
        self.due = {no: int(item["due_at"]["N"]) for no, item in self.images.items() if "due_at" in item}
        # What came to nothing since is not known any more, and may be sent by the same request (docs/operations.md).
        self.events = [
            (number, event, members)
            for number, event, members in self.events
            if event != "RefundClosed" or self.refund_status(number, members["out_refund_no"]["S"]) in FINAL
        ]

    def refund_status(self, out_trade_no: str, out_refund_no: str) -> str | None:
        """Of a refund in our table."""
        refunds = self.images[out_trade_no]["refunds"]["M"] if out_trade_no in self.images else {}
        return refunds[out_refund_no]["M"]["status"]["S"] if out_refund_no in refunds else None

    def taken(self, facts: Mapping[str, Any]) -> None:
        """A notification was answered 200, and nobody will send it again: its facts are in the table, or kept with the order."""
        image = self.images.get(facts["out_trade_no"])
        if image is None:
            self.violated("taken and lost", f"{facts['out_trade_no']} is not in the table")
        elif "out_refund_no" not in facts:
            if RANKS[image["status"]["S"]] < 4:
                self.violated("taken and lost", f"{facts['out_trade_no']} is {image['status']['S']}")
        else:
            number, says = facts["out_refund_no"], facts["refund_status"]
            stands = self.refund_status(facts["out_trade_no"], number)
            kept = any(number in str(each) for each in image.get("held", {}).get("L", ()))
            moved_nothing = stands is None and says == "CLOSED"
            if not moved_nothing and not kept and stands not in FINAL and stands != says:
                self.violated("taken and lost", f"{number} is {stands}, after {says} was taken")

    def answered_unheard(self, wish: "Wish") -> None:
        """A call ended without any answer; where its refund had been written down as answered, that was the lost 200."""
        if wish.key is not None or wish.number not in self.images:
            return
        refunds = self.images[wish.number]["refunds"]["M"]
        for number in wish.numbers & refunds.keys():
            if "unanswered_by" not in refunds[number]["M"]:
                wish.unheard = number

    # ---- WeChat Pay ----

    def refund_accepted(self, order: Order, refund: Refund) -> None:
        """WeChat Pay has taken a refund."""
        number = refund.out_refund_no
        if number in self.never:
            self.violated("paid after a no", f"{number} is taken by WeChat Pay, after {self.never[number]}")
        wish = self.owners.get(number)
        if wish is not None:
            self.excuse(wish, number)
            self.one_payout(wish)

    def paid(self, number: str) -> None:
        """A buyer is about to pay this order."""
        if number in self.unpayable:
            self.violated("paid after closed", f"{number} is paid, after {self.unpayable[number]}")

    def one_payout(self, wish: "Wish") -> None:
        """At most one live refund for each wish, and none for one that was refused."""
        numbers = (wish.numbers - wish.excused) | ({wish.told_number} if wish.told_number else set())
        refunds = self.ledger.refunds
        live = {number for number in numbers if number in refunds and refunds[number][1].status in LIVE}
        if len(live) > 1:
            self.violated("paid twice", f"{wish} has {len(live)} refunds at WeChat Pay: {sorted(live)}")
        if live and wish.told_no is not None:
            self.violated("paid after a no", f"{wish} was told {wish.told_no}, and WeChat Pay has {live}")

    def excuse(self, wish: "Wish", number: str | None) -> None:
        """The documented limit: without a key, a first 200 that never arrived is not known of once its refund has ended.

        `number` is that of the refund that came of the repetition, if one did.
        """
        lost = wish.unheard
        if wish.key is not None or wish.number is None or lost in (None, number) or lost in wish.excused:
            return
        assert lost is not None
        if self.refund_status(wish.number, lost) in FINAL:
            self.limits["a first 200 without a key never arrived"] += 1
            wish.excused.add(lost)
        elif number is not None and number not in wish.numbers:
            # Its own is still open, and so is another of the same amount and reason, which is told.
            self.limits["… and another's refund was told"] += 1
            wish.excused.add(lost)

    # ---- what callers are told ----

    def told_unpayable(self, number: str, words: str) -> None:
        """Nobody can pay this order any more."""
        self.unpayable.setdefault(number, words)
        self.still_unpayable(number)

    def still_unpayable(self, number: str) -> None:
        """Whether that is so."""
        order, words = self.ledger.orders.get(number), self.unpayable[number]
        if order is not None and order.paid_at is not None:
            self.violated("paid after closed", f"{number} is {order.state} at WeChat Pay, after {words}")
        elif self.ledger.payable(number, self.codes.get(number, set())) is not None:
            self.violated("closed but payable", f"{number} can be paid, after {words}")

    def told_paid(self, number: str, words: str) -> None:
        """The money is there."""
        order = self.ledger.orders.get(number)
        if order is None or order.paid_at is None:
            self.violated("unpaid after paid", f"{number} is not paid at WeChat Pay, after {words}")

    def told_never(self, out_refund_no: str, words: str) -> None:
        """This refund will not be paid."""
        self.never.setdefault(out_refund_no, words)
        known = self.ledger.refunds.get(out_refund_no)
        if known is not None and known[1].status in LIVE:
            self.violated(
                "paid after a no", f"{out_refund_no} is {known[1].status} at WeChat Pay, after {words}"
            )

    def told_refund(self, out_refund_no: str, status: str, words: str) -> None:
        """A refund was accepted, or has ended."""
        if status == "CLOSED":
            self.told_never(out_refund_no, words)
            return
        if out_refund_no in self.never:
            self.violated(
                "a no taken back", f"{out_refund_no} is {status}, after {self.never[out_refund_no]}"
            )
        known = self.ledger.refunds.get(out_refund_no)
        if known is None:
            self.violated("accepted, and unknown there", f"{out_refund_no}: {words}")
        elif status == "SUCCESS" and known[1].status != "SUCCESS":
            self.violated("refunded, and not so there", f"{out_refund_no} is {known[1].status}: {words}")
        self.accepted[out_refund_no] = status

    # ---- at the end ----

    def quiet(self, *, unheard: set[str]) -> None:
        """Once nothing is under way: both books agree. `unheard`: refunds whose end nobody told us for good."""
        for number in self.unpayable:
            self.still_unpayable(number)
        for number, image in self.images.items():
            self._agree(number, image, unheard)
        if not self.restored:
            for number, order in self.ledger.orders.items():
                if number not in self.images:
                    self.violated("books differ", f"{number} is {order.state} at WeChat Pay and unknown here")
        for number in self.accepted.keys() - self.ledger.refunds.keys():
            self.violated("accepted, and unknown there", number)
        for number, words in self.never.items():
            self.told_never(number, words)
        self._events_hold()

    def _agree(self, number: str, image: Mapping[str, Any], unheard: set[str]) -> None:
        status, order = image["status"]["S"], self.ledger.orders.get(number)
        there = order.state if order is not None else "not there"
        if RANKS[status] < 3:
            self.violated("never ends", f"{number} stays {status}, {there} at WeChat Pay")
        if (RANKS[status] >= 4) != (order is not None and order.paid_at is not None):
            self.violated("books differ", f"{number} is {status} here, {there} at WeChat Pay")
            return
        if order is None:
            return
        ours = {no: each["M"]["status"]["S"] for no, each in image["refunds"]["M"].items()}
        for no, stands in ours.items():
            says = order.refunds[no].status if no in order.refunds else "not there"
            fits = {"SUCCEEDED": ("SUCCESS",), "CLOSED": ("CLOSED", "not there")}.get(stands)
            if fits is None:
                self.violated("never ends", f"{no} of {number} stays {stands}, {says} at WeChat Pay")
            elif says not in fits:
                self.violated("books differ", f"{no} of {number} is {stands} here, {says} at WeChat Pay")
        # One that was made elsewhere and closed has moved no money.
        unknown = {
            no for no, each in order.refunds.items() if no not in ours and each.status in LIVE
        } - unheard
        if unknown and not self.restored:
            self.violated("books differ", f"{number}: {unknown} are refunds at WeChat Pay, unknown here")
        if not self.restored and not unheard & order.refunds.keys() and not self.violations:
            left = int(image["refundable"]["N"])
            if left != order.left and RANKS[status] >= 4:
                self.violated("books differ", f"{number}: {left} left here, {order.left} at WeChat Pay")

    def _events_hold(self) -> None:
        for number, event, members in self.events:
            order = self.ledger.orders.get(number)
            refund_no = members["out_refund_no"]["S"] if "out_refund_no" in members else None
            known = self.ledger.refunds.get(refund_no) if refund_no else None
            there = known[1].status if known else "not there"
            lies = {
                "PaymentSucceeded": order is None or order.paid_at is None,
                "PaymentClosed": order is not None
                and order.state == "NOTPAY"
                and order.payable_until > self.ledger.now(),
                "RefundSucceeded": there != "SUCCESS",
                "RefundClosed": there not in ("CLOSED", "not there"),
                "RefundAbnormal": known is None or "ABNORMAL" not in known[1].was,
            }.get(event, False)
            if lies:
                self.violated(
                    "an event lies",
                    f"{event} of {number} {refund_no or ''}: {order and order.state}, {there}",
                )


def _unsound(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str | None:
    """What is wrong with one image of a payment: sums, ranks, history, and that somebody will look."""
    paid, refundable, refunding, refunded = (
        int(new[name]["N"]) for name in ("paid", "refundable", "refunding", "refunded")
    )
    sums = Counter[str]()
    for refund in new["refunds"]["M"].values():
        sums[refund["M"]["status"]["S"]] += int(refund["M"]["amount"]["N"])
    under_way = sums["REQUESTED"] + sums["PROCESSING"] + sums["ABNORMAL"]
    if paid != refundable + refunding + refunded or min(refundable, refunding, refunded) < 0:
        return f"paid {paid} is not {refundable} + {refunding} + {refunded}"
    if (sums["SUCCEEDED"], under_way) != (refunded, refunding):
        return f"refunded {refunded} and refunding {refunding}, and its refunds sum up to {dict(sums)}"
    status, history = new["status"]["S"], new["history"]["L"]
    if int(new["version"]["N"]) != len(history) or history[-1]["M"]["to"]["S"] != status:
        return "version, status and history differ"
    if (RANKS[status] < 3 or under_way) and "due_at" not in new:
        return f"{status} with {under_way} under way, and nobody will look"
    if old is None:
        return None
    if RANKS[status] < RANKS[old["status"]["S"]]:
        return f"rank falls from {old['status']['S']} to {status}"
    if (
        len(history) - len(old["history"]["L"]) not in (0, 1)
        or history[: len(old["history"]["L"])] != old["history"]["L"]
    ):
        return "the history was rewritten"
    return None
