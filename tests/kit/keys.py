"""Keys that nothing is tried of but that they are there: made once in a process, for making them takes longer than most tests."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from wechatpay_simulator import Credentials


@cache
def merchant_file() -> Path:
    """The file of one merchant's credentials, for every sandbox that needs no merchant of its own."""
    folder = Path(tempfile.mkdtemp(prefix="wechatpay-merchant-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder / "credentials.json"


@cache
def merchant() -> Credentials:
    """That merchant."""
    return Credentials.load_or_create(merchant_file())


@cache
def stranger() -> rsa.RSAPrivateKey:
    """RSA-2048; neither that merchant's nor WeChat Pay's."""
    return rsa.generate_private_key(65537, 2048)
