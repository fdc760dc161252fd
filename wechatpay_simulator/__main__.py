"""`python -m wechatpay_simulator`: serve WeChat Pay, which is also what it does without a word, trigger a notification, or examine a backend."""

import sys
from collections.abc import Sequence

from wechatpay_simulator import serve
from wechatpay_simulator.examining import arguments, exam
from wechatpay_simulator.triggering import trigger

_COMMANDS = {"serve": serve.serve, "trigger": trigger.trigger, "exam": exam.exam}


def main(words: Sequence[str]) -> int:
    """Do what is asked for; returns the exit status."""
    if words and words[0] in _COMMANDS:
        return _COMMANDS[words[0]](words[1:])
    if words and words[0] in ("-h", "--help"):
        return _help()
    return serve.serve(words)


def _help() -> int:
    for parser in (serve.parser(), trigger.parser(), arguments.parser()):
        parser.print_help()
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
