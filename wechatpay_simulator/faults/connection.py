"""Breaking the TCP connection of a request, for real: the caller gets no answer, or half of one."""

import socket
import struct
import sys
from asyncio import Transport

from starlette.types import Receive, Scope

from wechatpay_simulator.serving import TRANSPORT

# SO_LINGER on, for zero seconds: closing sends RST. Both numbers are shorter on Windows.
_AT_ONCE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


async def reset(scope: Scope, receive: Receive) -> None:
    """Answer with a TCP reset. Raises RuntimeError on a server that does not hand out its connections."""
    transport = _transport(scope)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
    await _gone(receive)


async def end(scope: Scope, receive: Receive) -> None:
    """Close after what was sent so far. Raises RuntimeError on a server that does not hand out its connections."""
    _transport(scope).close()
    await _gone(receive)


def _transport(scope: Scope) -> Transport:
    extensions: dict[str, Transport] = scope.get("extensions", {})
    if TRANSPORT not in extensions:
        raise RuntimeError("only wechatpay_simulator.serving lets the simulator break its connections")
    return extensions[TRANSPORT]


async def _gone(receive: Receive) -> None:
    """Until the server knows that the connection is lost: it does not miss an answer then."""
    while (await receive())["type"] != "http.disconnect":
        pass
