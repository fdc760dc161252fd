"""The parameters of a deployment by the template's own rules, and what a stack that has payments must keep."""

from pathlib import Path

from operations.configuration import IN_FILE
from operations.stack import CannotError, Stack
from payments.apps import apps_of
from payments.core.errors import ConfigurationError
from sandbox.cloudformation.template import TemplateError, checked, parameters_of

ROOT = Path(__file__).parents[2]
_SCOPES = ("PayScope", "ChargeScope", "RefundScope", "ReadScope", "ReconcileScope")


def check_parameters(given: dict[str, str], deployed: Stack | None) -> None:
    """By the template's own rules. A stack that exists keeps what is not given. Raises CannotError."""
    declared = parameters_of(ROOT / "template.yaml")
    missing = [name for name, rules in declared.items() if "Default" not in rules and name not in given]
    if deployed is None and missing:
        variables = {parameter: variable for variable, parameter in IN_FILE.items()}
        told = "\n".join(
            f"  {variables[name] + ' in the .env file, or ' if name in variables else ''}{name}: {declared[name]['Description']}"
            for name in missing
        )
        raise CannotError(
            f"a first deployment needs these too:\n{told}\n"
            'give them by FILE=.env (.env.example says each in words), or by PARAMETERS="Name=value …"'
        )
    left = {name for name in declared if name not in given and (deployed is not None or name not in missing)}
    try:
        checked({name: rules for name, rules in declared.items() if name not in left}, given)
    except TemplateError as problem:
        raise CannotError(str(problem)) from None
    _tell_apart(given, deployed, {name: str(declared[name]["Default"]) for name in _SCOPES})
    _name_apps(given, deployed)
    if deployed is not None:
        _keep(given, deployed)


def _name_apps(given: dict[str, str], deployed: Stack | None) -> None:
    """The names of apps, and the default among them, as the functions will read them. Raises CannotError."""
    apps, default = (given.get(name, kept(deployed, name)) for name in ("WeChatApps", "WeChatAppId"))
    try:
        apps_of(filter(None, map(str.strip, apps.split(","))), default)
    except ConfigurationError as problem:
        told = str(problem).replace("WECHAT_APPS", "WeChatApps").replace("WECHAT_APP_ID", "WeChatAppId")
        raise CannotError(told) from None


def _tell_apart(given: dict[str, str], deployed: Stack | None, defaults: dict[str, str]) -> None:
    """Each right has a name of its own. Raises CannotError: with two alike, functions would serve nobody."""
    names = [given.get(name) or kept(deployed, name) or defaults[name] for name in _SCOPES]
    if len(set(names)) < len(names):
        raise CannotError(f"{', '.join(_SCOPES)} must differ: with one name, every buyer may do all of it")


def _keep(given: dict[str, str], deployed: Stack) -> None:
    """What a stack that has payments must keep. Raises CannotError."""
    merchant = deployed.parameter("WeChatMchId")
    if given.get("WeChatMchId", merchant) != merchant:
        raise CannotError(
            f"WeChatMchId stays {merchant}: its open orders would be asked of another merchant and lost;"
            " another merchant has a stack of its own"
        )
    stage, scope = (given.get(name, kept(deployed, name)) for name in ("Stage", "StackScope"))
    if (scope or stage) != deployed.scope:
        raise CannotError(
            f"order numbers derive from the scope {deployed.scope}: with another, a key that is repeated would make"
            " a second order. Leave Stage and StackScope as they are"
        )
    shards = deployed.parameter("DueShards")
    if int(given.get("DueShards", shards)) < int(shards):
        raise CannotError(
            f"DueShards is {shards} and only ever rises: payments in the others would not be looked at any more"
        )


def kept(deployed: Stack | None, name: str) -> str:
    """What a stack has of a parameter that may be empty; nothing where it is older than the parameter."""
    try:
        return deployed.parameter(name) if deployed else ""
    except CannotError:
        return ""
