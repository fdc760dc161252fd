"""Every line of the notification path that verifies is there for a reason: without it, something turns red."""

import random
from collections.abc import Callable, Iterable
from types import ModuleType

import pytest

from tests.resilience.fuzz import forgeries, judging, signed
from tests.resilience.fuzz.judging import Case, Outcome
from tests.resilience.fuzz.switches import SWITCHES, function_with
from tests.resilience.fuzz.world import World
from tests.thorough import share_of

CORPORA: dict[str, Callable[[World], Iterable[Case]]] = {
    "subsets": lambda world: forgeries.subsets(signed.paid(world, "pending")),
    "grammar": lambda world: forgeries.grammar(signed.paid(world, "pending")),
    "signatures": lambda world: forgeries.signatures(signed.paid(world, "pending")),
    "encodings": lambda world: forgeries.encodings(signed.paid(world, "pending"), random.Random(0)),
    "sizes": lambda world: forgeries.sizes(signed.paid(world, "pending")),
    **{made.__name__: made for made in judging.FORGED},
    **{made.__name__: made for made in judging.STATED},
}

DRAWN = share_of(SWITCHES, "switches", one_in=3)


@pytest.fixture(scope="module")
def corpora(world: World) -> dict[str, list[Case]]:
    """Each corpus, signed once."""
    used = {switch.corpus for switch in DRAWN} & set(CORPORA)
    return {name: list(CORPORA[name](world)) for name in used}


def caught(world: World, app: ModuleType, corpus: str, cases: list[Case]) -> str | None:
    """The first thing that comes out wrong, or None."""
    if corpus == "believed":
        return next(judging.disbelieved(world, app), None)
    if corpus == "floods":
        return flooded(world, app)
    for case in cases:
        outcome = Outcome(seed=0)
        if not judging.tried(world, case, outcome, app):
            return outcome.failures[0].split("; make fuzz")[0]
    return None


def flooded(world: World, app: ModuleType) -> str | None:
    """Whether unknown serials within a minute make it read the secret again, or a new key is not looked for after it."""
    world.wire(app, world.environment)  # its clock has not been moved yet
    event = signed.sign(world, b"{}", serial="A" * 40).event()
    world.notify(event, app)
    reads, began = world.secret_reads, world.now
    try:
        for _ in range(5):
            world.notify(event, app)
        if world.secret_reads != reads:
            return "floods: unknown serials read the secret again and again"
        world.now += 60
        world.notify(signed.sign(world, b"{}", serial="B" * 40).event(), app)
        return None if world.secret_reads == reads + 1 else "floods: a key that was added is not looked for"
    finally:
        world.now = began


def test_each_line_that_verifies_turns_something_red_when_it_is_switched_off(
    world: World, corpora: dict[str, list[Case]], capsys: pytest.CaptureFixture[str]
) -> None:
    lines, missed = [], []
    for switch in DRAWN:
        cases = [
            case for case in corpora.get(switch.corpus, ()) if switch.about in f"{case.kind}: {case.label}"
        ]
        with function_with(switch) as app:
            world.wire(app, world.environment)
            red = caught(world, app, switch.corpus, cases)
        if red is not None and ("a payment moved" in red or switch.corpus == "believed"):
            world.restore()
        lines.append(f"{switch.file}: {switch.line.strip()} -> {switch.off.strip() or '(gone)'}: {red}"[:230])
        if red is None:
            missed.append(lines[-1])

    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert missed == []


def test_with_no_line_switched_off_a_copy_of_the_product_does_what_it_must(
    world: World, corpora: dict[str, list[Case]]
) -> None:
    with function_with(None) as app:
        world.wire(app, world.environment)
        for switch in DRAWN:
            cases = [
                case
                for case in corpora.get(switch.corpus, ())
                if switch.about in f"{case.kind}: {case.label}"
            ][:6]
            if switch.corpus != "believed":
                assert caught(world, app, switch.corpus, cases) is None, switch
        assert list(judging.disbelieved(world, app)) == []
