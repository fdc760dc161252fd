"""Open pages of a sandbox's stack, and a look behind them."""

import json
import secrets
from contextlib import contextmanager

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from payments.api import tokens

PROTOCOL = "live"


class Live:
    """Pages of one stack, and a look behind them."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.aws, refs = sandbox.aws, sandbox.deployed.refs
        self.table = refs["ConnectionsTable"]
        self.url = sandbox.deployed.functions["LivePushFunction"].environment["LIVE_URL"]
        secret = self.aws.client("secretsmanager").get_secret_value(SecretId=refs["CheckoutSecret"])
        self.key = json.loads(secret["SecretString"])["CHECKOUT_KEY"]

    def ticket(self, number, *, at=0, key=None):
        """A ticket as the checkout page gets it, made `at` seconds from now."""
        return tokens.live_ticket(
            out_trade_no=number,
            ticket_id=secrets.token_urlsafe(16),
            keys=(key or self.key,),
            now=self.sandbox.clock.time() + at,
        )

    def open(self, number, *, ticket=None, **settings):
        return self.offer(PROTOCOL, ticket or self.ticket(number), **settings)

    def offer(self, *protocols, path="", **settings):
        offered = list(protocols) or None
        return connect(self.url + path, subprotocols=offered, proxy=None, open_timeout=30, **settings)

    def refusal(self, *protocols, **settings):
        """The status that a handshake is refused with."""
        with pytest.raises(InvalidStatus) as refused, self.offer(*protocols, **settings):
            pass
        return refused.value.response.status_code

    def rows(self, number):
        found = self.aws.client("dynamodb").query(
            TableName=self.table,
            KeyConditionExpression="out_trade_no = :n",
            ExpressionAttributeValues={":n": {"S": number}},
            ConsistentRead=True,
        )
        return [{name: next(iter(value.values())) for name, value in row.items()} for row in found["Items"]]

    def put(self, number, connection_id, *, age):
        """A row of a connection that API Gateway knows nothing of, opened `age` seconds ago."""
        now = int(self.sandbox.clock.time())
        item = {"out_trade_no": {"S": number}, "ticket_id": {"S": connection_id}}
        item |= {"connection_id": {"S": connection_id}, "opened_at": {"N": str(now - age)}}
        item["expires_at"] = {"N": str(now + 7200)}
        self.aws.client("dynamodb").put_item(TableName=self.table, Item=item)

    def remove(self, number, ticket_id):
        key = {"out_trade_no": {"S": number}, "ticket_id": {"S": ticket_id}}
        self.aws.client("dynamodb").delete_item(TableName=self.table, Key=key)

    def waiting(self):
        """How many connections of all orders are known."""
        found = self.aws.client("dynamodb").scan(
            TableName=self.table, FilterExpression="attribute_exists(connection_id)", Select="COUNT"
        )
        return found["Count"]

    @contextmanager
    def without_rights(self, role):
        """For a while, a role may do nothing."""
        iam, name = self.aws.client("iam"), self.sandbox.deployed.refs[role]
        (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
        kept = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
        try:
            yield
        finally:
            document = kept if isinstance(kept, str) else json.dumps(kept)
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)
