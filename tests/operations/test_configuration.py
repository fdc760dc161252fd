"""What is read of a stack that was deployed by an older version."""

from types import SimpleNamespace
from typing import Any

import pytest

from operations.configuration import DEFAULTS, PARAMETERS, parameters_of
from operations.stack import CannotError, Stack

NEWER = {
    *("WECHAT_APPS", "CLIENT_ADDRESS_FROM", "WECHAT_MINI_PROGRAMS"),
    *("WECHAT_OPEN_PLATFORM", "WECHAT_OPEN_PLATFORMS_ALLOWED"),
}


class DeployedStack(Stack):
    """One that CloudFormation knows with these parameters."""

    def __init__(self, names: set[str]) -> None:
        super().__init__("wechatpay-dev", {}, {})
        told = [{"ParameterKey": name, "ParameterValue": f"its {name}"} for name in names]
        self._answer = {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Parameters": told}]}

    def client(self, service: str) -> Any:
        assert service == "cloudformation"
        return SimpleNamespace(describe_stacks=lambda **_: self._answer)


def test_a_parameter_that_came_later_has_its_default() -> None:
    older = {parameter for name, parameter in PARAMETERS.items() if name not in NEWER}
    found = parameters_of(DeployedStack(older))
    assert found.keys() == PARAMETERS.keys()
    assert {name: found[name] for name in NEWER} == {name: DEFAULTS[name] for name in NEWER}


def test_a_stack_without_one_that_always_was_is_not_ours() -> None:
    with pytest.raises(CannotError, match="has no parameter WeChatMchId"):
        parameters_of(DeployedStack(set(PARAMETERS.values()) - {"WeChatMchId"}))
