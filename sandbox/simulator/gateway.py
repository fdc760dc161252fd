"""Every /v3/ request on its way in and out: route, headers, signature; then the answer, signed over its bytes."""

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope, Send

from sandbox.simulator.authorization import Gatekeeper
from sandbox.simulator.call import Answer, Call, Endpoint
from sandbox.simulator.refusals import PARAMETER, Refusal, invalid_request
from sandbox.simulator.signing import Signer

_LARGEST_BODY = 1024 * 1024


class Gateway:
    """An ASGI application. What is not authentic is refused unsigned; whatever comes after is signed, refusals too.

    WeChat Pay APIv3, Signature verification: responses are signed once the request's own signature was accepted.
    """

    def __init__(self, endpoints: Iterable[Endpoint], *, gatekeeper: Gatekeeper, signer: Signer) -> None:
        self._endpoints = tuple(endpoints)
        self._gatekeeper = gatekeeper
        self._signer = signer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        body = await _read(receive)
        if body is None:
            return
        method, path = scope["method"], scope["path"]
        there = [(match, each) for each in self._endpoints if (match := each.path.fullmatch(path))]
        found = [(match, each) for match, each in there if each.method == method]
        if not found:
            # Observed: both come with an empty body, before anybody looks at the signature.
            await _respond(send, 405 if there else 404, b"", {}, number=PARAMETER)
            return
        match, endpoint = found[0]
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        try:
            self._admit(scope, headers, body)
        except Refusal as refusal:
            await _respond(send, refusal.status, _json(refusal.body), {}, number=refusal.number)
            return
        try:
            answer = endpoint.answer(
                Call(
                    method=method,
                    headers=headers,
                    query=_query(scope),
                    body=body,
                    path_parameters=match.groupdict(),
                )
            )
            number = 0
        except Refusal as refusal:
            answer, number = Answer(refusal.body, status=refusal.status), refusal.number
        payload = b"" if answer.body is None else _json(answer.body)
        await _respond(send, answer.status, payload, self._signer.headers(payload), number=number)

    def _admit(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> None:
        if len(body) > _LARGEST_BODY:
            raise invalid_request("请求体过大")
        if not headers.get("accept") or not headers.get("user-agent"):
            raise invalid_request("Http头缺少Accept或User-Agent")
        query_string: bytes = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query_string if query_string else b"")
        self._gatekeeper.admit(
            headers.get("authorization", ""), method=scope["method"], target=target, body=body
        )


async def _read(receive: Receive) -> bytes | None:
    """The whole body, cut just above the limit; None when the caller has gone."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] != "http.request":
            return None
        chunk: bytes = message.get("body", b"")
        if size <= _LARGEST_BODY:
            chunks.append(chunk)
            size += len(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _query(scope: Scope) -> tuple[tuple[str, str], ...]:
    text = scope["query_string"].decode("latin-1")
    return tuple(parse_qsl(text, keep_blank_values=True, errors="replace"))


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


async def _respond(
    send: Send, status: int, body: bytes, signature: Mapping[str, str], *, number: int
) -> None:
    """Send it, with the Request-ID that every response carries: a hex id, a hyphen, the internal error number."""
    headers = {"Request-ID": f"08{secrets.token_hex(16).upper()}-{number}", **signature}
    if body:
        headers["Content-Type"] = "application/json; charset=utf-8"
    if status != 204:
        headers["Content-Length"] = str(len(body))
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
