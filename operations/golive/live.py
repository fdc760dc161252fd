"""What the rows of the go-live report try: the doctor's checks, each once, and those that are the report's own."""

from operations.checks.apps import check_apps
from operations.checks.deployment import check_account, check_callers
from operations.checks.echo import check_echo
from operations.checks.findings import Findings, Level, fault, good, has, note, unchecked
from operations.checks.forms import check_forms
from operations.checks.gateway import check_apiv3_key, check_gateway
from operations.checks.keys import check_keys
from operations.checks.names import check_names
from operations.checks.notify_url import check_notify_url
from operations.checks.parameters import ROOT
from operations.checks.protection import check_protection
from operations.checks.restored import check_restored
from operations.configuration import ACCOUNT
from operations.golive.rows import Check, Target
from operations.stack import CannotError
from sandbox.cloudformation.template import parameters_of

_COUNT = "ApproximateNumberOfMessages"
_MEND = unchecked("not tried, for another row says what cannot work", "mend that first")


def configuration(target: Target) -> Findings:
    """Names, forms, keys and apps; of a file also whose tokens are taken."""
    known = target.configuration
    yield from check_names(known)
    yield from target.once("forms", lambda: check_forms(known))
    yield from check_keys(known)
    yield from check_apps(known, online=_sound(target))
    if target.stack is None:
        yield from check_account(known.text(ACCOUNT))
        yield from check_callers(known, online=True)


def signatures(target: Target) -> Findings:
    """A signed question, and its signed answer."""
    if _sound(target):
        yield from target.once("gateway", lambda: check_gateway(target.configuration))
    else:
        yield _MEND


def talking(check: Check) -> Check:
    """What is tried only where WeChat Pay and we understand each other: otherwise another row says why not."""

    def checked(target: Target) -> Findings:
        said = target.once("gateway", lambda: check_gateway(target.configuration)) if _sound(target) else []
        if said and all(finding.level in (Level.GOOD, Level.WARNING) for finding in said):
            yield from check(target)
        else:
            yield _MEND

    return checked


def deployed(check: Check) -> Check:
    """What only a stack can show. Raises NotDeployedError for a file."""

    def checked(target: Target) -> Findings:
        target.deployed  # noqa: B018  raises
        yield from check(target)

    return checked


def arrival(target: Target) -> Findings:
    """The open door, and an echo that came through it and could be read."""
    yield from check_notify_url(target.configuration)
    yield from check_apiv3_key(target.configuration, deployed=True)
    yield from check_echo(target.configuration, target.deployed, wait=target.wait)


def granted_by_use(_target: Target) -> Findings:
    """An order of this kind needs somebody's openid."""
    yield note(
        "whether WeChat Pay grants it, the first order tells: it needs a person's openid",
        "an order of 0.01 by your own phone; 502 WECHAT_REFUSED names a refusal (docs/answers.md)",
    )


def version(target: Target) -> Findings:
    """The tests named are this checkout's: the stack must have what its template has."""
    stack, missing = target.deployed, []
    for name in parameters_of(ROOT / "template.yaml"):
        try:
            stack.parameter(name)
        except CannotError:
            missing.append(name)
    if missing:
        yield fault(
            f"the stack is older than this checkout: it has no parameter {', '.join(missing)}",
            f"deploy this version: make deploy ENV={stack.env}",
        )
    else:
        yield good(
            f"the stack, release {stack.parameter('Release')}, has every parameter of this checkout's template"
        )


def nothing_waits(target: Target) -> Findings:
    """Evidence that a person must judge, and messages that were given up."""
    stack = target.deployed
    table = stack.client("dynamodb").scan(TableName=stack.output("QuarantineTableName"), Limit=1)
    if table["Items"]:
        yield fault(
            "evidence that contradicts what we know waits for a person", f"make quarantine ENV={stack.env}"
        )
    answer = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.output("SettleDeadLettersUrl"), AttributeNames=[_COUNT]
    )
    given_up = int(answer["Attributes"][_COUNT])
    if given_up:
        yield fault(f"settle has given up {given_up} messages", f"make redrive ENV={stack.env}")
    if not table["Items"] and not given_up:
        yield good("no evidence waits for a person, and nothing was given up")


def protected(target: Target) -> Findings:
    """The tables of money, and whether refunds go out."""
    yield from check_protection(target.deployed)
    yield from check_restored(target.deployed)


def _sound(target: Target) -> bool:
    """Whether the configuration has the form of one that may work."""
    return not has(target.once("forms", lambda: check_forms(target.configuration)), Level.FAULT)
