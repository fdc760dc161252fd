"""Arguments that several commands understand: each is the text that was given, understood, or says what is wrong with it."""

import argparse
from pathlib import Path
from urllib.parse import urlsplit

from wechatpay_simulator.notifications.post import host_name


def notify_host(text: str) -> str:
    """A host that may be called besides this machine."""
    try:
        return host_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def each_a_file_of_its_own(reader: argparse.ArgumentParser, asked: argparse.Namespace, *names: str) -> None:
    """Ends the program where two of these options name one file: the one would be written over the other, keys and all."""
    by_file: dict[Path, str] = {}
    for name in names:
        file = getattr(asked, name)
        if file is not None:
            other = by_file.setdefault(Path(file).resolve(), name)
            if other != name:
                reader.error(f"argument {_option(name)}: {file} is the file of {_option(other)}")


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def port_number(text: str) -> int:
    """A TCP port; 0 where a free one is meant."""
    if not (text.isascii() and text.isdecimal()) or len(text) > len("65535") or int(text) > 65535:
        raise argparse.ArgumentTypeError("a number from 0 to 65535")
    return int(text)


def address(text: str) -> str:
    """A URL that can be called."""
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no number, or one above 65535
        is_one = False
    if not is_one:
        raise argparse.ArgumentTypeError(
            "a URL begins with http:// or https://, and has a host and, unless it is the usual one, a port"
        )
    return text
