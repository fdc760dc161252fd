"""Every key changes while orders, payments, refunds and notifications flow: nothing is lost, nothing fails.

`make drills` holds each step for seconds instead of a moment, and prints what flowed.
"""

import json
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sandbox.execution import FunctionError

BEAT = float(os.environ.get("DRILL_SECONDS", "0.4"))  # that the load flows after each step
BUYERS = 3  # at once
CACHED = 5  # minutes that a function keeps a secret
WEEK = (0.1, 1, 5, 10, 20, 50, 100) if BEAT > 1 else (10, 100)
"""Percentages of the notifications that the public key signs, day by day (From platform certificates to the public key)."""


def advance(shop: Any, seconds: float) -> None:
    """Let time pass, for refunds and notifications that wait, too."""
    answer = shop.control("clock", {"advance": seconds})
    assert answer.status_code == 200, answer.text


class Load:
    """Buyers who order by quote or through a backend, look, pay and get money back, until `end`."""

    def __init__(self, shop: Any) -> None:
        self.shop, self.begun = shop, time.monotonic()
        self.orders = 0
        self.paid: list[str] = []
        self.refunds = 0
        self.failed: list[str] = []
        self.may_fail: tuple[int, ...] = ()  # statuses of a create that are no failure just now
        self._told = len(self.deliveries())
        self._to_give_back: deque[str] = deque()
        self._gate = threading.Condition()
        self._inside, self._closed, self._ended = 0, False, False
        self._threads = [threading.Thread(target=self._buy, args=(number,)) for number in range(BUYERS)]
        for thread in self._threads:
            thread.start()

    def deliveries(self) -> list[dict[str, Any]]:
        found = self.shop.http.get(f"{self.shop.sandbox.simulator}/_sandbox/notifications", timeout=30)
        notifications: list[dict[str, Any]] = found.json()["notifications"]
        return notifications

    def beat(self, beats: float = 1) -> None:
        """Let it flow for a while."""
        before, until = self.orders, time.monotonic() + 60
        time.sleep(BEAT * beats)
        while self.orders == before and time.monotonic() < until:
            time.sleep(0.02)

    def minutes(self, count: int) -> None:
        """Let time pass for everybody; nobody is in the middle of something when it jumps."""
        for _ in range(count):
            with self._gate:
                self._closed = True
                assert self._gate.wait_for(lambda: not self._inside, 60)
            time.sleep(0.1)  # notifications on their way
            advance(self.shop, 60)
            with self._gate:
                self._closed = False
                self._gate.notify_all()
            self.beat(0.1)

    def end(self, name: str) -> None:
        """Stop; then every order that was paid must have been told of, and every refund have ended. Prints the figures."""
        self.stop()
        assert self.failed == []
        sandbox, patience = self.shop.sandbox, 40
        missing = set(self.paid)
        while missing and patience:
            missing = {number for number in missing if self._unsettled(number)}
            if missing:
                patience -= 1
                time.sleep(0.1)
                advance(self.shop, 15)
        assert not missing, f"{len(missing)} of {len(self.paid)} paid orders were never told of"
        assert sandbox.drain(20)
        told = self.deliveries()[self._told :]
        again = sum(1 for each in told if each["status"] != 200)
        print(
            f"\n{name}: {self.orders} orders, {len(self.paid)} paid, {self.refunds} refunds, {len(told)} notifications,"
            f" {again} of them again, 0 lost, 0 failed creates, {time.monotonic() - self.begun:.1f} s"
        )

    def stop(self) -> None:
        with self._gate:
            self._ended, self._closed = True, False
            self._gate.notify_all()
        for thread in self._threads:
            thread.join()

    def _unsettled(self, number: str) -> bool:
        found = self.shop.details(number)  # of our table alone: it never asks WeChat Pay
        moving = [refund for refund in found.get("refunds", []) if refund["status"] != "SUCCESS"]
        return found["status"] == "pending" or bool(moving)

    def _buy(self, lane: int) -> None:
        count = lane
        while not self._ended:
            with self._gate:
                self._gate.wait_for(lambda: not self._closed)
                self._inside += 1
            try:
                self._one(count)
            except Exception as problem:  # noqa: BLE001  for the main thread to tell
                self.failed.append(repr(problem))
            finally:
                with self._gate:
                    self._inside -= 1
                    self._gate.notify_all()
            count += 1
            time.sleep(0.02)

    def _one(self, count: int) -> None:
        shop, buyer = self.shop, f"buyer-{secrets.token_hex(6)}"
        body = {"contentId": "course-1", "amount": "1.00", "subject": "A course"}
        route, scope = "/native", "payments:charge"
        if count % 2:
            body |= {"openid": "oBuyer-1"}
            route = "/jsapi"
        if count % 3:
            body |= {"quote": shop.sandbox.tokens.quote(buyer, "course-1", 100)}
            scope = "payments:pay"
        made = shop.call("POST", route, body, scope=scope, sub=buyer)
        if made.status_code != 200:
            if made.status_code not in self.may_fail:
                self.failed.append(f"{route}: {made.status_code} {made.text}")
            return
        number = made.json()["data"]["outTradeNo"]
        self.orders += 1
        if count % 4 == 0 and not self.may_fail:
            looked = shop.call("GET", f"/query/{number}")
            if looked.status_code != 200:
                self.failed.append(f"query: {looked.status_code} {looked.text}")
        assert shop.control("pay", {"outTradeNo": number}).status_code == 200
        self.paid.append(number)
        self._to_give_back.append(number)
        if len(self._to_give_back) > 8 and not self.may_fail:
            self._give_back(self._to_give_back.popleft())

    def _give_back(self, number: str) -> None:
        if self.shop.details(number)["status"] != "succeeded":
            return
        body = {"outTradeNo": number, "refundAmount": "0.40"}
        given = self.shop.call("POST", "/refund", body, scope="payments:refund", sub=f"office-{number}")
        if given.status_code != 200:
            self.failed.append(f"refund: {given.status_code} {given.text}")
        self.refunds += 1


class Console:
    """What people do in a change: in WeChat Pay's console, and with our secrets."""

    def __init__(self, shop: Any) -> None:
        self.shop, self.sandbox = shop, shop.sandbox
        self._client = self.sandbox.aws.client("secretsmanager")

    def wechat(self, **change: Any) -> None:
        answer = self.shop.control("keys", change)
        assert answer.status_code == 200, answer.text

    def secret(self, name: str) -> dict[str, Any]:
        try:
            found = self._client.get_secret_value(SecretId=self.sandbox.deployed.refs[name])
        except self._client.exceptions.ResourceNotFoundException:
            return {}
        members: dict[str, Any] = json.loads(found["SecretString"])
        return members

    def put(self, name: str, **members: Any) -> None:
        """Replace members of a secret; None takes one away."""
        changed = {key: value for key, value in (self.secret(name) | members).items() if value is not None}
        self._client.put_secret_value(
            SecretId=self.sandbox.deployed.refs[name], SecretString=json.dumps(changed)
        )

    def run_certificates(self) -> tuple[dict[str, int], list[dict[str, Any]]]:
        """Run the scheduled function; its answer, and what it wrote."""

        def written() -> str:
            text: str = self.sandbox.lambdas.logs("CertificatesFunction")[before:]
            return text

        before = len(self.sandbox.lambdas.logs("CertificatesFunction"))
        timer = next(
            each for name, each in self.sandbox.schedules.items() if name.startswith("CertificatesFunction")
        )
        answer = timer.run_now()
        self.sandbox.wait_until(lambda: "KeyDaysLeftMin" in written())  # what it says last
        return answer, [json.loads(line) for line in written().splitlines() if line.startswith("{")]


@pytest.fixture
def console(certified: Any) -> Iterator[Console]:
    """Everything as it was at first: the old certificates, the first keys, no previous ones."""
    console, mine = Console(certified), certified.sandbox.credentials
    console.wechat(merchantCertificates="both", apiV3Key=mine.api_v3_key, mode="cert", percentage=0)
    console.put(
        "SigningSecret",
        WECHAT_PRIVATE_KEY=mine.merchant_private_key,
        WECHAT_CERT_SERIAL_NO=mine.merchant_serial_no,
        WECHAT_CERTIFICATE=mine.merchant_certificate,
    )
    console.put(
        "VerificationSecret",
        WECHAT_API_V3_KEY=mine.api_v3_key,
        WECHAT_API_V3_KEY_PREVIOUS=None,
        WECHAT_PLATFORM_CERTIFICATES=[mine.platform_certificate],
        WECHAT_PUBLIC_KEY_ID=None,
        WECHAT_PUBLIC_KEY=None,
        WECHAT_QUOTE_KEY=certified.sandbox.tokens.quote_key,
        WECHAT_QUOTE_KEY_PREVIOUS=None,
    )
    advance(certified, 60 * CACHED + 1)
    console.wechat(merchantCertificates="old")
    yield console
    certified.sandbox.aws.outages.clear()


@contextmanager
def flowing(console: Console, name: str) -> Iterator[Load]:
    load = Load(console.shop)
    try:
        load.beat()
        yield load
    except BaseException:
        load.stop()
        raise
    load.end(name)


def test_the_merchants_key_and_serial_change(console: Console) -> None:
    mine = console.sandbox.credentials
    with flowing(console, "merchant key and serial number") as load:
        console.wechat(merchantCertificates="both")
        load.beat()
        console.put(
            "SigningSecret",
            WECHAT_PRIVATE_KEY=mine.merchant_private_key_new,
            WECHAT_CERT_SERIAL_NO=mine.merchant_serial_no_new,
            WECHAT_CERTIFICATE=mine.merchant_certificate_new,
        )
        load.beat()
        load.minutes(CACHED + 1)
        console.wechat(merchantCertificates="new")
        load.beat()


def test_the_apiv3_key_changes(console: Console) -> None:
    old, new = console.sandbox.credentials.api_v3_key, secrets.token_hex(16)
    with flowing(console, "APIv3 key, ours first") as load:
        console.put("VerificationSecret", WECHAT_API_V3_KEY=new, WECHAT_API_V3_KEY_PREVIOUS=old)
        load.beat()
        load.minutes(CACHED + 1)
        console.wechat(apiV3Key=new)
        load.beat()
        console.put("VerificationSecret", WECHAT_API_V3_KEY_PREVIOUS=None)
        load.minutes(CACHED + 1)
        load.beat()


def test_the_apiv3_key_changes_at_wechat_pay_first(console: Console) -> None:
    old, new = console.sandbox.credentials.api_v3_key, secrets.token_hex(16)
    with flowing(console, "APIv3 key, WeChat Pay's first") as load:
        console.wechat(apiV3Key=new)
        load.beat()
        console.put("VerificationSecret", WECHAT_API_V3_KEY=new, WECHAT_API_V3_KEY_PREVIOUS=old)
        load.minutes(2)
        load.beat()


def test_a_new_platform_certificate_takes_over(console: Console) -> None:
    new = console.sandbox.credentials.platform_certificate_new
    with flowing(console, "platform certificate") as load:
        console.wechat(mode="two-certs", percentage=0)
        console.run_certificates()
        assert new.strip() in {
            text.strip() for text in console.secret("CertificatesSecret")["WECHAT_PLATFORM_CERTIFICATES"]
        }
        for percentage in (10, 50, 100):
            console.wechat(percentage=percentage)
            load.beat()
        load.minutes(CACHED + 1)


def test_from_the_platform_certificate_to_the_public_key(console: Console) -> None:
    mine = console.sandbox.credentials
    with flowing(console, "the week of both: certificate and public key in turn") as load:
        console.put(
            "VerificationSecret",
            WECHAT_PUBLIC_KEY_ID=mine.wechat_public_key_id,
            WECHAT_PUBLIC_KEY=mine.wechat_public_key,
        )
        load.minutes(CACHED + 1)
        for percentage in WEEK:
            console.wechat(mode="mixed", percentage=percentage)
            load.beat()
        console.wechat(mode="pubkey")
        load.beat()
        console.run_certificates()  # "no certificate, use the public key" is no error
        console.put("VerificationSecret", WECHAT_PLATFORM_CERTIFICATES=None)
        load.minutes(CACHED + 1)


def test_the_key_of_quotes_changes(console: Console) -> None:
    tokens, old = console.sandbox.tokens, console.sandbox.tokens.quote_key
    new = secrets.token_urlsafe(48)
    with flowing(console, "key of price quotes") as load:
        console.put("VerificationSecret", WECHAT_QUOTE_KEY=new, WECHAT_QUOTE_KEY_PREVIOUS=old)
        load.beat()
        load.minutes(CACHED + 1)
        signed_before = tokens.quote("buyer-in-between", "course-1", 100)
        tokens.quote_key = new
        load.minutes(1)
        body = {"contentId": "course-1", "amount": "1.00", "subject": "A course", "quote": signed_before}
        late = console.shop.call("POST", "/native", body, scope="payments:pay", sub="buyer-in-between")
        assert late.status_code == 200, late.text
        console.put("VerificationSecret", WECHAT_QUOTE_KEY_PREVIOUS=None)
        load.minutes(CACHED + 1)
        load.beat()
    good = tokens.quote("buyer-too-late", "course-1", 100)
    tokens.quote_key = old
    forged = tokens.quote("buyer-too-late", "course-1", 100)
    tokens.quote_key = new
    for quote, status in ((forged, 403), (good, 200)):
        body["quote"] = quote
        asked = console.shop.call("POST", "/native", body, scope="payments:pay", sub="buyer-too-late")
        assert asked.status_code == status


def test_ten_minutes_without_secrets_manager(console: Console) -> None:
    with flowing(console, "ten minutes without Secrets Manager") as load:
        load.may_fail = (503,)  # of processes that start now; those that run have their keys
        console.sandbox.aws.outages.add("secretsmanager")
        before = load.orders
        load.minutes(5)
        assert load.orders > before
        assert console.sandbox.lambdas.kill("NotifyFunction") > 0
        load.beat()
        load.minutes(5)
        console.sandbox.aws.outages.clear()
        load.beat()


def test_certificates_that_no_trusted_key_has_signed_are_not_stored(console: Console) -> None:
    mine = console.sandbox.credentials
    console.put("VerificationSecret", WECHAT_PLATFORM_CERTIFICATES=[mine.platform_certificate_new])
    console.put("CertificatesSecret", WECHAT_PLATFORM_CERTIFICATES=[])
    advance(console.shop, 60 * CACHED + 1)
    with pytest.raises(FunctionError):
        console.run_certificates()
    assert console.secret("CertificatesSecret")["WECHAT_PLATFORM_CERTIFICATES"] == []


def test_the_days_of_every_key_are_told(console: Console) -> None:
    mine = console.sandbox.credentials
    console.wechat(mode="two-certs", percentage=0)
    answer, written = console.run_certificates()
    assert answer == {"stored": 2}
    told = {line["key"]: line["KeyDaysLeft"] for line in written if "KeyDaysLeft" in line}
    (least,) = [line["KeyDaysLeftMin"] for line in written if "KeyDaysLeftMin" in line]
    old, new = f"platform certificate {mine.platform_serial_no[-8:]}", mine.platform_serial_no_new[-8:]
    assert told.keys() == {"merchant certificate", old, f"platform certificate {new}"}
    assert 1700 < told["merchant certificate"] < 1826
    assert 1700 < told[old] < told[f"platform certificate {new}"] < 2191
    assert least == told["merchant certificate"]  # the old platform certificate has a successor
    assert all(
        line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "WeChatPay" for line in written if "_aws" in line
    )


def test_a_merchant_certificate_of_another_key_tells_no_days(console: Console) -> None:
    console.put("SigningSecret", WECHAT_CERTIFICATE=console.sandbox.credentials.merchant_certificate_new)
    advance(console.shop, 60 * CACHED + 1)
    _, written = console.run_certificates()
    assert "merchant certificate" not in {line.get("key") for line in written}
    assert [line for line in written if line.get("level") == "ERROR"]
