"""What template.yaml gives its functions as environment, with names in the place of resources: nothing is deployed."""

from typing import Any

from sandbox.cloudformation.intrinsics import Resolver
from sandbox.cloudformation.template import checked, parameters_of, transformed
from sandbox.simulator import Credentials
from tests.kit.dynamodb import TEMPLATE

PARAMETERS = {
    "WeChatAppId": "wx8888888888888888",
    "WeChatMchId": "1900000109",
    "WeChatNotifyUrl": "https://pay.example.com/api/v1/payments/wechat/notify",  # not ours: the window is the courier
    "JwtIssuer": "https://issuer.example.com",
    "JwtAudience": "payments",
    "DueShards": "1",
    "RefundsPerDay": "1000000",
    "SettleConcurrency": "2",
    "Stage": "soak",
    "Release": "1",
}


def environment(parameters: dict[str, str]) -> dict[str, str]:
    """Every function's variables together; a table, secret, bus or bucket is its logical id, a queue a URL with it."""
    template = transformed(TEMPLATE)
    resources = template["Resources"]

    def ref(name: str) -> str:
        queue = resources.get(name, {}).get("Type") == "AWS::SQS::Queue"
        return f"https://sqs.example.com/{name}" if queue else name

    resolver = Resolver(
        {
            **checked(parameters_of(TEMPLATE), parameters),
            "AWS::StackName": "soak",
            "AWS::Region": "us-east-1",
        },
        conditions=template.get("Conditions", {}),
        mappings=template.get("Mappings", {}),
        ref=ref,
        attribute=lambda logical_id, name: f"{logical_id}.{name}",
    )
    found: dict[str, str] = {}
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::Function":
            variables: dict[str, Any] = resource["Properties"].get("Environment", {}).get("Variables", {})
            found |= {name: str(resolver.value(value)) for name, value in variables.items()}
    return found


def secrets(credentials: Credentials) -> dict[str, dict[str, Any]]:
    """The stack's secrets of this merchant, by logical id."""
    return {
        "SigningSecret": {
            "WECHAT_PRIVATE_KEY": credentials.merchant_private_key,
            "WECHAT_CERT_SERIAL_NO": credentials.merchant_serial_no,
        },
        "VerificationSecret": {
            "WECHAT_API_V3_KEY": credentials.api_v3_key,
            "WECHAT_PUBLIC_KEY_ID": credentials.wechat_public_key_id,
            "WECHAT_PUBLIC_KEY": credentials.wechat_public_key,
            "WECHAT_QUOTE_KEY": "q" * 32,
        },
        "CheckoutSecret": {"CHECKOUT_KEY": "c" * 64},
    }


def parameters(credentials: Credentials) -> dict[str, str]:
    """The template's parameters for this merchant."""
    return PARAMETERS | {"WeChatAppId": credentials.appid, "WeChatMchId": credentials.mchid}
