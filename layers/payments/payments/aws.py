"""AWS clients with timeouts that fit WeChat Pay's five seconds; pynamodb's own are set in `tables`."""

from typing import Any

from botocore.config import Config

_TIMEOUTS = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 3, "mode": "standard"})


def client(service: str, session: Any, endpoint: str | None = None) -> Any:
    """A client of one AWS service on a botocore session; region, credentials and endpoint come from the environment.

    `endpoint` is for a service that each stack has at an address of its own.
    """
    return session.create_client(service, config=_TIMEOUTS, endpoint_url=endpoint)
