"""How many functions the account may run at once, and whether what is reserved of it leaves the others enough."""

from botocore.exceptions import BotoCoreError, ClientError

from operations.checks.findings import Findings, fault, good, unchecked, warning
from operations.stack import CannotError, Stack

SENDS = 2  # places of the queue of sends, in template.yaml
# What AWS keeps for functions without a reservation (Lambda Developer Guide, "Reserved concurrency").
UNRESERVED = 100
REQUESTS = 50  # calls at once that are left for the API, where the account has them: 200 requests a second, a quarter of one each
_MORE = "ask for more: Service Quotas, AWS Lambda, Concurrent executions (a new account has ten)"


def check_concurrency(stack: Stack) -> Findings:
    """Ask AWS for the account's limit, and hold the stack's parameters against it."""
    try:
        limits = stack.client("lambda").get_account_settings()["AccountLimit"]
    except (BotoCoreError, ClientError) as problem:
        yield unchecked(
            f"the account's limit of concurrent functions is not known ({type(problem).__name__})",
            "allow yourself lambda:GetAccountSettings",
        )
        return
    try:
        settles, reserved = _configured(stack)
    except CannotError as problem:
        yield unchecked(str(problem), "deploy this version")
        return
    total, free = int(limits["ConcurrentExecutions"]), int(limits["UnreservedConcurrentExecutions"])
    yield from _reservations(total, free, settles, reserved)
    shared = free if reserved["Settle"] else free - settles
    if shared < SENDS:
        yield fault(
            f"settle may take {settles} of the {free} functions that the account runs at once, and leaves nobody a place",
            f"lower SettleConcurrency, or {_MORE}",
        )
    elif shared < REQUESTS:
        yield warning(
            f"beside settle, which may take {settles}, {shared} functions of this account run at once: "
            f"that is what buyers, notifications and all other stacks of the account share",
            _MORE,
        )
    else:
        yield good(f"beside settle, which may take {settles}, {shared} functions of this account run at once")


def _configured(stack: Stack) -> tuple[int, dict[str, int]]:
    """How many places settle has in its queues together, and what is reserved for which function."""
    settles = int(stack.parameter("SettleConcurrency")) + SENDS
    return settles, {
        name: int(stack.parameter(f"{name}ReservedConcurrency")) for name in ("Notify", "Settle")
    }


def _reservations(total: int, free: int, settles: int, reserved: dict[str, int]) -> Findings:
    if 0 < reserved["Settle"] < settles:
        yield fault(
            f"SettleReservedConcurrency is {reserved['Settle']}, and its queues hand out {settles} at once: the rest is refused and waits",
            f"make it {settles}, or lower SettleConcurrency",
        )
    spare = max(0, total - UNRESERVED)
    if not any(reserved.values()):
        if spare >= settles + REQUESTS:
            yield good(
                f"nothing is reserved; up to {spare - settles} for NotifyReservedConcurrency with {settles} for "
                "SettleReservedConcurrency would be safe, and keep WeChat Pay's notifications apart from everybody else"
            )
        else:
            yield good(f"nothing is reserved, which is right where the account runs {total} at once")
    elif free < UNRESERVED:
        yield warning(
            f"what is reserved in this account leaves {free} of {total} to all other functions",
            f"reserve less, or {_MORE}",
        )
    else:
        yield good(f"what is reserved in this account leaves {free} of {total} to all other functions")
