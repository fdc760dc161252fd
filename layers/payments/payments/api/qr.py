"""A code_url as a picture. The only module that imports qrcode."""

import base64
import io


def data_url(code_url: str) -> str:
    """A 1-bit PNG of the QR code as a data URL, eight pixels a module, for browsers and mini programs alike."""
    import png  # noqa: PLC0415  only who draws pays for it
    import qrcode  # noqa: PLC0415

    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
    code.add_data(code_url)
    # Eight pixels of one bit are a byte, so the rows are packed as they come: half the time of qrcode's own image.
    lines = [bytes(0 if dark else 255 for dark in row) for row in code.get_matrix()]
    rows = [line for line in lines for _ in range(8)]
    picture = io.BytesIO()
    png.Writer(len(rows), len(rows), greyscale=True, bitdepth=1).write_packed(picture, rows)
    return "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()
