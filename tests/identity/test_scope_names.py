"""What scopes are called: by default as ever, three different names, and one that is told to whoever lacks it."""

import json
import re
from typing import Any

import pytest

from payments.api.callers import caller_of
from payments.api.http import Request, endpoint
from payments.core.access import CHARGE, PAY, READ, REFUND, SCOPE_NAMES
from payments.core.errors import ConfigurationError, NotAllowedError
from payments.settings import Settings
from payments.wiring import Wiring
from sandbox.cloudformation.template import TemplateError, checked, parameters_of
from sandbox.stack import TEMPLATE

PARAMETERS = {right: parameters_of(TEMPLATE)[f"{right.capitalize()}Scope"] for right in SCOPE_NAMES}
FOREIGN = {"PAY_SCOPE": "api/buy", "CHARGE_SCOPE": "api/charge", "REFUND_SCOPE": "api/refund"}


def test_by_default_template_and_functions_say_the_same() -> None:
    assert {right: rules["Default"] for right, rules in PARAMETERS.items()} == SCOPE_NAMES
    assert Settings({}).scope_names == SCOPE_NAMES


def test_whoever_lacks_a_scope_is_told_what_it_is_called_here() -> None:
    caller = caller_of({"sub": "a", "scope": "payments:pay api/refund"}, Settings(FOREIGN).scope_names)
    with pytest.raises(NotAllowedError, match=re.escape("This needs the scope api/buy or api/charge.")):
        caller.with_one_of(PAY, CHARGE)


@pytest.mark.parametrize("same", ["PAY_SCOPE", "REFUND_SCOPE"])
def test_two_rights_under_one_name_serve_nobody(same: str, caplog: pytest.LogCaptureFixture) -> None:
    def answer(request: Request, _wiring: Wiring) -> dict[str, object]:
        return {"caller": request.caller.sub}

    environment = {**FOREIGN, same: FOREIGN["CHARGE_SCOPE"]}
    with pytest.raises(
        ConfigurationError,
        match="PAY_SCOPE, CHARGE_SCOPE, REFUND_SCOPE, READ_SCOPE, RECONCILE_SCOPE must differ",
    ):
        Settings(environment).scope_names  # noqa: B018
    claims = {"sub": "a", "scope": "api/charge"}
    event: dict[str, Any] = {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}
    told = endpoint(answer, Wiring(environment))(event, None)
    assert (told["statusCode"], json.loads(told["body"])["code"]) == (500, "INTERNAL_ERROR")
    assert "must differ" in caplog.text


def test_a_function_that_is_not_told_of_a_right_never_takes_another_for_it() -> None:
    """A stack may call a right what another one is usually called; only functions that need that one are told its name."""
    names = Settings({**FOREIGN, "REFUND_SCOPE": "payments:read"}).scope_names
    caller = caller_of({"sub": "a", "scope": "payments:read"}, names)
    assert (caller.rights, names[REFUND], READ in names) == (frozenset({REFUND}), "payments:read", False)


@pytest.mark.parametrize("name", ["two words", "[list", "list]", 'a"b', "a\\b", "a\tb", "ä", "a\x7f"])
@pytest.mark.parametrize("right", SCOPE_NAMES)
def test_a_name_that_no_token_could_hold_is_refused_by_template_and_function(right: str, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{right.upper()}_SCOPE must be one scope"):
        Settings({f"{right.upper()}_SCOPE": name}).scope_names  # noqa: B018
    with pytest.raises(TemplateError):
        checked({"Scope": PARAMETERS[right]}, {"Scope": name})


@pytest.mark.parametrize("name", ["https://pay.example/api/buy", "api/read.all", "!", "~", "A:b-c_d*(e)"])
def test_every_other_name_will_do(name: str) -> None:
    assert Settings({"PAY_SCOPE": name}).scope_names[PAY] == name
    assert checked({"Scope": PARAMETERS[PAY]}, {"Scope": name}) == {"Scope": name}
