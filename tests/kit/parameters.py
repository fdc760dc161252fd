"""What tests deploy the template with, unless they are about its parameters."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
NEEDED = {
    "Stage": "test",
    "Release": "1",
    "WeChatAppId": "wx8888888888888888",
    "WeChatMchId": "1900000109",
    "WeChatNotifyUrl": "https://pay.example.com/api/v1/payments/wechat/notify",
    "JwtIssuer": "https://issuer.example.com",
    "JwtAudience": "payments",
}
"""Those without a default. Nobody is at the notify URL: whoever wants notifications delivered is the courier."""
PARAMETERS = NEEDED | {"DueShards": "4"}
