"""Arguments that several commands understand: each is the text that was given, understood, or says what is wrong with it."""

import argparse

from wechatpay_simulator.notifications.post import host_name


def notify_host(text: str) -> str:
    """A host that may be called besides this machine."""
    try:
        return host_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def port_number(text: str) -> int:
    """A TCP port; 0 where a free one is meant."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a number from 0 to 65535")
    return int(text)
