"""What a phone's camera does: the text of the QR code in a picture."""

import zlib

MAX_PIXELS = 4_000_000
MAX_PICTURE_BYTES = 8 * 1024 * 1024


def text_in(picture: bytes) -> str | None:
    """The text of the code in a PNG, or None where none can be seen."""
    import png
    import zxingcpp

    try:
        width, height, rows, _ = png.Reader(bytes=picture).asRGBA8()
        if width * height > MAX_PIXELS:
            return None
        grey = bytearray()
        for row in rows:
            # Green is nearly what the eye sees of a colour, and the code is black on white.
            grey += bytes(row[1::4])
    except (png.Error, zlib.error, ValueError, EOFError):
        return None
    image = memoryview(grey).cast("B", shape=(height, width))
    found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return found[0].text if found else None
