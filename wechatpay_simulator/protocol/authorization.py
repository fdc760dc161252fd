"""Who calls: the Authorization header of WeChat Pay APIv3, its fields, its clock window and its signature."""

import re
from dataclasses import dataclass

from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.protocol.merchant_keys import MerchantKeys
from wechatpay_simulator.protocol.refusals import Refusal, sign_error
from wechatpay_simulator.protocol.signing import SCHEME, MerchantKey, signed_text

MAX_CLOCK_SKEW_SECONDS = 300  # both ways

_FIELDS = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}
_FIELD = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*')
_TIMESTAMP = re.compile(r"[0-9]{1,15}")
_SHOWN = 512  # characters of the signed text that a refusal shows


@dataclass(frozen=True)
class Authorization:
    """The five fields that a merchant sends (WeChat Pay APIv3, Signature generation: setting the HTTP header)."""

    mchid: str
    nonce_str: str
    signature: str
    timestamp: str
    serial_no: str

    @classmethod
    def parse(cls, header: str) -> "Authorization":
        """The fields, in whichever order they came. Raises a SIGN_ERROR refusal unless all five are there, once each."""
        scheme, _, text = header.strip().partition(" ")
        if not text or not scheme:
            raise _ill_formed()
        if scheme != SCHEME:
            raise sign_error("Http头Authorization认证类型不正确")
        values: dict[str, str] = {}
        for part in text.split(","):
            field = _FIELD.fullmatch(part)
            if field is None or field[1] in values or not field[2]:
                raise _ill_formed()
            values[field[1]] = field[2]
        if values.keys() != _FIELDS or not _TIMESTAMP.fullmatch(values["timestamp"]):
            raise _ill_formed()
        return cls(**values)


class Gatekeeper:
    """Lets in what this merchant signed within five minutes of the simulator's clock."""

    def __init__(self, mchid: str, keys: MerchantKeys, clock: Timepiece) -> None:
        self._mchid = mchid
        self._keys = keys
        self._clock = clock

    def authenticate(self, header: str, *, method: str, target: bytes, body: bytes) -> MerchantKey:
        """The key that it is signed with, when the signature holds over METHOD, path?query as on the wire, timestamp, nonce and raw body.

        Raises a 401 SIGN_ERROR refusal otherwise. The clock is looked at before serial number and signature, as WeChat Pay
        itself does.
        """
        caller = Authorization.parse(header)
        if abs(self._clock.time() - int(caller.timestamp)) > MAX_CLOCK_SKEW_SECONDS:
            raise sign_error("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
        if caller.mchid != self._mchid:
            raise sign_error("签名错误")
        key = self._keys.find(caller.serial_no)
        if key is None:
            raise sign_error("商户证书序列号有误。请使用签名私钥匹配的证书序列号")
        text = signed_text(
            method.encode(), target, caller.timestamp.encode(), caller.nonce_str.encode(), body
        )
        if not key.signed(text, caller.signature):
            raise _not_matching(text, method=method, target=target)
        return key


def _ill_formed() -> Refusal:
    return sign_error("Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》")


def _not_matching(text: bytes, *, method: str, target: bytes) -> Refusal:
    """The diagnostic body that developers see when their signed text is not WeChat Pay's."""
    return sign_error(
        "错误的签名，验签失败",
        {
            "detail": {"issue": "sign not match"},
            "field": "signature",
            "location": "authorization",
            "sign_information": {
                "method": method,
                "sign_message_length": len(text),
                "truncated_sign_message": text.decode("utf-8", "replace")[:_SHOWN],
                "url": target.decode("latin-1"),
            },
        },
    )
