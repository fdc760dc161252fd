"""A code_url as a picture. The only module that imports qrcode."""

import base64
import io


def data_url(code_url: str) -> str:
    """A 1-bit PNG of the QR code as a data URL, for browsers and mini programs alike."""
    import qrcode  # noqa: PLC0415  only who draws pays for it
    from qrcode.image.pure import PyPNGImage  # noqa: PLC0415

    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, box_size=8, border=4)
    code.add_data(code_url)
    picture = io.BytesIO()
    code.make_image(image_factory=PyPNGImage).save(picture)
    return "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()
