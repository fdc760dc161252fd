"""A WeChat Pay APIv3 on a loopback port, for anybody's client: it verifies, answers, signs and notifies.

Read first of `python -m wechatpay_simulator`, by any Python 3: it says what to do where the rest cannot run. The rest is
imported when it is asked for: a test suite that has the pytest plugin, and does not use it, pays nothing.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wechatpay_simulator.clock import Clock
    from wechatpay_simulator.credentials import Credentials, CredentialsError
    from wechatpay_simulator.simulator import Simulator
    from wechatpay_simulator.testing.server import WechatPayServer
    from wechatpay_simulator.testing.wechatpay import WechatPay

_GET_ALL = "its wheel, which `make packages` in its repository writes, brings all; there also `make setup`, and then .venv/bin/python"
_MODULES = {
    "Clock": "clock",
    "Credentials": "credentials",
    "CredentialsError": "credentials",
    "Simulator": "simulator",
    "WechatPay": "testing.wechatpay",
    "WechatPayServer": "testing.server",
}

# So it is while a command's module is looked for (Python reference, Command line, -m).
if sys.argv[:1] == ["-m"] and sys.version_info < (3, 11):
    sys.exit(f"wechatpay_simulator: needs Python 3.11 or newer, and {sys.executable} is older; {_GET_ALL}")

if sys.argv[:1] == ["-m"]:
    try:
        import_module("wechatpay_simulator.simulator")
    except ModuleNotFoundError as problem:
        if (problem.name or "").startswith("wechatpay_simulator"):
            raise
        sys.exit(f"wechatpay_simulator: {sys.executable} has no package {problem.name}; {_GET_ALL}")

__all__ = ["Clock", "Credentials", "CredentialsError", "Simulator", "WechatPay", "WechatPayServer"]
__version__ = "1.0.0"


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
