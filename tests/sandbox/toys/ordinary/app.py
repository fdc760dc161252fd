"""A toy function that does what its event says."""

import os
import signal
import sys
import time

CALLS = 0


def lambda_handler(event, context):  # noqa: C901 - one toy for all tests
    """Obey `do`; answer the process number always, to see which process it was."""
    global CALLS  # noqa: PLW0603 - that it survives between calls is the point
    CALLS += 1
    match event.get("do"):
        case "raise":
            raise LookupError("no such thing")
        case "sleep":
            time.sleep(event["seconds"])
        case "ignore":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        case "exit":
            os._exit(3)
        case "big":
            return "x" * event["size"]
        case "print":
            print(event["text"])
            print(event["text"] + " (error)", file=sys.stderr)
        case "environment":
            return dict(os.environ)
        case "path":
            return sys.path
        case "time":
            return {"time": time.time(), "time_ns": time.time_ns()}
        case "context":
            return {
                "remaining": context.get_remaining_time_in_millis(),
                "arn": context.invoked_function_arn,
                "name": context.function_name,
            }
        case "answer":
            return event["answer"]
    return {"event": event, "pid": os.getpid(), "calls": CALLS}
