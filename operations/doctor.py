"""`make doctor`: checks a `.env` file, or a deployed stack, and says of each finding what to do."""

import argparse
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from operations.checks.apps import check_apps
from operations.checks.concurrency import check_concurrency
from operations.checks.deployment import check_account, check_callers
from operations.checks.echo import ARRIVAL_SECONDS, check_echo
from operations.checks.findings import Finding, Findings, Level, has, shown, unproven
from operations.checks.forms import check_forms
from operations.checks.gateway import check_apiv3_key, check_gateway
from operations.checks.keys import check_keys
from operations.checks.names import check_names
from operations.checks.notify_url import check_notify_url
from operations.checks.protection import check_protection
from operations.checks.restored import check_restored
from operations.configuration import ACCOUNT, Configuration, of_file, of_stack
from operations.stack import Stack, run


def main() -> int:
    """Check. Returns the exit status: 0 all green, 1 findings, 2 something could not be checked."""
    return run(__doc__ or "", _check, _arguments, cannot=2)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", type=Path, help="a .env file; without it, the deployed stack is checked")
    parser.add_argument(
        "--wait",
        type=float,
        default=ARRIVAL_SECONDS,
        help=f"seconds for an echo to arrive at the stack (default {ARRIVAL_SECONDS})",
    )
    parser.add_argument("--offline", action="store_true", help="look only, ask nobody")


def _check(stack: Stack, options: argparse.Namespace) -> int:
    configuration = of_file(options.file) if options.file else of_stack(stack)
    print(f"doctor: {options.file or stack.name}")
    reached = None if options.file else stack
    found = diagnosed(configuration, online=not options.offline, stack=reached, wait=options.wait)
    if options.file:
        found = chain(
            found,
            check_account(configuration.text(ACCOUNT)),
            check_callers(configuration, online=not options.offline),
        )
    elif not options.offline:
        found = chain(found, check_concurrency(stack), check_protection(stack), check_restored(stack))
    findings = shown(chain(found, _left_to_use(options, configuration)))
    faults = sum(finding.level is Level.FAULT for finding in findings)
    warnings = sum(finding.level is Level.WARNING for finding in findings)
    if faults or warnings:
        print(f"doctor: {faults} faults, {warnings} warnings")
        return 1
    if has(findings, Level.UNCHECKED):
        print("doctor: nothing wrong was found, but not everything could be checked")
        return 2
    print("doctor: all green" + (", as far as looking goes" if options.offline else ""))
    return 0


def diagnosed(
    configuration: Configuration, *, online: bool, stack: Stack | None = None, wait: float = ARRIVAL_SECONDS
) -> Iterator[Finding]:
    """Everything that there is to say. What cannot work by its form is not tried over the network.

    With a `stack`, an echo must arrive there within `wait` seconds.
    """
    yield from check_names(configuration)
    sound = True
    for finding in check_forms(configuration):
        sound = sound and finding.level is not Level.FAULT
        yield finding
    yield from check_keys(configuration)
    yield from check_apps(configuration, online=online and sound)
    if online and sound:
        taken = True
        for finding in check_gateway(configuration):
            taken = taken and finding.level in (Level.GOOD, Level.WARNING)
            yield finding
        if taken:  # otherwise the broken link is named by now
            yield from check_apiv3_key(configuration, deployed=stack is not None)
            yield from check_echo(configuration, stack, wait=wait)
        yield from check_notify_url(configuration)


def _left_to_use(options: argparse.Namespace, configuration: Configuration) -> Findings:
    """What no check can prove, and what does."""
    if options.offline:
        yield unproven("nobody was asked whether any of it is right", "the doctor without --offline")
    elif options.file:
        yield unproven(
            "that a notification of WeChat Pay's arrives at WECHAT_NOTIFY_URL",
            f"once deployed, an echo proves it: make doctor ENV={Stack(options.stack, {}, {}).env}",
        )
    yield unproven(
        "that WECHAT_APP_ID is bound to WECHAT_MCH_ID, and Native, JSAPI or APP payment granted",
        "an order of 0.01 of each kind; 502 WECHAT_REFUSED says which is not (docs/answers.md)",
    )
    if configuration.text("WECHAT_QUOTE_KEY"):
        yield unproven(
            "that the product's backend signs prices with this WECHAT_QUOTE_KEY",
            "a buyer's order; 403 NOAUTH with details.field quote says that it does not",
        )
    yield unproven(
        "that callers' tokens have the audience and the scopes of the stack",
        "GET …/query/WXABCDEFGHIJKLMNOPQRSTUVWX23 with one: 404 is right, 401 and 403 are not (docs/identity.md)",
    )


if __name__ == "__main__":
    sys.exit(main())
