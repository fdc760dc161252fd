"""What a mini program's backend gets for a code."""

import base64
import secrets
from typing import Any

from wechatpay_simulator.openplatform.apps import Apps
from wechatpay_simulator.openplatform.codes import Grant


def session(apps: Apps, grant: Grant) -> dict[str, Any]:
    """openid, unionid and a new session key, which its backend must not let out (WeChat, code2Session)."""
    return {
        "session_key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "openid": apps.openid(grant.appid, grant.person),
        "unionid": apps.unionid(grant.person),
    }
