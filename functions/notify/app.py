"""POST /api/v1/payments/wechat/notify: what WeChat Pay tells us, believed only as far as its signature proves it."""

from typing import Any

from payments.api.http import operation, request_of, response, unforeseen
from payments.api.json_body import MAX_BYTES
from payments.core.errors import ApiError, TooLargeError, TryAgainError
from payments.core.facts import OrderFacts, RefundFacts, UnusableFactsError
from payments.core.payment import Payment
from payments.logs import logger, named
from payments.use_cases.evidence import Applied, apply_order, set_aside
from payments.use_cases.notification_kinds import NOT_OPENED, Kind, kind_of
from payments.use_cases.refunds.refund_evidence import apply_refund
from payments.wiring import Wiring
from wechatpay.errors import DecryptionError, EnvelopeError, SignatureError
from wechatpay.notification import Sealed, receive

wiring = Wiring()

NAMED = (
    "out_trade_no",
    "transaction_id",
    "trade_state",
    "out_refund_no",
    "refund_id",
    "refund_status",
    "mchid",
    "appid",
)
LONGEST_ID = 255  # characters; WeChat Pay's have 36, and a longer one would be no key of a table
RETRIED = (Applied.UNKNOWN_ORDER, Applied.BUSY)  # WeChat Pay comes again: the order may be there by then


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Verify, decrypt, apply; anything but 200 makes WeChat Pay come again."""
    line: dict[str, object] = {}
    try:
        applied = accept(event, line)
    except SignatureError as problem:
        count_unproven(problem.reason)
        logger.warning(operation(event), extra={**line, "error": "SIGN_ERROR", "reason": problem.reason})
        return refusal(401, f"SIGN_ERROR: {problem}")
    except EnvelopeError as problem:
        logger.warning(operation(event), extra={**line, "error": "INVALID_REQUEST", "reason": str(problem)})
        return failed(400, f"INVALID_REQUEST: {problem}")
    except ApiError as problem:
        logger.warning(operation(event), extra={**line, "error": problem.code, "reason": problem.sentence})
        refused = failed if problem.status >= 500 else refusal
        return refused(problem.status, f"{problem.code}: {problem.sentence}")
    except Exception as problem:  # noqa: BLE001  WeChat Pay must come again, whatever went wrong
        known = unforeseen(problem)
        logger.error(operation(event), extra={**line, "error": known.code}, exc_info=problem)
        return failed(known.status, f"{known.code}: {known.sentence}")
    line["applied"] = applied.value
    if applied in (Applied.CONTRADICTION, Applied.UNKNOWN_ORDER):
        logger.error(operation(event), extra=line)
    else:
        logger.info(operation(event), extra=line)
    if applied in RETRIED:
        return failed(503, "SYSTEMERROR: not ready for this notification")
    if applied not in (Applied.OTHER_KIND, Applied.ECHO):  # they must not thin out the failures of payments
        wiring.measure({"NotificationFailed": 0})
    return response(200, {"code": "SUCCESS", "message": "Success"})


def accept(event: dict[str, Any], line: dict[str, object]) -> Applied:
    """From the bytes that arrived to what they changed."""
    request = request_of(event, line)
    if len(request.body) > MAX_BYTES:
        raise TooLargeError(f"The body is over {MAX_BYTES // 1024} KB.")
    sealed = receive(request.headers, request.body, keys=wiring.keys, now=wiring.now())
    line |= {"notification_id": sealed.id, "event_type": sealed.event_type}
    try:
        members = wiring.keys.open(sealed)
    except DecryptionError as problem:
        raise TryAgainError(NOT_OPENED) from problem
    try:
        return applied_facts(sealed, members, line)
    except (UnusableFactsError, EnvelopeError) as problem:
        # Signed by WeChat Pay and yet of no use: for a person to judge, as what contradicts us is.
        named = {name: members[name] for name in NAMED if isinstance(members.get(name), str)}
        facts = {"out_trade_no": "", **named, "event_type": sealed.event_type}
        set_aside("unusable", facts, source="notification", wiring=wiring)
        raise EnvelopeError(str(problem)) from problem


def applied_facts(sealed: Sealed, members: dict[str, object], line: dict[str, object]) -> Applied:
    """Through the door for orders or the one for refunds; what is neither is kept."""
    kind = kind_of(sealed, members)
    if kind is Kind.ECHO and wiring.echoes.arrived(members.get("echo_message"), now=int(wiring.now())):
        return Applied.ECHO
    if kind in (Kind.OTHER, Kind.ECHO):  # an echo that somebody else asked for is of no use here
        return kept(sealed)
    if kind is Kind.PAYMENT:
        facts = OrderFacts.of(members)
        line |= {"out_trade_no": facts.out_trade_no, "transaction_id": facts.transaction_id}
        if facts.trade_state != "SUCCESS":
            raise EnvelopeError("event_type and trade_state contradict each other")
        applied, payment = apply_order(facts, source="notification", wiring=wiring)
        return noted(applied, payment, line)
    refund = RefundFacts.of(members)
    line |= {
        "out_trade_no": refund.out_trade_no,
        "out_refund_no": refund.out_refund_no,
        "refund_amount": refund.amount,
        "refund_status": refund.status,
    }
    if sealed.event_type != f"REFUND.{refund.status}":
        raise EnvelopeError("event_type and refund_status contradict each other")
    applied, payment = apply_refund(refund, source="notification", wiring=wiring)
    return noted(applied, payment, line)


def kept(sealed: Sealed) -> Applied:
    """Keep a notification that nobody handles; the table's stream tells the bus of it, once however often it comes."""
    if len(sealed.id) > LONGEST_ID:
        raise EnvelopeError(f"id is over {LONGEST_ID} characters")
    if wiring.notifications.keep(sealed, now=int(wiring.now())):
        wiring.count("NotificationOther", kind=sealed.event_type[:LONGEST_ID])
    return Applied.OTHER_KIND


def noted(applied: Applied, payment: Payment | None, line: dict[str, object]) -> Applied:
    """Have the log line say which payment it was, where it was read or written anyway."""
    if payment is not None:
        line |= named(payment)
    return applied


def count_unproven(reason: str) -> None:
    """Forged, late or meant for other keys; WeChat Pay's deliberate probes are no reason to wake anybody."""
    if reason == "probe":
        wiring.count("ProbeRefused")
    else:
        wiring.count("VerificationFailed", reason=reason)


def failed(status: int, message: str) -> dict[str, Any]:
    """A refusal of what may well be from WeChat Pay; noughts and ones, so that the average is a rate."""
    wiring.measure({"NotificationFailed": 1})
    return refusal(status, message)


def refusal(status: int, message: str) -> dict[str, Any]:
    """WeChat Pay's own form of no."""
    return response(status, {"code": "FAIL", "message": message})
