"""Whatever the moment at which it comes, a signal ends the wait."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import signal
from wechatpay_simulator.signals import listen, until_told_to_stop
listen(signal.SIGALRM)
for count in range(20_000):
    signal.setitimer(signal.ITIMER_REAL, 1e-5 + 1e-6 * (count % 40))
    until_told_to_stop()
print("ended")
"""


def test_a_signal_in_the_very_moment_in_which_the_wait_begins_ends_it():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=True,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        timeout=30,
    )
    assert done.stdout == b"ended\n"
