"""Every effect of every flow goes wrong in every way, one at a time; afterwards all invariants hold."""

from collections.abc import Iterator

import pytest

from tests.crash.flows import FLOWS, Flow
from tests.crash.workers import Workers


@pytest.fixture(scope="module")
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    """At work on the flows that are asked for."""
    here = [item for item in request.session.items if item.path == request.path]
    with Workers(item.callspec.params["flow"].name for item in here) as workers:  # type: ignore[attr-defined]
        yield workers


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_every_single_fault_is_recovered_from(workers: Workers, flow: Flow) -> None:
    verdicts = workers.verdicts(flow.name)
    effects = verdicts[0].effects
    print(f"{flow.name}: {len(effects)} effects, {len(verdicts) - 1} faults: {' '.join(effects)}")
    assert effects
    failures = [str(verdict) for verdict in verdicts if verdict.violations]
    assert not failures, "\n" + "\n".join(failures)
