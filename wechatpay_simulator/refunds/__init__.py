"""Refunds: what is asked for, what they become, how WeChat Pay speaks of them."""
