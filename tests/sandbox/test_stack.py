"""The composition: a small template from HTTP to event, and the controls on the API's port."""

import json
import threading
import time
from pathlib import Path

import pytest
import requests
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from sandbox.stack import NOTIFY_PATH, Sandbox
from tests.kit.running import Running

pytestmark = [pytest.mark.share(3, of_file=True), pytest.mark.in_turn]

TOYS = Path(__file__).parent / "toys"


@pytest.fixture(scope="module")
def pages():
    return [Route("/phone", lambda _: PlainTextResponse("a page"))]


@pytest.fixture(scope="module")
def toys(pages):
    with Running(template=TOYS / "template.yaml", pages=pages) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def product():
    """template.yaml itself; no function of it needs to run here."""
    with Running() as sandbox:
        yield sandbox


def post(sandbox, control, body):
    return requests.post(f"{sandbox.api}/_sandbox/{control}", json=body, timeout=5)


def keep(sandbox, name, scope="keep"):
    headers = {"Authorization": f"Bearer {sandbox.tokens.token('alice', scope)}"}
    return requests.post(f"{sandbox.api}/things/{name}", headers=headers, timeout=20)


# ---- from HTTP to event ----


def test_a_request_reaches_function_table_stream_and_bus(toys):
    answer = keep(toys, "lamp")
    assert (answer.status_code, answer.json()) == (201, {"kept": "lamp", "by": "alice"})
    assert toys.drain()
    events = requests.get(f"{toys.api}/_sandbox/events", timeout=5).json()["events"]
    (told,) = [event for event in events if event["detail"] == {"name": "lamp"}]
    assert (told["source"], told["detail-type"]) == ("toys", "Kept")


def test_a_function_has_no_more_rights_than_its_role(toys):
    assert keep(toys, "secret").status_code == 500
    assert "AccessDenied" in toys.lambdas.logs("KeeperFunction")


def test_the_gateway_refuses_before_any_function(toys):
    assert keep(toys, "lamp", scope="other").status_code == 403
    assert requests.get(f"{toys.api}/nowhere", timeout=5).json() == {"message": "Not Found"}


def test_a_token_of_the_control_opens_the_api(toys):
    token = post(toys, "token", {"sub": "bob", "scope": "other keep"}).json()["token"]
    answer = requests.post(f"{toys.api}/things/cup", headers={"Authorization": f"Bearer {token}"}, timeout=20)
    assert answer.json()["by"] == "bob"


def test_tokens_expire_by_the_clock_that_the_control_moves(pages):
    with Running(template=TOYS / "template.yaml") as sandbox:
        token = sandbox.tokens.token("alice", "")
        headers = {"Authorization": f"Bearer {token}"}
        assert requests.post(f"{sandbox.api}/things/a", headers=headers, timeout=5).status_code == 403
        assert post(sandbox, "clock", {"advance": 3601}).status_code == 200
        assert requests.post(f"{sandbox.api}/things/a", headers=headers, timeout=5).status_code == 401


def test_other_pages_live_on_the_same_port(toys):
    assert requests.get(f"{toys.api}/phone", timeout=5).text == "a page"


def test_the_issuers_key_set_is_published(toys):
    found = requests.get(f"{toys.tokens.issuer}/.well-known/openid-configuration", timeout=5).json()
    assert found["issuer"] == toys.tokens.issuer
    assert requests.get(found["jwks_uri"], timeout=5).json() == toys.tokens.jwks()


# ---- template.yaml ----


def test_the_template_gets_its_parameters(product):
    notify = product.deployed.functions["NativeFunction"].environment["WECHAT_NOTIFY_URL"]
    assert notify == product.api + NOTIFY_PATH
    environment = product.deployed.functions["NativeFunction"].environment
    assert environment["WECHAT_GATEWAY"] == environment["WECHAT_BACKUP_GATEWAY"] == product.simulator
    assert environment["WECHAT_GATEWAYS_ALLOWED"] == product.simulator
    assert environment["WECHAT_MCH_ID"] == product.credentials.mchid
    assert environment["DUE_SHARDS"] == "4"


def test_two_secrets_hold_what_each_side_needs(product):
    def secret(name):
        found = product.aws.client("secretsmanager").get_secret_value(SecretId=product.deployed.refs[name])
        return json.loads(found["SecretString"])

    assert set(secret("SigningSecret")) == {
        "WECHAT_PRIVATE_KEY",
        "WECHAT_CERT_SERIAL_NO",
        "WECHAT_CERTIFICATE",
        "WECHAT_API_KEY",
    }
    assert set(secret("VerificationSecret")) == {
        "WECHAT_API_V3_KEY",
        "WECHAT_PUBLIC_KEY_ID",
        "WECHAT_PUBLIC_KEY",
        "WECHAT_QUOTE_KEY",
    }
    assert secret("VerificationSecret")["WECHAT_QUOTE_KEY"] == product.tokens.quote_key


def test_info_says_where_everything_is(product):
    info = requests.get(f"{product.api}/_sandbox/info", timeout=5).json()
    assert set(info) == {"api", "simulator", "openPlatform", "aws", "credentials", "pid"}
    assert json.loads(Path(info["credentials"]).read_text())["mchid"] == product.credentials.mchid
    assert requests.get(f"{info['simulator']}/_sandbox/orders", timeout=5).json() == {"orders": []}


def test_every_port_is_on_loopback_only(product):
    for url in (product.api, product.simulator, product.open_platform, product.aws.url):
        assert url.startswith("http://127.0.0.1:")


# ---- starting and ending ----


def test_it_starts_within_seconds_and_leaves_nothing_behind(tmp_path):
    file = tmp_path / "credentials.json"
    threads = threading.active_count()
    begin = time.perf_counter()
    with Sandbox(credentials=file) as sandbox:
        assert time.perf_counter() - begin < 5
        sandbox.warm()
        pids = [pid for name in sandbox.deployed.functions for pid in sandbox.lambdas.pids(name)]
        assert len(pids) == len(sandbox.deployed.functions)
        state = sandbox.clock.file.parent
        mchid = sandbox.credentials.mchid
    assert not state.exists()
    with pytest.raises(requests.ConnectionError):
        requests.get(sandbox.api, timeout=2)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    for _ in range(100):
        if threading.active_count() <= threads:
            break
        time.sleep(0.02)
    assert threading.active_count() <= threads
    with Sandbox(credentials=file) as again:
        assert again.credentials.mchid == mchid


def test_a_template_that_cannot_be_deployed_leaves_nothing_running(tmp_path):
    sandbox = Sandbox(template=TOYS / "template.yaml", parameters={"NoSuchParameter": "x"})
    with pytest.raises(Exception, match="NoSuchParameter"):
        sandbox.start()
    with pytest.raises(requests.ConnectionError):
        requests.get(sandbox.api, timeout=2)
    assert not sandbox.clock.file.exists()
