"""`make quarantine`: the evidence that contradicts what we know, readably, the oldest first."""

import argparse
import json
import sys
import time

from operations.stack import Stack, run

MEANINGS = {
    "unknown_order": "a payment or refund of an order that this table does not have: a restored table, or another system",
    "other_mchid": "another merchant's number",
    "other_appid": "another app's number",
    "other_amount": "another amount or currency than the order's",
    "second_transaction": "a second transaction for an order that is paid already",
    "incomplete": "paid, but without transaction number, amount or currency",
    "unexpected_trade_state": "a trade state that Native and JSAPI orders do not have",
    "closed_after_payment": "closed at WeChat Pay although it is paid here",
    "unusable": "signed by WeChat Pay, but something that always stands there is missing or contradicts itself",
    "other_order": "a refund that names another transaction or order amount",
    "unexpected_refund_status": "a refund status that nobody knows",
    "refund_beyond_payment": "a refund made elsewhere of more than what is left",
    "other_refund_amount": "another amount than the refund was asked for",
    "second_refund": "a second refund under one number",
    "refund_of_unpaid_order": "a refund of an order that WeChat Pay itself calls unpaid",
    "contradiction_after_final": "a refund that had ended, ending differently",
}


def main() -> int:
    """List the rows. Returns the exit status: 0 when there are none, 3 when a person has to judge."""
    return run(__doc__ or "", _list)


def _list(stack: Stack, _options: argparse.Namespace) -> int:
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=stack.output("QuarantineTableName"), ConsistentRead=True)
    )
    rows = sorted((row for page in pages for row in page["Items"]), key=lambda row: int(row["seen_at"]["N"]))
    for row in rows:
        seen = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(int(row["seen_at"]["N"])))
        reason = row["reason"]["S"]
        print(f"{seen}  {row.get('out_trade_no', {}).get('S', '(no order number)')}  by {row['source']['S']}")
        print(f"    {reason}: {MEANINGS.get(reason, 'see the facts')}")
        for name, value in json.loads(row["facts"]["S"]).items():
            print(f"    {name:16} {value}")
    print(f"quarantine: {len(rows)} pieces of evidence" if rows else "quarantine: empty")
    return 3 if rows else 0


if __name__ == "__main__":
    sys.exit(main())
