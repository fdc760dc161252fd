"""Checkouts over HTTP."""
