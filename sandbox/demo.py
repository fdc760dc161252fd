"""One payment told on the console, then a shop to click through: `python -m sandbox.demo [--port N] [--once]`."""

import argparse
import io
import sys
import time

import requests

from sandbox.__main__ import port_number
from sandbox.commands.narrator import StepFailedError
from sandbox.commands.walk import Walk
from sandbox.stack import Sandbox
from wechatpay_simulator.signals import listen, until_told_to_stop


def main() -> int:
    """Start the sandbox, walk, and stay open unless told otherwise. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument(
        "--port", type=port_number, default=8000, help="the API's and the shop's port; 0 picks one"
    )
    parser.add_argument("--once", action="store_true", help="exit after the walk (on a free port)")
    wanted = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")

    started = time.monotonic()
    try:
        sandbox = Sandbox(port=0 if wanted.once else wanted.port)
    except OSError:
        print(f"demo: port {wanted.port} is taken; choose another one: make demo PORT=8001", file=sys.stderr)
        return 1
    with sandbox:
        print(f"WeChat Pay on this machine, ready after {time.monotonic() - started:.1f} s")
        print(f"  the API, as template.yaml deploys it   {sandbox.api}")
        print(f"  WeChat Pay, a simulator that signs     {sandbox.simulator}")
        print(f"  AWS, each function under its own role  {sandbox.aws.url}")
        if not _walked(sandbox):
            return 1
        if not wanted.once:
            listen()
            print(f"\nNow buy something yourself: {sandbox.api}  (Ctrl-C ends it)", flush=True)
            until_told_to_stop()
    return 0


def _walked(sandbox: Sandbox) -> bool:
    try:
        Walk(sandbox, sys.stdout).run()
    except (StepFailedError, requests.RequestException) as failure:
        print(f"   ✗ {failure}", flush=True)
        print("demo: the walk failed; what the functions wrote:", file=sys.stderr)
        for name in sandbox.deployed.functions:
            print(sandbox.lambdas.logs(name), file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # Ctrl-C in the middle of the walk
        sys.exit(130)
