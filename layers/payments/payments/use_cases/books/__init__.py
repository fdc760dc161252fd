"""How a day's books are compared with WeChat Pay's bills."""
