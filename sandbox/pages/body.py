"""The JSON object that a page sends to its backend."""

import json

from starlette.requests import Request

MAX_BODY_BYTES = 4096


async def members(request: Request) -> dict[str, object]:
    """The body's members; none when it is not a JSON object, or over 4 KB."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            return {}
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
