"""Asking WeChat Pay what became of an order, and believing only what its answer proves."""

from payments.errors import TryAgainError, WeChatRefusedError
from payments.evidence import Applied, OrderFacts, UnusableFactsError, apply_order
from payments.payment import Payment
from payments.wiring import Wiring
from wechatpay.errors import RefusedError, UnknownOutcomeError


def ask(payment: Payment, wiring: Wiring) -> Payment | None:
    """Query the order at WeChat Pay and apply the answer; returns the payment as it is then.

    None when WeChat Pay proves that it has no such order, which changes nothing: it may only just be arriving there.
    Raises TryAgainError when the answer stays unknown, WeChatRefusedError when WeChat Pay will not say.
    """
    try:
        members = wiring.wechat.query_by_out_trade_no(payment.out_trade_no)
    except UnknownOutcomeError as unknown:
        raise TryAgainError("WeChat Pay did not give a certain answer.") from unknown
    except RefusedError as refused:
        if refused.is_code("ORDER_NOT_EXIST"):
            if refused.proven:
                return None
            raise TryAgainError("WeChat Pay did not give a certain answer.") from refused
        raise refusal_of(refused, "WeChat Pay refused the query.") from refused
    try:
        facts = OrderFacts.of(members)
    except UnusableFactsError as problem:
        raise TryAgainError("WeChat Pay's answer cannot be used.") from problem
    if facts.out_trade_no != payment.out_trade_no:
        raise TryAgainError("WeChat Pay answered for another order.")
    applied, known = apply_order(facts, source="query", wiring=wiring)
    if known is None and applied is not Applied.KNOWN:
        known = wiring.store.get(payment.out_trade_no)
    return known or payment


def refusal_of(refused: RefusedError, sentence: str, **details: object) -> WeChatRefusedError:
    """What a caller is told of WeChat Pay's definitive no."""
    named = {"wechatCode": refused.code, "requestId": refused.request_id, **details}
    return WeChatRefusedError(sentence, details={k: v for k, v in named.items() if v is not None})
