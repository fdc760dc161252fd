"""docs/identity.md: its issuer of one's own does what it says, its settings are the template's, its calls answer as told."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import requests
from jwt import PyJWKSet

from sandbox.apigateway.authorizer import authorize
from sandbox.cloudformation.template import checked, parameters_of
from sandbox.deployed import JwtAuthorizer
from sandbox.stack import TEMPLATE
from sandbox.token_forms import FORMS
from tests.identity.callers import Callers

TEXT = (TEMPLATE.parent / "docs/identity.md").read_text()
MAKE, SIGN = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def test_an_issuer_of_ones_own_is_taken_as_documented(tmp_path: Path) -> None:
    token = ""
    for script in (MAKE, SIGN):
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        token = done.stdout.strip()
    published = tmp_path / "public/.well-known"
    issuer, audience = re.findall(r"`JwtIssuer`, `JwtAudience` \| `(.+?)`, `(.+?)`", TEXT)[0]
    discovery = json.loads((published / "openid-configuration").read_text())
    assert discovery == {"issuer": issuer, "jwks_uri": f"{issuer}/.well-known/jwks.json"}
    keys = {
        str(key.key_id): key.key
        for key in PyJWKSet.from_dict(json.loads((published / "jwks.json").read_text())).keys
    }
    told = authorize(
        JwtAuthorizer(issuer, (audience,)), ("payments:pay",), f"Bearer {token}", keys, time.time()
    )
    assert (told["claims"]["sub"], told["scopes"]) == ("user-123", ["payments:pay"])
    assert (tmp_path / "issuer.pem").stat().st_mode & 0o077 == 0


def test_every_documented_value_is_one_that_the_template_takes() -> None:
    declared = parameters_of(TEMPLATE)
    defaults = dict(re.findall(r"^\| `(\w+Scope)` \(`(.+?)`\)", TEXT, re.MULTILINE))
    assert {name: declared[name]["Default"] for name in defaults} == defaults
    assert set(defaults) == {name for name in declared if name.endswith("Scope") and name != "StackScope"}
    (deployed,) = re.findall(r'PARAMETERS="(.+?)"', TEXT)
    given = dict(pair.split("=") for pair in deployed.split())
    assert checked({name: declared[name] for name in given}, given) == given
    (cognito,) = re.findall(
        r"`PayScope`, `ChargeScope`, `RefundScope`, `ReadScope`, `ReconcileScope` \|"
        r" `(.+?)`, `(.+?)`, `(.+?)`, `(.+?)`, `(.+?)` \|",
        TEXT,
    )
    assert list(cognito) == list(given.values())


def test_every_form_is_documented() -> None:
    assert set(re.findall(r"^\| `([a-z0-9-]+)`(?: \(default\))? \|", TEXT, re.MULTILINE)) == set(FORMS)


def test_the_call_that_shows_whether_it_fits_answers_as_told(callers: Callers) -> None:
    ask = "payment/WX123456"
    for right in ("pay", "charge", "refund"):
        fits = callers.call(callers.token("somebody", right), ask)
        assert (fits.status_code, fits.json()["code"]) == (404, "ORDER_NOT_FOUND")
    other = callers.call(callers.sandbox.tokens.token("somebody", "payments/pay", aud="another"), ask)
    assert other.status_code == 401
    assert "audience" in other.headers["www-authenticate"]
    without = callers.call(callers.token("somebody"), ask)
    assert (without.status_code, without.json()) == (403, {"message": "Forbidden"})
    nobody = callers.call(callers.sandbox.tokens.token("", callers.names["pay"]), ask)
    assert (nobody.status_code, nobody.json()["code"]) == (403, "NOAUTH")


def test_the_documented_request_for_a_token_is_answered_with_one(callers: Callers) -> None:
    (body,) = re.findall(r"_sandbox/token -d '(.+?)'", TEXT)
    answer = requests.post(f"{callers.sandbox.api}/_sandbox/token", data=body, timeout=30)
    assert set(answer.json()) == {"token"}
