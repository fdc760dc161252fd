"""DynamoDB's attribute values in their JSON form: numbers exact, equality, order, size; nothing in here changes a value."""

from decimal import Context, Decimal, InvalidOperation
from typing import Any

Value = dict[str, Any]
"""One attribute value, like {"N": "12"}. Values are shared between items, so nobody may change one."""

DIGITS = 38
SETS = {"SS": "S", "NS": "N", "BS": "B"}
_EXACT = Context(prec=1000)  # the widest sum of two numbers has some 260 digits
_LARGEST, _SMALLEST = Decimal("9.9999999999999999999999999999999999999E+125"), Decimal("1E-130")


class InvalidError(Exception):
    """What DynamoDB refuses with a ValidationException; the text is its message."""


def number(text: str) -> Decimal:
    """The number. InvalidError for what is none, has more than 38 digits, or is out of range."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise InvalidError(f"The parameter cannot be converted to a numeric value: {text}") from None
    if not value.is_finite():
        raise InvalidError(f"The parameter cannot be converted to a numeric value: {text}")
    return _within(value)


def _within(value: Decimal) -> Decimal:
    plain = value.normalize(_EXACT)
    if len(plain.as_tuple().digits) > DIGITS:
        raise InvalidError("Attempting to store more than 38 significant digits in a Number")
    if abs(plain) > _LARGEST:
        raise InvalidError(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    if plain and abs(plain) < _SMALLEST:
        raise InvalidError(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    return plain


def written(value: Decimal) -> str:
    """As DynamoDB writes a number: no exponent, no needless zero."""
    return format(value, "f") if value else "0"


def summed(left: Value, right: Value, *, minus: bool = False) -> Value:
    """left + right, or left - right. InvalidError unless both are numbers."""
    if "N" not in left or "N" not in right:
        raise InvalidError("An operand in the update expression has an incorrect data type")
    first, second = Decimal(left["N"]), Decimal(right["N"])
    total = _EXACT.subtract(first, second) if minus else _EXACT.add(first, second)
    return {"N": written(_within(total))}


def checked(value: Any) -> Value:
    """A copy that nobody else has, numbers in DynamoDB's own writing. InvalidError for what no attribute can be."""
    if not isinstance(value, dict) or len(value) != 1:
        raise InvalidError(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one"
        )
    ((kind, inner),) = value.items()
    if kind == "S":
        return {kind: inner if type(inner) is str else str.__str__(inner)}
    if kind == "N":
        text = str(inner)
        plain = text.isascii() and text.isdigit() and len(text) <= DIGITS and (text[0] != "0" or text == "0")
        return {kind: text if plain else written(number(text))}
    if kind == "M":
        return {kind: {str(name): checked(part) for name, part in inner.items()}}
    if kind == "L":
        return {kind: [checked(part) for part in inner]}
    if kind in SETS:
        return {kind: _set(kind, inner)}
    if kind in ("B", "BOOL", "NULL"):
        return {kind: inner}
    raise InvalidError(
        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
    )


def _set(kind: str, members: Any) -> list[Any]:
    plain = [next(iter(checked({SETS[kind]: member}).values())) for member in members]
    if not plain:
        name = {"SS": "string", "NS": "number", "BS": "binary"}[kind]
        raise InvalidError(f"One or more parameter values were invalid: An {name} set  may not be empty")
    if len(set(plain)) < len(plain):
        raise InvalidError(
            f"One or more parameter values were invalid: Input collection {plain} contains duplicates."
        )
    return plain


def equal(left: Value, right: Value) -> bool:
    """Same type and same value; sets have no order."""
    if left == right:
        return True
    ((kind, one),), ((other_kind, other),) = left.items(), right.items()
    if kind != other_kind:
        return False
    if kind in SETS:
        return set(one) == set(other)
    if kind == "L":
        return len(one) == len(other) and all(map(equal, one, other))
    if kind == "M":
        return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    return False  # numbers are all in one writing


def ordered(value: Value) -> Any:
    """What two values of one type are compared by with < and >: S, N or B; None for another type."""
    ((kind, inner),) = value.items()
    if kind == "N":
        return int(inner) if inner.isdigit() else Decimal(inner)
    return inner if kind in ("S", "B") else None


def length(value: Value) -> Value | None:
    """What size() says: a number, or None for a type that has no size."""
    ((kind, inner),) = value.items()
    if kind == "S":
        return {"N": str(len(inner.encode()))}
    return {"N": str(len(inner))} if kind in ("B", "L", "M", *SETS) else None
