"""The numbers that WeChat Pay gives an order before it is paid."""

import secrets

from wechatpay_simulator.clock import beijing_second


def new_prepay_id(now: float) -> str:
    """`wx`, the Beijing day and time in 14 digits, 20 hex digits."""
    return f"wx{beijing_second(now)}{secrets.token_hex(10)}"
