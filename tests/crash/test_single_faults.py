"""Every effect of every flow goes wrong in every way, one at a time; afterwards all invariants hold."""

import pytest

from tests.crash.flows import FLOWS, Flow
from tests.crash.trial import singles
from tests.crash.world import World


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_every_single_fault_is_recovered_from(world: World, flow: Flow) -> None:
    verdicts = list(singles(world, flow))
    effects = verdicts[0].effects
    print(f"{flow.name}: {len(effects)} effects, {len(verdicts) - 1} faults: {' '.join(effects)}")
    assert len(effects) >= 1
    failures = [str(verdict) for verdict in verdicts if verdict.violations]
    assert not failures, "\n" + "\n".join(failures)
