"""Asking WeChat Pay what became of an order, and believing only what its answer proves."""

from payments.core.errors import RefusedUpdate, StorageUnavailableError, TryAgainError
from payments.core.facts import OrderFacts, UnusableFactsError
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.logs import logger
from payments.use_cases.evidence import Applied, apply_order
from payments.use_cases.verdicts import Verdict, retry_after_of, verdict_of
from payments.wiring import Wiring
from wechatpay.errors import RefusedError, UnknownOutcomeError

# Seconds that an answer of WeChat Pay is good for: many pollers must not exhaust its limits.
FRESH_SECONDS = 2


def find_order(out_trade_no: str, owner: str | None, wiring: Wiring) -> Payment | None:
    """The order as it stands, asked of WeChat Pay where that can matter; None when there is none that `owner` may see.

    `owner` is the user whose orders alone the caller may see, None for everybody's. Raises TryAgainError.
    """
    try:
        payment = wiring.looks.claim_query(
            out_trade_no, owner=owner, fresh=FRESH_SECONDS, now=int(wiring.now())
        )
    except (RefusedUpdate, StorageUnavailableError) as problem:
        # Final, asked about a moment ago, or asked about by somebody else right now: the table's answer is good enough.
        return found_instead(out_trade_no, owner, problem, wiring)
    return query_order(payment, wiring) or payment


def found_instead(
    out_trade_no: str, owner: str | None, problem: RefusedUpdate | StorageUnavailableError, wiring: Wiring
) -> Payment | None:
    """The order that `owner` wanted to write; None when there is none that `owner` may see.

    While DynamoDB takes no writes, only what no write could change is told: an order that has ended, or none. Any other
    raises the StorageUnavailableError that its write has met.
    """
    if isinstance(problem, RefusedUpdate):
        found = wiring.store.found(out_trade_no, problem)
    else:
        found = wiring.store.get(out_trade_no)
    if found is None or owner not in (None, found.user_id):
        return None
    if isinstance(problem, StorageUnavailableError) and not found.status.is_final:
        raise problem
    return found


def query_order(payment: Payment, wiring: Wiring) -> Payment | None:
    """Query the order at WeChat Pay and apply the answer; returns the payment as it is then.

    None when WeChat Pay proves that it has no such order, which changes nothing: it may only just be arriving there.
    Raises TryAgainError when nobody can tell, a refused query and an answer that contradicts us included.
    """
    try:
        members = wiring.wechat.query_by_out_trade_no(payment.out_trade_no)
    except (RefusedError, UnknownOutcomeError) as problem:
        if verdict_of("query", problem) is Verdict.MISSING:
            return None
        raise unanswered_error(problem, "query") from problem
    try:
        facts = OrderFacts.of(members)
    except UnusableFactsError as problem:
        raise TryAgainError("WeChat Pay's answer cannot be used.") from problem
    if facts.out_trade_no != payment.out_trade_no:
        raise TryAgainError("WeChat Pay answered for another order.")
    if facts.unusable:
        left_out = {"out_trade_no": facts.out_trade_no, "left_out": list(facts.unusable)}
        logger.warning("an answer says of coupons what cannot be used", extra=left_out)
    applied, known = apply_order(facts, source="query", wiring=wiring)
    known = known or (payment if applied is Applied.KNOWN else wiring.store.reread(payment))
    if facts.says_paid and known.status.rank < Status.PAID.rank:
        # Busy, or set aside for a person to judge: neither "not paid" nor "paid" would be true.
        raise TryAgainError("WeChat Pay says that the order is paid, and that cannot be credited yet.")
    return known


def unanswered_error(problem: RefusedError | UnknownOutcomeError, operation: str) -> TryAgainError:
    """What a caller is told when WeChat Pay did not say what became of an order or a refund."""
    code = problem.code if isinstance(problem, RefusedError) else None
    return TryAgainError(
        "WeChat Pay did not give a certain answer.",
        details={} if code is None else {"wechatCode": code},
        retry_after=retry_after_of(operation, problem),
    )
