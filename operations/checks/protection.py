"""Whether the tables of payments, quarantine, notifications and bills refuse to be deleted, and can be restored to any second."""

from botocore.exceptions import ClientError

from operations.checks.findings import Findings, fault, good, unchecked
from operations.stack import Stack

_TABLES = (
    "PaymentsTableName",
    "CheckoutsTableName",
    "QuarantineTableName",
    "NotificationsTableName",
    "BillsTableName",
)


def check_protection(stack: Stack) -> Findings:
    """Ask DynamoDB. A first deployment leaves the protection off until it has succeeded; its second step may have failed."""
    for output in _TABLES:
        name, client = stack.output(output), stack.client("dynamodb")
        try:
            table = client.describe_table(TableName=name)["Table"]
            backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        except ClientError as problem:
            yield unchecked(
                f"the protection of {name} is not known ({problem.response['Error']['Code']})",
                "allow yourself dynamodb:DescribeTable and DescribeContinuousBackups",
            )
            continue
        recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
        if not table.get("DeletionProtectionEnabled"):
            yield fault(
                f"{name} can be deleted", f"deploy once more: make deploy ENV={stack.env} protects it"
            )
        elif recovery != "ENABLED":
            yield fault(
                f"{name} cannot be restored to a moment",
                f"deploy once more, the template switches it on: make deploy ENV={stack.env}",
            )
        else:
            yield good(f"{name} is protected against deletion, and can be restored to any second")
