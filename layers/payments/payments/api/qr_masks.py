"""Which of its eight masks a QR code gets: the choice that qrcode itself makes, found on integers in a fraction of the time.

Source: ISO/IEC 18004, "Data masking" and "Evaluation of data masking results". A symbol is one integer here: row after row,
a bit for each module, 1 where it is dark, and before each row a bit that is always 0, so that no pattern reaches from one
row into the next. Shifted by one bit, each module meets its neighbour in the row; by a row's bits, the one in the column.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import qrcode

MASKS = range(8)
_DIGITS = bytes.maketrans(b"\0\1", b"01")


class _Version(NamedTuple):
    """What all symbols of one version have in common, as symbols."""

    row_bits: int
    modules: int  # every module
    with_neighbour_in_row: int
    with_neighbour_in_column: int
    judged: int  # all but the format and version information, which counts as light
    changes: tuple[int, ...]  # by mask, in a symbol that has the first one; format information included


def rows(text: str) -> list[str]:
    """The rows of a text's QR code (error correction M, the smallest version that holds it), "1" for each dark module."""
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=0, mask_pattern=MASKS[0])
    code.add_data(text)
    symbol = _symbol(code.get_matrix())
    version = _version(code.version)
    lost = [_lost_points((symbol ^ change) & version.judged, version) for change in version.changes]
    symbol ^= version.changes[lost.index(min(lost))]
    width = version.row_bits
    digits = f"{symbol:0{width * (width - 1)}b}"
    return [digits[start + 1 : start + width] for start in range(0, len(digits), width)]


def _lost_points(symbol: int, version: _Version) -> int:
    """The points that a symbol loses by the standard's four rules."""
    row, light = version.row_bits, symbol ^ version.modules
    alike_in_row = (symbol >> 1 ^ light) & version.with_neighbour_in_row
    alike_in_column = (symbol >> row ^ light) & version.with_neighbour_in_column
    # Blocks of two by two.
    lost = 3 * (alike_in_row & alike_in_row >> row & alike_in_column).bit_count()
    for step, alike in ((1, alike_in_row), (row, alike_in_column)):
        # Five of one colour in a line, and one for each more of it.
        threes = alike & alike >> step
        fives = threes & threes >> 2 * step
        lost += fives.bit_count() + 2 * (fives & ~(fives << step)).bit_count()
        # What looks like a finder, with four light modules before or after it.
        pairs = symbol & symbol >> 2 * step
        finders = pairs & pairs >> 4 * step & symbol >> 3 * step & light >> step & light >> 5 * step
        margins = light & light >> step
        margins &= margins >> 2 * step
        lost += 40 * (finders & margins >> 7 * step).bit_count()
        lost += 40 * (finders >> 4 * step & margins).bit_count()
    # Ten for each whole twentieth that the share of dark modules is away from a half.
    every, dark = version.modules.bit_count(), symbol.bit_count()
    return lost + 10 * (abs(20 * dark - 10 * every) // every)


@functools.cache
def _version(number: int) -> _Version:
    """What qrcode makes of one text with each mask tells what they change; that is the same for every text."""
    code = qrcode.QRCode(version=number, error_correction=qrcode.ERROR_CORRECT_M, border=0)
    symbols = []
    for mask in MASKS:
        code.mask_pattern = mask
        code.make(fit=False)
        symbols.append(_symbol(code.get_matrix()))
    side = code.modules_count

    def those(chosen: Callable[[int, int], bool]) -> int:
        return _symbol([[chosen(row, column) for column in range(side)] for row in range(side)])

    def informs(row: int, column: int) -> bool:
        about_format = row == 8 and column != 6 and not 8 < column < side - 8
        about_version = number >= 7 and row < 6 and side - 11 <= column < side - 8
        return about_format or about_version

    return _Version(
        row_bits=side + 1,
        modules=those(lambda *_: True),
        with_neighbour_in_row=those(lambda _, column: column > 0),
        with_neighbour_in_column=those(lambda row, _: row > 0),
        judged=those(lambda row, column: not (informs(row, column) or informs(column, row))),
        changes=tuple(symbol ^ symbols[0] for symbol in symbols),
    )


def _symbol(matrix: Sequence[Sequence[bool]]) -> int:
    return int(b"".join(b"\0" + bytes(row) for row in matrix).translate(_DIGITS), 2)
