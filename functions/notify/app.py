"""POST /api/v1/payments/wechat/notify: what WeChat Pay tells us, believed only as far as its signature proves it."""

from typing import Any

from payments.api.http import operation, request_of, response, unforeseen
from payments.api.json_body import MAX_BODY_BYTES
from payments.core.errors import ApiError, TooLargeError, TryAgainError
from payments.core.facts import OrderFacts, RefundFacts, UnusableFactsError
from payments.core.payment import Payment
from payments.logs import log_fields, logger
from payments.use_cases.evidence import Applied, apply_order, set_aside
from payments.use_cases.notification_kinds import NOT_DECRYPTED, Kind, kind_of
from payments.use_cases.refunds.refund_evidence import apply_refund
from payments.wiring import Wiring
from wechatpay.errors import DecryptionError, EnvelopeError, SignatureError
from wechatpay.notification import Sealed, receive

wiring = Wiring(ahead=("store", "refunds", "secrets.keys"))

QUARANTINED_MEMBERS = (
    "out_trade_no",
    "transaction_id",
    "trade_state",
    "out_refund_no",
    "refund_id",
    "refund_status",
    "mchid",
    "appid",
)
MAX_ID_CHARACTERS = 255  # WeChat Pay's have 36, and a longer one would be no key of a table
RETRIED = (Applied.UNKNOWN_ORDER, Applied.BUSY)  # WeChat Pay comes again: the order may be there by then


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Verify, decrypt, apply; anything but 200 makes WeChat Pay come again."""
    log_context: dict[str, object] = {}
    try:
        applied = verify_and_apply(event, log_context)
    except SignatureError as problem:
        count_unproven(problem.reason)
        logger.warning(
            operation(event), extra={**log_context, "error": "SIGN_ERROR", "reason": problem.reason}
        )
        return refuse(401, f"SIGN_ERROR: {problem}")
    except EnvelopeError as problem:
        logger.warning(
            operation(event), extra={**log_context, "error": "INVALID_REQUEST", "reason": str(problem)}
        )
        return count_and_refuse(400, f"INVALID_REQUEST: {problem}")
    except ApiError as problem:
        logger.warning(
            operation(event), extra={**log_context, "error": problem.code, "reason": problem.sentence}
        )
        refused = count_and_refuse if problem.status >= 500 else refuse
        return refused(problem.status, f"{problem.code}: {problem.sentence}")
    except Exception as problem:  # noqa: BLE001  WeChat Pay must come again, whatever went wrong
        known = unforeseen(problem)
        logger.error(operation(event), extra={**log_context, "error": known.code}, exc_info=problem)
        return count_and_refuse(known.status, f"{known.code}: {known.sentence}")
    log_context["applied"] = applied.value
    if applied in (Applied.CONTRADICTION, Applied.UNKNOWN_ORDER):
        logger.error(operation(event), extra=log_context)
    elif "left_out" in log_context:
        logger.warning(operation(event), extra=log_context)
    else:
        logger.info(operation(event), extra=log_context)
    if applied in RETRIED:
        return count_and_refuse(503, "SYSTEMERROR: not ready for this notification")
    if applied not in (Applied.OTHER_KIND, Applied.ECHO):  # they must not thin out the failures of payments
        wiring.measure({"NotificationFailed": 0})
    return response(200, {"code": "SUCCESS", "message": "Success"})


def verify_and_apply(event: dict[str, Any], log_context: dict[str, object]) -> Applied:
    """From the bytes that arrived to what they changed."""
    request = request_of(event, log_context)
    if len(request.body) > MAX_BODY_BYTES:
        raise TooLargeError(f"The body is over {MAX_BODY_BYTES // 1024} KB.")
    sealed = receive(request.headers, request.body, keys=wiring.secrets.keys, now=wiring.now())
    log_context |= {"notification_id": sealed.id, "event_type": sealed.event_type}
    try:
        members = wiring.secrets.keys.open(sealed)
    except DecryptionError as problem:
        raise TryAgainError(NOT_DECRYPTED) from problem
    try:
        applied, payment = apply_facts(sealed, members, log_context)
    except (UnusableFactsError, EnvelopeError) as problem:
        # Signed by WeChat Pay and yet of no use: for a person to judge, as what contradicts us is.
        identifying = {
            name: members[name] for name in QUARANTINED_MEMBERS if isinstance(members.get(name), str)
        }
        facts = {"out_trade_no": "", **identifying, "event_type": sealed.event_type}
        set_aside("unusable", facts, source="notification", wiring=wiring)
        raise EnvelopeError(str(problem)) from problem
    if payment is not None:
        log_context |= log_fields(payment)
    return applied


def apply_facts(
    sealed: Sealed, members: dict[str, object], log_context: dict[str, object]
) -> tuple[Applied, Payment | None]:
    """Through the door for orders or the one for refunds; what is neither is kept.

    What came of it, and the payment where it was read or written.
    """
    kind = kind_of(sealed, members)
    if kind is Kind.ECHO and wiring.echoes.mark_arrived(members.get("echo_message"), now=int(wiring.now())):
        return Applied.ECHO, None
    if kind in (Kind.OTHER, Kind.ECHO):  # an echo that somebody else asked for is of no use here
        return keep(sealed), None
    if kind is Kind.PAYMENT:
        facts = OrderFacts.of(members)
        log_context |= {"out_trade_no": facts.out_trade_no, "transaction_id": facts.transaction_id}
        if facts.unusable:  # it is about coupons, and the money counts all the same
            log_context["left_out"] = list(facts.unusable)
        if facts.trade_state != "SUCCESS":
            raise EnvelopeError("event_type and trade_state contradict each other")
        return apply_order(facts, source="notification", wiring=wiring)
    refund = RefundFacts.of(members)
    log_context |= {
        "out_trade_no": refund.out_trade_no,
        "out_refund_no": refund.out_refund_no,
        "refund_amount": refund.amount,
        "refund_status": refund.status,
    }
    if sealed.event_type != f"REFUND.{refund.status}":
        raise EnvelopeError("event_type and refund_status contradict each other")
    return apply_refund(refund, source="notification", wiring=wiring)


def keep(sealed: Sealed) -> Applied:
    """Keep a notification that nobody handles; the table's stream tells the bus of it, once however often it comes."""
    if len(sealed.id) > MAX_ID_CHARACTERS:
        raise EnvelopeError(f"id is over {MAX_ID_CHARACTERS} characters")
    if wiring.notifications.keep(sealed, now=int(wiring.now())):
        wiring.count("NotificationOther", kind=sealed.event_type[:MAX_ID_CHARACTERS])
    return Applied.OTHER_KIND


def count_unproven(reason: str) -> None:
    """Forged, late or meant for other keys; WeChat Pay's deliberate probes are no reason to wake anybody."""
    if reason == "probe":
        wiring.count("ProbeRefused")
    else:
        wiring.count("VerificationFailed", reason=reason)


def count_and_refuse(status: int, message: str) -> dict[str, Any]:
    """A refusal of what may well be from WeChat Pay; noughts and ones, so that the average is a rate."""
    wiring.measure({"NotificationFailed": 1})
    return refuse(status, message)


def refuse(status: int, message: str) -> dict[str, Any]:
    """WeChat Pay's own form of no."""
    return response(status, {"code": "FAIL", "message": message})
