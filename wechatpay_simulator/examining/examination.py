"""What the rows of an exam have in common: orders of the examinee, the news that it is told, and what its books say then."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wechatpay_simulator.examining.carrier import Carrier, new_number
from wechatpay_simulator.examining.commands import Commands, Entry
from wechatpay_simulator.examining.row import CommandError
from wechatpay_simulator.examining.wechat_pay import WeChatPay
from wechatpay_simulator.notifications.courier import ACCEPTED
from wechatpay_simulator.notifications.notification import Notification
from wechatpay_simulator.notifications.post import ANSWER_TIMEOUT_SECONDS, Told
from wechatpay_simulator.triggering.occasions import Occasion
from wechatpay_simulator.triggering.verdict import code_of

AMOUNT = 100  # fen, of each order
KNOWN = ("paid", "refunded")  # whoever gives a late payment back has known of it
SETTLING_SECONDS = 0.4  # for whoever acknowledges at once, and writes its books a moment later

LATE_SECONDS = 5.0  # for whoever has a queue; most of them pass while other rows are tried

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds between two looks into the books
_TOLD_AGAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Placed:
    """An order of the examinee's as WeChat Pay knows it, or one that nobody has placed."""

    out_trade_no: str
    appid: str
    trade_type: str = "NATIVE"


@dataclass(frozen=True)
class Watched:
    """An order that is looked at once more at the end: more than `most` fen credited are `problem`, and fail this row."""

    row: str
    order: Placed
    most: int
    problem: str


class Examination:
    """One exam. `patience` is for how many seconds the books may take."""

    def __init__(
        self, *, wechat_pay: WeChatPay, carrier: Carrier, commands: Commands, appid: str, patience: float
    ) -> None:
        self.wechat_pay = wechat_pay
        self.carrier = carrier
        self.commands = commands
        self.patience = patience
        self._appid = appid
        self._unpaid: Placed | None = None
        self._watched: list[Watched] = []
        self._watched_since = 0.0

    def place(self) -> Placed:
        """A new order of AMOUNT fen, by --order. Raises CommandError, also when WeChat Pay knows no such order, or the books
        take it for paid at once."""
        number = self.commands.order(AMOUNT)
        entry = self.wechat_pay.order(number)
        if entry is None:
            raise CommandError(
                f"--order printed {number}, and no such order was placed at {self.wechat_pay.url}: "
                "the backend calls WeChat Pay at WECHATPAY_URL"
            )
        total = entry["amount"]["total"]
        if total != AMOUNT:
            raise CommandError(f"--order was to order AMOUNT={AMOUNT} fen, and ordered {total} fen")
        if "status" in self.commands:
            said = self.commands.status(number)
            if said.is_credited:
                raise CommandError(
                    f"the books say “{said}” of an order that was just placed: nobody has paid it, or told of it; of what WeChat "
                    "Pay answers to a query trade_state SUCCESS alone is a payment"
                )
        return Placed(number, entry.get("appid", self._appid), entry["trade_type"])

    def unpaid(self) -> Placed:
        """An order that is unpaid, one for all rows as long as it stays so; a made-up one without --order."""
        if self._unpaid is None:
            if "order" not in self.commands:
                return self.unplaced()
            self._unpaid = self.place()
        return self._unpaid

    def unplaced(self) -> Placed:
        """An order that nobody has placed."""
        return Placed(new_number(), self._appid)

    def spoil(self) -> None:
        """The unpaid order may be taken for paid by now: the next row gets another one."""
        self._unpaid = None

    def payment_of(self, order: Placed, **changes: Any) -> Notification:
        """The notification of a payment that there has not been, right in all but `changes`."""
        occasion = Occasion(order.out_trade_no, "", AMOUNT)
        members: dict[str, Any] = {"appid": order.appid, "trade_type": order.trade_type, **changes}
        return self.carrier.payment(occasion, **members)

    def credited(self, order: Placed, *, after: Told) -> Entry | None:
        """The books' entry where they take the order for paid; None where they do not, or where they cannot be asked."""
        if "order" not in self.commands or "status" not in self.commands:
            return None
        entry = self.commands.status(order.out_trade_no)
        if not entry.is_credited and after.status in ACCEPTED:
            time.sleep(SETTLING_SECONDS)
            entry = self.commands.status(order.out_trade_no)
        return entry if entry.is_credited else None

    def settled(self, order: Placed, news: Notification | None = None) -> Entry:
        """What the books say once they know of the money (see is_settled), or when patience is over.

        `news` is told at the beginning, and again until it is accepted, as WeChat Pay would.
        """
        due, pause = time.monotonic() + self.patience, _FIRST_PAUSE
        told_at, is_known = 0.0, news is None
        while True:
            if news is not None and not is_known and time.monotonic() >= told_at + _TOLD_AGAIN_SECONDS:
                is_known = self.carrier.tell(news).status in ACCEPTED
                told_at = time.monotonic()
            entry = self.commands.status(order.out_trade_no)
            if is_settled(entry) or time.monotonic() >= due:
                return entry
            time.sleep(max(0.0, min(pause, due - time.monotonic())))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def watch(self, order: Placed, problem: str, *, most: int) -> None:
        """It is right so far, and looked at once more at the end: whoever works off a queue credits later."""
        self._watched.append(Watched(self.carrier.row, order, most, problem))
        self._watched_since = time.monotonic()

    def credited_late(self) -> Iterator[tuple[str, str]]:
        """Rows that were right when they ended and are wrong now, each with the sentence for it."""
        if self._watched:
            due = self._watched_since + min(self.patience, LATE_SECONDS)
            time.sleep(max(0.0, due - time.monotonic()))
        for each in self._watched:
            entry = self.commands.status(each.order.out_trade_no)
            if (entry.fen or 0) > each.most or (each.most == 0 and entry.is_credited):
                yield each.row, f"at the end of the exam the books say “{entry}”: {each.problem}"


def is_settled(entry: Entry) -> bool:
    """Whether the books know of the money, and what was bought for it is handed out, as far as they tell."""
    return entry.word == "refunded" or (entry.word == "paid" and (entry.fen is None or entry.fen >= AMOUNT))


def refusal(told: Told) -> str:
    """A status and, where the body has one, the code: `401 SIGN_ERROR`."""
    return f"{told.status} {code_of(told.body)}".strip()


def is_acknowledged(told: Told) -> bool:
    """Any 2xx: WeChat Pay takes 200 and 204, and a backend that answers another one believes that it has accepted."""
    return isinstance(told.status, int) and 200 <= told.status < 300


def no_answer(told: Told) -> str:
    """Why there was none, as a sentence; nothing when there was one."""
    if told.status == "timeout":
        return (
            f"no answer within {ANSWER_TIMEOUT_SECONDS:.0f} s: verify and write down what came, answer, and do what takes long "
            "afterwards"
        )
    if told.status == "unreachable":
        return "the connection ended without an answer: look for a crash in the backend's log"
    return ""
