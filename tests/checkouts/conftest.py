"""One thing to be paid on any device, in one process, each test with empty tables."""

from tests.checkouts.counter import counter, counter_tables

__all__ = ["counter", "counter_tables"]
