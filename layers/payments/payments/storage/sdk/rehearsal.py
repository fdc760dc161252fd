"""Calls of AWS that are answered within the process and never sent.

botocore builds much when it is first needed: shapes of requests and answers, names of its events, what signs. A function that has
rehearsed while it started has most of that, and its first call waits for the rest alone: a put, a query, other services.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from payments.storage.sdk.session import sender

Call = tuple[str, Mapping[str, Any], int]
"""A client's method, its request, and the status that it is answered with."""

_KEY = {"TableName": "rehearsal", "Key": {"key": {"S": "0"}}}
_UPDATE = {
    "UpdateExpression": "SET #0 = :0",
    "ConditionExpression": "#0 = :0",
    "ExpressionAttributeNames": {"#0": "number"},
    "ExpressionAttributeValues": {":0": {"N": "0"}},
    "ReturnValues": "ALL_NEW",
}
OF_TABLES: Sequence[Call] = (
    ("get_item", {**_KEY, "ConsistentRead": True}, 200),
    ("update_item", {**_KEY, **_UPDATE}, 400),
)
OF_SECRETS: Sequence[Call] = (("get_secret_value", {"SecretId": "rehearsal"}, 200),)

_BODIES = {200: b"{}", 400: b'{"__type": "ConditionalCheckFailedException", "message": "rehearsed"}'}


def rehearse(client: Any, calls: Sequence[Call]) -> None:
    """Make these calls of a client of the process's session. Nobody is asked; no other call may be made meanwhile.

    Without credentials, or where something else is missing, nothing happens: the first real call says so.
    """
    try:
        for name, request, status in calls:
            sender().rehearsed = status, _BODIES[status]
            with suppress(BotoCoreError, ClientError):
                getattr(client, name)(**request)
    finally:
        sender().rehearsed = None
