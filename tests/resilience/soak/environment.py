"""What template.yaml gives its functions as environment, with names in the place of resources: nothing is deployed."""

from typing import Any

from sandbox.cloudformation.intrinsics import Resolver
from sandbox.cloudformation.template import checked, parameters_of, transformed
from tests.kit.parameters import NEEDED, TEMPLATE
from tests.kit.secrets import CHECKOUT, QUOTE_KEY, signing, verification
from wechatpay_simulator import Credentials

PARAMETERS = NEEDED | {
    "DueShards": "1",
    "RefundsPerDay": "1000000",
    "SettleConcurrency": "2",
    "Stage": "soak",
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
        "SigningSecret": signing(credentials),
        "VerificationSecret": verification(credentials, WECHAT_QUOTE_KEY=QUOTE_KEY),
        "CheckoutSecret": CHECKOUT,
    }


def parameters(credentials: Credentials) -> dict[str, str]:
    """The template's parameters for this merchant."""
    return PARAMETERS | {"WeChatAppId": credentials.appid, "WeChatMchId": credentials.mchid}
