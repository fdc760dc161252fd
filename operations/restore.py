"""`make restore`: the items of a restored table into a stack's own, so that keys find their orders and no event goes out twice."""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from operations.checks.parameters import kept
from operations.stack import CannotError, Stack, run
from payments.core.events import RESTORED
from payments.core.schedule import MONEY, shard

SEGMENTS = 8  # of the restored table, copied side by side


def main() -> int:
    """Check and copy. Returns the exit status: 0 copied, 1 refused or failed."""
    return run(__doc__ or "", _restore, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", required=True, help="the restored table")
    parser.add_argument(
        "--env", default="restored", help="the environment of the stack, for what is told to do"
    )
    parser.add_argument("--old", help="the stack that the table was of, for its scope and merchant")
    parser.add_argument("--scope", help="its scope, where that stack is gone")


def _restore(stack: Stack, options: argparse.Namespace) -> int:
    if not options.table:
        raise CannotError("which table? make restore TABLE=… names the restored one")
    if options.old is None and options.scope is None:
        raise CannotError(
            "whose table was it? FROM= names the old stack, or SCOPE= its scope where that is gone"
        )
    old = Stack(options.old, {}, {}) if options.old else None
    scope = old.scope if old else options.scope
    _check(stack, old, scope, options.env)
    target = stack.output("PaymentsTableName")
    if target == options.table:
        raise CannotError(
            f"{target} is the stack's own table; restore to a moment into a new one, and name that"
        )
    copy = Copy(
        client=stack.client("dynamodb"),
        source=options.table,
        target=target,
        merchant=stack.parameter("WeChatMchId"),
        shards=int(stack.parameter("DueShards")),
        mark={"M": {"scope": {"S": scope}, "at": {"N": str(int(time.time()))}}},
    )
    print(f"restore: {options.table} into {target}, scope {scope}", flush=True)
    with ThreadPoolExecutor(SEGMENTS) as side:
        count = sum(side.map(copy.segment, range(SEGMENTS)), Counter[str]())
    print(f"restore: {count['copied']} payments copied, {count['there']} had been copied before")
    if copy.others:
        print(f"restore: {len(copy.others)} are known here already, as they are now, and were left alone;")
        print("restore: what the table has of them, compare by hand, refunds above all:")
        print("".join(f"    {number}\n" for number in sorted(copy.others)), end="")
    _tell(options)
    return 0


def _check(stack: Stack, old: Stack | None, scope: str, env: str) -> None:
    """What would cost money afterwards. Raises CannotError with the command that mends it."""
    merchant = f" WeChatMchId={old.parameter('WeChatMchId')}" if old else ""
    another = (
        f'make deploy ENV={env} PARAMETERS="StackScope={scope} RefundsHeld=true{merchant} …",'
        " with the other parameters of a first deployment"
    )
    if old and kept(old, "RefundsHeld") == "false":
        print(
            f"restore: {old.name} still pays refunds out, of which the table knows nothing:"
            f" make deploy ENV={old.env} PARAMETERS=RefundsHeld=true"
        )
    if not stack.exists():
        raise CannotError(f"there is no stack {stack.name} yet: {another}")
    if stack.scope != scope:
        raise CannotError(
            f"order numbers of {stack.name} derive from the scope {stack.scope}, those of the table from {scope}: keys that"
            f" are repeated would make second orders. A stack keeps its scope, so deploy another one: {another}"
        )
    if old and stack.parameter("WeChatMchId") != old.parameter("WeChatMchId"):
        raise CannotError(f"{stack.name} is of another merchant than {old.name}: {another}")
    if stack.parameter("RefundsHeld") != "true":
        raise CannotError(
            "refunds must be held back first, for the table has forgotten those since its moment:"
            f" make deploy ENV={env} PARAMETERS=RefundsHeld=true"
        )


@dataclass(frozen=True)
class Copy:
    """From the restored table into the stack's own; each item is marked with `mark`, so that nobody tells its history again.

    `others` are the numbers that the stack knew before, without such a mark.
    """

    client: Any
    source: str
    target: str
    merchant: str
    shards: int
    mark: dict[str, Any]
    others: list[str] = field(default_factory=list)

    def segment(self, number: int) -> Counter[str]:
        """One of the table's segments; how many items were copied, had been copied before, or are others by now.

        An item that is there stays as it is, so a run that was broken off is simply repeated. Raises CannotError.
        """
        count = Counter[str]()
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.source, Segment=number, TotalSegments=SEGMENTS, ConsistentRead=True
        )
        for page in pages:
            count.update(self._put(item) for item in page["Items"])
        return count

    def _put(self, item: dict[str, Any]) -> str:
        try:
            number, merchant = item["out_trade_no"]["S"], item["mchid"]["S"]
        except KeyError:
            raise CannotError(
                f"{self.source} is no table of payments: name the one that PaymentsTableName was restored to"
            ) from None
        if merchant != self.merchant:
            raise CannotError(f"{number} is of the merchant {merchant}, the stack of {self.merchant}")
        try:
            self.client.put_item(
                TableName=self.target,
                Item=self._placed(item) | {RESTORED: self.mark},
                ConditionExpression="attribute_not_exists(out_trade_no)",
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            key = {"out_trade_no": {"S": number}}
            found = self.client.get_item(TableName=self.target, Key=key, ConsistentRead=True)
            if RESTORED in found.get("Item", {}):
                return "there"
            self.others.append(number)
            return "other"
        except ClientError as problem:
            code = problem.response["Error"]["Code"]
            raise CannotError(
                f"{number} was not taken ({code}); run it again, what is copied stays"
            ) from None
        return "copied"

    def _placed(self, item: dict[str, Any]) -> dict[str, Any]:
        """The item, due in the shard where this stack looks for it: it may have another number of them."""
        if "due_shard" not in item:
            return item
        named, separator, _ = item["due_shard"]["S"].partition(
            "#"
        )  # before there were classes: the number alone
        place = shard(item["out_trade_no"]["S"], self.shards, named if separator else MONEY)
        return item | {"due_shard": {"S": place}}


def _tell(options: argparse.Namespace) -> None:
    steps = [
        f"make doctor ENV={options.env}",
        f"make republish SINCE=<some minutes before the table's moment> ENV={options.env}    # same ids: nothing counts twice",
        "let sweep and settle look at what is due (metric OldestDueSeconds)",
        "compare the refunds since the table's moment with the merchant platform's",
        f"make deploy ENV={options.env} PARAMETERS=RefundsHeld=false",
    ]
    print("restore: done. Next:")
    for number, step in enumerate(steps, start=1):
        print(f"  {number}. {step}")


if __name__ == "__main__":
    sys.exit(main())
