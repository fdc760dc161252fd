"""What was measured, as one JSON object: endpoint → variant → figures, in milliseconds, MiB and round trips."""

import statistics
from collections.abc import Mapping
from typing import Any

from tests.bench.measuring.cold import Cold
from tests.bench.measuring.warm import Warm

Variants = dict[str, dict[str, Any]]
Figures = dict[str, Variants]
# Of these there is a list, one value per round, in the order of the rounds: what disturbs one round disturbs all variants.
ROUNDS = {"warm": "warm_blocks", "cold": "cold_starts", "cold_cpu": "cold_cpu_starts"}


def of_warm(warm: Mapping[str, Warm]) -> Variants:
    """The figures of warm calls, by variant."""
    return {name: _warm(one) for name, one in warm.items()}


def _warm(one: Warm) -> dict[str, Any]:
    figures = {
        "warm": _ms(one.call),
        "warm_blocks": [_ms(call) for call in one.calls],
        "first": _ms(one.first),
        "init": _ms(one.init),
        "aws": round(one.aws, 2),
        "wechat": round(one.wechat, 2),
        "first_connections": one.first_connections,
    }
    if one.peak is not None:
        figures["warm_peak"] = round(one.peak, 1)
    if one.connection is not None:
        figures |= {"connection": _ms(one.connection), "connections": round(one.connections, 2)}
    return figures


def of_cold(cold: Mapping[str, Cold]) -> Variants:
    """The figures of cold starts, by variant."""
    return {
        name: {
            "cold": _ms(one.median("wall")),
            "cold_starts": [_ms(value) for value in one.wall],
            "cold_cpu": _ms(one.median("cpu")),
            "cold_cpu_starts": [_ms(value) for value in one.cpu],
            "init": _ms(one.median("init")),
            "first": _ms(one.median("first")),
            "peak": round(one.median("peak"), 1),
            "cold_connections": one.connections,
            "cold_trips": one.trips,
        }
        for name, one in cold.items()
    }


def joined(*parts: Variants) -> Variants:
    """One endpoint's figures of several kinds."""
    names = parts[0]
    return {
        name: {key: value for part in parts for key, value in part.get(name, {}).items()} for name in names
    }


def ratio(variants: Variants, measure: str, of: str, to: str) -> float | None:
    """How many times one variant's figure is another's; of rounds the median of each round's. None where one is missing."""
    if to not in variants or of not in variants:
        return None
    rounds = ROUNDS.get(measure)
    if rounds and variants[of].get(rounds) and variants[to].get(rounds):
        pairs = zip(variants[of][rounds], variants[to][rounds], strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)
    mine, theirs = variants[of].get(measure), variants[to].get(measure)
    return mine / theirs if mine is not None and theirs else None


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
