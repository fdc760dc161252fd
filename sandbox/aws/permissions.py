"""Which IAM actions on which resources an AWS request needs (Service Authorization Reference)."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sandbox.aws.iam import Need


class UnknownOperationError(Exception):
    """The sandbox does not know what permission this operation needs, so nobody but its own key may call it."""


class Account(Protocol):
    """What turning names into ARNs takes."""

    region: str
    account: str

    def secret_arn(self, secret_id: str) -> str:
        """Full ARN of a secret given by name, full or partial ARN; of one that does not exist, the ARN asked for."""

    def hash_key(self, table: str) -> str | None:
        """Name of a table's partition key; None when there is no such table."""


_TABLE = {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "DescribeTable", "DescribeTimeToLive"}
_INDEXED = {"Query", "Scan"}
_TRANSACT = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_SECRET = {
    "GetSecretValue",
    "DescribeSecret",
    "PutSecretValue",
    "ListSecretVersionIds",
    "UpdateSecretVersionStage",
}
_QUEUE = {
    "SendMessage": "SendMessage",
    "SendMessageBatch": "SendMessage",
    "ReceiveMessage": "ReceiveMessage",
    "DeleteMessage": "DeleteMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibility": "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "GetQueueAttributes": "GetQueueAttributes",
    "GetQueueUrl": "GetQueueUrl",
}
_CONNECTION = {"PostToConnection": "POST", "GetConnection": "GET", "DeleteConnection": "DELETE"}
_OBJECT = {
    "PutObject": "PutObject",
    "GetObject": "GetObject",
    "HeadObject": "GetObject",
    "DeleteObject": "DeleteObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "AbortMultipartUpload": "AbortMultipartUpload",
}


def needs(target: str, body: Mapping[str, Any], account: Account) -> list[Need]:
    """What a request needs; `target` is service.Operation as in `dynamodb.PutItem`.

    Raises UnknownOperationError for what is not listed here, KeyError and the like for a malformed body.
    """
    service, _, operation = target.partition(".")
    known = _SERVICES.get(service)
    found = None if known is None else known(operation, body, account)
    if found is None:
        raise UnknownOperationError(target)
    return found


def _dynamodb(operation: str, body: Mapping[str, Any], account: Account) -> list[Need] | None:
    def table(name: str) -> str:
        return name if name.startswith("arn:") else f"{_arn('dynamodb', account)}:table/{name}"

    def one(action: str, part: Mapping[str, Any], resource: str | None = None) -> Need:
        name = part["TableName"]
        return Need(f"dynamodb:{action}", resource or table(name), _leading(account, name, [part]))

    if operation in _TABLE:
        return [one(operation, body)]
    if operation in _INDEXED:
        index = f"/index/{body['IndexName']}" if "IndexName" in body else ""
        return [Need(f"dynamodb:{operation}", table(body["TableName"]) + index)]
    if operation in ("TransactWriteItems", "TransactGetItems"):
        return [one(_TRANSACT[kind], part) for item in body["TransactItems"] for kind, part in item.items()]
    if operation == "BatchGetItem":
        return [
            Need(
                "dynamodb:BatchGetItem",
                table(name),
                _leading(account, name, [{"Key": key} for key in request["Keys"]]),
            )
            for name, request in body["RequestItems"].items()
        ]
    if operation == "BatchWriteItem":
        return [
            Need(
                "dynamodb:BatchWriteItem",
                table(name),
                _leading(account, name, [part for write in writes for part in write.values()]),
            )
            for name, writes in body["RequestItems"].items()
        ]
    if operation == "ListTables":
        return [Need("dynamodb:ListTables", "*")]
    return None


def _leading(account: Account, table: str, parts: list[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """dynamodb:LeadingKeys, the partition key values that a request names."""
    key = account.hash_key(table.rsplit("/", 1)[-1])
    images = [part.get("Item") or part.get("Key") or {} for part in parts]
    values = [str(next(iter(image[key].values()))) for image in images if key in image]
    return {"dynamodb:LeadingKeys": tuple(values)} if values else {}


def _streams(operation: str, body: Mapping[str, Any], account: Account) -> list[Need] | None:
    if operation in ("DescribeStream", "GetShardIterator"):
        return [Need(f"dynamodb:{operation}", body["StreamArn"])]
    if operation == "GetRecords":  # an iterator begins with its stream's ARN
        return [Need("dynamodb:GetRecords", body["ShardIterator"].partition("|")[0])]
    if operation == "ListStreams":
        table = body.get("TableName", "*")
        return [Need("dynamodb:ListStreams", f"{_arn('dynamodb', account)}:table/{table}/stream/*")]
    return None


def _secrets(operation: str, body: Mapping[str, Any], account: Account) -> list[Need] | None:
    if operation in _SECRET:
        return [Need(f"secretsmanager:{operation}", account.secret_arn(body["SecretId"]))]
    if operation == "BatchGetSecretValue" and "SecretIdList" in body:
        each = [
            Need("secretsmanager:GetSecretValue", account.secret_arn(name)) for name in body["SecretIdList"]
        ]
        return [Need("secretsmanager:BatchGetSecretValue", "*"), *each]
    return None


def _events(operation: str, body: Mapping[str, Any], account: Account) -> list[Need] | None:
    if operation != "PutEvents":
        return None
    found = []
    for entry in body["Entries"]:
        bus = entry.get("EventBusName") or "default"
        arn = bus if bus.startswith("arn:") else f"{_arn('events', account)}:event-bus/{bus}"
        context = {
            "events:source": (entry.get("Source", ""),),
            "events:detail-type": (entry.get("DetailType", ""),),
        }
        found.append(Need("events:PutEvents", arn, context))
    return found


def _sqs(operation: str, body: Mapping[str, Any], account: Account) -> list[Need] | None:
    if operation not in _QUEUE:
        return None
    name = body["QueueName"] if operation == "GetQueueUrl" else body["QueueUrl"].rsplit("/", 1)[-1]
    return [Need(f"sqs:{_QUEUE[operation]}", f"{_arn('sqs', account)}:{name}")]


def _s3(operation: str, body: Mapping[str, Any], account: Account) -> list[Need] | None:  # noqa: ARG001
    bucket = f"arn:aws:s3:::{body['Bucket']}"
    if operation in _OBJECT:
        return [Need(f"s3:{_OBJECT[operation]}", f"{bucket}/{body['Key']}")]
    if operation in ("ListObjectsV2", "ListObjects", "HeadBucket"):
        return [Need("s3:ListBucket", bucket)]
    return None


def _execute_api(operation: str, body: Mapping[str, Any], account: Account) -> list[Need] | None:
    if operation not in _CONNECTION:
        return None
    path = f"{body['ApiId']}/{body['Stage']}/{_CONNECTION[operation]}/@connections/{body['ConnectionId']}"
    return [Need("execute-api:ManageConnections", f"{_arn('execute-api', account)}:{path}")]


def _logs(operation: str, body: Mapping[str, Any], account: Account) -> list[Need] | None:
    if operation not in ("CreateLogStream", "PutLogEvents"):
        return None
    group, stream = body["logGroupName"], body["logStreamName"]
    return [Need(f"logs:{operation}", f"{_arn('logs', account)}:log-group:{group}:log-stream:{stream}")]


def _sts(operation: str, body: Mapping[str, Any], account: Account) -> list[Need] | None:  # noqa: ARG001
    # GetCallerIdentity needs no permission (AWS STS API Reference); AssumeRole is not offered to functions here.
    return [] if operation == "GetCallerIdentity" else None


def _arn(service: str, account: Account) -> str:
    return f"arn:aws:{service}:{account.region}:{account.account}"


_SERVICES: dict[str, Callable[[str, Mapping[str, Any], Account], list[Need] | None]] = {
    "dynamodb": _dynamodb,
    "dynamodbstreams": _streams,
    "secretsmanager": _secrets,
    "events": _events,
    "sqs": _sqs,
    "s3": _s3,
    "logs": _logs,
    "execute-api": _execute_api,
    "sts": _sts,
}
