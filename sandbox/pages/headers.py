"""What every answer of the pages carries: nothing from elsewhere, nothing inline, nothing kept."""

from typing import Any

from starlette.responses import JSONResponse

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
}


def told(members: dict[str, Any], status: int = 200) -> JSONResponse:
    """A JSON answer."""
    return JSONResponse(members, status, headers=HEADERS)


def refused(status: int, code: str, sentence: str) -> JSONResponse:
    """A refusal in the API's own form."""
    return told({"error": sentence, "code": code, "details": {}}, status)
