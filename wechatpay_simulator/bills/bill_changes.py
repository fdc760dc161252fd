"""What a test plants in a day's bill: rows that are left out, altered, or added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wechatpay_simulator.bills.bill_text import Row
from wechatpay_simulator.controls.control_request import ControlError


@dataclass(frozen=True)
class Change:
    """One change: the rows that `of` names, by values of their columns, get the values `to`; None takes them out.

    With no `of` a row of `to` is added.
    """

    of: Row | None
    to: Row | None = field(default=None)

    def document(self) -> dict[str, Row]:
        """The change as it was asked for."""
        if self.of is None:
            return {"add": self.to or {}}
        return {"drop": self.of} if self.to is None else {"alter": self.of, "to": self.to}

    def applied(self, rows: Sequence[Row]) -> list[Row]:
        """The rows with this change."""
        if self.of is None:
            return [*rows, self.to or {}]
        changed: list[Row] = []
        for row in rows:
            if any(row.get(column) != value for column, value in self.of.items()):
                changed.append(row)
            elif self.to is not None:
                changed.append({**row, **self.to})
        return changed


def parsed_change(document: Any, name: str, columns: Sequence[str]) -> Change:
    """The change in `document`: `{"drop": {…}}`, `{"alter": {…}, "to": {…}}` or `{"add": {…}}`.

    Raises ControlError; `name` is what its sentences call the change, `columns` are those that the bill has.
    """
    if not isinstance(document, dict) or document.keys() not in ({"drop"}, {"alter", "to"}, {"add"}):
        raise ControlError(f'{name} is {{"drop": row}}, {{"alter": row, "to": row}} or {{"add": row}}.')
    rows = {member: _row(value, f"{name}.{member}", columns) for member, value in document.items()}
    if "add" in rows:
        return Change(None, rows["add"])
    return Change(rows.get("drop", rows.get("alter")), rows.get("to"))


def _row(value: Any, name: str, columns: Sequence[str]) -> Mapping[str, str]:
    if not isinstance(value, dict) or not value or not all(isinstance(each, str) for each in value.values()):
        raise ControlError(f"{name} is an object of texts, by the names of columns.")
    if unknown := sorted(value.keys() - set(columns)):
        raise ControlError(f"{name}.{unknown[0]} is no column of this bill; it has {', '.join(columns)}.")
    return value
