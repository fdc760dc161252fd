"""`make restore`: the items of restored tables into a stack's own, so that keys find their orders and no event goes out twice."""

import argparse
import sys
import time
from typing import Any

from operations.checks.parameters import kept
from operations.restored_items import Checkouts, Copy, Payments
from operations.stack import CannotError, Stack, run


def main() -> int:
    """Check and copy. Returns the exit status: 0 copied, 1 refused or failed."""
    return run(__doc__ or "", _restore, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", required=True, help="the restored table")
    parser.add_argument("--checkouts", help="the restored table of checkouts, of the same moment")
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
    target, into = stack.output("PaymentsTableName"), stack.output("CheckoutsTableName")
    for own in {target, into} & {options.table, options.checkouts}:
        raise CannotError(
            f"{own} is the stack's own table; restore to a moment into a new one, and name that"
        )
    client = stack.client("dynamodb")
    for variable, table in (("TABLE", options.table), ("CHECKOUTS", options.checkouts)):
        if table and not _there(client, table):  # before anything is copied
            raise CannotError(f"{variable}: there is no table {table} in this account and region")
    mark = {"M": {"scope": {"S": scope}, "at": {"N": str(int(time.time()))}}}
    payments = Payments(options.table, stack.parameter("WeChatMchId"), int(stack.parameter("DueShards")))
    print(f"restore: {options.table} into {target}, scope {scope}", flush=True)
    _copied(Copy(client, options.table, target, mark, payments))
    if options.checkouts:
        checkouts = Checkouts(options.checkouts, client, target)
        print(f"restore: {options.checkouts} into {into}", flush=True)
        _copied(Copy(client, options.checkouts, into, mark, checkouts))
        _tell_strangers(checkouts)
    else:
        print("restore: checkouts were not copied; make restore … CHECKOUTS=<their restored table> does")
    _tell(options)
    return 0


def _there(client: Any, table: str) -> bool:
    try:
        client.scan(TableName=table, Limit=1)
    except client.exceptions.ResourceNotFoundException:
        return False
    return True


def _copied(copy: Copy) -> None:
    what = copy.kind.what
    count = copy.run()
    print(f"restore: {count['copied']} {what} copied, {count['there']} had been copied before")
    if copy.others:
        print(f"restore: {len(copy.others)} are known here already, as they are now, and were left alone;")
        print("restore: what the table has of them, compare by hand, refunds above all:")
        _list(copy.others)


def _tell_strangers(checkouts: Checkouts) -> None:
    if checkouts.strangers:
        print(
            f"restore: {len(checkouts.strangers)} checkouts were paid by orders that the table of payments has not:"
        )
        print(
            "restore: find these in the merchant platform; have their notifications sent again, or refund them there:"
        )
        _list(checkouts.strangers)


def _list(numbers: list[str]) -> None:
    print("".join(f"    {number}\n" for number in sorted(numbers)), end="")


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


def _tell(options: argparse.Namespace) -> None:
    steps = [
        f"make doctor ENV={options.env}",
        f"make republish SINCE=<some minutes before the table's moment> ENV={options.env}    # same ids: nothing counts twice",
        f"make journal ENV={options.env}    # the books follow from what was copied",
        "let sweep and settle look at what is due (metric OldestDueSeconds)",
        "compare the refunds since the table's moment with the merchant platform's",
        f"make deploy ENV={options.env} PARAMETERS=RefundsHeld=false",
    ]
    print("restore: done. Next:")
    for number, step in enumerate(steps, start=1):
        print(f"  {number}. {step}")


if __name__ == "__main__":
    sys.exit(main())
