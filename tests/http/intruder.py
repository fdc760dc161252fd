"""What an intruder in a function would try, and the grant that each of it would take."""

import json

from sandbox.cloudformation.template import transformed
from sandbox.stack import TEMPLATE

RESOURCES = transformed(TEMPLATE)["Resources"]


def key(number="WX000000"):
    return {"out_trade_no": {"S": number}}


def mark_paid(table, number):
    return {
        "TableName": table,
        "Key": key(number),
        "UpdateExpression": "SET #s = :s",
        "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": {":s": {"S": "PAID"}},
    }


class Attempts:
    """Name → service, call, arguments, and the action and resource that would have to be granted."""

    def __init__(self, shop, number):
        self._refs, self._attributes = shop.sandbox.deployed.refs, shop.sandbox.deployed.attributes
        self._shop, self._number = shop, number

    def all(self):
        return self.on_payments() | self.on_other_tables() | self.on_secrets() | self.on_the_rest()

    def on_payments(self):
        table, arn = self._table("PaymentsTable")
        due = {
            "KeyConditionExpression": "due_shard = :d",
            "ExpressionAttributeValues": {":d": {"S": "0"}},
            "IndexName": "due",
        }
        one = {"TableName": table, "Key": key(self._number)}
        put = {"TableName": table, "Item": key(self._number)}
        calls = {
            "read a payment": ("get_item", one, "GetItem", arn),
            "write a payment": ("put_item", put, "PutItem", arn),
            "move a payment": ("update_item", mark_paid(table, self._number), "UpdateItem", arn),
            "delete a payment": ("delete_item", one, "DeleteItem", arn),
            "list payments": ("scan", {"TableName": table}, "Scan", arn),
            "find due payments": ("query", due | {"TableName": table}, "Query", f"{arn}/index/due"),
            "list due payments": (
                "scan",
                {"TableName": table, "IndexName": "due"},
                "Scan",
                f"{arn}/index/due",
            ),
            "read several": (
                "batch_get_item",
                {"RequestItems": {table: {"Keys": [key()]}}},
                "BatchGetItem",
                arn,
            ),
            "write several": (
                "batch_write_item",
                {"RequestItems": {table: [{"DeleteRequest": {"Key": key(self._number)}}]}},
                "BatchWriteItem",
                arn,
            ),
            "delete in a transaction": (
                "transact_write_items",
                {"TransactItems": [{"Delete": one}]},
                "DeleteItem",
                arn,
            ),
            "describe the table": ("describe_table", {"TableName": table}, "DescribeTable", arn),
            "unprotect the table": (
                "update_table",
                {"TableName": table, "DeletionProtectionEnabled": False},
                "UpdateTable",
                arn,
            ),
            "drop the table": ("delete_table", {"TableName": table}, "DeleteTable", arn),
            "back the table up": (
                "create_backup",
                {"TableName": table, "BackupName": "mine"},
                "CreateBackup",
                arn,
            ),
            "list tables": ("list_tables", {}, "ListTables", "*"),
        }
        return _named("dynamodb", calls)

    def on_other_tables(self):
        """Every other table of the template, whatever it is for."""
        found = {}
        for logical_id in self._of_type("AWS::DynamoDB::Table", besides="PaymentsTable"):
            table, arn = self._table(logical_id)
            (hashed,) = [
                part["AttributeName"]
                for part in RESOURCES[logical_id]["Properties"]["KeySchema"]
                if part["KeyType"] == "HASH"
            ]
            one = {"TableName": table, "Key": {hashed: {"S": "x"}}}
            calls = {
                f"read {logical_id}": ("get_item", one, "GetItem", arn),
                f"list {logical_id}": ("scan", {"TableName": table}, "Scan", arn),
                f"write {logical_id}": ("put_item", {"TableName": table, "Item": one["Key"]}, "PutItem", arn),
                f"delete from {logical_id}": ("delete_item", one, "DeleteItem", arn),
                f"drop {logical_id}": ("delete_table", {"TableName": table}, "DeleteTable", arn),
            }
            found |= _named("dynamodb", calls)
        return found

    def on_secrets(self):
        """Every secret of the template."""
        found = {"list secrets": ("secretsmanager", "list_secrets", {}, "secretsmanager:ListSecrets", "*")}
        for logical_id in self._of_type("AWS::SecretsManager::Secret"):
            which = {"SecretId": self._refs[logical_id]}
            arn = self._refs[logical_id]
            calls = {
                f"read {logical_id}": ("get_secret_value", which, "GetSecretValue", arn),
                f"replace {logical_id}": (
                    "put_secret_value",
                    which | {"SecretString": "{}"},
                    "PutSecretValue",
                    arn,
                ),
                f"delete {logical_id}": ("delete_secret", which, "DeleteSecret", arn),
            }
            found |= _named("secretsmanager", calls)
        return found

    def on_the_rest(self):
        bus, queue = self._refs["Bus"], self._refs["SettleQueue"]
        account, region = self._shop.sandbox.aws.account, self._shop.sandbox.aws.region
        buses = f"arn:aws:events:{region}:{account}:event-bus"
        queue_arn = f"arn:aws:sqs:{region}:{account}:{queue.rsplit('/', 1)[-1]}"
        event = {"Source": "wechatpay.payments", "DetailType": "PaymentSucceeded", "Detail": "{}"}
        role = self._shop.role("NativeFunction")
        bucket = self._refs["UnpublishedBucket"]
        records = f"arn:aws:s3:::{bucket}/records"
        events = {
            "tell an event": (
                "put_events",
                {"Entries": [event | {"EventBusName": bus}]},
                "PutEvents",
                f"{buses}/{bus}",
            ),
            "tell it elsewhere": (
                "put_events",
                {"Entries": [event | {"EventBusName": "default"}]},
                "PutEvents",
                f"{buses}/default",
            ),
            "tell it nowhere in particular": (
                "put_events",
                {"Entries": [event]},
                "PutEvents",
                f"{buses}/default",
            ),
            "drop the bus": ("delete_event_bus", {"Name": bus}, "DeleteEventBus", f"{buses}/{bus}"),
        }
        queues = {
            "have a payment settled": (
                "send_message",
                {"QueueUrl": queue, "MessageBody": json.dumps({"out_trade_no": "WX000000"})},
                "SendMessage",
                queue_arn,
            ),
            "empty the queue": ("purge_queue", {"QueueUrl": queue}, "PurgeQueue", queue_arn),
        }
        objects = {
            "read what was not published": (
                "get_object",
                {"Bucket": bucket, "Key": "records"},
                "GetObject",
                records,
            ),
            "put something beside it": (
                "put_object",
                {"Bucket": bucket, "Key": "records"},
                "PutObject",
                records,
            ),
            "delete it": ("delete_object", {"Bucket": bucket, "Key": "records"}, "DeleteObject", records),
        }
        roles = {
            "give itself more": (
                "put_role_policy",
                {"RoleName": role.rsplit("/", 1)[-1], "PolicyName": "all", "PolicyDocument": "{}"},
                "PutRolePolicy",
                role,
            )
        }
        become = {
            "become another role": (
                "assume_role",
                {"RoleArn": role, "RoleSessionName": "intruder"},
                "AssumeRole",
                role,
            )
        }
        return (
            _named("events", events)
            | _named("sqs", queues)
            | _named("s3", objects)
            | _named("iam", roles)
            | _named("sts", become)
        )

    def _table(self, logical_id):
        return self._refs[logical_id], self._attributes[logical_id]["Arn"]

    def _of_type(self, kind, besides=None):
        return [name for name, one in RESOURCES.items() if one["Type"] == kind and name != besides]


def _named(service, calls):
    return {
        name: (service, call, arguments, f"{service}:{action}", resource)
        for name, (call, arguments, action, resource) in calls.items()
    }
