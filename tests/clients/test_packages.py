"""Our clients as they would be published: what is in them, that others' type checkers read them, and what their READMEs show."""

import json
import re
from pathlib import Path

import pytest

from clients.generate import PYTHON, TYPESCRIPT, write
from tests.clients.building import run
from tests.kit.parameters import ROOT
from tests.kit.shop import Shop

STRICT = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--skipLibCheck", "false"]
TARGET = ["--module", "nodenext", "--target", "es2022", "--types", "node"]


def blocks(client: str, language: str) -> list[str]:
    text = (ROOT / f"clients/{client}/README.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def environment_of(shop: Shop) -> dict[str, str]:
    token = shop.sandbox.tokens.token("shop", "payments:charge")
    return {"API": shop.sandbox.api, "ACCESS_TOKEN": token, "NO_PROXY": "127.0.0.1"}


def test_what_is_generated_is_what_the_document_says_now(
    node_modules: Path, environment: Path, tmp_path: Path
) -> None:
    write(tmp_path / "ts", tmp_path / "py", node_modules=node_modules, environment=environment)
    for made, committed in ((tmp_path / "ts", TYPESCRIPT), (tmp_path / "py", PYTHON)):
        names = {file.name for file in committed.iterdir() if file.is_file()}
        assert names == {file.name for file in made.iterdir()}
        for name in names:
            assert (made / name).read_text() == (committed / name).read_text(), f"{name}: `make generated`"


def test_the_npm_package_holds_what_it_needs_and_nothing_else(npm_package: Path) -> None:
    package = npm_package / "node_modules/wechatpay-backend"
    files = {str(file.relative_to(package)) for file in package.rglob("*") if file.is_file()}
    files = {file for file in files if not file.endswith(".pyc")}  # of whoever has imported it here
    modules = (
        "index",
        "client",
        "sending",
        "errors",
        "webhooks",
        "generated/openapi",
        "generated/operations",
    )
    built = {f"dist/{name}{kind}" for name in modules for kind in (".js", ".d.ts")}
    assert files == {"package.json", "README.md", "LICENSE"} | built
    told = json.loads((package / "package.json").read_text())
    assert "dependencies" not in told
    assert (package / told["exports"]["."]["default"]).exists()


def test_the_wheel_holds_what_it_needs_and_nothing_else(wheel: Path) -> None:
    package = wheel / "wechatpay_backend"
    files = {str(file.relative_to(package)) for file in package.rglob("*") if file.is_file()}
    files = {file for file in files if not file.endswith(".pyc")}  # of whoever has imported it here
    generated = {f"generated/{name}.py" for name in ("__init__", "operations", "types")}
    assert files == {"__init__.py", "client.py", "errors.py", "webhooks.py", "py.typed"} | generated
    (metadata,) = wheel.glob("*.dist-info")
    text = (metadata / "METADATA").read_text()
    assert re.findall("^Requires-Dist: (.*)$", text, re.MULTILINE) == ["requests>=2.32"]
    assert (metadata / "licenses/LICENSE").exists()


def test_the_same_version_and_name_are_both_clients() -> None:
    npm = json.loads((ROOT / "clients/typescript/package.json").read_text())
    pypi = (ROOT / "clients/python/pyproject.toml").read_text()
    assert f'name = "{npm["name"]}"' in pypi
    assert f'version = "{npm["version"]}"' in pypi
    for client in ("typescript", "python"):
        assert (ROOT / f"clients/{client}/LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_a_strict_typescript_reads_it_and_refuses_what_is_wrong(npm_package: Path) -> None:
    (shop, hearing) = blocks("typescript", "ts")
    wrong = """
import { createClient } from 'wechatpay-backend';
const payments = createClient({ baseUrl: '', accessToken: '' });
// @ts-expect-error a member that is required
await payments.openNativePayment({ contentId: 'tea', subject: 'Tea' });
// @ts-expect-error a member that is not known
await payments.closePayment({ outTradeNo: 'WX123456', reason: 'why' });
// @ts-expect-error a word that no status has
const paid: boolean = (await payments.getPayment({ outTradeNo: 'WX123456' })).status === 'paid';
// @ts-expect-error an operation that is not there
await payments.payTwice({});
const view = await payments.showCheckout({ token: 't', lang: 'zh' });
const metadata: { [key: string]: unknown } | undefined | null = { custom: [view.amount, paid] };
await payments.openJsapiPayment({ contentId: 'c', amount: 1, subject: 's', openid: 'o', metadata });
"""
    names = []
    for name, text in {"shop": shop, "hearing": hearing, "wrong": wrong}.items():
        (npm_package / f"{name}.mts").write_text(text)
        names.append(f"{name}.mts")
    tsc = npm_package / "node_modules/typescript/bin/tsc"
    run(["node", tsc, *STRICT, *TARGET, *names], npm_package)


def test_the_readme_for_typescript_opens_an_order(npm_package: Path, shop: Shop) -> None:
    test_a_strict_typescript_reads_it_and_refuses_what_is_wrong(npm_package)
    address, status = run(["node", "shop.mjs"], npm_package, **environment_of(shop)).split()
    assert address.startswith(f"{shop.sandbox.api}/checkout/")
    assert status == "pending"


def test_a_strict_mypy_reads_it_and_refuses_what_is_wrong(
    environment: Path, wheel: Path, tmp_path: Path
) -> None:
    (shop, hearing) = blocks("python", "python")
    wrong = """
from wechatpay_backend import Client

payments = Client("", "")
payments.open_native_payment({"contentId": "tea", "subject": "Tea"})  # type: ignore[typeddict-item]
payments.close_payment({"outTradeNo": "WX123456", "reason": "why"})  # type: ignore[typeddict-unknown-key]
payments.get_payment("WX123456")["status"] == "paid"  # type: ignore[comparison-overlap]
payments.pay_twice()  # type: ignore[attr-defined]
view = payments.show_checkout("t", lang="zh")
payments.open_jsapi_payment(
    {"contentId": "c", "amount": 1, "subject": "s", "openid": "o", "metadata": {"custom": [view["amount"]]}}
)
"""
    for name, text in {"shop": shop, "hearing": hearing, "wrong": wrong}.items():
        (tmp_path / f"{name}.py").write_text(text)
    mypy = [environment / "bin/mypy", "--strict", "--cache-dir", tmp_path / "cache"]
    run([*mypy, "shop.py", "hearing.py", "wrong.py"], tmp_path, MYPYPATH=str(wheel))


def test_the_readme_for_python_opens_an_order(
    environment: Path, wheel: Path, shop: Shop, tmp_path: Path
) -> None:
    script, _ = blocks("python", "python")
    (tmp_path / "shop.py").write_text(script)
    settings = environment_of(shop) | {"PYTHONPATH": str(wheel)}
    address, status = run([environment / "bin/python", "shop.py"], tmp_path, **settings).split()
    assert address.startswith(f"{shop.sandbox.api}/checkout/")
    assert status == "pending"


@pytest.mark.parametrize("client", ["typescript", "python"])
def test_a_readme_speaks_of_every_promise(client: str) -> None:
    text = (ROOT / f"clients/{client}/README.md").read_text()
    for word in ("Retry-After", "Idempotency-Key", "502", "503", "429"):
        assert word in text
