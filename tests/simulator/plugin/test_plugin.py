"""The pytest plugin in suites of its own, each a process: what a test finds, and what it leaves to the next."""

import os
import subprocess
import sys

import pytest

from tests.documents.blocks import BLOCKS, ROOT

EXAMPLE = ROOT / "examples/pytest-wechatpay"

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.share(2, of_file=True), pytest.mark.in_turn]

CONFTEST = f"""
    import json, sys
    import pytest
    sys.path[:0] = [{str(EXAMPLE)!r}, {str(ROOT / "layers/wechatpay")!r}]
    from shop import Shop

    @pytest.fixture(scope="session")
    def shop(wechatpay_server):
        with Shop(wechatpay_server.url, json.loads(wechatpay_server.credentials_file.read_text())) as shop:
            yield shop
"""


@pytest.fixture
def suite(pytester, monkeypatch):
    """Runs the tests of a file, with a shop for them, and returns what pytest said."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1"
    )  # of others', which take longer than these tests
    pytester.makeconftest(CONFTEST)

    def run(text, *words):
        pytester.makepyfile(text)
        return pytester.runpytest_subprocess("-p", "wechatpay_simulator.pytest_plugin", *words)

    return run


ALONE = """
    import asyncio
    import threading
    import time
    import pytest
    from wechatpay_simulator.testing.wechatpay import RefusedError

    KEPT = {}

    def test_first(shop, wechatpay):
        KEPT.update(url=wechatpay.url, open_platform_url=wechatpay.open_platform_url, mchid=wechatpay.credentials.mchid)
        shop.notified, KEPT["notified"] = lambda headers, body: KEPT["bodies"].append(body) or 500, shop.notified
        KEPT["bodies"] = []
        wechatpay.faults({"on": "query", "effect": "html", "status": 502})
        KEPT["order"] = shop.order(100)
        wechatpay.pay(KEPT["order"])
        assert wechatpay.told(KEPT["order"]).status == 500
        wechatpay.advance(400)
        assert wechatpay.told(KEPT["order"]).status == 500
        assert [each.status for each in wechatpay.notifications] == [500, 500]
        KEPT["seen"] = len(KEPT["bodies"])
        wechatpay.faults({"on": "notification", "effect": "delay", "seconds": 1})
        KEPT["delayed"] = shop.order(100)
        wechatpay.pay(KEPT["delayed"])

    def test_that_leaves_while_the_shop_is_slow(shop, wechatpay):
        def slow(headers, body):
            KEPT["begun"].set()
            time.sleep(0.3)
            KEPT["ended"] = True
            return 500

        KEPT["begun"], quick, shop.notified = threading.Event(), shop.notified, slow
        wechatpay.pay(shop.order(100))
        assert KEPT["begun"].wait(10)
        shop.notified = quick

    def test_it_was_waited_for(wechatpay):
        assert KEPT["ended"]

    def test_addresses_and_keys_are_the_sessions(wechatpay):
        assert wechatpay.url == KEPT["url"]
        assert wechatpay.open_platform_url == KEPT["open_platform_url"]
        assert wechatpay.credentials.mchid == KEPT["mchid"]
        assert wechatpay.credentials.mchid in wechatpay.credentials_file.read_text()

    def test_no_order_no_fault_and_no_notification_is_left(wechatpay):
        assert wechatpay.orders == []
        assert wechatpay.notifications == []
        assert wechatpay.control("GET", "faults")["rules"] == []
        with pytest.raises(RefusedError, match="ORDER_NOT_FOUND: There is no such order"):
            wechatpay.pay(KEPT["order"])

    def test_what_climbs_its_ladder_or_is_delayed_never_arrives(shop, wechatpay):
        # Delayed for longer than the one before, so it comes after it.
        wechatpay.faults({"on": "notification", "effect": "delay", "seconds": 1.3})
        number = shop.order(100)
        wechatpay.pay(number)
        assert wechatpay.told(number).status == 500
        assert len(KEPT["bodies"]) == KEPT["seen"] + 1

    def test_the_clock_is_the_machines_again(wechatpay):
        assert abs(wechatpay.control("POST", "clock", {"advance": 0})["now"] - time.time()) < 100

    def test_a_client_signs_by_the_machines_time_however_late_it_is_at_wechat_pay(shop, wechatpay):
        shop.notified = KEPT["notified"]
        number = shop.order(100)
        wechatpay.advance(6 * 86400)
        other = shop.order(100)
        wechatpay.pay(other)
        assert wechatpay.told(other).status == 204
        wechatpay.advance(2 * 86400)
        with pytest.raises(RefusedError, match="ORDER_CLOSED"):
            wechatpay.pay(number)

    def test_a_refund_waits_for_the_test(shop, wechatpay):
        number = shop.order(100)
        wechatpay.pay(number)
        refund = shop.refund(number, 100)
        wechatpay.advance(3600)
        assert wechatpay.orders[0]["refunds"][0]["status"] == "PROCESSING"
        assert wechatpay.refund(refund, "ABNORMAL")["status"] == "ABNORMAL"
        assert wechatpay.refund(refund, "CLOSED")["status"] == "CLOSED"
        with pytest.raises(RefusedError, match="REFUND_ENDED"):
            wechatpay.refund(refund)
        assert wechatpay.told(number, "REFUND.ABNORMAL").event_type == "REFUND.ABNORMAL"
        assert wechatpay.told(number, "REFUND.CLOSED").accepted
        assert wechatpay.told(number).event_type == "TRANSACTION.SUCCESS"

    def test_a_refund_of_the_console_is_told_of(shop, wechatpay):
        number = shop.order(100)
        wechatpay.pay(number, coupons=[{"amount": 10}])
        made = wechatpay.console_refund(number, 40)
        wechatpay.refund(made["out_refund_no"])
        assert wechatpay.told(number, "REFUND.SUCCESS").accepted

    def test_a_program_in_the_tests_own_loop_is_told(shop, wechatpay, monkeypatch):
        # As pytest-asyncio and anyio run a test: the program and the test share one loop.

        async def answer(reader, writer):
            await reader.readuntil(b"\\r\\n\\r\\n")
            writer.write(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")
            await writer.drain()
            writer.close()

        async def test():
            async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
                port = server.sockets[0].getsockname()[1]
                monkeypatch.setattr(shop, "_notify_url", f"http://127.0.0.1:{port}/notify")
                number = await asyncio.to_thread(shop.order, 100)
                wechatpay.pay(number)
                assert (await asyncio.to_thread(wechatpay.told, number)).status == 204

        asyncio.run(test())

    def test_what_is_about_no_order_is_told_of_too(shop, wechatpay):
        shop.notified, usual = lambda headers, body: 204, shop.notified
        body = {"eventType": "COMPLAINT.CREATE", "plaintext": {}, "url": shop._notify_url}
        wechatpay.control("POST", "notify", body)
        assert wechatpay.told(None, "COMPLAINT.CREATE").accepted
        shop.notified = usual

    def test_a_rule_that_is_none_is_refused_in_words(wechatpay):
        with pytest.raises(RefusedError, match="is not one of"):
            wechatpay.faults({"on": "everything", "effect": "html", "status": 502})
"""


def test_each_test_has_a_ledger_faults_notifications_and_a_clock_of_its_own(suite):
    suite(ALONE).assert_outcomes(passed=13)


def test_the_documents_lines_run_as_they_stand_there(suite):
    (block,) = [each for each in BLOCKS if (each.document, each.language) == ("docs/pytest.md", "python")]
    suite(block.text).assert_outcomes(passed=1)


def test_it_works_with_xdist_each_process_with_addresses_of_its_own(suite):
    text = """
        import pytest

        @pytest.mark.parametrize("fen", range(1, 7))
        def test_pay(shop, wechatpay, fen):
            number = shop.order(fen)
            wechatpay.pay(number)
            assert wechatpay.told(number).accepted
            assert [each["amount"]["total"] for each in wechatpay.orders] == [fen]
    """
    suite(text, "-p", "xdist.plugin", "-n", "2").assert_outcomes(passed=6)


FAILS = """
    import asyncio
    import pytest
    from http.client import HTTPConnection
    from urllib.parse import urlsplit

    def test_that_calls_badly(shop, wechatpay):
        import secrets, time
        from wechatpay.keys import load_private_key
        from wechatpay.signing import MerchantSigner
        mine = wechatpay.credentials
        signer = MerchantSigner(mine.mchid, mine.merchant_serial_no, load_private_key(mine.merchant_private_key))
        path = "/v3/pay/transactions/out-trade-no/SHOP123456"
        signed = signer.authorization("GET", path, timestamp=int(time.time()), nonce_str=secrets.token_hex(8), body=b"")
        connection = HTTPConnection(urlsplit(wechatpay.url).netloc)
        headers = {"Authorization": signed, "Accept": "application/json", "User-Agent": "x"}
        connection.request("GET", f"{path}?mchid={mine.mchid}", headers=headers)
        assert connection.getresponse().status == 200

    def test_that_waits_for_what_nobody_ordered(shop, wechatpay):
        shop.order(100)
        wechatpay.told("NOBODY", seconds=0)

    def test_that_waits_for_what_nobody_paid(shop, wechatpay):
        wechatpay.told(shop.order(100), "TRANSACTION.SUCCESS", seconds=0)

    def test_that_waits_twice_for_one_attempt(shop, wechatpay):
        number = shop.order(100)
        wechatpay.pay(number)
        wechatpay.told(number)
        wechatpay.told(number, seconds=0)

    def test_that_blocks_its_event_loop(shop, wechatpay):
        async def test():
            server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
            async with server:
                shop._notify_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/notify"
                number = shop.order(100)
                wechatpay.pay(number)
                wechatpay.told(number, seconds=0.2)
        asyncio.run(test())

    def test_that_does_not_call(wechatpay):
        assert wechatpay.notifications

    def test_that_passes(wechatpay):
        print("nothing to see")

    @pytest.fixture
    def broken(wechatpay):
        raise RuntimeError("broken")

    def test_whose_fixture_fails(broken):
        pass

    def test_that_has_nothing_to_do_with_it():
        assert not "it"
"""


def test_the_report_of_a_test_that_failed_says_what_wechat_pay_saw(suite):
    told = suite(FAILS, "-rA")
    told.assert_outcomes(failed=7, passed=1, errors=1)
    text = told.stdout.str()
    assert (
        "GET /v3/pay/transactions/out-trade-no/SHOP123456?mchid=… 401: the signature covers the path without the query"
        in text
    )
    assert (
        "nothing was told of NOBODY within 0 s: WeChat Pay has no such order; the latest that it has: SHOP"
        in text
    )
    assert "no TRANSACTION.SUCCESS was told of SHOP" in text
    assert "The order: NOTPAY, its notify_url http://127.0.0.1:" in text
    assert "Sent of it so far: TRANSACTION.SUCCESS 204" in text
    assert "told() blocks this test's event loop: await asyncio.to_thread(wechatpay.told, …)" in text
    told.stdout.re_match_lines(
        [r".* notification TRANSACTION.SUCCESS \S+ to http://127.0.0.1:\d+/notify 204: accepted"]
    )
    assert text.count("- WeChat Pay -") == 7
    told.stdout.re_match_lines([r"no request came to http://127.0.0.1:\d+"])
    assert "PRIVATE KEY" not in text


def test_a_suite_that_does_not_use_it_imports_nothing_of_it(suite, pytester):
    text = """
        import sys

        def test_nothing():
            ours = {name for name in sys.modules if name.startswith("wechatpay_simulator")}
            assert ours == {"wechatpay_simulator", "wechatpay_simulator.pytest_plugin"}
            heavy = {"starlette", "uvicorn", "cryptography", "http.server", "asyncio"}
            assert sorted(heavy & sys.modules.keys()) == []
    """
    suite(text, "--noconftest").assert_outcomes(passed=1)


def test_a_mode_is_chosen_in_the_settings_and_a_wrong_one_told(suite):
    text = """
        def test_mode(wechatpay):
            assert wechatpay.control("GET", "keys")["mode"] == "two-certs"
    """
    suite(text, "--noconftest", "-o", "wechatpay_mode=two-certs").assert_outcomes(passed=1)
    told = suite(text, "--noconftest", "-o", "wechatpay_mode=nothing")
    told.assert_outcomes(errors=1)
    assert "wechatpay_mode: there is no mode 'nothing'" in told.stdout.str()


def test_every_module_of_the_package_is_imported_where_pytest_is_not(tmp_path):
    text = """
import importlib, pkgutil, sys
sys.modules["pytest"] = None
import wechatpay_simulator
for each in pkgutil.walk_packages(wechatpay_simulator.__path__, "wechatpay_simulator."):
    if not each.name.endswith("__main__"):
        importlib.import_module(each.name)
print(wechatpay_simulator.pytest_plugin.__name__, hasattr(wechatpay_simulator.pytest_plugin, "wechatpay"))
"""
    told = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", text],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (told.returncode, told.stdout) == (0, "wechatpay_simulator.pytest_plugin False\n"), told.stderr


def test_the_example_is_run_as_a_shop_runs_it():
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers/wechatpay")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    told = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", "."),
            *("-p", "wechatpay_simulator.pytest_plugin", "-p", "no:cacheprovider"),
        ],
        check=False,
        cwd=EXAMPLE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert told.returncode == 0, told.stdout
    assert "8 passed" in told.stdout
