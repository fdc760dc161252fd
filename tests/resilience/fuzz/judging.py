"""One run: every forgery and statement goes through the function, and what came of each is held against what must."""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import ModuleType

from tests.resilience.fuzz import forgeries, signed
from tests.resilience.fuzz.forgeries import Forgery, Signed
from tests.resilience.fuzz.signed import Statement
from tests.resilience.fuzz.world import Answer, World

SHARE_OF_STATEMENTS = 300  # one in so many random cases is signed, for it costs as much as fifty that are not

Case = Forgery | Statement


@dataclass
class Outcome:
    """Counts by kind, and what went wrong, each with the line that makes it again."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    accepted: int = 0
    server_errors: int = 0
    outbound: int = 0

    def table(self) -> str:
        """Counts by kind, one a line."""
        lines = [f"{count:>9,}  {kind}" for kind, count in sorted(self.counts.items())]
        total = f"{self.counts.total():>9,}  in all; seed {self.seed}"
        zeros = (
            f"{self.accepted} accepted, {self.server_errors} of our own 5xx, {self.outbound} outbound calls"
        )
        return "\n".join([*lines, total, zeros, *self.failures[:20]])


def tried(world: World, case: Case, outcome: Outcome, app: ModuleType | None = None) -> bool:
    """Whether the function did with it what it must; notes what it did."""
    answer = world.notify(case.event, app)
    outcome.counts[case.kind] += 1
    if isinstance(case, Statement) and case.holds is not None and world.only_held(case.holds):
        answer = replace(answer, payments_written=0)
    wrong = _wrong(case, answer)
    outcome.accepted += bool(answer.payments_written)
    outcome.outbound += answer.elsewhere
    outcome.server_errors += answer.status >= 500 and not (answer.status == 503 and case.status in (0, 503))
    if wrong:
        again = f"make fuzz SEED={outcome.seed} ONLY={case.label!r}"
        outcome.failures.append(
            f"{case.kind}: {case.label}: {wrong}; {again}; event {str(case.event)[:2000]}"
        )
    return not wrong


def _wrong(case: Case, answer: Answer) -> str | None:
    if answer.payments_written:
        return "a payment moved"
    if answer.elsewhere:
        return "it called somebody"
    if case.status and answer.status != case.status:
        return f"answered {answer.status} instead of {case.status}: {answer.body}"
    if answer.status in (500, 502) or (answer.body["code"] == "FAIL") != (answer.status != 200):
        return f"answered {answer.status} {answer.body}"
    if isinstance(case, Forgery):
        if answer.to_tables or answer.quarantined:
            return "what nobody proved reached the tables"
        refusals = [name.partition(":")[0] for name in answer.counted]
        if len(refusals) != (case.status == 401) or not set(refusals) <= {
            "VerificationFailed",
            "ProbeRefused",
        }:
            return f"counted as {answer.counted}"
        return None
    return _wrong_of(case, answer)


def _wrong_of(case: Statement, answer: Answer) -> str | None:
    """What was signed by WeChat Pay, and was not dealt with as it must."""
    if case.status == 0:
        kept = answer.quarantined == 1 and len(answer.counted) == 1
        return (
            None
            if kept or (answer.status == 503 and not answer.quarantined)
            else "neither kept nor asked for again"
        )
    if case.holds is not None:
        return None if answer.counted == ["EvidenceHeld"] and not answer.quarantined else "not kept for later"
    if case.kept:
        # Counted when it is kept, once: the second run of a case finds it there.
        counted = {name.partition(":")[0] for name in answer.counted}
        right = counted <= {"NotificationOther"} and not answer.quarantined
        return None if right else "not kept as another kind"
    expected = [f"Quarantined:{case.reason}"] if case.reason else []
    if answer.counted != expected or answer.quarantined != len(expected):
        return f"set aside as {answer.counted} instead of {expected}"
    return None


def forged(world: World, chance: random.Random) -> Iterator[Case]:
    """Every kind of forgery once, from one good notification of a payment."""
    good = signed.paid(world, "pending")
    others = {
        "another payment": signed.paid(world, "creating"),
        "the same, signed again": signed.paid(world, "pending"),
        "a refund": signed.refunded(world, "refunding"),
        "an answer": signed.sign(world, b'{"code_url":"weixin://wxpay/bizpayurl?pr=x"}'),
        "an empty answer": signed.sign(world, b""),
    }
    yield from forgeries.subsets(good)
    yield from forgeries.grammar(good)
    yield from forgeries.signatures(good)
    yield from forgeries.encodings(good, chance)
    yield from forgeries.sizes(good)
    yield from forgeries.borders(good)
    yield from forgeries.persuasion(good)
    yield from forgeries.splices(good, others)
    for made in FORGED:
        yield from made(world)


FORGED: tuple[Callable[[World], Iterator[Forgery]], ...] = (
    signed.keys,
    signed.replays,
    signed.probes,
    signed.lines,
)
STATED: tuple[Callable[[World], Iterator[Statement]], ...] = (
    signed.payments,
    signed.states,
    signed.members,
    signed.refunds,
    signed.answers,
    signed.envelopes,
    signed.resources,
)


def cases(world: World, *, seed: int, many: int) -> Iterator[Case]:
    """Everything that can be listed, then random cases until there are `many`."""
    count = 0
    for case in _listed(world, seed):
        yield case
        count += 1
    goods = _goods(world)
    for number in itertools.count(1):
        if count >= many:
            return
        made = _random(world, goods, f"{seed}:{number}")
        if made is not None:
            yield made
            count += 1


def again(world: World, *, seed: int, label: str) -> Iterator[Case]:
    """The cases with this label, as a run with this seed makes them."""
    if label.startswith(f"{seed}:"):
        made = _random(world, _goods(world), label)
        if made is not None:
            yield made
    else:
        yield from (case for case in _listed(world, seed) if case.label == label)


def _goods(world: World) -> list[Signed]:
    return [signed.paid(world, "pending"), signed.refunded(world, "refunding"), signed.paid(world, "closed")]


def _random(world: World, goods: list[Signed], label: str) -> Case | None:
    number = int(label.rsplit(":", 1)[1])
    if number % SHARE_OF_STATEMENTS == 0:
        return signed.random_statement(world, label)
    return forgeries.scrambled(goods[number % len(goods)], label)


def _listed(world: World, seed: int) -> Iterator[Case]:
    yield from forged(world, random.Random(seed))
    for stated in STATED:
        yield from stated(world)
    yield from forgeries.exhaustive(signed.paid(world, "pending"))


def disbelieved(world: World, app: ModuleType | None = None) -> Iterator[str]:
    """What is true and was not credited; each of it a second time must change nothing more, and every order is put back."""
    for label, order, event in signed.believed(world):
        number = world.orders[order].out_trade_no
        first = world.notify(event, app)
        row = world.item(number)
        second = world.notify(event, app)
        late = "late_paid" in row
        if (first.status, first.payments_written > 0, first.quarantined) != (200, True, 0):
            yield f"{label}: not credited: {first}"
        elif (second.status, second.payments_written, world.item(number)) != (200, 0, row):
            yield f"{label}: credited again: {second}"
        elif late != (order in ("closed", "failed")) or first.counted != (["LatePaid"] if late else []):
            yield f"{label}: late is {late}, counted {first.counted}"
        world.restore()


def run(world: World, *, seed: int, many: int, progress: Callable[[Outcome], None] | None = None) -> Outcome:
    """One whole run; the orders must be at its end what they were at its beginning, and payable."""
    outcome = Outcome(seed)
    for case in cases(world, seed=seed, many=many):
        tried(world, case, outcome)
        if progress is not None and outcome.counts.total() % 10_000 == 0:
            progress(outcome)
    for name, order in world.orders.items():
        if world.item(order.out_trade_no) != world.rows[name]:
            outcome.failures.append(f"the order {name} is not what it was")
    outcome.failures += disbelieved(world)
    return outcome
