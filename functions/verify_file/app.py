"""GET /{file}: the files by which WeChat sees that this domain is the merchant's, and nothing else."""

from typing import Any

from payments.api.http import operation, render_refusal, request_of, response, unforeseen
from payments.api.openids.verify_files import files_of
from payments.logs import logger
from payments.wiring import Wiring

wiring = Wiring()


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """The file as text; whatever else is asked for at the root is no route, in API Gateway's own words."""
    log_context: dict[str, object] = {}
    request = request_of({**event, "body": ""}, log_context)
    try:
        content = files_of(wiring.settings.verify_files).get(request.path_parameters.get("file", ""))
    except Exception as problem:  # noqa: BLE001  the last resort: nobody sees a stack trace
        return render_refusal(unforeseen(problem), event, log_context, cause=problem)
    logger.info(operation(event), extra={"http_status": 404 if content is None else 200})
    if content is None:
        return response(404, {"message": "Not Found"})
    return response(200, {}, {"content-type": "text/plain; charset=utf-8"}) | {"body": content}
