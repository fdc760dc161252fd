"""The refund side in one process, each test with an empty table."""

from tests.kit.office import office, office_tables

__all__ = ["office", "office_tables"]
