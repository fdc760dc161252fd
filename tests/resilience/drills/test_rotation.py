"""Every key changes while orders, payments, refunds and notifications flow: nothing is lost, nothing fails.

`make drills` holds each step for seconds instead of a moment, and prints what flowed.
"""

import secrets

from tests.kit.console import CACHED, Console
from tests.resilience.drills.load import BEAT, flowing

WEEK = (0.1, 1, 5, 10, 20, 50, 100) if BEAT > 1 else (10, 100)
"""Percentages of the notifications that the public key signs, day by day (From platform certificates to the public key)."""


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
        with load.between():
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
