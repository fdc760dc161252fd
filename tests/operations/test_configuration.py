"""What is read of a stack that was deployed by an older version."""

from types import SimpleNamespace
from typing import Any

import pytest

from operations.configuration import PARAMETERS, parameters
from operations.stack import CannotError, Stack

NEWER = {
    *("WECHAT_APPS", "WECHAT_MINI_PROGRAMS"),
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


def test_a_parameter_that_came_later_is_absent() -> None:
    older = {parameter for name, parameter in PARAMETERS.items() if name not in NEWER}
    assert parameters(DeployedStack(older)).keys() == PARAMETERS.keys() - NEWER


def test_a_stack_without_one_that_always_was_is_not_ours() -> None:
    with pytest.raises(CannotError, match="has no parameter WeChatMchId"):
        parameters(DeployedStack(set(PARAMETERS.values()) - {"WeChatMchId"}))
