"""A WeChat Pay APIv3 on a loopback port, for anybody's client: it verifies, answers, signs and notifies."""

from sandbox.simulator.clock import Clock
from sandbox.simulator.credentials import Credentials, CredentialsError
from sandbox.simulator.simulator import Simulator

__all__ = ["Clock", "Credentials", "CredentialsError", "Simulator"]
