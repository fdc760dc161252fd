"""The rules by which a world moves. Every rule takes small whole numbers only, so that a run is a list that can be replayed.

A number that points at something which is not there points at something else, or at nothing: any list is a run.
"""

from collections.abc import Callable

from tests.resilience.believing.callers import ORDERING, Purchase
from tests.resilience.believing.effects import EFFECTS, Fault
from tests.resilience.believing.functions import NAMES
from tests.resilience.believing.line import REFUSALS, WAYS, Weather
from tests.resilience.believing.post import FATES
from tests.resilience.believing.world import World

PLACES = EFFECTS + 3
MOST_WAYS = max(map(len, WAYS.values()))
FAULT = PLACES * MOST_WAYS  # 0: none; otherwise the nth effect of the call and the way in which it goes wrong
WAITS = (1, 2, 5, 10, 20, 60, 61, 70, 125, 300, 600, 1800, 3600, 2 * 3600, 6 * 3600, 24 * 3600)
FOR = (3, 8, 20, 70, 200, 900, 4000, 100_000)
AMOUNTS = (1000, 3000, 5000)
PARTS = (300, 700, 1000, 3000)
REASONS = ("returned", "broken")
ABSENCES = (2 * 3600, 10 * 3600, 20 * 3600, 30 * 3600)
OUTCOMES = ("SUCCESS", "SUCCESS", "CLOSED", "ABNORMAL")
AFTER = (1.0, 3.0, 30.0, 90.0, 5000.0, 90_000.0)
HOURS = ("30", "120", "300")
OPERATIONS = (None, *REFUSALS)
HOSTS = (None, "main", "backup")

Step = tuple[str, tuple[int, ...]]


class Rules:
    """The rules over one world, each a method."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._turn = 0
        world.acts = [
            self._act_pay,
            self._act_notify,
            self._act_notify,
            self._act_refund,
            self._act_refund,
            self._act_close,
            self._act_look,
            self._act_repeat,
            self._act_repeat,
            self._act_console,
            self._act_sweep,
        ]

    # ---- callers ----

    def buy(
        self, method: int, amount: int, sub: int, named: int, keyed: int, patience: int, fault: int, deaf: int
    ) -> None:
        """A shop opens an order for a buyer."""
        kind = ORDERING[method]
        self._calls(kind, fault, deaf)
        self.world.callers.purchase(
            method=kind, amount=AMOUNTS[amount], sub=f"shop-{sub}", named=bool(named), keyed=bool(keyed)
        )
        self._patience(patience)

    def pay(self, which: int) -> None:
        """A buyer pays by a code that was told, however long ago, if that is possible."""
        codes = self.world.oracle.codes
        numbers = list(codes)
        for place in range(len(numbers)):
            number = numbers[-1 - (which + place) % len(numbers)]
            if self.world.ledger.payable(number, codes[number]) is not None:
                self.world.pay(number)
                return

    def close(self, which: int, fault: int, deaf: int) -> None:
        """A shop wants its order closed."""
        if (found := self._order(which)) is not None:
            purchase, number = found
            self._calls("close", fault, deaf)
            self.world.callers.close(purchase, number, purchase.sub)

    def look(self, which: int, function: int, fault: int) -> None:
        """A shop looks at its order."""
        if (found := self._order(which)) is not None:
            name = ("query", "payment")[function]
            self._calls(name, fault, 0)
            self.world.callers.look(*found, name)

    def refund(
        self, which: int, sub: int, amount: int, reason: int, keyed: int, patience: int, fault: int, deaf: int
    ) -> None:
        """An office refunds a part."""
        if (number := self._paid(which)) is not None:
            self._calls("refund", fault, deaf)
            callers = self.world.callers
            key = f"k{len(callers.wishes)}" if keyed else None
            callers.refund(number, sub=f"office-{sub}", amount=PARTS[amount], reason=REASONS[reason], key=key)
            self._patience(patience)

    def repeat(self, which: int, fault: int, deaf: int) -> None:
        """Somebody asks again for what was answered."""
        wishes = [wish for wish in self.world.callers.wishes if wish.over]
        if wishes:
            wish = wishes[-1 - which % len(wishes)]
            self._calls(wish.function, fault, deaf)
            self.world.callers.repeat(wish)

    # ---- the world ----

    def wait(self, how_long: int) -> None:
        """Time passes."""
        self.world.pass_time(WAITS[how_long])

    def console(self, which: int, amount: int) -> None:
        """Somebody refunds in the merchant console."""
        if (number := self._paid(which)) is not None:
            self.world.console_refund(number, PARTS[amount])

    def fate(self, which: int) -> None:
        """What becomes of the next notification."""
        self.world.post.fates.append(FATES[which])

    def bank(self, outcome: int, after: int) -> None:
        """How the next refund ends."""
        self.world.banks.append((OUTCOMES[outcome], AFTER[after]))

    def weather(self, host: int, operation: int, way: int, how_long: int) -> None:
        """WeChat Pay answers in one way for a while."""
        line, until = self.world.line, self.world.agenda.now() + FOR[how_long]
        operation_name = OPERATIONS[operation]
        ways = WAYS[operation_name or "refund"]
        self.world.tell(
            "!",
            f"until +{FOR[how_long]} s {HOSTS[host] or 'both hosts'}: {operation_name or 'all'} {ways[way % len(ways)]}",
        )
        line.weather = [each for each in line.weather if each.until > self.world.agenda.now()]
        line.weather.append(Weather(HOSTS[host], operation_name, way, until))

    def away(self, how_long: int) -> None:
        """The table does not answer for a while."""
        self.world.storage.away_until = self.world.agenda.now() + FOR[how_long]

    def disturb(self, function: int, fault: int) -> None:
        """The next invocation of a function, whoever calls it, meets a fault."""
        self._arm(NAMES[function], fault)

    def deafen(self, how_many: int) -> None:
        """The next answers do not arrive."""
        self.world.deaf = how_many

    def resend(self, which: int) -> None:
        """An old notification comes once more."""
        if letters := self.world.post.all:
            self.world.post.again(letters[-1 - which % len(letters)])

    def hours(self, which: int) -> None:
        """How long the orders that are opened from now on live: longer than a code, or not."""
        self.world.environment["ORDER_MINUTES"] = HOURS[which]

    def remember(self) -> None:
        """A moment to which the table may be restored."""
        self.world.remember()

    def restore(self) -> None:
        """The table is restored to that moment, and whoever does it does what docs/operations.md says."""
        self.world.restore()

    def differ(self, which: int) -> None:
        """Somebody uses a key for something else: that is refused, whatever became of the first."""
        self.world.callers.differ(which)

    # ---- what others do in the middle of an invocation ----

    def _act_pay(self) -> None:
        self.pay(self._next())

    def _act_notify(self) -> None:
        if untaken := [each for each in self.world.post.all if not each.taken]:
            self.world.post.now(untaken[-1])

    def _act_refund(self) -> None:
        turn = self._next()
        self.refund(turn, turn % 2, turn % 2, turn // 2 % 2, turn // 3 % 2, 3, 0, 0)

    def _act_close(self) -> None:
        self.close(self._next(), 0, 0)

    def _act_look(self) -> None:
        self.look(self._next(), 0, 0)

    def _act_repeat(self) -> None:
        if waiting := [wish for wish in self.world.callers.wishes if not wish.over]:
            self.world.callers.ask(waiting[-1])

    def _act_console(self) -> None:
        self.console(self._next(), 1)

    def _act_sweep(self) -> None:
        self.world.sweep_now()

    # ---- inside ----

    def _next(self) -> int:
        self._turn += 1
        return self._turn

    def _calls(self, function: str, fault: int, deaf: int) -> None:
        self._arm(function, fault)
        if deaf == 1:
            self.world.deaf = 1

    def _arm(self, function: str, fault: int) -> None:
        if fault:
            self.world.effects.arm(function, Fault(1 + (fault - 1) % PLACES, (fault - 1) // PLACES))

    def _patience(self, patience: int) -> None:
        wish = self.world.callers.wishes[-1]
        wish.patience, wish.absence = 1 + patience % 8, ABSENCES[patience // 8 % len(ABSENCES)]

    def _order(self, which: int) -> tuple[Purchase, str] | None:
        known = [(each, number) for each in self.world.callers.purchases for number in each.numbers]
        return known[-1 - which % len(known)] if known else None

    def _paid(self, which: int) -> str | None:
        paid = [number for number, order in self.world.ledger.orders.items() if order.paid_at is not None]
        return paid[-1 - which % len(paid)] if paid else None


def run(
    world: World, steps: list[Step], *, then: Callable[[World], None] = lambda _: None
) -> list[tuple[str, str]]:
    """Take the steps, then let everything end; the violations."""
    rules = Rules(world)
    for name, given in steps:
        getattr(rules, name)(*given)
        if world.violations:
            return world.violations
    world.cease()
    world.until_quiet()
    then(world)
    return world.violations
