"""`python -m sandbox`: the whole stack on this machine until it is told to end."""

import argparse
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from sandbox import loopback
from wechatpay_simulator.command.ready_file import announce
from wechatpay_simulator.signals import listen, until_told_to_stop


def port_number(text: str) -> int:
    """A TCP port from the command line; 0 stands for a free one."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def parameter(text: str) -> tuple[str, str]:
    """Name and value of a template parameter from the command line."""
    name, given, value = text.partition("=")
    if not (given and name.isascii() and name.isalnum()):
        raise argparse.ArgumentTypeError("a parameter is given as Name=value")
    return name, value


def receiver(text: str) -> str:
    """Where events are forwarded to, from the command line."""
    try:
        return loopback.receiver(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from fault


def webhook_secret(text: str) -> str:
    """What forwarded events are signed with, from the command line."""
    from sandbox.triggers.webhooks import key_of

    try:
        key_of(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from fault
    return text


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
    parser.add_argument(
        "--parameter",
        type=parameter,
        nargs="+",
        action="extend",
        default=[],
        metavar="Name=value",
        help="parameters of template.yaml (docs/configuration.md); the sandbox chooses those that have no default",
    )
    parser.add_argument(
        "--forward-events",
        type=receiver,
        metavar="URL",
        help="a web server of this machine that each event is posted to, as Standard Webhooks (docs/events.md)",
    )
    parser.add_argument(
        "--webhook-secret",
        type=webhook_secret,
        metavar="whsec_…",
        help="what forwarded events are signed with, to be the same at every start (default: a new one)",
    )
    parser.add_argument("--log-file", type=Path, help="what the functions write is appended here")
    parser.add_argument(
        "--wechat-log",
        type=Path,
        help="a line for each request to WeChat Pay and each notification of it is appended here, with what was wrong with it",
    )
    options = parser.parse_args(arguments)
    parameters = dict(options.parameter)
    if options.webhook_secret and not options.forward_events:
        parser.error("argument --webhook-secret: is for --forward-events")
    if len(parameters) < len(options.parameter):
        parser.error("argument --parameter: each parameter is given once")

    listen()
    for file in (options.ready_file, options.env_file):
        if file is not None:
            file.unlink(missing_ok=True)  # an earlier run's would announce what is not there

    # Half a second of imports: only once a signal is understood.
    from sandbox.cloudformation.template import TemplateError
    from sandbox.commands.sam_local import keys, variables
    from sandbox.stack import STACK_NAME, Sandbox
    from wechatpay_simulator import CredentialsError

    with ExitStack() as stack:
        try:
            sandbox = Sandbox(
                port=options.port,
                credentials=options.credentials,
                parameters=parameters,
                log_sink=_log_to(options.log_file, stack),
                forward_events=options.forward_events,
                webhook_secret=options.webhook_secret,
                wechat_log=_appended(options.wechat_log, stack),
            )
        except OSError as error:
            return _failed(_not_to_be_had(error, options.port))
        try:
            stack.enter_context(sandbox)
        except (CredentialsError, TemplateError) as error:
            return _failed(str(error))
        print(f"API         {sandbox.api}  (the routes of template.yaml, and controls under /_sandbox/)")
        print(f"pages       {sandbox.api}/ is a shop, {sandbox.api}/phone the buyer's phone, to pay with")
        print(f"WeChat Pay  {sandbox.simulator}  (simulator; credentials in {sandbox.credentials_path})")
        print(f"WeChat      {sandbox.open_platform}  (open platform: openids)")
        print(f"AWS         {sandbox.aws.url}  (tables, secrets, events)")
        here = {
            "AWS_ENDPOINT_URL": sandbox.aws.url,
            **keys(sandbox),
            "SANDBOX_CLOCK_FILE": str(sandbox.clock.file),
        }
        operating = _exported(here)
        print(
            f"operations  make doctor ENV={STACK_NAME.removeprefix('wechatpay-')} and the like, after: {operating}"
        )
        if sandbox.webhook is not None:
            print(f"events      → {sandbox.webhook['url']}, signed with {sandbox.webhook['secret']}")
        if options.env_file is not None:
            _announce(options.env_file, variables(sandbox))
            print(f"sam local   --env-vars {options.env_file}, after: {_exported(keys(sandbox))}")
        print("Ctrl-C ends it.", flush=True)
        if options.ready_file is not None:
            _announce(options.ready_file, sandbox.info())
        until_told_to_stop()
    print("sandbox: ended", flush=True)
    return 0


def _exported(variables: Mapping[str, str]) -> str:
    """As a shell takes them."""
    return "export " + " ".join(f"{name}={value}" for name, value in variables.items())


def _announce(file: Path, content: Mapping[str, object]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    announce(file, content)


def _not_to_be_had(error: OSError, port: int) -> str:
    if error.filename is not None:
        return f"{error.filename} cannot be opened: {error.strerror}"
    return f"port {port} cannot be had ({error.strerror}); --port chooses another"


def _failed(sentence: str) -> int:
    print(f"sandbox: {sentence}", file=sys.stderr)
    return 1


def _appended(file: Path | None, stack: ExitStack) -> TextIO | None:
    """The file, for lines at its end as long as the sandbox runs."""
    return None if file is None else stack.enter_context(file.open("a", buffering=1, encoding="utf-8"))


def _log_to(file: Path | None, stack: ExitStack) -> Callable[[str, str], None] | None:
    log = _appended(file, stack)
    if log is None:
        return None

    def sink(logical_id: str, line: str) -> None:
        log.write(f"{logical_id}: {line}\n")

    return sink


if __name__ == "__main__":
    sys.exit(main())
