"""Which day's bill may be asked for, and from when on it is there."""

import re
from datetime import date, datetime, timedelta

from wechatpay_simulator.clock import BEIJING
from wechatpay_simulator.protocol.fields import Text
from wechatpay_simulator.protocol.refusals import parameter_error, statement_creating

READY_HOUR = 10  # of the next day, Beijing time: they are made from nine on, and are to be fetched after ten
MONTHS = 3

BILL_DATE = Text("账单日期", 10, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")


def day_of(bill_date: str, now: float) -> date:
    """The day that `bill_date` (`2026-11-28`) names, once its bill is there (WeChat Pay APIv3, Trade bill: bill_date).

    Raises the refusals of what is no day, of today and later ones, of more than three months ago, and of yesterday while
    its bill is still being made.
    """
    BILL_DATE.check(bill_date, "bill_date", "query")
    clock = datetime.fromtimestamp(now, tz=BEIJING)
    today = clock.date()
    try:
        day = date.fromisoformat(bill_date)
    except ValueError:
        raise _no_such_day(bill_date, "账单日期格式不正确") from None
    if day >= today:
        raise _no_such_day(bill_date, "账单日期必须早于今天")
    if day < _months_before(today, MONTHS):
        raise _no_such_day(bill_date, "仅支持查询三个月内的账单")
    if day == today - timedelta(days=1) and clock.hour < READY_HOUR:
        raise statement_creating()
    return day


def bounds(day: date) -> tuple[float, float]:
    """The first moment of this Beijing day, and the first of the next, in seconds since the epoch."""
    begins = datetime(day.year, day.month, day.day, tzinfo=BEIJING).timestamp()
    return begins, begins + 86400


def _months_before(today: date, months: int) -> date:
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    day = today.day
    while True:  # the last day of a shorter month stands for those that it lacks
        try:
            return date(year, month + 1, day)
        except ValueError:
            day -= 1


def _no_such_day(bill_date: str, message: str) -> Exception:
    return parameter_error(
        message, pointer="bill_date", issue=message, value=re.sub(r"[^0-9-]", "", bill_date), location="query"
    )
