"""What the product must reach beside the floor and the peer, and whether it does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.bench.figures import Figures, ratio
from tests.bench.stage.endpoints import ENDPOINTS

PRODUCT = "ours"


@dataclass(frozen=True)
class Goal:
    """At most `limit` of a measure, or at most so many times another variant's; `limits` are by endpoint."""

    title: str
    measure: str
    limits: Mapping[str, float]
    against: str | None = None
    unit: str = ""


@dataclass(frozen=True)
class Judged:
    """One goal for one endpoint."""

    goal: Goal
    endpoint: str
    value: float
    limit: float
    ok: bool = field(init=False)

    def __post_init__(self) -> None:
        """Decide."""
        object.__setattr__(self, "ok", self.value <= self.limit)


def _each(limit: float, **others: float) -> dict[str, float]:
    return dict.fromkeys(ENDPOINTS, limit) | others


GOALS = (
    Goal("warm CPU of a call / peer", "warm", _each(0.85), "peer"),
    Goal(
        "warm CPU of a call / floor",
        "warm",
        {"native": 1.8} | dict.fromkeys(("query", "close", "payment", "notify"), 1.35),
        "floor",
    ),
    Goal("cold start / peer", "cold", _each(0.5, payment=0.62), "peer"),
    Goal("cold start / floor", "cold", _each(1.25, payment=1.1, notify=1.1), "floor"),
    Goal("peak memory / peer", "peak", _each(0.75), "peer"),
    Goal("CPU of a new TLS connection", "connection", _each(3.0), unit="ms"),
    Goal("CPU of the first call after init", "first", _each(15.0), unit="ms"),
    Goal(
        "AWS round trips of a call",
        "aws",
        {"native": 3, "jsapi": 4, "query": 1, "refund": 4, "close": 2, "payment": 1, "notify": 1},
    ),
    Goal("WeChat Pay round trips of a call", "wechat", _each(1, payment=0, notify=0)),
)


def judged(figures: Figures, product: str = PRODUCT) -> Iterator[Judged]:
    """Every goal whose figures were taken, for every endpoint that was measured."""
    for goal in GOALS:
        for endpoint, limit in goal.limits.items():
            variants = figures.get(endpoint, {})
            value = (
                variants.get(product, {}).get(goal.measure)
                if goal.against is None
                else ratio(variants, goal.measure, product, goal.against)
            )
            if value is not None:
                yield Judged(goal, endpoint, value, limit)
