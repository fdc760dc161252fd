"""Presigned addresses: what a request's headers say otherwise stands in its query (SigV4, Amazon S3 API Reference)."""

from calendar import timegm
from collections.abc import Mapping
from time import strptime, time
from typing import Any
from urllib.parse import parse_qs

from sandbox.aws.access_control import RefusedError


def opened(environ: Mapping[str, Any]) -> dict[str, str]:
    """The headers that a presigned address stands for, as WSGI has them; none where the address is not presigned.

    Raises RefusedError when its time is over, by the machine's own clock, which is the one that AWS's SDKs sign by. As with headers, the
    signature itself is not checked here.
    """
    asked = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    if "HTTP_AUTHORIZATION" in environ or "X-Amz-Credential" not in asked:
        return {}
    signed_at = timegm(strptime(asked["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))
    if time() > signed_at + int(asked["X-Amz-Expires"]):
        raise RefusedError("AccessDenied", "Request has expired", 403)
    headers = {"HTTP_AUTHORIZATION": f"Credential={asked['X-Amz-Credential']}"}
    token = asked.get("X-Amz-Security-Token")
    return headers if token is None else headers | {"HTTP_X_AMZ_SECURITY_TOKEN": token}
