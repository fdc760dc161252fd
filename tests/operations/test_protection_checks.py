"""`make doctor` on the tables of money: they refuse to be deleted, and can be restored."""

import pytest

from sandbox.stack import Sandbox


def test_tables_of_a_stack_as_it_should_be_are_protected(command) -> None:
    told = command("doctor").stdout
    assert told.count("is protected against deletion, and can be restored to any second") == 5


@pytest.mark.parametrize("logical_id", ["PaymentsTable", "CheckoutsTable", "QuarantineTable", "BillsTable"])
def test_a_table_that_a_first_deployment_left_without_protection_is_a_fault(
    sandbox: Sandbox, command, logical_id: str
) -> None:
    table, client = sandbox.deployed.refs[logical_id], sandbox.aws.client("dynamodb")
    client.update_table(TableName=table, DeletionProtectionEnabled=False)
    try:
        done = command("doctor")
    finally:
        client.update_table(TableName=table, DeletionProtectionEnabled=True)
    assert done.returncode == 1
    assert f"fault      {table} can be deleted" in done.stdout
    assert "deploy once more: make deploy ENV=sandbox protects it" in done.stdout


def test_a_table_that_cannot_be_restored_is_a_fault(sandbox: Sandbox, command) -> None:
    table, client = sandbox.deployed.refs["PaymentsTable"], sandbox.aws.client("dynamodb")
    recovery = "PointInTimeRecoverySpecification"
    client.update_continuous_backups(TableName=table, **{recovery: {"PointInTimeRecoveryEnabled": False}})
    try:
        done = command("doctor")
    finally:
        client.update_continuous_backups(TableName=table, **{recovery: {"PointInTimeRecoveryEnabled": True}})
    assert done.returncode == 1
    assert f"{table} cannot be restored to a moment" in done.stdout
