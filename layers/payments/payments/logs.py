"""The one logger of all functions, and what a line of it says of a payment."""

import json
import logging
from functools import partial

from aws_lambda_powertools import Logger

from payments.core.payment import Payment

# ASCII alone: no control character of a caller's, not even one beyond ASCII, reaches a terminal or breaks a line.
logger = Logger(json_serializer=partial(json.dumps, separators=(",", ":"), default=str))
# At DEBUG these write down whole requests and answers: secrets, tokens, payers. So whatever the root logger says:
for _library in ("botocore", "pynamodb", "requests", "charset_normalizer"):
    logging.getLogger(_library).setLevel(logging.WARNING)
# Even its warnings quote the address that was asked: WeChat's open platform wants an app's secret in it.
logging.getLogger("urllib3").setLevel(logging.ERROR)


def log_fields(payment: Payment) -> dict[str, object]:
    """What a log line says of a payment; the amount in fen."""
    return {
        "out_trade_no": payment.out_trade_no,
        "payment_id": payment.payment_id,
        "user_id": payment.user_id,
        "amount": payment.amount,
        "status": payment.status.word,
    }
