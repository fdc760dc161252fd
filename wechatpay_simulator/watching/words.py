"""A refusal and a delivery as the log tells them: what was wrong and where, and nothing of what was in them."""

from wechatpay_simulator.notifications.notification import Notification
from wechatpay_simulator.notifications.post import ANSWER_TIMEOUT_SECONDS
from wechatpay_simulator.protocol.refusals import Refusal
from wechatpay_simulator.watching.log import shown_address

_ANSWERS = {
    200: "accepted",
    204: "accepted",
    "timeout": f"no answer within {ANSWER_TIMEOUT_SECONDS:.0f} s",
    "unreachable": "nobody answers there",
    "dropped": "lost on the way",
}


def words_of(refusal: Refusal) -> str:
    """The code, then the member that it is about with the rule that it breaks, or else WeChat Pay's own message."""
    detail = refusal.body.get("detail")
    if isinstance(detail, dict) and "issue" in detail:
        where = f"{detail['location']} {detail.get('field', '')}".strip()
        return f"{refusal.body['code']}: {where}: {detail['issue']}"
    return f"{refusal.body['code']}: {refusal.body['message']}"


def line_of(notification: Notification, status: int | str, fault: str) -> str:
    """One attempt: kind, id, address, what became of it, and the `fault` that a rule has put in it, or ""."""
    if isinstance(status, int):
        became = f"{status}: {_ANSWERS.get(status, 'not accepted: 200 and 204 are')}"
    else:
        became = _ANSWERS.get(status, status)
    line = f"notification {notification.event_type} {notification.id} to {shown_address(notification.url)} {became}"
    return f"{line}; fault rule {fault}" if fault else line
