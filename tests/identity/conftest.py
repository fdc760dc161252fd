"""Sandboxes whose stacks call their scopes differently."""

import secrets
from collections.abc import Callable, Iterator

import pytest

from tests.identity.callers import NAMES, ORDER, Callers
from tests.kit.running import Running


@pytest.fixture(scope="session", params=NAMES)
def callers(request: pytest.FixtureRequest) -> Iterator[Callers]:
    names = NAMES[request.param]
    parameters = {f"{right.capitalize()}Scope": name for right, name in names.items()}
    with Running(parameters=parameters, schedules=False) as sandbox:
        yield Callers(sandbox, names)


@pytest.fixture
def buyer() -> str:
    return f"buyer-{secrets.token_hex(6)}"


@pytest.fixture
def order(callers: Callers, buyer: str) -> Callable[[], str]:
    """Opens an order of the buyer's, by the backend; its number."""

    def open_one() -> str:
        answer = callers.call(callers.token("shop", "charge"), "native", {**ORDER, "userId": buyer})
        number: str = answer.json()["data"]["outTradeNo"]
        return number

    return open_one
