"""POST …/notify on the floor."""

import base64
import json
import os
import time

from answers import answer
from aws import dynamodb, key, secret
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from verification import verify


def lambda_handler(event, _context):
    """Verify, decrypt, one conditional update."""
    body = event["body"].encode()
    try:
        verify(event["headers"], body)
    except (InvalidSignature, KeyError, ValueError):
        return answer(401, {"code": "FAIL", "message": "SIGN_ERROR"})
    told = opened(json.loads(body)["resource"])
    amount = str(told["amount"]["total"])
    dynamodb.update_item(
        **key(told["out_trade_no"]),
        UpdateExpression=(
            "SET #s = :paid, transaction_id = :id, trade_state = :state, payer_openid = :payer, success_time = :at, "
            "completed_at = :now, refundable = :total, refunds = :none"
        ),
        ConditionExpression="#s = :pending AND mchid = :mchid AND appid = :appid AND amount = :total",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={
            ":pending": {"S": "PENDING"},
            ":paid": {"S": "PAID"},
            ":id": {"S": told["transaction_id"]},
            ":state": {"S": told["trade_state"]},
            ":payer": {"S": told["payer"]["openid"]},
            ":at": {"S": told["success_time"]},
            ":now": {"N": str(int(time.time()))},
            ":none": {"M": {}},
            ":mchid": {"S": os.environ["WECHAT_MCH_ID"]},
            ":appid": {"S": told["appid"]},
            ":total": {"N": amount},
        },
    )
    return answer(200, {"code": "SUCCESS", "message": "Success"})


def opened(resource):
    """What was encrypted."""
    cipher = AESGCM(secret("VERIFICATION_SECRET")["WECHAT_API_V3_KEY"].encode())
    sealed = base64.b64decode(resource["ciphertext"])
    return json.loads(
        cipher.decrypt(resource["nonce"].encode(), sealed, resource["associated_data"].encode())
    )
