"""A clock that moves only when it is moved, for whoever counts what happens in a time."""

import time

from wechatpay_simulator import Clock


class Standing(Clock):
    """Begins at the machine's time, in whole seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.now = float(int(time.time()))

    def time(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
