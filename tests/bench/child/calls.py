"""A function's process that calls its handler as often as it is told, and says what of this processor's time that took.

    python calls.py HANDLER FD

Reads one JSON object a line: {"event", "calls"}; answers on FD, a line each: first {"init"}, then {"cpu", "wall", "answer"}, seconds.
"""

import gc
import importlib
import json
import os
import sys
import time


class Context:
    """What Lambda gives as the second argument, as far as anybody here reads it."""

    function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    function_version = "$LATEST"
    memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
    invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function_name}"
    aws_request_id = "52fdfc07-2182-454f-963f-5f0f9a621d72"

    def get_remaining_time_in_millis(self):
        """Enough."""
        return 15000


def main():
    """Load, then serve until standard input ends."""
    answers = os.fdopen(int(sys.argv[2]), "w")

    def say(members):
        answers.write(json.dumps(members) + "\n")
        answers.flush()

    module, _, name = sys.argv[1].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    context = Context()
    say({"init": time.process_time()})
    for line in sys.stdin:
        wanted = json.loads(line)
        text, calls = json.dumps(wanted["event"]), wanted["calls"]
        if wanted["collect"]:
            gc.collect()  # what is left of others' calls is not this block's
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(calls):
            answer = json.dumps(handler(json.loads(text), context))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        say({"cpu": cpu, "wall": wall, "answer": json.loads(answer)})


main()
