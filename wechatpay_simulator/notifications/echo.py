"""POST /v3/security/echo: a merchant tries signatures, encryption and notifications of both sides, without any money."""

import base64
import re
from typing import Any

from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.notifications.courier import Courier
from wechatpay_simulator.notifications.notification import echo_notification
from wechatpay_simulator.orders.order_request import NOTIFY_URL
from wechatpay_simulator.protocol.call import Answer, Call, Endpoint, Fields
from wechatpay_simulator.protocol.fields import Structure, Text
from wechatpay_simulator.protocol.json_body import unchecked
from wechatpay_simulator.protocol.keys import Keys
from wechatpay_simulator.protocol.merchant_keys import MerchantKeys
from wechatpay_simulator.protocol.sensitive import named_key, opened

_NO_LIMIT = 2**20  # bytes; none is documented, and a body ends there

_ENCRYPTED = Text("平台证书或微信支付公钥加密测试字段", _NO_LIMIT, required=False)
_ECHO = Structure(
    "请求",
    {
        "notify_url": Text("商户回调地址", 256, pattern=NOTIFY_URL, required=False),
        "echo_message": Text("回显信息", _NO_LIMIT),
        "encrypted_echo_message": _ENCRYPTED,
    },
)


class Echo:
    """Says again what it was told, to the caller and, where the call says so, to its notify_url."""

    def __init__(
        self, *, keys: Keys, merchant_keys: MerchantKeys, courier: Courier, clock: Timepiece
    ) -> None:
        self._keys = keys
        self._merchant_keys = merchant_keys
        self._courier = courier
        self._clock = clock

    def endpoints(self) -> list[Endpoint]:
        """What the gateway routes here."""
        return [Endpoint("echo", "POST", re.compile("/v3/security/echo"), self.echo, Fields(body=_ECHO))]

    def echo(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Testing signatures and encryption: the message as it came, the encrypted one encrypted anew.

        For the merchant, that is: with the certificate whose key signed the call. Raises the refusals of a body or a
        Wechatpay-Serial that will not do; nobody is notified then.
        """
        request = unchecked(call)
        key = named_key(call, self._keys)
        call.fields.body.check(request, "")
        said: dict[str, Any] = {"echo_message": request["echo_message"]}
        secret: bytes | None = None
        if "encrypted_echo_message" in request:
            secret = opened(request["encrypted_echo_message"], _ENCRYPTED, "/encrypted_echo_message", key)
        if "notify_url" in request:
            # Here the member has another name.
            told = said if secret is None else said | {"encrypt_echo_message": _encrypted(secret, call)}
            self._courier.send(
                echo_notification(
                    told,
                    request["notify_url"],
                    serial=key.serial,
                    api_v3_key=self._merchant_keys.api_v3_key,
                    now=self._clock.time(),
                )
            )
        if secret is None:
            return Answer(said)
        return Answer(said | {"encrypted_echo_message": _encrypted(secret, call)})


def _encrypted(secret: bytes, call: Call) -> str:
    return base64.b64encode(call.merchant_key.encrypted(secret)).decode("ascii")
