"""The queue of exports: write the file of each."""

import json
from typing import Any

from payments.logs import logger
from payments.use_cases.books.exporting import make_export
from payments.wiring import Wiring

wiring = Wiring(ahead=("exports", "export_files", "journal"))


def lambda_handler(event: dict[str, Any], _context: Any) -> None:
    """One export. What goes wrong is raised: the message comes again, and at last lies among the dead letters."""
    for record in event["Records"]:
        export_id = str(json.loads(record["body"])["exportId"])
        export = make_export(export_id, wiring)
        if export is None:
            logger.warning("an export is not in the table (any more)", extra={"export_id": export_id})
        else:
            logger.info(
                "export", extra={"export_id": export_id, "kind": export.kind, "status": export.status}
            )
