"""The picture of a code: what qrcode itself would draw, in a fifth of the time."""

import base64
import io
import random
import string

import pytest
import qrcode
from qrcode.image.pure import PyPNGImage
from qrcode.util import BIT_LIMIT_TABLE

from payments.api import qr
from sandbox.pages.scanning import text_in
from tests.thorough import SHARE, many, share_of

LETTERS = string.ascii_letters + string.digits + "-_=&"
LENGTHS = range(10, 129)  # WeChat Pay documents 64 at most
VERSIONS = range(1, 41)


def drawn_by_the_library(text):
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, box_size=8, border=4)
    code.add_data(text)
    picture = io.BytesIO()
    code.make_image(image_factory=PyPNGImage).save(picture)
    return picture.getvalue()


def drawn(text):
    head, _, picture = qr.data_url(text).partition(",")
    assert head == "data:image/png;base64"
    return base64.b64decode(picture, validate=True)


def code_url(length, draw):
    head = "weixin://" if length < 40 else "weixin://wxpay/bizpayurl?pr="
    return head + "".join(draw.choice(LETTERS) for _ in range(length - len(head)))


@pytest.mark.parametrize(
    "text",
    [
        "weixin://wxpay/bizpayurl?pr=AbCdEfG12",
        "https://pay.example.com/checkout/" + "x.Y-z_9" * 40,
        "你好",
        "",
        "0123456789" * 5,
        "WEIXIN://ABC" + "0" * 30,
    ],
)
def test_it_is_the_picture_that_the_library_draws_byte_for_byte(text):
    assert drawn(text) == drawn_by_the_library(text)


@pytest.mark.parametrize("length", share_of(LENGTHS, "lengths of a code_url", one_in=4))
def test_so_it_is_for_a_code_url_of_any_length_and_a_camera_reads_it(length):
    draw = random.Random(f"{SHARE} {length}")
    for _ in range(many(2, instead=1)):
        text = code_url(length, draw)
        picture = drawn(text)
        assert picture == drawn_by_the_library(text), text
        assert text_in(picture) == text


@pytest.mark.parametrize("version", share_of(VERSIONS, "versions of a QR code", one_in=10))
def test_so_it_is_in_every_version_of_a_code_whose_masks_are_judged_with_and_without_version_information(
    version,
):
    draw = random.Random(f"{SHARE} {version}")
    header = 12 if version < 10 else 20  # bits: what follows, and how much of it
    characters = (BIT_LIMIT_TABLE[qrcode.ERROR_CORRECT_M][version] - header) // 8
    text = "".join(draw.choice(string.ascii_lowercase) for _ in range(characters))

    assert drawn(text) == drawn_by_the_library(text)
