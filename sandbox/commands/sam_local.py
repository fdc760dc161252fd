"""What `sam local invoke` needs to run a function in a container against a running sandbox: variables, and AWS keys."""

from sandbox.aws.access_control import ADMIN_ACCESS_KEY
from sandbox.stack import Sandbox


def variables(sandbox: Sandbox) -> dict[str, dict[str, str]]:
    """Per function (logical id) what the template declares, as it is here: the content of `--env-vars`."""
    return {
        logical_id: {**function.environment, "AWS_ENDPOINT_URL": sandbox.aws.url}
        for logical_id, function in sandbox.deployed.functions.items()
    }


def keys(sandbox: Sandbox) -> dict[str, str]:
    """What to export in the shell, for `sam` passes its own AWS keys on: the sandbox's own, which no role limits."""
    return {
        "AWS_ACCESS_KEY_ID": ADMIN_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": sandbox.aws.region,
    }
