"""As much of CloudWatch as our alarms need: numbers read from log lines, statistics, metric math, and when an alarm rings.

Source: CloudWatch user guide, "Embedded metric format", "Using metric math", "Using Amazon CloudWatch alarms".
"""

import ast
import json
import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Key = tuple[str, str, frozenset[tuple[str, str]]]  # namespace, metric name, dimensions
Series = dict[int, float]  # by the beginning of a period

STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Sum": sum,
    "Average": lambda values: sum(values) / len(values),
    "Maximum": max,
    "Minimum": min,
    "SampleCount": len,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
AGGREGATES: dict[str, Callable[[list[float]], float]] = {"SUM": sum, "MAX": max}
OPERATIONS: dict[type, Callable[[float, float], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
}


class Metrics:
    """Datapoints, and what statistics make of them."""

    def __init__(self) -> None:
        self._points: dict[Key, list[tuple[float, float]]] = defaultdict(list)

    @property
    def names(self) -> set[tuple[str, str]]:
        """Namespace and name of everything that was ever put."""
        return {(namespace, name) for namespace, name, _ in self._points}

    def put(self, namespace: str, name: str, dimensions: Mapping[str, str], value: float, at: float) -> None:
        """One datapoint; `at` in epoch seconds."""
        self._points[namespace, name, frozenset(dimensions.items())].append((at, value))

    def read(self, text: str) -> None:
        """One line of a function's log; whatever is not in the embedded metric format is not a metric."""
        if not text.startswith('{"_aws":'):
            return
        members = json.loads(text)
        for directive in members["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = {name: members[name] for name in names}
                for metric in directive["Metrics"]:
                    value = members[metric["Name"]]
                    moment = members["_aws"]["Timestamp"] / 1000
                    self.put(directive["Namespace"], metric["Name"], dimensions, value, moment)

    def series(self, stat: Mapping[str, Any]) -> Series:
        """A MetricStat's values; a period without datapoints is not in it."""
        metric, period = stat["Metric"], int(stat["Period"])
        dimensions = frozenset((part["Name"], part["Value"]) for part in metric.get("Dimensions", []))
        grouped: dict[int, list[float]] = defaultdict(list)
        for at, value in self._points.get((metric["Namespace"], metric["MetricName"], dimensions), []):
            grouped[int(at // period * period)].append(value)
        return {begin: STATISTICS[stat["Stat"]](values) for begin, values in grouped.items()}


def rings(alarm: Mapping[str, Any], metrics: Metrics, *, now: float) -> bool:
    """Whether the alarm speaks at `now`, by the periods that end with the one that `now` lies in.

    It does in state ALARM; and, where it acts on that, in INSUFFICIENT_DATA, once it has been in another state: that
    one is a new alarm's first, which nothing leads to.
    """
    series, period = _watched(alarm, metrics)
    compare, threshold = COMPARISONS[alarm["ComparisonOperator"]], float(alarm["Threshold"])
    last = int(now // period * period)
    evaluated = int(alarm["EvaluationPeriods"])
    treated = {"breaching": True, "notBreaching": False, "ignore": False, "missing": False}
    missing = treated[alarm["TreatMissingData"]]
    begins = [last - period * back for back in range(evaluated)]
    if alarm["TreatMissingData"] == "missing" and not any(begin in series for begin in begins):
        return "InsufficientDataActions" in alarm and any(begin < last for begin in series)
    breaches = [compare(series[begin], threshold) if begin in series else missing for begin in begins]
    return sum(breaches) >= int(alarm.get("DatapointsToAlarm", evaluated))


def sources(alarm: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The MetricStats that an alarm looks at."""
    if "Metrics" not in alarm:
        names = ("Namespace", "MetricName", "Dimensions")
        metric = {name: alarm[name] for name in names if name in alarm}
        return [{"Metric": metric, "Period": alarm["Period"], "Stat": alarm["Statistic"]}]
    return [query["MetricStat"] for query in alarm["Metrics"] if "MetricStat" in query]


def _watched(alarm: Mapping[str, Any], metrics: Metrics) -> tuple[Series, int]:
    if "Metrics" not in alarm:
        (stat,) = sources(alarm)
        return metrics.series(stat), int(stat["Period"])
    found = {q["Id"]: metrics.series(q["MetricStat"]) for q in alarm["Metrics"] if "MetricStat" in q}
    (watched,) = [query for query in alarm["Metrics"] if query.get("ReturnData", True)]
    (period,) = {int(stat["Period"]) for stat in sources(alarm)}
    begins = {begin for series in found.values() for begin in series}
    values = {begin: calculate(watched["Expression"], found, begin) for begin in begins}
    return {begin: value for begin, value in values.items() if value is not None}, period


def calculate(expression: str, found: Mapping[str, Series], begin: int) -> float | None:
    """Metric math for one period; None where a number that it needs is missing, or was divided by nought."""

    def value(node: ast.expr) -> float | None:
        match node:
            case ast.Constant(value=int() | float() as number):
                return number
            case ast.Name(id=name):
                return found[name].get(begin)
            case (
                ast.BinOp(left=left, op=op, right=right)
                | ast.Compare(left=left, ops=[op], comparators=[right])
            ):
                return _both(OPERATIONS[type(op)], value(left), value(right))
            case ast.Call(func=ast.Name(id="IF"), args=[test, then, otherwise]):
                tested = value(test)
                return None if tested is None else value(then if tested else otherwise)
            case ast.Call(func=ast.Name(id=name), args=[ast.Call(func=ast.Name(id="METRICS"), args=[])]) if (
                name in AGGREGATES
            ):
                return _together(AGGREGATES[name], (series.get(begin) for series in found.values()))
        raise ValueError(f"not understood in {expression!r}: {ast.dump(node)}")

    return value(ast.parse(expression, mode="eval").body)


def _both(operation: Callable[[float, float], Any], left: float | None, right: float | None) -> float | None:
    if left is None or right is None or (operation is operator.truediv and right == 0):
        return None
    return float(operation(left, right))


def _together(aggregate: Callable[[list[float]], float], values: Iterable[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return aggregate(present) if present else None
