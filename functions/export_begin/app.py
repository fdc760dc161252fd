"""POST /api/v1/payments/wechat/exports: have orders or movements of days written into a file."""

from payments.api.books.exports import export_members, wanted_export
from payments.api.http import Request, endpoint
from payments.use_cases.books.exporting import begin_export
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """Keep what is wanted, and begin it; the same Idempotency-Key is the same export."""
    return export_members(begin_export(wanted_export(request, wiring), wiring))


lambda_handler = endpoint(answer, ahead=("exports", "queue"), status=202)
