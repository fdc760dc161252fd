"""AWS clients with timeouts that fit WeChat Pay's five seconds; pynamodb's own are set in `tables`."""

from typing import Any

from botocore.config import Config


def client(service: str, session: Any, endpoint: str | None = None, *, attempts: int = 3) -> Any:
    """A client of one AWS service on a botocore session; region, credentials and endpoint come from the environment.

    `endpoint` is for a service that each stack has at an address of its own. Each of its `attempts` waits a second for a
    connection and a second for the answer.
    """
    retries = {"total_max_attempts": attempts, "mode": "standard"}
    timeouts = Config(connect_timeout=1, read_timeout=1, retries=retries)
    return session.create_client(service, config=timeouts, endpoint_url=endpoint)
