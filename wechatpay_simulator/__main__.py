"""`wechatpay-simulator`: serve WeChat Pay, which is also what it does without a word, trigger a notification, or examine a backend."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from wechatpay_simulator import __version__
from wechatpay_simulator.command import console

# What is not asked for is not loaded: whoever serves answers the sooner.
_COMMANDS = {"serve": "serve", "trigger": "triggering.trigger", "exam": "examining.exam"}
_PARSERS = ("serve", "triggering.trigger", "examining.arguments")


def main(words: Sequence[str] | None = None) -> int:
    """Do what is asked for, on the command line unless `words` say it; returns the exit status."""
    words = sys.argv[1:] if words is None else words
    console.spell_out()
    if words and words[0] in ("-h", "--help"):
        return _help()
    if words and words[0] == "--version":
        print(f"wechatpay-simulator {__version__}")
        return 0
    if words and words[0] not in _COMMANDS and not words[0].startswith("-"):
        print(
            f"wechatpay-simulator: there is no command {words[0]!r}; there are {', '.join(_COMMANDS)}",
            file=sys.stderr,
        )
        return 2
    command, rest = (words[0], words[1:]) if words and words[0] in _COMMANDS else ("serve", words)
    status: int = getattr(_module(_COMMANDS[command]), command)(rest)
    return status


def _help() -> int:
    print(f"wechatpay-simulator {__version__}, also as `python -m wechatpay_simulator`; --version\n")
    for place in _PARSERS:
        _module(place).parser().print_help()
        print()
    return 0


def _module(place: str) -> Any:
    return import_module(f"wechatpay_simulator.{place}")


if __name__ == "__main__":
    sys.exit(main())
