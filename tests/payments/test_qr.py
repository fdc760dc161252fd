"""The picture of a code: what qrcode itself would draw, in half the time."""

import base64
import io

import pytest
import qrcode
from qrcode.image.pure import PyPNGImage

from payments.api import qr


@pytest.mark.parametrize(
    "text",
    ["weixin://wxpay/bizpayurl?pr=AbCdEfG12", "https://pay.example.com/checkout/" + "x.Y-z_9" * 40, "你好"],
)
def test_it_is_the_picture_that_the_library_draws_byte_for_byte(text):
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, box_size=8, border=4)
    code.add_data(text)
    drawn = io.BytesIO()
    code.make_image(image_factory=PyPNGImage).save(drawn)

    head, _, picture = qr.data_url(text).partition(",")

    assert head == "data:image/png;base64"
    assert base64.b64decode(picture) == drawn.getvalue()
