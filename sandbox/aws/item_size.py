"""How large an item of DynamoDB is: what write and read units are counted by.

Source: DynamoDB Developer Guide, "Item sizes and formats".
"""

import math
from collections.abc import Mapping
from typing import Any


def item_bytes(item: Mapping[str, Any]) -> int:
    """The size of an item in DynamoDB's JSON as DynamoDB counts it.

    Names and values; a number about half its digits; for a list or map three, and one for each member.
    """

    def of(value: Mapping[str, Any]) -> int:
        ((kind, content),) = value.items()
        if kind == "M":
            return 3 + sum(1 + len(name.encode()) + of(member) for name, member in content.items())
        if kind == "L":
            return 3 + sum(1 + of(member) for member in content)
        if kind in ("BOOL", "NULL"):
            return 1
        return math.ceil(len(content) / 2) + 1 if kind == "N" else len(str(content).encode())

    return sum(len(name.encode()) + of(value) for name, value in item.items())
