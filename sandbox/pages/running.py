"""What the pages need of a sandbox."""

from typing import Protocol

from sandbox.clock import Clock
from sandbox.simulator import Credentials
from sandbox.tokens import Tokens


class Running(Protocol):
    """A sandbox; `simulator` and `credentials` are there once it is started."""

    api: str
    simulator: str
    credentials: Credentials
    tokens: Tokens
    clock: Clock
