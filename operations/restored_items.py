"""Items of a restored table into a stack's own: each once, none over what is there, and such as the stack can go on with."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import ClientError

from operations.stack import CannotError
from payments.core.events import RESTORED
from payments.core.schedule import MONEY, shard

SEGMENTS = 8  # of the restored table, copied side by side

Item = dict[str, Any]  # in DynamoDB's own JSON


class Kind(Protocol):
    """What the items of a table are."""

    what: str  # payments
    key: str  # out_trade_no

    def placed(self, item: Item) -> Item:
        """The item as it goes into the stack's own table. Raises CannotError for one that does not belong there."""


@dataclass(frozen=True)
class Copy:
    """From a restored table into the stack's own; each item is marked with `mark`, so that nobody tells its history again.

    `others` are the keys of items that the stack knew before, without such a mark.
    """

    client: Any
    source: str
    target: str
    mark: Item
    kind: Kind
    others: list[str] = field(default_factory=list)

    def run(self) -> Counter[str]:
        """All of the table; how many items were copied, had been there (by a run before), or are others by now.

        An item that is there stays as it is, so a run that was broken off is simply repeated. Raises CannotError.
        """
        with ThreadPoolExecutor(SEGMENTS) as side:
            return sum(side.map(self._segment, range(SEGMENTS)), Counter[str]())

    def _segment(self, number: int) -> Counter[str]:
        count = Counter[str]()
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.source, Segment=number, TotalSegments=SEGMENTS, ConsistentRead=True
        )
        for page in pages:
            count.update(self._put(item) for item in page["Items"])
        return count

    def _put(self, item: Item) -> str:
        placed, name = self.kind.placed(item), self.kind.key
        try:
            self.client.put_item(
                TableName=self.target,
                Item=placed | {RESTORED: self.mark},
                ConditionExpression=f"attribute_not_exists({name})",
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            found = self.client.get_item(TableName=self.target, Key={name: item[name]}, ConsistentRead=True)
            if RESTORED in found.get("Item", {}):
                return "there"
            self.others.append(item[name]["S"])
            return "other"
        except ClientError as problem:
            code = problem.response["Error"]["Code"]
            raise CannotError(
                f"{item[name]['S']} was not taken ({code}); run it again, what is copied stays"
            ) from None
        return "copied"


@dataclass(frozen=True)
class Payments:
    """Payments of one merchant, for a stack that looks for what is due in so many shards."""

    source: str
    merchant: str
    shards: int
    what = "payments"
    key = "out_trade_no"

    def placed(self, item: Item) -> Item:
        """The item, due in the shard where this stack looks for it: it may have another number of them."""
        try:
            number, merchant = item["out_trade_no"]["S"], item["mchid"]["S"]
        except KeyError:
            raise CannotError(
                f"{self.source} is no table of payments: name the one that PaymentsTableName was restored to"
            ) from None
        if merchant != self.merchant:
            raise CannotError(f"{number} is of the merchant {merchant}, the stack of {self.merchant}")
        if "due_shard" not in item:
            return item
        named, separator, _ = item["due_shard"]["S"].partition(
            "#"
        )  # before there were classes: the number alone
        return item | {"due_shard": {"S": shard(number, self.shards, named if separator else MONEY)}}


@dataclass(frozen=True)
class Checkouts:
    """Checkouts whose orders are in the table `payments` by now, as far as anybody knows of them.

    `strangers` are the orders by which some were paid and that are not there.
    """

    source: str
    client: Any
    payments: str
    strangers: list[str] = field(default_factory=list)
    what = "checkouts"
    key = "checkout_id"

    def placed(self, item: Item) -> Item:
        """The item; an attempt whose order was forgotten has yet to begin.

        An order that is not in the table counts as one that was never sent, and whoever takes over begins the next beside it. But this one may
        have been sent since, and be open at WeChat Pay: begun again under its own number it is found there, and closed first.
        """
        try:
            attempt, paid_by = int(item["attempt"]["N"]), item.get("paid_by", {}).get("S")
            current = item["current"]["M"]["out_trade_no"]["S"] if "current" in item else None
        except KeyError:
            raise CannotError(
                f"{self.source} is no table of checkouts: name the one that CheckoutsTableName was restored to"
            ) from None
        if paid_by is not None:
            if not self._is_known(paid_by):
                self.strangers.append(paid_by)
            return item
        if current is None or self._is_known(current):
            return item
        begun = {name: value for name, value in item.items() if name != "current"}
        return begun | {"attempt": {"N": str(attempt - 1)}}

    def _is_known(self, number: str) -> bool:
        key = {"out_trade_no": {"S": number}}
        return "Item" in self.client.get_item(TableName=self.payments, Key=key, ConsistentRead=True)
