"""A shop of somebody else's, on another port of this machine: it is let in, it is named, and nobody elsewhere is."""

import ast
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest
import requests
from starlette.routing import Route

from sandbox.cloudformation.template import TemplateError, checked, parameters_of
from sandbox.loopback import ANY_PORT
from sandbox.triggers.webhooks import key_of
from tests.kit import warm
from tests.kit.parameters import NEEDED
from tests.kit.parameters import TEMPLATE as OURS
from tests.kit.running import Running
from tests.kit.shop import WECHAT, Shop

pytestmark = pytest.mark.in_turn

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/sandbox.md").read_text()
THING = {"contentId": "content-1", "amount": 5, "subject": "A thing"}
NAME = "茶 & Tea {en} <b>"
HERE = [
    "http://127.0.0.1",
    "http://127.0.0.1:3000",
    "http://localhost:5173",
    "https://localhost:8443",
    "http://[::1]:4000",
]
ELSEWHERE = [
    "https://shop.example",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example:3000",
    "http://evil.example:127",
    "http://localhost@evil.example",
    "http://evil-localhost:3000",
    "http://127.0.0.2:3000",
    "http://0.0.0.0:3000",
    "http://[::2]:3000",
    "http://192.168.0.7:3000",
    "ftp://localhost:3000",
    "http://localhost:*",
    "http://localhost:123456",
    "http://localhost:3000x",
]


@pytest.fixture(scope="module")
def sandbox():
    with Running(parameters={"MerchantName": NAME}, schedules=False) as running:
        yield running


@pytest.fixture(scope="module")
def shop(sandbox):
    return Shop(sandbox)


@pytest.mark.parametrize("origin", HERE)
def test_a_page_of_this_machine_may_call_the_api_and_ask_for_a_token(sandbox, origin):
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    for path in (f"{WECHAT}/native", "/_sandbox/token"):
        preflight = requests.options(sandbox.api + path, headers=asked, timeout=5)
        assert preflight.ok
        assert preflight.headers["access-control-allow-origin"] == origin
        assert "POST" in preflight.headers["access-control-allow-methods"]
        assert "content-type" in preflight.headers["access-control-allow-headers"]
    body = {"sub": "buyer", "scope": "payments:pay"}
    told = requests.post(f"{sandbox.api}/_sandbox/token", json=body, headers={"Origin": origin}, timeout=5)
    assert told.headers["access-control-allow-origin"] == origin
    bearer = {"Origin": origin, "Authorization": f"Bearer {told.json()['token']}"}
    answer = requests.get(f"{sandbox.api}{WECHAT}/payment/WX1", headers=bearer, timeout=20)
    assert answer.status_code == 400
    assert answer.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_a_page_of_somewhere_else_may_not(sandbox, origin):
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for path in (f"{WECHAT}/native", "/_sandbox/token"):
        preflight = requests.options(sandbox.api + path, headers=asked, timeout=5)
        assert "access-control-allow-origin" not in preflight.headers


@pytest.mark.parametrize("origin", HERE)
def test_a_buyer_is_sent_back_to_any_port_of_this_machine(shop, origin):
    opened = shop.call("POST", "/native", {**THING, "returnUrl": f"{origin}/thanks?order=7"})
    assert opened.status_code == 200, opened.text
    address = opened.json()["data"]["checkoutUrl"]
    view = requests.get(address, headers={"Accept": "application/json"}, timeout=20).json()
    assert view["returnUrl"] == f"{origin}/thanks?order=7"


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_and_nowhere_else(shop, origin):
    answer = shop.call("POST", "/native", {**THING, "returnUrl": f"{origin}/thanks"})
    assert (answer.status_code, answer.json()["details"]["field"]) == (400, "returnUrl")


@pytest.mark.parametrize("origin", [*ANY_PORT, "https://*", "https://*.example"])
def test_no_stack_can_be_deployed_with_an_origin_for_every_port(origin):
    with pytest.raises(TemplateError, match="parameter ReturnOrigins must match"):
        checked(parameters_of(OURS), NEEDED | {"ReturnOrigins": origin})


def test_origins_that_are_given_are_allowed_besides():
    given = {"ReturnOrigins": "https://shop.example", "AllowedOrigins": "https://spa.example"}
    with Running(parameters=given, schedules=False) as running:
        for origin in ("https://shop.example", "http://localhost:3000"):
            assert Shop(running).call("POST", "/native", {**THING, "returnUrl": f"{origin}/"}).ok
        for origin in ("https://spa.example", "http://localhost:3000"):
            preflight = requests.options(f"{running.api}/x", headers={"Origin": origin}, timeout=5)
            assert preflight.headers["access-control-allow-origin"] == origin


def test_shop_and_phone_are_called_as_the_merchant_is(sandbox):
    assert requests.get(f"{sandbox.api}/phone/orders", timeout=5).json()["merchant"]["name"] == NAME
    shelf = requests.get(f"{sandbox.api}/shop/products", timeout=5).json()
    assert shelf["merchant"] == {"zh": NAME, "en": NAME}


def test_the_quote_key_is_handed_out_and_signs_what_the_api_takes(sandbox):
    key = requests.get(f"{sandbox.api}/_sandbox/quote-key", timeout=5).json()["quoteKey"]
    ends = int(time.time()) + 600
    order = {"contentId": "c", "amount": 99.99, "subject": "A thing"}
    claims = {"sub": "buyer-1", "contentId": "c", "amount": 9999, "exp": ends}
    bearer = {"Authorization": f"Bearer {sandbox.tokens.token('buyer-1', 'payments:pay')}"}
    for secret, status in ((key, 200), (key[::-1], 403)):
        body = order | {"quote": jwt.encode(claims, secret, algorithm="HS256")}
        answer = requests.post(f"{sandbox.api}{WECHAT}/native", json=body, headers=bearer, timeout=20)
        assert answer.status_code == status, answer.text


# ---- what docs/sandbox.md says ----


def test_the_document_names_each_handle_and_no_other(sandbox):
    told = set(re.findall(r"^\| `(GET|POST) ([a-z-]+)", DOCUMENT, re.MULTILINE))
    routes = [route for route in sandbox._front._routes if isinstance(route, Route)]
    there = {
        (method, route.path.removeprefix("/_sandbox/"))
        for route in routes
        if route.path.startswith("/_sandbox/") and "/issuer/" not in route.path
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert told == there


def test_the_document_names_each_parameter_that_the_sandbox_chooses(sandbox):
    declared = parameters_of(OURS)
    (told,) = re.findall(r"chooses those without a default, and further (.+?)\. With", DOCUMENT, re.DOTALL)
    named = set(re.findall(r"`(\w+)`", told))
    assert named | {name for name in declared if "Default" not in declared[name]} == set(
        sandbox._parameters()
    )


# ---- on the command line ----


@pytest.mark.share(4)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["MechantName=Tea"], "the template has no parameter MechantName; did you mean MerchantName?"),
        (["Xyzzy=secret"], "the template has no parameter Xyzzy"),
        (["WeChatAppId=sk-secret"], "parameter WeChatAppId must match wx[0-9a-zA-Z]{16}"),
        (["RequireQuote=secret"], "parameter RequireQuote must be one of true, false"),
        (["GradualDeployment=true"], "the sandbox does not support AWS::CodeDeploy::Application"),
        (
            ["NotifyReservedConcurrency=5"],
            "NotifyFunction: the sandbox does not support ReservedConcurrentExecutions",
        ),
        (["OrderMinutes=4"], "parameter OrderMinutes must be at least 5"),
        (["Stage=a", "--forward-events", "http://shop.example/"], "to this machine alone"),
        (["Stage=a", "--webhook-secret", "whsec_secret"], "a secret is whsec_ and 24 to 64 bytes in base64"),
        (["Stage=a", "--webhook-secret", "whsec_" + "A" * 44], "--webhook-secret: is for --forward-events"),
        (["MerchantName"], "a parameter is given as Name=value"),
        (["=secret"], "a parameter is given as Name=value"),
        (["Stage=a", "Stage=b"], "each parameter is given once"),
        (["Stage=a", "--log-file", "/nowhere/x"], "/nowhere/x cannot be opened: No such file or directory"),
        (
            ["Stage=a", "--wechat-log", "/nowhere/x"],
            "/nowhere/x cannot be opened: No such file or directory",
        ),
    ],
)
def test_an_option_that_cannot_be_taken_is_one_sentence_without_its_value(given, said):
    done = warm.run(["sandbox", "--port", "0", "--parameter", *given], timeout=30)
    assert done.returncode in (1, 2)
    assert said in done.stderr.splitlines()[-1]
    assert "secret" not in done.stderr.replace("a secret is", "").replace("--webhook-secret", "")
    assert "Traceback" not in done.stderr


def test_make_sandbox_takes_parameters_and_a_port(tmp_path):
    ready = tmp_path / "ready.json"
    words = ["make", "--no-print-directory", "-n", "-o", ".venv/.ready", "sandbox", "PORT=0"]
    words += ["PARAMETERS=MerchantName='Tea & Co' OrderMinutes=30", f"ARGS=--ready-file {ready}"]
    words.append("EVENTS=http://localhost:3000/webhook")
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    command = f"{sys.executable} {told.strip().partition(' ')[2]}"
    process = subprocess.Popen(["sh", "-c", f"exec {command}"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert any("Ctrl-C ends it." in line for line in process.stdout)
        for _ in range(500):
            if ready.exists():
                break
            time.sleep(0.01)
        info = json.loads(ready.read_text())
        api, webhook = info["api"], info["webhook"]
        assert webhook["url"] == "http://localhost:3000/webhook"
        assert key_of(webhook["secret"])
        assert requests.get(f"{api}/_sandbox/info", timeout=5).json() == info
        name = requests.get(f"{api}/phone/orders", timeout=5).json()["merchant"]["name"]
        assert name == "Tea & Co"
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("module", "then"),
    [
        ("sandbox", "`make sandbox`"),
        ("sandbox.demo", "`make sandbox`"),
        ("sandbox.commands.invoke", "`make sandbox`"),
        ("wechatpay_simulator", "its wheel, which `make packages`"),
    ],
)
def test_outside_the_environment_it_says_what_to_do(module, then):
    done = subprocess.run(
        [sys.executable, "-S", "-m", module, "--port=0"],  # without any package that was installed
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    package = module.partition(".")[0]
    assert re.fullmatch(rf"{package}: \S+ has no package \w+; {then} .*\n", done.stderr), done.stderr


@pytest.mark.parametrize("package", ["sandbox", "wechatpay_simulator"])
def test_what_an_old_python_reads_first_is_written_for_it(package):
    ast.parse((ROOT / package / "__init__.py").read_text(), feature_version=(3, 6))
