"""A WeChat Pay APIv3 on a loopback port, for anybody's client: it verifies, answers, signs and notifies.

Read first of `python -m wechatpay_simulator`, by any Python 3: it says what to do where the rest cannot run.
"""

import sys

_GET_ALL = "`pip install wechatpay-simulator` brings all, or in its repository `make setup`, and then .venv/bin/python"

if sys.argv[:1] == ["-m"] and sys.version_info < (3, 11):
    sys.exit(f"wechatpay_simulator: needs Python 3.11 or newer, and {sys.executable} is older; {_GET_ALL}")

try:
    from wechatpay_simulator.clock import Clock
    from wechatpay_simulator.credentials import Credentials, CredentialsError
    from wechatpay_simulator.simulator import Simulator
except ModuleNotFoundError as problem:
    # So it is while a command's module is looked for (Python reference, Command line, -m).
    if sys.argv[:1] != ["-m"] or (problem.name or "").startswith("wechatpay_simulator"):
        raise
    sys.exit(f"wechatpay_simulator: {sys.executable} has no package {problem.name}; {_GET_ALL}")

__all__ = ["Clock", "Credentials", "CredentialsError", "Simulator"]
__version__ = "1.0.0"
