"""`make exam`: the whole stack on this machine, examined as anybody's backend is. Options are the exam's own."""

import os
import subprocess
import sys
from pathlib import Path

from sandbox.stack import NOTIFY_PATH
from tests.kit.running import Running

ASKING = Path(__file__).with_name("asking.py")
PATIENCE_SECONDS = 20  # the API asks WeChat Pay about one order every two seconds at most


def examine(*words: str) -> int:
    """The exit status of its exam, with a sandbox of its own; `words` are further options."""
    with Running(schedules=False) as sandbox:
        commands = [
            word
            for name in ("order", "status", "refund", "close")
            for word in (f"--{name}", f'"{sys.executable}" -I -S "{ASKING}" {name}')
        ]
        return subprocess.run(
            [
                *(sys.executable, "-m", "wechatpay_simulator", "exam"),
                *("--notify", sandbox.api + NOTIFY_PATH),
                *("--simulator", sandbox.simulator, "--credentials", str(sandbox.credentials_path)),
                *("--patience", str(PATIENCE_SECONDS)),
                *commands,
                *words,
            ],
            env={**os.environ, "API": sandbox.api},
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(examine(*sys.argv[1:]))
