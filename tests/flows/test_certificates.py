"""The function that fetches platform certificates: what it believes, and what it tells of every key."""

import pytest

from sandbox.functions.execution import FunctionError
from tests.kit.console import CACHED, Console, advance

pytestmark = pytest.mark.in_turn


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


def test_a_merchant_who_keeps_no_certificate_there_is_told_so_and_nothing_else_is_missing(
    console: Console,
) -> None:
    console.put("SigningSecret", WECHAT_CERTIFICATE=None)
    advance(console.shop, 60 * CACHED + 1)
    _, written = console.run_certificates()
    assert "merchant certificate" not in {line.get("key") for line in written}
    assert [line for line in written if "is not in the signing secret" in str(line.get("message"))]
