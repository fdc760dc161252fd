"""The bills of a day: what was paid and refunded, what moved on the merchant's account, and their download."""
