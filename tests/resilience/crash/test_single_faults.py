"""Every effect of every flow goes wrong in every way, one at a time; afterwards all invariants hold.

A run that is not thorough draws half of the flows, and of each a tenth of these faults.
"""

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from tests.resilience.crash.flows import FLOWS, Flow
from tests.resilience.crash.trial import Verdict
from tests.resilience.crash.workers import Workers

Found = dict[str, Future[list[Verdict]]]


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest) -> Iterator[Found]:
    """By flow, as soon as its runs are done: those with the longest recovery first."""
    here = [item for item in request.session.items if item.path == request.path]
    flows = {item.callspec.params["flow"].name for item in here}  # type: ignore[attr-defined]
    with Workers() as workers:
        yield {
            flow: workers.singles(flow)
            for flow in sorted(flows, key=lambda flow: (not flow.startswith("settle"), flow))
        }


@pytest.mark.share(2)
@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_every_single_fault_is_recovered_from(found: Found, flow: Flow) -> None:
    verdicts = found[flow.name].result()
    effects = verdicts[0].effects
    assert len(verdicts) > 1
    print(f"{flow.name}: {len(effects)} effects, {len(verdicts) - 1} faults: {' '.join(effects)}")
    assert effects
    failures = [str(verdict) for verdict in verdicts if verdict.violations]
    assert not failures, "\n" + "\n".join(failures)
