"""One request that goes wrong: whether its effect happened is exact, and so is what the caller sees of it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from starlette.types import Receive, Scope, Send

from wechatpay_simulator.faults.connection import end, reset
from wechatpay_simulator.faults.fault_rule import SIGNATURE_EFFECTS, Rule
from wechatpay_simulator.faults.faulty_signature import faulty_signature
from wechatpay_simulator.protocol.refusals import PARAMETER
from wechatpay_simulator.protocol.reply import HTML, Reply, json_bytes
from wechatpay_simulator.protocol.signing import Signer

RATE = 268447840  # WeChat Pay APIv3, FAQ on error numbers: too many calls
# Refused before anybody looks at the request, or by what stands before WeChat Pay's own servers.
_UNSIGNED = {401, 502, 503, 504}
_CUT = 7  # bytes that a truncated body lacks, of a short one half


class FaultyReply:
    """`answered` does what was asked for and says how it went; `signer` is the one that would sign that, if any."""

    def __init__(self, rule: Rule, *, answered: Callable[[], Reply], signer: Signer | None) -> None:
        self._rule = rule
        self._answered = answered
        self._signer = signer

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make the effect of the request happen, or not, then answer as the rule says."""
        effect = self._rule.effect
        if effect == "reset_before":
            await reset(scope, receive)
        elif effect == "reset_after":
            self._answered()
            await reset(scope, receive)
        elif effect == "truncate":
            await self._send_truncated(scope, receive, send)
        elif effect in {"status", "html"}:
            if self._rule.parameters.get("after", False):
                self._answered()
            await self._instead().send(send)
        elif effect == "latency":
            reply = self._signed(self._answered())
            await asyncio.sleep(self._rule.parameters["seconds"])
            await reply.send(send)
        elif effect == "no_content_type":
            await replace(self._signed(self._answered()), content_type=None).send(send)
        elif effect in SIGNATURE_EFFECTS and self._signer is not None:
            reply = self._answered()
            if reply.is_signed:
                reply = replace(reply, signature=faulty_signature(effect, self._signer, reply.body))
            await reply.send(send)
        else:
            raise ValueError(f"{effect!r} is not an effect on an answer")

    async def _send_truncated(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An answer without a body breaks off before its first byte."""
        reply = self._signed(self._answered())
        if reply.body:
            await reply.send(send, cut=min(_CUT, (len(reply.body) + 1) // 2))
        await end(scope, receive)

    def _instead(self) -> Reply:
        """What the rule itself says: a JSON error, a page as a proxy writes it, or nothing."""
        rule = self._rule.parameters
        status = rule["status"]
        number = None if self._signer is None else RATE if status == 429 else PARAMETER
        if self._rule.effect == "html":
            page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\r\n"
            return Reply(status, page.encode(), number=number, content_type=HTML)
        reply = Reply(status, b"", number=number)
        if not rule.get("empty", False):
            error = {"code": rule["code"], "message": rule.get("message", "系统繁忙，请稍后重试")}
            reply = replace(reply, body=json_bytes(error))
        by_itself = bool(reply.body) and status not in _UNSIGNED
        return self._signed(reply) if rule.get("signed", by_itself) else reply

    def _signed(self, reply: Reply) -> Reply:
        return reply if self._signer is None else reply.signed(self._signer)
