"""`make destroy`: deletes a stack, and says before what stays, and why."""

import argparse
import sys
import time
from typing import Any

from botocore.exceptions import ClientError

from operations.stack import CannotError, Stack, run
from operations.stack_states import reasons, stuck

MAX_WAIT_SECONDS = 3600  # seconds that a deletion may take

# What the template keeps, by logical id.
KEPT = {
    "PaymentsTable": "every payment and refund, without end: your books",
    "CheckoutsTable": "what was to be paid, and by which order it was",
    "QuarantineTable": "evidence that contradicted them",
    "NotificationsTable": "what WeChat Pay told of your other products in the last 90 days",
    "BillsTable": "where each day's bills and your books differed",
    "BillsBucket": "WeChat Pay's bills",
    "SigningSecret": "the merchant's signing key",
    "VerificationSecret": "the keys that prove what WeChat Pay says",
    "CertificatesSecret": "WeChat Pay's certificates",
    "AppsSecret": "the apps' secrets for WeChat's open platform",
    "CheckoutSecret": "what signed the checkout addresses that are out there",
    "UnpublishedBucket": "events that could not be published",
}


def main() -> int:
    """Delete. Returns the exit status: 0 deleted or nothing there, 1 refused or failed."""
    return run(__doc__ or "", _destroy, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="ask nobody: for machines")
    parser.add_argument("--every", type=float, default=5, help="seconds between two looks at the deletion")


def _destroy(stack: Stack, options: argparse.Namespace) -> int:
    status = stack.status()
    if not status:
        print(f"destroy: there is no stack {stack.name}")
        return 0
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        raise CannotError(f"{stack.name} is in {status}: try again when that has ended")
    if stack.protected:
        raise CannotError(
            f"{stack.name} is protected, as production is. Who really means it takes that off first:\n"
            "  aws cloudformation update-termination-protection --no-enable-termination-protection"
            f" --stack-name {stack.name}"
        )
    stays = _stays(stack) if status != "REVIEW_IN_PROGRESS" else []
    _tell(stack, stays)
    if not options.yes:
        _ask(stack.name)
    _delete(stack, options.every)
    print(f"destroy: {stack.name} is deleted")
    return 0


def _stays(stack: Stack) -> list[dict[str, Any]]:
    """The stack's resources that outlive it."""
    pages = stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.arn)
    return [
        one
        for page in pages
        for one in page["StackResourceSummaries"]
        if one["LogicalResourceId"] in KEPT and one["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def _tell(stack: Stack, stays: list[dict[str, Any]]) -> None:
    print(f"destroy: {stack.name}: API, functions, queues, alarms, logs and limits go")
    if not stays:
        return
    tables = [one["PhysicalResourceId"] for one in stays if one["LogicalResourceId"] == "PaymentsTable"]
    for table in tables:
        try:
            waiting = _waiting(stack, table)
        except ClientError as problem:  # somebody deleted it before, or may not read it
            print(
                f"destroy: how many payments are not final is not known ({problem.response['Error']['Code']})"
            )
            continue
        if waiting:
            print(
                f"destroy: {waiting} payments or refunds are not final, and nobody will look after them any more"
            )
    print(
        "destroy: this stays, is paid for, and is only deleted by hand (docs/operations.md#deleting-a-stack):"
    )
    for one in stays:
        print(f"    {one['PhysicalResourceId']}: {KEPT[one['LogicalResourceId']]}")
    print("destroy: a stack that is deployed later under this name begins with empty tables")


def _waiting(stack: Stack, table: str) -> int:
    """How many payments somebody must still look at."""
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=table, IndexName="due", Select="COUNT")
    )
    return sum(page["Count"] for page in pages)


def _ask(name: str) -> None:
    if not sys.stdin.isatty():
        raise CannotError("nobody is there to agree; give --yes (YES=1)")
    if input(f"destroy: type {name} to delete it: ").strip() != name:
        raise CannotError("nothing was deleted")


def _delete(stack: Stack, every: float) -> None:
    stack.client("cloudformation").delete_stack(StackName=stack.arn)
    end = time.monotonic() + MAX_WAIT_SECONDS
    while True:
        time.sleep(every)  # at once it may still be told in the state of before
        stack.forget()
        status = stack.status()
        if not status:
            return
        if status == "DELETE_FAILED":
            lines = [*reasons(stack), *(f"not deleted: {one['PhysicalResourceId']}" for one in stuck(stack))]
            told = "\n  ".join([f"{stack.name} could not be deleted:", *lines])
            raise CannotError(told)
        if time.monotonic() > end:
            raise CannotError(f"{stack.name} is still in {status}; look into the console")


if __name__ == "__main__":
    sys.exit(main())
