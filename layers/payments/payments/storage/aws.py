"""AWS clients with timeouts that fit WeChat Pay's five seconds; pynamodb's own are set in `tables`."""

import os
from typing import Any

from botocore.config import Config

from payments.storage.sdk.session import making, session


def timeout_seconds() -> int:
    """How long one attempt waits for a connection, and again for the answer: one second, as WeChat Pay waits five for ours.

    `AWS_TIMEOUT_SECONDS` is for a stand-in of AWS on a busy laptop, which may be slower than AWS.
    """
    return int(os.environ.get("AWS_TIMEOUT_SECONDS", "1"))


def client(
    service: str, endpoint: str | None = None, *, attempts: int = 3, seconds: int | None = None
) -> Any:
    """A client of one AWS service on the process's session; region, credentials and endpoint come from the environment.

    `endpoint` is for a service that each stack has at an address of its own. Each of its `attempts` waits
    `timeout_seconds` for a connection and as long for the answer, or as many `seconds` for that as are given.
    """
    retries = {"total_max_attempts": attempts, "mode": "standard"}
    usual = timeout_seconds()
    timeouts = Config(connect_timeout=usual, read_timeout=max(usual, seconds or 0), retries=retries)
    if service == "s3":  # presigned addresses too: by themselves some would be by an older scheme
        timeouts = timeouts.merge(Config(signature_version="s3v4"))
    with making:
        return session().create_client(service, config=timeouts, endpoint_url=endpoint)
