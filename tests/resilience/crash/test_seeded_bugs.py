"""The harness itself is tested: it catches mistakes that are planted, and product code that goes around its wiring."""

import socket
from types import ModuleType

import pytest

from tests.resilience.crash.flows import BY_NAME
from tests.resilience.crash.seeded import MISTAKES, Mistake
from tests.resilience.crash.trial import singles, tried
from tests.resilience.crash.wired import CrashWiring
from tests.resilience.crash.world import World


@pytest.mark.share(2)
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_planted_mistake_is_caught(world: World, mistake: Mistake) -> None:
    with mistake.around():
        for tries, verdict in enumerate(singles(world, BY_NAME[mistake.flow], planted=mistake.planted), 1):
            caught = [each for each in verdict.violations if each.startswith(mistake.caught_by)]
            if caught:
                print(f"{mistake.name}: caught by run {tries}: {verdict}")
                return
    pytest.fail(f"{mistake.name} was not caught in {tries} runs of {mistake.flow}")


def test_product_code_that_goes_around_its_wiring_fails_the_run(world: World) -> None:
    port = int(world.aws.url.rpartition(":")[2])

    def planted(module: ModuleType, _wiring: CrashWiring) -> None:
        answer = module.answer

        def leaky(request: object, wiring: object) -> object:
            with socket.socket() as direct:
                direct.connect(("127.0.0.1", port))
                return answer(request, wiring)

        module.answer = leaky  # type: ignore[attr-defined]

    verdict = tried(world, BY_NAME["query"], planted=planted)
    assert any("outside of its wiring" in each for each in verdict.violations), verdict


def test_every_part_of_the_wiring_is_watched(world: World) -> None:
    verdict = tried(world, BY_NAME["refund"])
    parts = {name.partition(".")[0] for name in verdict.effects}
    assert parts == {"store", "refunds", "allowances", "wechat", "_secrets_manager"}
