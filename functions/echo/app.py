"""Once a day or an hour: WeChat Pay sends an echo to our notify URL, and whether it arrives is measured."""

from typing import Any

from payments.logs import logger
from payments.use_cases.echoing import echo
from payments.wiring import Wiring

wiring = Wiring(ahead=("echoes", "wechat"))


def lambda_handler(_event: dict[str, Any], _context: Any) -> dict[str, int]:
    """Noughts and ones: the alarm is for a one, and stays until there is a nought."""
    missed = echo(wiring)
    wiring.measure({"EchoMissed": int(bool(missed))})
    logger.info("echoes", extra={"asked": len(wiring.secrets.keys.serials), "missed": len(missed)})
    return {"missed": len(missed)}
