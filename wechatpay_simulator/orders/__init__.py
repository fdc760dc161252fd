"""Orders: what is asked for, what they become, how they are paid, how WeChat Pay speaks of them."""
