"""A code_url as a picture. Only who draws imports this: it loads qrcode."""

import base64
import struct
import zlib

from payments.api import qr_masks

PIXELS = 8  # a module's width and height: of one bit each, they are a byte
BORDER = 4  # modules of white on every side
_BYTES = str.maketrans("10", "\0\xff")  # a dark module is black


def data_url(code_url: str) -> str:
    """A 1-bit PNG of the QR code as a data URL, eight pixels a module, for browsers and mini programs alike."""
    rows = qr_masks.rows(code_url)
    side = len(rows) + 2 * BORDER
    margin = "0" * BORDER
    above = ["0" * side] * BORDER
    rows = [*above, *(margin + row + margin for row in rows), *above]
    return "data:image/png;base64," + base64.b64encode(_png(rows)).decode()


def _png(rows: list[str]) -> bytes:
    """A greyscale PNG with one bit a pixel (W3C, PNG specification): each "1" is a black square, each "0" a white one."""
    # Each line begins with its filter's type, none.
    lines = ((b"\0" + row.translate(_BYTES).encode("latin-1")) * PIXELS for row in rows)
    size = PIXELS * len(rows)
    header = struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b""))
    )
