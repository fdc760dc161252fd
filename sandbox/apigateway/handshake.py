"""A WebSocket handshake under uvicorn that an application may refuse."""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class Refusable(WebSocketsSansIOProtocol):
    """A handshake that was refused is complete: uvicorn would complain of an application that gave no answer."""

    async def send(self, message: Any) -> None:
        await super().send(message)
        self.handshake_complete = self.handshake_complete or self.close_sent
