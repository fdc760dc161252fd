"""The notify function in one process, as the refund side's tests have it."""

from tests.kit.office import office, office_tables

__all__ = ["office", "office_tables"]
