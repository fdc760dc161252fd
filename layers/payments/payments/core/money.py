"""Money: yuan on the wire, fen (int) everywhere else, and no float in between."""

import re
from decimal import Decimal

MAX_FEN = 100_000_000  # one million yuan

_TEXT = re.compile(r"(0|[1-9][0-9]{0,6})(\.[0-9]{1,2})?")


class Exponential(Decimal):
    """A number that was written with an exponent, which its value does not tell: 1e-2 is 0.01."""


class AmountError(ValueError):
    """An amount that is none; the message is the rule that it breaks."""


def fen(yuan: object) -> int:
    """Fen from yuan as JSON gives it: int, Decimal (Exponential for a number with an exponent) or str.

    0.01 to 1,000,000 yuan, at most two decimals, no exponent. Raises AmountError. All is checked before any conversion, because
    an int of Decimal("1e3000000") takes minutes.
    """
    if isinstance(yuan, str):
        if not _TEXT.fullmatch(yuan):
            raise AmountError("must be yuan in plain digits with at most two decimals, like 19.99")
        amount = Decimal(yuan)
    elif isinstance(yuan, Decimal):
        plain = yuan.is_finite() and not isinstance(yuan, Exponential)
        if not plain or not -2 <= int(yuan.as_tuple().exponent) <= 0:
            raise AmountError("must be yuan in plain digits with at most two decimals, like 19.99")
        amount = yuan
    elif isinstance(yuan, int) and not isinstance(yuan, bool):
        amount = Decimal(yuan)
    else:
        raise AmountError("must be a number or a string, in yuan")
    if not Decimal("0.01") <= amount <= MAX_FEN // 100:
        raise AmountError("must be between 0.01 and 1000000 yuan")
    return int(amount * 100)


def yuan(amount: int) -> Decimal:
    """Yuan with exactly two decimals from fen; prints as `19.90`."""
    return Decimal(amount).scaleb(-2)
