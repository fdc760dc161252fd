"""WeChat Pay by wechatpayv3, with secrets by Powertools' parameters.

wechatpayv3 calls `requests.get` and `requests.post`, which make a new connection for each call. Here they are a session's,
or TLS handshakes alone would decide the comparison.
"""

import json
import os
from functools import cache

import requests
import wechatpayv3.core
from aws_lambda_powertools.utilities import parameters
from wechatpayv3 import WeChatPay, WeChatPayType

wechatpayv3.core.requests = requests.Session()


def secret(variable):
    """The members of the secret whose id this variable of the environment has, kept for five minutes."""
    return parameters.get_secret(os.environ[variable], transform="json", max_age=300)


@cache
def wechat_pay():
    """The client."""
    signing, verification = secret("SIGNING_SECRET"), secret("VERIFICATION_SECRET")
    return WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=os.environ["WECHAT_MCH_ID"],
        private_key=signing["WECHAT_PRIVATE_KEY"],
        cert_serial_no=signing["WECHAT_CERT_SERIAL_NO"],
        appid=os.environ["WECHAT_APP_ID"],
        apiv3_key=verification["WECHAT_API_V3_KEY"],
        notify_url=os.environ["WECHAT_NOTIFY_URL"],
        public_key=verification["WECHAT_PUBLIC_KEY"],
        public_key_id=verification["WECHAT_PUBLIC_KEY_ID"],
        timeout=(2, 5),
    )


def told(answer):
    """The members of WeChat Pay's answer, where it is one of success."""
    status, message = answer
    if status not in (200, 204):
        raise RuntimeError(f"WeChat Pay answered {status}")
    return json.loads(message or "{}")
