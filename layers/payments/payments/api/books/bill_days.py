"""The days of the books over HTTP: which may be asked for, and what is told of one."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import date

from payments.api.books.queries import check_names
from payments.api.http import Request
from payments.core.access import RECONCILE
from payments.core.books.bill_day import BillDay, days_before, oldest_day
from payments.core.books.differences import Difference, fee_text
from payments.core.errors import BillNotFoundError, ParameterError
from payments.core.money import yuan
from payments.core.times import day_text, utc
from payments.wiring import Wiring

MAX_DAYS = 100  # of one list
USUAL_DAYS = 30
MAX_LIMIT = 200  # differences of one page
USUAL_LIMIT = 100

_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")
_MAX_CURSOR_CHARACTERS = 512


def dates_asked_for(request: Request, wiring: Wiring) -> list[str]:
    """The days from `from` to `to`, the newest first; usually the last thirty up to yesterday. Raises ParameterError, NotAllowedError."""
    request.caller.with_one_of(RECONCILE)
    check_names(request, ("from", "to"))
    yesterday = days_before(day_text(int(wiring.now())), 1)
    last = _day(request.query.get("to", yesterday), "to")
    first = _day(request.query.get("from", days_before(last, USUAL_DAYS - 1)), "from")
    count = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    if count < 1:
        raise ParameterError("to", "must not be before from")
    if count > MAX_DAYS:
        raise ParameterError("from", f"must not be over {MAX_DAYS} days up to `to`")
    return [days_before(last, back) for back in range(count)]


def date_asked_for(request: Request) -> str:
    """The day in the path. Raises ParameterError, NotAllowedError."""
    request.caller.with_one_of(RECONCILE)
    found = _day(request.path_parameters.get("date", ""), "date")
    request.log_context["bill_date"] = found
    return found


def date_to_compare(request: Request, wiring: Wiring) -> str:
    """The day in the path, once WeChat Pay can have its bills. Raises ParameterError, NotAllowedError."""
    found, now = date_asked_for(request), int(wiring.now())
    if found >= day_text(now):
        raise ParameterError("date", "must be a day that is over, in Beijing")
    if found < oldest_day(now):
        raise ParameterError(
            "date", "must not be over three months ago: WeChat Pay has no bills of it any more"
        )
    return found


def known_day(bill_date: str, wiring: Wiring) -> BillDay:
    """What is known of a day. Raises BillNotFoundError, StorageUnavailableError."""
    day = wiring.bills.day(bill_date)
    if day is None:
        raise BillNotFoundError
    return day


def limit_asked_for(request: Request) -> int:
    """How many differences at most. Raises ParameterError."""
    check_names(request, ("cursor", "limit"))
    text = request.query.get("limit", str(USUAL_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MAX_LIMIT):
        raise ParameterError("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def cursor_after(day: BillDay, name: str | None) -> str | None:
    """The cursor that goes on behind a difference of a day's run; None behind the last."""
    if name is None:
        return None
    return base64.urlsafe_b64encode(f"{day.run}\n{name}".encode()).rstrip(b"=").decode()


def name_in(cursor: str | None, day: BillDay) -> str | None:
    """Where a list of a day's differences goes on. Raises ParameterError, also once the day waits to be compared again."""
    if cursor is None:
        return None
    refused = ParameterError("cursor", "must be one that this list has given since the day was last compared")
    if not cursor.isascii() or len(cursor) > _MAX_CURSOR_CHARACTERS:
        raise refused
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise refused from None
    run, _, name = raw.partition("\n")
    if not day.status.is_done or run != day.run or not name.isprintable() or not name:
        raise refused
    return name


def day_members(day: BillDay) -> dict[str, object]:
    """A day; its numbers, once it was compared: amounts and the fee in yuan, as text."""
    members: dict[str, object | None] = {
        "date": day.bill_date,
        "status": day.status.value,
        "reason": day.reason,
        "updatedAt": utc(day.updated_at),
    }
    if day.status.is_done:
        members |= _numbers(day.results)
    return {name: value for name, value in members.items() if value is not None}


def difference_members(difference: Difference) -> dict[str, object]:
    """One difference; what it does not tell is left out."""
    members: dict[str, object | None] = {
        "kind": difference.kind.value,
        "outTradeNo": difference.out_trade_no,
        "outRefundNo": difference.out_refund_no,
        "wechatNumber": difference.wechat_number,
        "line": difference.line,
        "bill": difference.bill,
        "ours": difference.ours,
        "repaired": difference.repaired,
        "awaits": difference.awaits,
    }
    return {name: value for name, value in members.items() if value is not None}


def _numbers(results: Mapping[str, int]) -> dict[str, object]:
    def of(name: str) -> int:
        return results.get(name, 0)

    kinds = [name.removeprefix("other_rows:") for name in results if name.startswith("other_rows:")]
    return {
        "orders": of("orders"),
        "amount": str(yuan(of("amount"))),
        "refunds": of("refunds"),
        "refundAmount": str(yuan(of("refund_amount"))),
        "fee": fee_text(of("fee")),
        "ours": {
            "orders": of("our_orders"),
            "amount": str(yuan(of("our_amount"))),
            "refunds": of("our_refunds"),
            "refundAmount": str(yuan(of("our_refund_amount"))),
        },
        "income": str(yuan(of("income"))),
        "expense": str(yuan(of("expense"))),
        "otherMovements": [
            {"kind": kind, "rows": of(f"other_rows:{kind}"), "net": str(yuan(of(f"other_amount:{kind}")))}
            for kind in sorted(kinds)
        ],
        "differences": of("differences"),
        "repaired": of("repaired"),
    }


def _day(text: str, name: str) -> str:
    refused = ParameterError(name, "must be a day like 2026-11-28 (Beijing's)")
    if not _DAY.fullmatch(text):
        raise refused
    try:
        date.fromisoformat(text)
    except ValueError:
        raise refused from None
    return text
