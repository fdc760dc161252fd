"""All rows, in the order of the report."""

from wechatpay_simulator.examining.examination import Examination
from wechatpay_simulator.examining.row import Row
from wechatpay_simulator.examining.rows import believing, contradicting, losing, payments, refunding, slowness

_OF_ALL_ANSWERS = tuple(slowness.rows())

ROWS: tuple[Row[Examination], ...] = (
    *believing.rows(),
    *payments.rows(),
    *contradicting.rows(),
    *_OF_ALL_ANSWERS,
    *losing.rows(),
    *refunding.rows(),
    *losing.rows_of_closing(),
)


def in_turn(names: set[str]) -> list[Row[Examination]]:
    """The rows of these names, as they are tried: what judges all answers comes last."""
    wanted = [row for row in ROWS if row.name in names]
    return sorted(wanted, key=lambda row: row in _OF_ALL_ANSWERS)
