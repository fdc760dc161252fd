"""POST …/native on the floor."""

import base64
import struct
import zlib

from answers import data
from opening import open_order
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode


def lambda_handler(event, _context):
    """Open the order, draw its code."""
    code_url, members = open_order(event, "native")
    if code_url is None:
        return members
    return data({**members, "codeUrl": code_url, "qrCode": picture(code_url)})


def picture(text):
    """A PNG as a data URL, by qrcode's encoder alone: any of the eight masks can be read, so the first is taken."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=4, mask_pattern=0)
    code.add_data(text)
    lines = [bytes(0 if dark else 255 for dark in row) for row in code.get_matrix()]
    rows = b"".join((b"\0" + line) * 8 for line in lines)
    size = 8 * len(lines)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
    return "data:image/png;base64," + base64.b64encode(png).decode()
