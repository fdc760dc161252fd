"""The small backend as a program, as `--run` starts it: what the exam tells it in the environment is all that it knows.

`python -m tests.exam.program [FLAG …]`; it writes its process id to the file that `PID_FILE` names.
"""

import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.exam.backend import running
from tests.simulator.merchant import Merchant
from wechatpay_simulator import Clock, Credentials

if __name__ == "__main__":
    port = urlsplit(os.environ["NOTIFY_URL"]).port or 0
    known = Credentials.load_or_create(os.environ["WECHATPAY_CREDENTIALS"])
    if "PID_FILE" in os.environ:
        Path(os.environ["PID_FILE"]).write_text(str(os.getpid()))
    with running(
        Merchant(os.environ["WECHATPAY_URL"], known, Clock()), port, **dict.fromkeys(sys.argv[1:], True)
    ):
        while True:
            time.sleep(60)
