"""`make exam`: the whole stack on this machine, examined as anybody's backend is. Options are the exam's own."""

import os
import sys
from pathlib import Path

from sandbox.stack import NOTIFY_PATH
from tests.kit.running import Running
from wechatpay_simulator.__main__ import main

ASKING = Path(__file__).with_name("asking.py")
PATIENCE_SECONDS = 20  # the API asks WeChat Pay about one order every two seconds at most


def examine(*words: str) -> int:
    """The exit status of its exam, with a sandbox of its own; `words` are further options."""
    with Running(schedules=False) as sandbox:
        os.environ["API"] = sandbox.api
        commands = [
            word
            for name in ("order", "status", "refund", "close")
            for word in (f"--{name}", f'"{sys.executable}" -I -S "{ASKING}" {name}')
        ]
        return main(
            [
                "exam",
                *("--notify", sandbox.api + NOTIFY_PATH),
                *("--simulator", sandbox.simulator, "--credentials", str(sandbox.credentials_path)),
                *("--patience", str(PATIENCE_SECONDS)),
                *commands,
                *words,
            ]
        )


if __name__ == "__main__":
    sys.exit(examine(*sys.argv[1:]))
