"""The notify function in one process, as the refund side's tests have it."""

from tests.refunding.conftest import _tables, office

__all__ = ["_tables", "office"]
