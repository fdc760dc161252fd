"""GET /api/v1/payments/wechat/exports/{exportId}: where an export stands, and a link to its file."""

from payments.api.books.exports import export_asked_for, export_members
from payments.api.http import Request, endpoint
from payments.wiring import Wiring


def answer(request: Request, wiring: Wiring) -> dict[str, object]:
    """The export as it stands; a link, once it is done, that is new each time."""
    export = export_asked_for(request, wiring)
    link = wiring.export_files.link(export.file, name=export.file_name) if export.file else None
    return export_members(export, link=link)


lambda_handler = endpoint(answer, ahead=("exports", "export_files"))
