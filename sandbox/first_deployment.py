"""What an operator does when the stack is first deployed: parameters chosen, secrets written. Here for the simulator's merchant."""

import json
from typing import Any

from sandbox.aws.aws import Aws
from sandbox.deployed import Deployed
from sandbox.tokens import Tokens
from wechatpay_simulator import Credentials


def chosen_parameters(
    merchant: Credentials,
    tokens: Tokens,
    *,
    api: str,
    notify_url: str,
    simulator: str,
    open_platform: str,
    shop_name: str,
) -> dict[str, str]:
    """The template's parameters by name; `api`, `simulator` and `open_platform` are base URLs."""
    return {
        "Stage": "sandbox",
        "Release": "sandbox",
        "WeChatAppId": merchant.appid,
        "WeChatApps": f"shop={merchant.appid},mini={merchant.mini_program_appid},mobile={merchant.mobile_appid}",
        "WeChatMchId": merchant.mchid,
        "WeChatNotifyUrl": notify_url,
        "WeChatGateway": simulator,
        "WeChatBackupGateway": simulator,
        "WeChatGatewaysAllowed": simulator,
        "WeChatMiniPrograms": "mini",
        "WeChatOpenPlatform": open_platform,
        "WeChatOpenPlatformsAllowed": open_platform,
        "WeChatAuthorizeOrigin": open_platform,
        "JwtIssuer": tokens.issuer,
        "JwtAudience": tokens.audience,
        "DueShards": "4",
        "AllowedOrigins": api,
        "ReturnOrigins": api,
        "MerchantName": shop_name,
        "AlarmEmail": "operator@shop.example",
    }


def write_secrets(aws: Aws, deployed: Deployed, merchant: Credentials, tokens: Tokens, *, mode: str) -> None:
    """Write those secrets that the template has: several, so that notify cannot read the signing key.

    `mode` is what WeChat Pay signs with: `pubkey`, `cert`, or `mixed` for both.
    """
    verification: dict[str, Any] = {
        "WECHAT_API_V3_KEY": merchant.api_v3_key,
        "WECHAT_QUOTE_KEY": tokens.quote_key,
    }
    if mode in {"pubkey", "mixed"}:
        verification["WECHAT_PUBLIC_KEY_ID"] = merchant.wechat_public_key_id
        verification["WECHAT_PUBLIC_KEY"] = merchant.wechat_public_key
    if mode != "pubkey":
        verification["WECHAT_PLATFORM_CERTIFICATES"] = [merchant.platform_certificate]
    signing = {
        "WECHAT_PRIVATE_KEY": merchant.merchant_private_key,
        "WECHAT_CERT_SERIAL_NO": merchant.merchant_serial_no,
        "WECHAT_CERTIFICATE": merchant.merchant_certificate,
        "WECHAT_API_KEY": "unused-by-version-3",
    }
    apps = {
        "WECHAT_APP_SECRET": merchant.app_secret,
        "WECHAT_APP_SECRET_MINI": merchant.mini_program_secret,
    }
    contents = {"SigningSecret": signing, "VerificationSecret": verification, "AppsSecret": apps}
    for name, content in contents.items():
        if name in deployed.refs:
            aws.client("secretsmanager").put_secret_value(
                SecretId=deployed.refs[name], SecretString=json.dumps(content)
            )
