"""What a text may hold: one that WeChat Pay shows to the buyer or prints, and one of our own."""

import re

from payments.core.errors import ParameterError

# What is not shown, or turns around what is: Default_Ignorable_Code_Point without the variation selectors, bidirectional
# controls, line ends (Unicode Character Database, DerivedCoreProperties.txt). Beyond U+FFFF nothing is taken anyway.
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb]"
)
BLANKS = re.compile(r"[\s\u2800\ufe00-\ufe0f]*")


def check_shown(field: str, value: str, *, most: int | None = None) -> None:
    """A text that WeChat Pay shows to the buyer, or prints, of at most so many UTF-8 bytes. Raises ParameterError."""
    if BLANKS.fullmatch(value):
        raise ParameterError(field, "must not be blank")
    check_no_controls(field, value)
    if _HIDDEN.search(value):
        raise ParameterError(field, "must not have invisible characters or ones that turn the line around")
    if any(ord(character) > 0xFFFF for character in value):
        raise ParameterError(
            field, "must not have characters beyond U+FFFF (emoji, rare hanzi): WeChat Pay takes none"
        )
    if most is not None and len(value.encode()) > most:
        raise ParameterError(field, f"must not be over {most} UTF-8 bytes")


def check_printable(field: str, value: str) -> None:
    """A text of our own, of one line. Raises ParameterError."""
    if not value.strip():
        raise ParameterError(field, "must not be blank")
    check_no_controls(field, value)


def check_no_controls(field: str, value: str) -> None:
    """Raises ParameterError for a text with control characters."""
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in value):
        raise ParameterError(field, "must not have control characters")
