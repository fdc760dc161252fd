"""The notify URL: what is not proven, not readable or of no use changes nothing, is counted by its kind, and is answered so."""

import json
from typing import Any

import pytest

from payments.core.lifecycle import RefundStatus, Status
from tests.kit.office import Office, console, moving
from tests.kit.script import order_object


def counted(office: Office, metric: str) -> list[float]:
    return [value for name, value, _ in office.wiring.measured if name == metric]


def reasons(office: Office) -> list[str]:
    return [given["reason"] for name, _, given in office.wiring.measured if name == "VerificationFailed"]


def transaction(number: str, **changed: object) -> dict[str, Any]:
    return order_object("SUCCESS")(number) | {"success_time": "2027-01-15T16:00:00+08:00"} | changed


def signed(office: Office, number: str) -> tuple[bytes, dict[str, str]]:
    body = office.wechat.envelope(transaction(number))
    return body, office.wechat.headers(body)


def test_what_is_taken_is_counted_as_taken(office: Office) -> None:
    number = office.unpaid()
    assert office.post(*signed(office, number)).status == 200
    assert counted(office, "NotificationFailed") == [0]
    payment = office.stored(number)
    assert (payment.status, payment.payer_openid) == (Status.PAID, "o-buyer")
    assert payment.success_time == "2027-01-15T16:00:00+08:00"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"Wechatpay-Signature": "A" * 344}, "signature"),
        ({"Wechatpay-Serial": "A" * 40}, "serial_unknown"),
        ({"Wechatpay-Timestamp": "1700000000"}, "timestamp"),
        ({"Wechatpay-Timestamp": "soon"}, "header_malformed"),
        ({"Wechatpay-Nonce": ""}, "header_missing"),
        ({"Wechatpay-Signature-Type": "RSA"}, "signature_type"),
    ],
)
def test_what_is_not_proven_is_refused_and_counted_by_its_reason(
    office: Office, changed: dict[str, str], reason: str
) -> None:
    number = office.unpaid()
    before = office.stored(number)
    body, headers = signed(office, number)
    told = office.post(body, headers | changed)
    assert (told.status, told.body["code"]) == (401, "FAIL")
    assert told.body["message"].startswith("SIGN_ERROR: ")
    assert (reasons(office), counted(office, "NotificationFailed")) == ([reason], [])
    assert counted(office, "ProbeRefused") == []
    assert office.stored(number) == before


@pytest.mark.parametrize("respelt", ["spare bits", "a foreign character", "a line end"])
def test_a_signature_has_one_spelling(office: Office, respelt: str) -> None:
    """Many texts decode to the same bytes; WeChat Pay writes one of them."""
    body, headers = signed(office, office.unpaid())
    right = headers["Wechatpay-Signature"]
    spare = right[:-3] + chr(ord(right[-3]) + 1) + "=="
    wrong = {
        "spare bits": spare,
        "a foreign character": f"{right[:9]}*{right[9:]}",
        "a line end": f"{right}\n",
    }
    assert office.post(body, headers | {"Wechatpay-Signature": wrong[respelt]}).status == 401
    assert reasons(office)[0] in ("signature", "header_malformed")
    assert office.post(body, headers).status == 200


def test_a_probe_is_refused_and_wakes_nobody(office: Office) -> None:
    body, headers = signed(office, office.unpaid())
    probe = headers | {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"][19:]}
    assert office.post(body, probe).status == 401
    assert (counted(office, "ProbeRefused"), reasons(office)) == ([1], [])


@pytest.mark.parametrize("seconds", [-300, 300])
def test_what_was_signed_five_minutes_away_is_not_proven_and_a_second_less_is(
    office: Office, seconds: int
) -> None:
    number = office.unpaid()
    body = office.wechat.envelope(transaction(number))
    off = office.wechat.headers(body, timestamp=int(office.time()) + seconds)
    assert office.post(body, off).status == 401
    near = office.wechat.headers(body, timestamp=int(office.time()) + seconds - (1 if seconds > 0 else -1))
    assert office.post(body, near).status == 200


UNUSABLE: list[tuple[str, dict[str, object], str]] = [
    ("REFUND.SUCCESS", {"refund_status": "CLOSED"}, "another status than the event's"),
    ("REFUND.CLOSED", {"refund_status": "SUCCESS"}, "another status than the event's"),
    ("REFUND.SUCCESS", {"refund_id": None}, "no refund_id"),
    ("REFUND.SUCCESS", {"amount": {"refund": 300}}, "no total"),
    ("REFUND.SUCCESS", {"amount": None}, "no amount"),
    ("REFUND.SUCCESS", {"out_trade_no": None}, "no order"),
    ("TRANSACTION.SUCCESS", {"trade_state": "REFUND"}, "another state than the event's"),
    ("TRANSACTION.SUCCESS", {"trade_state": None}, "no state"),
    ("TRANSACTION.SUCCESS", {"mchid": None}, "no merchant"),
]


@pytest.mark.parametrize(("event_type", "changed", "what"), UNUSABLE, ids=lambda value: str(value)[:40])
def test_a_signed_notice_of_no_use_is_for_a_person_to_judge(
    office: Office, event_type: str, changed: dict[str, object], what: str
) -> None:
    number = office.paid() if event_type.startswith("REFUND") else office.unpaid()
    before = office.stored(number)
    whole = console(before, "RF1", 300) if event_type.startswith("REFUND") else transaction(number)
    members = {name: value for name, value in (whole | changed).items() if value is not None}
    told = office.notify(members, event_type)
    assert (told.status, told.body["code"]) == (400, "FAIL")
    assert told.body["message"].startswith("INVALID_REQUEST: ")
    assert (office.stored(number), counted(office, "NotificationFailed")) == (before, [1])
    (kept,) = office.db.items("QuarantineTable")
    assert (kept["reason"]["S"], kept["source"]["S"]) == ("unusable", "notification")
    assert kept.get("out_trade_no", {}).get("S", "") == members.get("out_trade_no", "")
    facts = json.loads(kept["facts"]["S"])
    assert facts["event_type"] == event_type
    for name in (
        "transaction_id",
        "out_refund_no",
        "refund_id",
        "refund_status",
        "mchid",
        "trade_state",
        "appid",
    ):
        assert facts.get(name) == members.get(name)
    assert "o-buyer" not in kept["facts"]["S"]


def test_what_is_of_no_use_and_cannot_be_set_aside_is_asked_for_again(office: Office) -> None:
    number = office.paid()
    office.silent_table(lambda operation: operation.table == "QuarantineTable")
    told = office.notify(console(office.stored(number), "RF1", 300, refund_id=None), "REFUND.SUCCESS")
    assert (told.status, counted(office, "NotificationFailed")) == (503, [1])


def test_an_answer_of_wechat_pay_is_no_notice(office: Office) -> None:
    number = office.unpaid()
    body = json.dumps(transaction(number)).encode()
    told = office.post(body, office.wechat.headers(body))
    assert (told.status, office.set_aside(number)) == (400, [])
    assert office.stored(number).status is Status.PENDING


@pytest.mark.parametrize(
    "changed",
    [
        {"resource_type": "plain"},
        {"event_type": None},
        {"id": ""},
    ],
    ids=str,
)
def test_an_envelope_that_is_no_encrypted_notification_is_refused_unopened(
    office: Office, changed: dict[str, object]
) -> None:
    number = office.unpaid()
    members = json.loads(office.wechat.envelope(transaction(number)))
    body = json.dumps(members | changed).encode()
    assert office.post(body, office.wechat.headers(body)).status == 400
    assert office.stored(number).status is Status.PENDING


@pytest.mark.parametrize("part", ["algorithm", "ciphertext", "nonce"])
def test_an_envelope_whose_resource_cannot_be_opened_is_refused(office: Office, part: str) -> None:
    number = office.unpaid()
    for value in ("", None):
        body = office.wechat.envelope(transaction(number), resource={part: value})
        assert office.post(body, office.wechat.headers(body)).status == 400
    assert office.stored(number).status is Status.PENDING


def test_a_refund_does_not_come_as_a_payment_nor_a_payment_as_a_refund(office: Office) -> None:
    number, unpaid = office.paid(), office.unpaid()
    crossed = [(console(office.stored(number), "RF1", 300), "TRANSACTION.SUCCESS", "refund")]
    crossed += [(transaction(unpaid), "REFUND.SUCCESS", "transaction")]
    for members, event_type, kind in crossed:
        body = office.wechat.envelope(members, event_type=event_type, original_type=kind)
        assert (
            office.post(body, office.wechat.headers(body)).status == 200
        )  # kept, as a kind that nobody knows
    assert (office.stored(number).refunds, office.stored(unpaid).status) == ({}, Status.PENDING)


def test_what_cannot_be_decrypted_is_asked_for_again(office: Office) -> None:
    number = office.unpaid()
    body = office.wechat.envelope(transaction(number), api_v3_key="0" * 32)
    told = office.post(body, office.wechat.headers(body))
    assert (told.status, told.body["code"]) == (503, "FAIL")
    assert told.body["message"].startswith("SYSTEMERROR: ")
    assert counted(office, "NotificationFailed") == [1]


def test_too_large_a_notice_is_refused_unread_and_64_kb_are_not(office: Office) -> None:
    number = office.unpaid()
    base = len(office.wechat.envelope(transaction(number), padding=""))
    body = office.wechat.envelope(transaction(number), padding="x" * (65_536 - base + 1))
    assert len(body) == 65_537
    told = office.post(body, office.wechat.headers(body))
    assert (told.status, counted(office, "NotificationFailed")) == (413, [])
    body = office.wechat.envelope(transaction(number), padding="x" * (65_536 - base))
    assert office.post(body, office.wechat.headers(body)).status == 200


def test_a_table_that_does_not_answer_makes_wechat_pay_come_again(office: Office) -> None:
    number = office.unpaid()
    office.silent_table(lambda operation: operation.table == "PaymentsTable")
    told = office.post(*signed(office, number))
    assert (told.status, told.body["code"]) == (503, "FAIL")
    assert counted(office, "NotificationFailed") == [1]
    office.restored_table()
    assert office.post(*signed(office, number)).status == 200


def test_a_mistake_of_ours_makes_wechat_pay_come_again(office: Office) -> None:
    """A function without its environment."""
    number = office.unpaid()
    del office.wiring.settings._environment["VERIFICATION_SECRET"]  # type: ignore[attr-defined]
    told = office.post(*signed(office, number))
    assert (told.status, counted(office, "NotificationFailed")) == (500, [1])
    assert told.body["message"].startswith("INTERNAL_ERROR: ")


def test_a_payment_of_another_amount_is_thanked_for_once_it_is_set_aside(office: Office) -> None:
    number = office.unpaid()
    members = transaction(number, amount={"total": 999, "currency": "CNY"})
    assert office.notify(members, "TRANSACTION.SUCCESS").status == 200
    assert (office.set_aside(number), office.stored(number).status) == (["other_amount"], Status.PENDING)
    assert counted(office, "NotificationFailed") == [0]
    assert ("Quarantined", 1, {"reason": "other_amount"}) in office.wiring.measured


def test_a_payment_of_an_order_that_nobody_knows_is_set_aside_and_asked_for_again(office: Office) -> None:
    told = office.notify(transaction("WX" + "A" * 26), "TRANSACTION.SUCCESS")
    assert (told.status, office.set_aside("WX" + "A" * 26)) == (503, ["unknown_order"])
    assert counted(office, "NotificationFailed") == [1]


def test_the_log_names_the_order_and_the_refund_and_no_payer(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    number = office.unpaid()
    office.post(*signed(office, number))
    line = vars(caplog.records[-1])
    assert (line["out_trade_no"], line["transaction_id"]) == (number, f"42{number[2:]}")
    assert (line["applied"], line["status"], line["event_type"]) == (
        "changed",
        "succeeded",
        "TRANSACTION.SUCCESS",
    )
    office.notify(console(office.stored(number), "CONSOLE", 300, "ABNORMAL"))
    line = vars(caplog.records[-1])
    assert (line["out_refund_no"], line["refund_amount"], line["refund_status"]) == (
        "CONSOLE",
        300,
        "ABNORMAL",
    )
    assert (line["applied"], line["payment_id"]) == ("changed", office.stored(number).payment_id)
    office.notify(console(office.stored(number), "CONSOLE", 300, "ABNORMAL"))
    assert vars(caplog.records[-1])["applied"] == "known"
    assert "o-buyer" not in str([vars(record) for record in caplog.records])
    assert office.refund_of(number).status is RefundStatus.ABNORMAL


def test_what_contradicts_us_is_an_error_in_the_log_and_what_does_not_is_none(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    number = office.unpaid()
    office.post(*signed(office, number))
    assert caplog.records[-1].levelname == "INFO"
    office.notify(transaction(number, transaction_id="4200"), "TRANSACTION.SUCCESS")
    assert (caplog.records[-1].levelname, vars(caplog.records[-1])["applied"]) == ("ERROR", "contradiction")
    office.notify(transaction("WXNOBODY"), "TRANSACTION.SUCCESS")
    assert (caplog.records[-1].levelname, vars(caplog.records[-1])["applied"]) == ("ERROR", "unknown_order")


def test_the_log_says_of_news_that_cannot_be_applied_yet_whether_they_are_held_or_must_come_again(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    unpaid, number = office.unpaid(), office.paid()
    assert office.notify(console(office.stored(unpaid), "CONSOLE", 300)).status == 200
    assert vars(caplog.records[-1])["applied"] == "held"
    news = console(office.stored(number), "CONSOLE", 300)
    office.db.around = moving(office, number)
    assert office.notify(news).status == 503
    assert vars(caplog.records[-1])["applied"] == "busy"
