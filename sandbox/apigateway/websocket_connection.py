"""One open WebSocket: from its acceptance until either side, or API Gateway's patience, ends it."""

import asyncio
import json
from typing import Any

from starlette.types import Receive, Send

from sandbox.apigateway.websocket_events import Opened
from sandbox.tokens import Time

IDLE_LIMIT, LIFE_LIMIT = 600, 7200
"""Seconds without a message, and in all (API Gateway quotas for WebSocket APIs)."""
NO_STATUS, NORMAL, GOING_AWAY = 1005, 1000, 1001


class Connection:
    """An accepted connection. Everything here runs in the server's own loop."""

    def __init__(self, opened: Opened, receive: Receive, send: Send, *, clock: Time) -> None:
        self.opened = opened
        self.last_active = opened.at
        self._receive, self._send, self._clock = receive, send, clock
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()  # messages; None: look again
        self._ending: int | None = None

    async def post(self, text: str) -> None:
        """Send one text message. Raises OSError when the other side is gone."""
        self.last_active = self._clock.time()
        await self._send({"type": "websocket.send", "text": text})

    def end(self, code: int) -> None:
        """Close it from our side."""
        self._ending = code
        self.look()

    def look(self) -> None:
        """Something has changed: time, or somebody's will."""
        self._inbox.put_nowait(None)

    async def run(self) -> tuple[int, str]:
        """Serve it to its end; the code and reason that it ended with."""
        reader = asyncio.create_task(self._read())
        try:
            while True:
                left = self._left()
                if self._ending is not None or left <= 0:
                    code = GOING_AWAY if self._ending is None else self._ending
                    await self._send({"type": "websocket.close", "code": code})
                    return code, "Going away" if code == GOING_AWAY else ""
                try:
                    message = await asyncio.wait_for(self._inbox.get(), left)
                except TimeoutError:
                    continue
                if message is None:
                    continue
                if message["type"] == "websocket.disconnect":
                    return message.get("code") or NO_STATUS, message.get("reason") or ""
                await self._refuse_message()
        except OSError:  # gone without a word
            return 1006, "Going away"
        finally:
            reader.cancel()

    def _left(self) -> float:
        """Seconds that it may stay open unless something is said."""
        return min(self.last_active + IDLE_LIMIT, self.opened.at + LIFE_LIMIT) - self._clock.time()

    async def _read(self) -> None:
        message: Any = {"type": ""}
        while message["type"] != "websocket.disconnect":
            message = await self._receive()
            self._inbox.put_nowait(message)

    async def _refuse_message(self) -> None:
        """What API Gateway answers where no route takes a message."""
        answer = {"message": "Forbidden", "connectionId": self.opened.connection_id}
        await self.post(json.dumps(answer))
