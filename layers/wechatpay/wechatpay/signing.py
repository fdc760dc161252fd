"""The merchant's signatures: the Authorization header of a request, and the parameters that open WeChat's cashier.

Source: WeChat Pay APIv3, "How to generate a request signature" and "Invoking payment" (JSAPI, mini program, app).
"""

import base64
import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from wechatpay.errors import KeyFormatError

SCHEME = "WECHATPAY2-SHA256-RSA2048"
_MCHID, _SERIAL = re.compile(r"[0-9]{1,32}"), re.compile(r"[0-9A-Fa-f]{1,40}")


def request_message(method: str, path_and_query: str, timestamp: int, nonce_str: str, body: bytes) -> bytes:
    """The bytes that a request's signature covers: five values, each ended by a line feed.

    `path_and_query` exactly as on the wire; `timestamp` in epoch seconds; `body` exactly as sent, empty for GET.
    """
    return f"{method}\n{path_and_query}\n{timestamp}\n{nonce_str}\n".encode() + body + b"\n"


@dataclass(frozen=True)
class MerchantSigner:
    """Signs for one merchant number with one API certificate's key. Its repr shows no key.

    Raises KeyFormatError for numbers that are none: a header that they break would be shown whole in an error.
    """

    mchid: str
    serial_no: str
    private_key: RSAPrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        if not _MCHID.fullmatch(self.mchid):
            raise KeyFormatError("a merchant number has digits alone")
        if not _SERIAL.fullmatch(self.serial_no):
            raise KeyFormatError("a certificate's serial number has hex digits alone")

    def sign(self, message: bytes) -> str:
        """SHA256-RSA (PKCS#1 v1.5) of `message`, base64 on one line."""
        return base64.b64encode(self.private_key.sign(message, PKCS1v15(), SHA256())).decode()

    def authorization(
        self, method: str, path_and_query: str, timestamp: int, nonce_str: str, body: bytes
    ) -> str:
        """The Authorization header of one request; arguments as in `request_message`."""
        signature = self.sign(request_message(method, path_and_query, timestamp, nonce_str, body))
        return (
            f'{SCHEME} mchid="{self.mchid}",nonce_str="{nonce_str}",signature="{signature}",'
            f'timestamp="{timestamp}",serial_no="{self.serial_no}"'
        )

    def jsapi_params(self, *, appid: str, prepay_id: str, timestamp: int, nonce_str: str) -> dict[str, str]:
        """What `WeixinJSBridge` and `wx.requestPayment` need to open the cashier, in WeChat's own spelling."""
        package = f"prepay_id={prepay_id}"
        return {
            "appId": appid,
            "timeStamp": str(timestamp),
            "nonceStr": nonce_str,
            "package": package,
            "signType": "RSA",
            "paySign": self.sign(f"{appid}\n{timestamp}\n{nonce_str}\n{package}\n".encode()),
        }

    def app_params(self, *, appid: str, prepay_id: str, timestamp: int, nonce_str: str) -> dict[str, str]:
        """What a mobile app hands to WeChat's OpenSDK, as the members of its PayReq; the bare prepay_id is signed here.

        `packageValue` is `package` on iOS.
        """
        return {
            "appId": appid,
            "partnerId": self.mchid,
            "prepayId": prepay_id,
            "packageValue": "Sign=WXPay",
            "nonceStr": nonce_str,
            "timeStamp": str(timestamp),
            "sign": self.sign(f"{appid}\n{timestamp}\n{nonce_str}\n{prepay_id}\n".encode()),
        }
