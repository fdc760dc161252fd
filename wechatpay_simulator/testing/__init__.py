"""WeChat Pay in a test suite of yours: one address for the session, a ledger of its own for each test."""
