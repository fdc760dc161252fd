"""Exports over HTTP: what may be asked for, and what is told of one."""

import re
from typing import Literal

import msgspec

from payments.api.books.order_query import day_in
from payments.api.http import Request
from payments.api.json_body import load
from payments.api.request_bodies import idempotency_key
from payments.core import identifiers
from payments.core.access import READ
from payments.core.books.export import LIFE_SECONDS, Export, ExportKind
from payments.core.books.period import Period, day_name
from payments.core.errors import ExportNotFoundError, ParameterError
from payments.core.times import beijing_day, utc
from payments.wiring import Wiring

MAX_DAYS = 366
_ID = re.compile(r"EX[A-Z2-7]{26}")


class NewExport(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Body of POST …/exports."""

    first_day: str = msgspec.field(name="from")
    last_day: str = msgspec.field(name="to")
    kind: Literal["movements", "orders"]

    @property
    def period(self) -> Period:
        """The days, whose form and order are checked. Raises ParameterError."""
        days = {"from": self.first_day, "to": self.last_day}
        return Period(day_in(days, "from"), day_in(days, "to"))


def wanted_export(request: Request, wiring: Wiring) -> Export:
    """The export that a reader asks for. Raises NotAllowedError, ParameterError and the errors of `load`."""
    caller = request.caller.with_one_of(READ)
    asked, now = load(request.body, NewExport), int(wiring.now())
    period, key = asked.period, idempotency_key(request.headers)
    if not period.days:
        raise ParameterError("to", "must not be before from")
    if len(period.days) > MAX_DAYS:
        raise ParameterError("from", f"must not be over {MAX_DAYS} days up to `to`")
    if period.last > beijing_day(now):
        raise ParameterError("to", "must not be a day to come")
    if key is None:
        number = identifiers.random_number("EX", wiring.entropy())
    else:
        number = identifiers.export_id(scope=wiring.settings.stack_scope, caller=caller.sub, key=key)
    request.log_context["export_id"] = number
    return Export(
        export_id=number,
        kind=ExportKind(asked.kind),
        first_day=day_name(period.first),
        last_day=day_name(period.last),
        created_at=now,
        expires_at=now + LIFE_SECONDS,
    )


def export_asked_for(request: Request, wiring: Wiring) -> Export:
    """The export in the path. Raises ExportNotFoundError, also for one whose time is over, and NotAllowedError."""
    request.caller.with_one_of(READ)
    number = request.path_parameters.get("exportId", "")
    export = wiring.exports.get(number) if _ID.fullmatch(number) else None
    if export is None or export.is_over(wiring.now()):
        raise ExportNotFoundError
    request.log_context["export_id"] = number
    return export


def export_members(export: Export, *, link: str | None = None) -> dict[str, object]:
    """What is told of an export, and the link to its file, if there is one."""
    members: dict[str, object | None] = {
        "exportId": export.export_id,
        "kind": export.kind.value,
        "from": export.first_day,
        "to": export.last_day,
        "status": export.status.value,
        "reason": export.reason,
        "rows": export.rows,
        "url": link,
        "createdAt": utc(export.created_at),
        "expiresAt": utc(export.expires_at),
    }
    return {name: value for name, value in members.items() if value is not None}
