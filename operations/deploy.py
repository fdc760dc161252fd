"""`make deploy`: checks where it goes and with what, builds, has SAM deploy what was built, and says what to do next."""

import argparse
import os
import shlex
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from operations.checks.deployment import check_account, check_domain, check_issuer, check_place
from operations.checks.findings import Findings, Level, has, shown
from operations.checks.forms import check_forms
from operations.checks.names import check_names
from operations.checks.parameters import check_parameters, kept
from operations.configuration import ACCOUNT, DEFAULTS, IN_FILE, SECRETS, Configuration, of_file, secret
from operations.stack import CannotError, Stack, run
from operations.stack_states import failure, hindrance
from payments.settings import NOTIFY_PATH

ROOT = Path(__file__).parent.parent
NOTIFY, PROTECTION = "WeChatNotifyUrl", "DeletionProtection"
DOMAINS = ("ApiDomain", "LiveDomain")
NOT_YET_HOST = "not-yet.example.com"
NOT_YET = f"https://{NOT_YET_HOST}{NOTIFY_PATH}"
# What is built is other people's packages, and they need no account.
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def main() -> int:
    """Deploy. Returns the exit status: 0 deployed, 1 refused or failed."""
    return run(__doc__ or "", _deploy, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--env", default="dev", help="an environment of samconfig.toml")
    parser.add_argument("--file", type=Path, help="a .env file to take parameters from")
    parser.add_argument("--sam", default="sam", help="the SAM command")
    parser.add_argument(
        "--template-file", type=Path, default=Path(".aws-sam/build/template.yaml"), help="what was built"
    )
    parser.add_argument(
        "--build", default="", help="the command that builds it; without one it must be there"
    )
    parser.add_argument("--yes", action="store_true", help="ask nobody: for machines")
    parser.add_argument("--offline", action="store_true", help="do not ask the issuer for its keys")
    parser.add_argument("parameters", nargs="*", metavar="Name=value", help="template parameters")


def _deploy(stack: Stack, options: argparse.Namespace) -> int:
    asks = _asks(options.env)
    if not options.build and not options.template_file.exists():
        raise CannotError("nothing is built; `make build` comes first")
    file = of_file(options.file) if options.file else None
    given = _given(options, file)
    if file is not None and has(shown(_in_file(file)), Level.FAULT):
        return 1
    shown(check_place(stack, file.text(ACCOUNT) if file else ""))
    if hindered := hindrance(stack):
        raise CannotError(hindered)
    deployed = stack if stack.exists() else None
    later = {PROTECTION: "true"} if deployed is None and PROTECTION not in given else {}
    _complete(given, deployed, options.env)
    check_parameters(given, deployed)
    if has(shown(_looked_at(stack, options, given, deployed)), Level.FAULT):
        return 1
    if asks and not options.yes and not sys.stdin.isatty():
        raise CannotError(f"nobody is there to agree to the change set of {options.env}: give --yes (YES=1)")
    if options.build:
        _build(options.build)
    _run_sam(stack, options, given, asks=asks and not options.yes)
    if given.get(NOTIFY) == NOT_YET:
        later[NOTIFY] = stack.output("NotifyUrl")
    if later:
        print(f"deploy: it is there; once more, with {' and '.join(sorted(later))}", flush=True)
        later["Release"] = _release(after=given["Release"])
        _run_sam(stack, options, later, asks=False)  # whoever agreed to the first step agreed to this
    if options.env == "prod":
        stack.client("cloudformation").update_termination_protection(
            StackName=stack.name, EnableTerminationProtection=True
        )
    _tell(stack, options)
    return 0


def _build(command: str) -> None:
    """Raises CannotError where it fails."""
    print(f"deploy: nothing speaks against it; {command}", flush=True)
    environment = {name: value for name, value in os.environ.items() if name not in CREDENTIALS}
    done = subprocess.run(shlex.split(command), check=False, cwd=ROOT, env=environment)  # noqa: S603  ours
    if done.returncode != 0:
        raise CannotError(
            f"{command} ended with {done.returncode}, and nothing was deployed; what it says stands above"
        )


def _complete(given: dict[str, str], deployed: Stack | None, env: str) -> None:
    """What nobody says: stage and release, protected tables, and a notify URL that nobody can know before the first deployment."""
    given.setdefault("Release", _release(after=deployed.parameter("Release") if deployed else ""))
    if deployed is None:
        given.setdefault("Stage", env)
        # A protected table could not be deleted again, should the first deployment fail.
        given.setdefault(PROTECTION, "false")
        given.setdefault(NOTIFY, NOT_YET.replace(NOT_YET_HOST, given.get("ApiDomain") or NOT_YET_HOST))
        return
    given.setdefault(PROTECTION, "true")
    if deployed.parameter(NOTIFY) == NOT_YET:  # a first deployment that ended between its two steps
        given.setdefault(NOTIFY, deployed.output("NotifyUrl"))


def _asks(env: str) -> bool:
    """Whether this environment's change sets are asked about. Raises CannotError where it is none."""
    environments = tomllib.loads((ROOT / "samconfig.toml").read_text())
    known = {
        name: commands["deploy"]["parameters"]
        for name, commands in environments.items()
        if isinstance(commands, dict) and "deploy" in commands
    }
    if env not in known:
        raise CannotError(f"{env} is not an environment of samconfig.toml; those are {', '.join(known)}")
    return bool(known[env]["confirm_changeset"])


def _looked_at(
    stack: Stack, options: argparse.Namespace, given: dict[str, str], deployed: Stack | None
) -> Findings:
    """What is changed and others know better: the identity provider, and Certificate Manager."""
    if "JwtIssuer" in given and not options.offline:
        yield from check_issuer(given["JwtIssuer"])
    for parameter in DOMAINS:
        names = (parameter, f"{parameter}CertificateArn")
        if any(name in given for name in names):
            domain, certificate = (given.get(name, kept(deployed, name)) for name in names)
            yield from check_domain(parameter, domain, certificate, stack)


def _in_file(file: Configuration) -> Findings:
    """By its looks, as far as deploying is concerned; keys are the business of `make secret`, what is missing of the template."""
    yield from check_names(file)
    yield from check_account(file.text(ACCOUNT))
    for finding in check_forms(file):
        if finding.level is Level.FAULT and "is missing" not in finding.sentence:
            yield finding


def _given(options: argparse.Namespace, file: Configuration | None) -> dict[str, str]:
    given = {}
    if file is not None:
        # A default of the template needs no word of ours.
        given = {
            parameter: file.text(name)
            for name, parameter in IN_FILE.items()
            if file.text(name) and file.text(name) != DEFAULTS.get(name)
        }
    for pair in options.parameters:
        name, separator, value = pair.partition("=")
        if not separator:
            raise CannotError(f"{pair} is not Name=value")
        given[name] = value
    return given


def _release(after: str) -> str:
    """A name that no deployment had before, `after` being the last: functions move to a new version with it.

    It is the second, in hexadecimal digits.
    """
    name = f"{int(time.time()):x}"
    return name if name != after else f"{name}a"


def _run_sam(stack: Stack, options: argparse.Namespace, given: dict[str, str], *, asks: bool) -> None:
    command = [options.sam, "deploy", "--config-env", options.env, "--no-fail-on-empty-changeset"]
    # By itself SAM would look for its settings beside the template that was built.
    command += ["--config-file", str(ROOT / "samconfig.toml")]
    command += ["--template-file", str(options.template_file), "--stack-name", options.stack]
    if not asks:
        command.append("--no-confirm-changeset")
    overrides = [f"{name}={_quoted(name, value)}" for name, value in sorted(given.items())]
    print(f"deploy: {' '.join(overrides)}", flush=True)
    done = subprocess.run([*command, "--parameter-overrides", *overrides], check=False)  # noqa: S603  the command is ours
    stack.forget()
    if done.returncode != 0:
        came_to = failure(stack)
        raise CannotError(
            f"sam deploy ended with {done.returncode}; what it says stands above"
            + (came_to and f". {came_to}")
        )
    # SAM ends with 0 as well when somebody answers No to its change set.
    if not stack.exists() or stack.parameter("Release") != given["Release"]:
        came_to = failure(stack)
        raise CannotError(
            "nothing was deployed: the change set was not carried out" + (came_to and f". {came_to}")
        )


def _quoted(name: str, value: str) -> str:
    """As SAM takes a value whole, blanks and emptiness included. Raises CannotError for what it cannot take."""
    if "\\" in value:
        raise CannotError(f"{name} has a backslash, which sam deploy cannot take")
    return '"' + value.replace('"', '\\"') + '"'


def _is_without_keys(stack: Stack) -> bool:
    """Whether a secret is still empty; whoever may not look, as the role of a workflow, is told nothing of it."""
    try:
        return any(not secret(stack, output) for output in SECRETS)
    except CannotError:
        return False


def _tell(stack: Stack, options: argparse.Namespace) -> None:
    for name in ("ApiUrl", "NotifyUrl", "DashboardUrl"):
        print(f"{name:13} {stack.output(name)}")
    print("deploy: done. Next:")
    steps = []
    for domain in DOMAINS:
        if stack.has_output(f"{domain}Target"):
            target = stack.output(f"{domain}Target")
            steps.append(f"point the DNS record of {stack.parameter(domain)} at {target}")
    if _is_without_keys(stack):
        steps.append(f"make secret ENV={options.env} FILE=.env    # the two secrets are empty")
    if stack.parameter(NOTIFY) != stack.output("NotifyUrl"):
        steps.append(
            f"WeChat Pay is told {stack.parameter(NOTIFY)}; if that is not yours:"
            f" make deploy ENV={options.env} PARAMETERS={NOTIFY}={stack.output('NotifyUrl')}"
        )
    steps.append(f"make doctor ENV={options.env}")
    steps.append("hear of payments, by a queue or at your own address: docs/events.md has both for copying")
    for number, step in enumerate(steps, start=1):
        print(f"  {number}. {step}")


if __name__ == "__main__":
    sys.exit(main())
