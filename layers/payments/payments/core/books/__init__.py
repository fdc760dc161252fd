"""A day's money: what we have written down, what WeChat Pay's bills say, and where the two differ."""
