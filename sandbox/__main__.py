"""`python -m sandbox`: the whole stack on this machine until it is told to end."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT, then 0; 1 when the port cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The whole stack on this machine.")
    parser.add_argument(
        "--port", type=int, default=8000, help="the API's port; 0 picks a free one (default 8000)"
    )
    parser.add_argument(
        "--ready-file", type=Path, help="written once everything answers: JSON with the addresses"
    )
    parser.add_argument(
        "--credentials", type=Path, help="WeChat Pay credentials, a file to re-use or to write"
    )
    parser.add_argument("--log-file", type=Path, help="what the functions write is appended here")
    options = parser.parse_args(arguments)

    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    if options.ready_file is not None:
        options.ready_file.unlink(missing_ok=True)  # an earlier run's would announce what is not there

    from sandbox.stack import Sandbox  # half a second of imports: only once a signal is understood

    with ExitStack() as stack:
        sink = _log_to(options.log_file, stack) if options.log_file is not None else None
        try:
            sandbox = Sandbox(port=options.port, credentials=options.credentials, log_sink=sink)
        except OSError as error:
            print(
                f"sandbox: port {options.port} cannot be had ({error.strerror}); --port chooses another",
                file=sys.stderr,
            )
            return 1
        stack.enter_context(sandbox)
        print(f"API         {sandbox.api}  (the routes of template.yaml, and controls under /_sandbox/)")
        print(f"WeChat Pay  {sandbox.simulator}  (simulator; credentials in {sandbox.credentials_path})")
        print(f"AWS         {sandbox.aws.url}  (tables, secrets, events)")
        print("Ctrl-C ends it.", flush=True)
        if options.ready_file is not None:
            announcement = options.ready_file.with_name(options.ready_file.name + ".new")
            announcement.write_text(json.dumps(sandbox.info()) + "\n")
            announcement.replace(options.ready_file)  # whoever waits for it never reads half of it
        end.wait()
    print("sandbox: ended", flush=True)
    return 0


def _log_to(file: Path, stack: ExitStack) -> Callable[[str, str], None]:
    log = stack.enter_context(file.open("a", buffering=1, encoding="utf-8"))

    def sink(logical_id: str, line: str) -> None:
        log.write(f"{logical_id}: {line}\n")

    return sink


if __name__ == "__main__":
    sys.exit(main())
