"""Whether order numbers go on where a restored table left off, and whether refunds are still held back."""

from botocore.exceptions import ClientError

from operations.checks.findings import Findings, fault, good, unchecked, warning
from operations.stack import CannotError, Stack
from payments.core.events import RESTORED


def check_restored(stack: Stack) -> Findings:
    """Hold the stack's scope against what a restored item says of its own; one page of the table is looked at."""
    try:
        scope, held = stack.scope, stack.parameter("RefundsHeld")
    except CannotError as problem:
        yield unchecked(str(problem), f"deploy this version: make deploy ENV={stack.env}")
        return
    if held == "true":
        yield warning(
            "refunds are held back: none is taken, and none is sent",
            f"once the books are compared: make deploy ENV={stack.env} PARAMETERS=RefundsHeld=false",
        )
    try:
        page = stack.client("dynamodb").scan(
            TableName=stack.output("PaymentsTableName"),
            FilterExpression="attribute_exists(#restored)",
            ProjectionExpression="#restored.#scope",
            ExpressionAttributeNames={"#restored": RESTORED, "#scope": "scope"},
        )
    except ClientError as problem:
        yield unchecked(
            f"whether the table was restored is not known ({problem.response['Error']['Code']})",
            "allow yourself dynamodb:Scan",
        )
        return
    theirs = {item[RESTORED]["M"]["scope"]["S"] for item in page["Items"]} - {scope}
    if theirs:
        yield fault(
            f"order numbers derive from the scope {scope}, restored payments from {', '.join(sorted(theirs))}",
            "keys that are repeated make second orders: take the API away, and restore into a stack of the right scope",
        )
    else:
        yield good(f"order numbers derive from the scope {scope}")
