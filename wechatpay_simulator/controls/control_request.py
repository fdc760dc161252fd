"""What a control is called with, and how it says no: a sentence for whoever called, never a stack trace."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

Handler = Callable[[Request], Awaitable[Response]]


class ControlError(Exception):
    """A control was called with something that it does not understand; the text is a sentence for the caller."""


class NotPossibleError(Exception):
    """What a control asks for cannot be done now. `status` is an HTTP status, `code` a word, the text a sentence."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


async def members(request: Request, known: set[str]) -> dict[str, Any]:
    """The body's JSON object. Raises ControlError for anything else, and for a member that is not `known`."""
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise ControlError("The body is not JSON.") from None
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ControlError("The body has half of a surrogate pair: that is no character.") from None
    if not isinstance(body, dict):
        raise ControlError("The body is not a JSON object.")
    if unknown := sorted(body.keys() - known):
        raise ControlError(f"There is no member {unknown[0]!r} here; known are {', '.join(sorted(known))}.")
    return body


def told(handler: Handler) -> Handler:
    """The handler, with ControlError as a 400 and NotPossibleError as what it says, each with its sentence."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except ControlError as bad:
            return failure(400, "BAD_CONTROL", str(bad))
        except NotPossibleError as refused:
            return failure(refused.status, refused.code, str(refused))
        except ClientDisconnect:  # nobody reads this
            return failure(400, "BAD_CONTROL", "The body has no end.")

    return handle


def failure(status: int, code: str, sentence: str) -> Response:
    """A control's refusal: `code` for programs, the sentence for people."""
    return JSONResponse({"error": sentence, "code": code}, status_code=status)
