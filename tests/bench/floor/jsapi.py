"""POST …/jsapi on the floor."""

import os
import secrets
import time

from answers import data
from opening import open_order
from wechat_pay import sign


def lambda_handler(event, _context):
    """Open the order, sign what WeChat's cashier is opened with."""
    prepay_id, members = open_order(event, "jsapi")
    if prepay_id is None:
        return members
    appid, timestamp, nonce = os.environ["WECHAT_APP_ID"], str(int(time.time())), secrets.token_hex(16)
    package = f"prepay_id={prepay_id}"
    params = {
        "appId": appid,
        "timeStamp": timestamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": sign(appid, timestamp, nonce, package),
    }
    return data({**members, "prepayId": prepay_id, "paymentParams": params})
