"""docs/openapi.yaml gives clean clients by generators of others': nothing is left out, strict compilers take them, and they call."""

from pathlib import Path

import pytest

from tests.clients.building import run
from tests.clients.caller import Caller
from tests.clients.scene import Scene
from tests.kit.document import DOCUMENT, PATH
from tests.kit.shop import Shop

EVENTS = """
import type { components, operations, webhooks } from './openapi.js';

type Schemas = components['schemas'];
type Heard = webhooks['event']['post']['requestBody']['content']['application/json'];
export function told(event: Heard): string {
  switch (event.type) {
    case 'PaymentSucceeded': return event.data.transactionId;
    case 'RefundSucceeded': return event.data.refund.toMerchant ? 'to the merchant' : `${event.data.refundedAmount}`;
    case 'NotificationReceived': return event.data.eventType;
    case 'BillBalanced': case 'BillDiffers': case 'BillMissing': return event.data.billDate;
    default: return event.data.outTradeNo;
  }
}
type Exactly<Given, Wanted> = [Given] extends [Wanted] ? ([Wanted] extends [Given] ? true : never) : never;
export const checks: true[] = [
  true satisfies Exactly<Schemas['Metadata'], { [key: string]: unknown } | null>,
  true satisfies Exactly<Schemas['Quote'], string | null>,
  true satisfies Exactly<Schemas['SystemError']['details']['closing'], true | undefined>,
  true satisfies Exactly<keyof operations & 'receiveNotification', 'receiveNotification'>,
];
"""


@pytest.fixture(scope="module")
def generated(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder above what openapi-python-client makes of the document; a warning of it fails."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "config.yaml").write_text("post_hooks: []\n")  # as it is, formatted by nobody
    command = [environment / "bin/openapi-python-client", "generate", "--path", PATH, "--meta", "none"]
    options = ["--output-path", folder / "generated", "--config", folder / "config.yaml", "--fail-on-warning"]
    told = run([*command, *options], folder)
    assert "WARNING" not in told.upper()
    return folder


def test_no_operation_is_left_out(generated: Path) -> None:
    modules = {file.stem.replace("_", "") for file in (generated / "generated/api").rglob("*.py")}
    names = {operation["operationId"].lower() for operation in DOCUMENT.operations.values()}
    assert names <= modules


def test_a_strict_mypy_takes_every_module(generated: Path, environment: Path) -> None:
    mypy = [environment / "bin/mypy", "--strict", "--cache-dir", generated / "cache"]
    assert "no issues found" in run([*mypy, "generated"], generated)


def test_every_operation_answers_it_in_a_form_that_it_reads(
    generated: Path, environment: Path, shop: Shop
) -> None:
    program = [str(environment / "bin/python"), str(Path(__file__).with_name("call_generated.py"))]
    calls = Scene(shop).calls(by_wechat_pay=True)
    told = Caller(program, {"PYTHONPATH": str(generated)}).calls(shop.sandbox.api, *calls)
    # Nobody here can sign as WeChat Pay does, nor has its files: what those calls are refused with is read as well.
    refused = {"receiveNotification": 401, "getVerifyFile": 404}
    for call, came in zip(calls, told, strict=True):
        assert came["status"] == refused.get(call["name"], 200), (call["name"], came)
        assert came["kind"] != "NoneType", call["name"]


def test_a_strict_typescript_takes_types_and_events(node_modules: Path, tmp_path: Path) -> None:
    generator, tsc = node_modules / "openapi-typescript/bin/cli.js", node_modules / "typescript/bin/tsc"
    run(["node", generator, PATH, "--output", tmp_path / "openapi.d.ts"], tmp_path)
    (tmp_path / "events.mts").write_text(EVENTS)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noEmit"]
    run(["node", tsc, *strict, "--module", "nodenext", "events.mts", "openapi.d.ts"], tmp_path)
