"""`wechatpay-simulator`: serve WeChat Pay, which is also what it does without a word, or trigger a notification."""

import sys
from collections.abc import Sequence

from wechatpay_simulator import __version__, serve
from wechatpay_simulator.command import console
from wechatpay_simulator.triggering import trigger

_COMMANDS = {"serve": serve.serve, "trigger": trigger.trigger}
_PARSERS = (serve.parser, trigger.parser)


def main(words: Sequence[str] | None = None) -> int:
    """Do what is asked for, on the command line unless `words` say it; returns the exit status."""
    words = sys.argv[1:] if words is None else words
    console.spell_out()
    if words and words[0] in _COMMANDS:
        return _COMMANDS[words[0]](words[1:])
    if words and words[0] in ("-h", "--help"):
        return _help()
    if words and words[0] == "--version":
        print(f"wechatpay-simulator {__version__}")
        return 0
    return serve.serve(words)


def _help() -> int:
    print(f"wechatpay-simulator {__version__}, also as `python -m wechatpay_simulator`; --version\n")
    for parser in _PARSERS:
        parser().print_help()
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
