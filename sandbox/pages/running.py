"""What the pages need of a sandbox."""

from typing import Protocol

from sandbox.clock import Clock
from sandbox.tokens import Tokens
from wechatpay_simulator import Credentials


class Running(Protocol):
    """A sandbox; `simulator`, `credentials` and `merchant_name` are there once it is started."""

    api: str
    simulator: str
    credentials: Credentials
    merchant_name: str
    tokens: Tokens
    clock: Clock
