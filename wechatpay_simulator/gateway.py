"""Every /v3/ request on its way in and out: route, headers, signature; then the answer, signed over its bytes."""

import asyncio
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope, Send

from wechatpay_simulator.faults.fault_rule import ANSWER_EFFECTS
from wechatpay_simulator.faults.faults import Faults
from wechatpay_simulator.faults.faulty_reply import FaultyReply
from wechatpay_simulator.protocol.authorization import Gatekeeper
from wechatpay_simulator.protocol.call import Call, Download, Endpoint
from wechatpay_simulator.protocol.keys import Keys
from wechatpay_simulator.protocol.rates import Rates
from wechatpay_simulator.protocol.refusals import Refusal, invalid_request, no_such_method, no_such_path
from wechatpay_simulator.protocol.reply import Reply, json_bytes
from wechatpay_simulator.protocol.signing import MerchantKey
from wechatpay_simulator.watching.mistakes import Mistakes
from wechatpay_simulator.watching.watched import is_watched, remark
from wechatpay_simulator.watching.words import words_of

_MAX_BODY_BYTES = 1024 * 1024


class Gateway:
    """An ASGI application. What is not authentic is refused unsigned; whatever comes after is signed, refusals too.

    WeChat Pay APIv3, Signature verification: responses are signed once the request's own signature was accepted.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        *,
        gatekeeper: Gatekeeper,
        mistakes: Mistakes,
        keys: Keys,
        faults: Faults,
        rates: Rates,
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._gatekeeper = gatekeeper
        self._mistakes = mistakes
        self._keys = keys
        self._faults = faults
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        body = await _read(receive)
        if body is None:
            return
        method, path = scope["method"], scope["path"]
        there = [(match, each) for each in self._endpoints if (match := each.path.fullmatch(path))]
        found = [(match, each) for match, each in there if each.method == method]
        if not found:
            # Before anybody looks at the signature.
            await _refused(no_such_method() if there else no_such_path(path), scope).send(send)
            return
        match, endpoint = found[0]
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        try:
            merchant_key = self._admit(scope, headers, body)
        except Refusal as refusal:
            if refusal.status == 401 and is_watched(scope):
                # Thousands of tries: not while others wait for their answers.
                remark(scope, await asyncio.to_thread(self._mistake, scope, headers, body))
            await _refused(refusal, scope).send(send)
            return
        finally:
            if is_watched(scope):
                self._remember(scope, headers, body)
        call = Call(
            method=method,
            headers=headers,
            query=_query(scope),
            body=body,
            path_parameters=match.groupdict(),
            merchant_key=merchant_key,
            origin=_origin(scope),
            fields=endpoint.fields,
        )
        signer = self._keys.for_response(headers.get("wechatpay-serial"))
        fault = self._faults.take(endpoint.name, *ANSWER_EFFECTS)
        if fault is not None:
            remark(scope, f"fault rule {fault.effect}")
            faulty = FaultyReply(fault, answered=lambda: self._answered(endpoint, call, scope), signer=signer)
            await faulty.send(scope, receive, send)
            return
        await self._answered(endpoint, call, scope).signed(signer).send(send)

    def _answered(self, endpoint: Endpoint, call: Call, scope: Scope) -> Reply:
        """Do what the call asks for; how that went, not signed yet."""
        try:
            self._rates.admit(endpoint.name)
        except Refusal as refusal:
            return _refused(refusal, scope)
        try:
            answer = endpoint.answer(call)
        except Refusal as refusal:
            self._rates.count(endpoint.name, was_done=False)
            return _refused(refusal, scope)
        self._rates.count(endpoint.name, was_done=True)
        if isinstance(answer, Download):
            return Reply(200, answer.content, number=0, content_type=answer.content_type, is_signed=False)
        return Reply(answer.status, b"" if answer.body is None else json_bytes(answer.body), number=0)

    def _admit(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> MerchantKey:
        if len(body) > _MAX_BODY_BYTES:
            raise invalid_request("请求体过大")
        if not headers.get("accept") or not headers.get("user-agent"):
            raise invalid_request("Http头缺少Accept或User-Agent")
        return self._gatekeeper.authenticate(
            headers.get("authorization", ""), method=scope["method"], target=_target(scope), body=body
        )

    def _mistake(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> str:
        return self._mistakes.sentence(
            headers.get("authorization", ""),
            method=scope["method"],
            target=_target(scope),
            body=body,
            host=headers.get("host", ""),
        )

    def _remember(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> None:
        self._mistakes.remember(
            headers.get("authorization", ""), method=scope["method"], target=_target(scope), body=body
        )


def _target(scope: Scope) -> bytes:
    """Path and query string as they are on the wire."""
    query_string: bytes = scope["query_string"]
    path: bytes = scope["raw_path"]
    return path + (b"?" + query_string if query_string else b"")


async def _read(receive: Receive) -> bytes | None:
    """The whole body, cut just above the limit; None when the caller has gone."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] != "http.request":
            return None
        chunk: bytes = message.get("body", b"")
        if size <= _MAX_BODY_BYTES:
            chunks.append(chunk)
            size += len(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _origin(scope: Scope) -> str:
    """Our own address, not what the Host header says: a client may call us by WeChat Pay's name."""
    host, port = scope.get("server") or ("127.0.0.1", 80)
    return f"{scope['scheme']}://{host}:{port}"


def _query(scope: Scope) -> tuple[tuple[str, str], ...]:
    text = scope["query_string"].decode("latin-1")
    return tuple(parse_qsl(text, keep_blank_values=True, errors="replace"))


def _refused(refusal: Refusal, scope: Scope) -> Reply:
    remark(scope, words_of(refusal))
    return Reply(refusal.status, json_bytes(refusal.body), number=refusal.number)
