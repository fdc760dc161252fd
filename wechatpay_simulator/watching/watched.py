"""An ASGI application whose answers are written down; what it remarks on a request stands in the same line."""

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wechatpay_simulator.watching.log import Log, shown_target

_REMARKS = "simulator.remarks"  # in the scope: a list of texts, for whoever handles the request


class Watched:
    """`app`, and one line of `log` for each HTTP request, before its answer leaves."""

    def __init__(self, app: ASGIApp, log: Log) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        remarks: list[str] = []
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True  # whoever has the answer finds the line
                self._log.line(_line(scope, str(message["status"]), remarks))
            await send(message)

        try:
            await self._app({**scope, _REMARKS: remarks}, receive, noted)
        finally:
            if not has_begun:
                self._log.line(_line(scope, "no answer", remarks))


def _line(scope: Scope, became: str, remarks: list[str]) -> str:
    target = shown_target(scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1"))
    said = f"{scope['method']} {target} {became}"
    return f"{said}: {'; '.join(remarks)}" if remarks else said


def is_watched(scope: Scope) -> bool:
    """Whether a remark would be read by anybody."""
    return _REMARKS in scope


def remark(scope: Scope, text: str) -> None:
    """Say something of this request to the log, if there is one."""
    remarks: Any = scope.get(_REMARKS)
    if remarks is not None:
        remarks.append(text)
