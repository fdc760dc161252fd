"""Checkouts: what is to be paid, above the orders by which it is paid."""
