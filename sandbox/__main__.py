"""`python -m sandbox`: the whole stack on this machine until it is told to end."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from sandbox.signals import listen, until_told_to_stop


def port_number(text: str) -> int:
    """A TCP port from the command line; 0 stands for a free one."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT, then 0; 1 when the port cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The whole stack on this machine.")
    parser.add_argument(
        "--port", type=port_number, default=8000, help="the API's port; 0 picks a free one (default 8000)"
    )
    parser.add_argument(
        "--ready-file", type=Path, help="written once everything answers: JSON with the addresses"
    )
    parser.add_argument(
        "--credentials", type=Path, help="WeChat Pay credentials, a file to re-use or to write"
    )
    parser.add_argument(
        "--env-file", type=Path, help="written for `sam local invoke --env-vars`: every function's variables"
    )
    parser.add_argument("--log-file", type=Path, help="what the functions write is appended here")
    options = parser.parse_args(arguments)

    listen()
    for file in (options.ready_file, options.env_file):
        if file is not None:
            file.unlink(missing_ok=True)  # an earlier run's would announce what is not there

    # Half a second of imports: only once a signal is understood.
    from sandbox.cloudformation.template import TemplateError
    from sandbox.commands.sam_local import keys, variables
    from sandbox.simulator import CredentialsError
    from sandbox.stack import STACK_NAME, Sandbox

    with ExitStack() as stack:
        sink = _log_to(options.log_file, stack) if options.log_file is not None else None
        try:
            sandbox = Sandbox(port=options.port, credentials=options.credentials, log_sink=sink)
        except OSError as error:
            return _failed(f"port {options.port} cannot be had ({error.strerror}); --port chooses another")
        try:
            stack.enter_context(sandbox)
        except (CredentialsError, TemplateError) as error:
            return _failed(str(error))
        print(f"API         {sandbox.api}  (the routes of template.yaml, and controls under /_sandbox/)")
        print(f"WeChat Pay  {sandbox.simulator}  (simulator; credentials in {sandbox.credentials_path})")
        print(f"WeChat      {sandbox.open_platform}  (open platform: openids)")
        print(f"AWS         {sandbox.aws.url}  (tables, secrets, events)")
        operating = _exported({"AWS_ENDPOINT_URL": sandbox.aws.url, **keys(sandbox)})
        print(
            f"operations  make doctor ENV={STACK_NAME.removeprefix('wechatpay-')} and the like, after: {operating}"
        )
        if options.env_file is not None:
            _write(options.env_file, variables(sandbox))
            print(f"sam local   --env-vars {options.env_file}, after: {_exported(keys(sandbox))}")
        print("Ctrl-C ends it.", flush=True)
        if options.ready_file is not None:
            _write(options.ready_file, sandbox.info())
        until_told_to_stop()
    print("sandbox: ended", flush=True)
    return 0


def _exported(variables: Mapping[str, str]) -> str:
    """As a shell takes them."""
    return "export " + " ".join(f"{name}={value}" for name, value in variables.items())


def _write(file: Path, content: Mapping[str, object]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    announcement = file.with_name(file.name + ".new")
    announcement.write_text(json.dumps(content, indent=2) + "\n")
    announcement.replace(file)  # whoever waits for it never reads half of it


def _failed(sentence: str) -> int:
    print(f"sandbox: {sentence}", file=sys.stderr)
    return 1


def _log_to(file: Path, stack: ExitStack) -> Callable[[str, str], None]:
    log = stack.enter_context(file.open("a", buffering=1, encoding="utf-8"))

    def sink(logical_id: str, line: str) -> None:
        log.write(f"{logical_id}: {line}\n")

    return sink


if __name__ == "__main__":
    sys.exit(main())
