"""Whatever WeChat Pay sends is welcome: what nobody handles is kept once, as encrypted as it came, and credits nothing."""

import json
from typing import Any

import pytest

from payments.core.lifecycle import Status
from tests.kit.dynamodb import Operation, time_out
from tests.kit.office import DAY, Office, Told
from tests.kit.script import order_object
from tests.notifications.kinds import LISTED, SECRET, Other, others

OTHERS = list(others())
LIFE = 90 * DAY


def sent(office: Office, other: Other, **envelope: Any) -> tuple[bytes, dict[str, str]]:
    """A notification's bytes and headers, rightly signed."""
    resource = {} if other.original_type else {"original_type": None}
    body = office.wechat.envelope(
        other.inside,
        event_type=other.event_type,
        original_type=other.original_type,
        resource=resource,
        **envelope,
    )
    return body, office.wechat.headers(body)


def kept(office: Office) -> list[dict[str, Any]]:
    return list(office.db.items("NotificationsTable"))


def measured(office: Office) -> list[tuple[str, float]]:
    return [(name, value) for name, value, _ in office.wiring.measured]


def assert_thanked(told: Told, other: Other | None = None) -> None:
    assert (told.status, told.body) == (200, {"code": "SUCCESS", "message": "Success"}), other


def test_the_table_has_every_kind_that_the_documents_list() -> None:
    assert len({event_type for event_type, _ in LISTED}) == 105
    assert {other.event_type for other in OTHERS} >= {event_type for event_type, _ in LISTED}


def test_every_kind_that_nobody_handles_is_thanked_for_kept_once_and_is_no_failure(office: Office) -> None:
    number = office.unpaid()
    before = office.stored(number)
    for other in OTHERS:
        body, headers = sent(office, other)
        for _ in range(3):
            assert_thanked(office.post(body, headers), other)

        envelope = json.loads(body)
        item = next(item for item in kept(office) if item["notification_id"]["S"] == envelope["id"])
        assert item["event_type"]["S"] == other.event_type
        assert item.get("original_type", {}).get("S") == other.original_type
        for name in ("ciphertext", "nonce", "associated_data"):
            assert item[name]["S"] == envelope["resource"][name]
        assert int(item["expires_at"]["N"]) == int(item["seen_at"]["N"]) + LIFE
        assert SECRET not in json.dumps(item)
    assert measured(office) == [("NotificationOther", 1)] * len(OTHERS)
    assert len(kept(office)) == len(OTHERS)
    assert office.stored(number) == before
    assert office.db.items("QuarantineTable") == []


def test_every_kind_forged_is_refused_and_nothing_is_kept(office: Office) -> None:
    for other in OTHERS:
        body, headers = sent(office, other)
        forged = [
            (body, headers | {"Wechatpay-Signature": "A" * 344}),
            (body.replace(b"EV-", b"EW-"), headers),
            (body, {}),
        ]
        for raw, lines in forged:
            told = office.post(raw, lines)
            assert (told.status, told.body["code"]) == (401, "FAIL"), other
    assert (kept(office), office.db.items("QuarantineTable")) == ([], [])
    assert {name for name, _ in measured(office)} == {"VerificationFailed"}


def test_every_kind_that_cannot_be_kept_is_asked_for_again_and_then_kept(office: Office) -> None:
    posts = [sent(office, other) for other in OTHERS]
    office.silent_table(lambda operation: operation.table == "NotificationsTable")
    for body, headers in posts:
        told = office.post(body, headers)
        assert (told.status, told.body["code"]) == (503, "FAIL")
    assert measured(office) == [("NotificationFailed", 1)] * len(OTHERS)

    office.restored_table()
    for body, headers in posts:
        assert_thanked(office.post(body, headers))
    assert len(kept(office)) == len(OTHERS)


def test_an_answer_of_the_table_that_was_lost_on_its_way_makes_no_second_one(office: Office) -> None:
    body, headers = sent(office, OTHERS[0])
    lost = []

    def around(operation: Operation, run: Any) -> Any:
        answer = run()
        if operation.table == "NotificationsTable" and not lost:
            lost.append(operation)
            raise time_out()
        return answer

    office.db.around = around
    assert office.post(body, headers).status in (200, 503)
    assert_thanked(office.post(body, headers))
    assert (len(lost), len(kept(office))) == (1, 1)


def test_the_log_says_which_kind_it_was_and_nothing_of_what_it_says(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    other = next(each for each in OTHERS if each.event_type == "COMPLAINT.CREATE")
    office.post(*sent(office, other))
    (record,) = caplog.records
    said = vars(record)
    assert (said["levelname"], said["event_type"], said["applied"]) == (
        "INFO",
        "COMPLAINT.CREATE",
        "other_kind",
    )
    assert SECRET not in str(said)


def test_what_no_key_opens_is_asked_for_again_and_not_kept(office: Office) -> None:
    told = office.post(*sent(office, OTHERS[0], api_v3_key="0" * 32))
    assert (told.status, kept(office)) == (503, [])
    assert measured(office) == [("NotificationFailed", 1)]


@pytest.mark.parametrize(
    "changed",
    [
        {"resource": None},
        {"resource_type": "plain"},
        {"event_type": ""},
        {"event_type": None},
        {"id": None},
        {"id": "x" * 256},
    ],
    ids=lambda changed: str(changed)[:40],
)
def test_an_envelope_that_is_no_encrypted_notification_is_refused(
    office: Office, changed: dict[str, Any]
) -> None:
    raw, _ = sent(office, OTHERS[0])
    body = json.dumps(json.loads(raw) | changed).encode()
    told = office.post(body, office.wechat.headers(body))
    assert (told.status, told.body["code"], kept(office)) == (400, "FAIL", [])


def test_another_algorithm_is_refused(office: Office) -> None:
    body = office.wechat.envelope(
        {}, event_type="COUPON.USE", original_type="coupon", resource={"algorithm": "AEAD_SM4_GCM"}
    )
    assert office.post(body, office.wechat.headers(body)).status == 400
    assert kept(office) == []


def test_what_is_called_otherwise_pays_for_nothing_whatever_it_says(office: Office) -> None:
    number = office.unpaid()
    paid = order_object("SUCCESS")(number)
    for event_type, original_type in (
        ("TRANSACTION.FAIL", "transaction"),
        ("TRANSACTION.SUCCESS", "profitsharing"),
        ("REFUND.SUCCESS", "transaction"),
        ("PAYSCORE.USER_PAID", "payscore"),
    ):
        assert_thanked(office.post(*sent(office, Other(event_type, original_type, paid))))
    assert office.stored(number).status is Status.PENDING
    assert len(kept(office)) == 4


def test_a_payment_is_credited_though_its_envelope_names_no_original_type(office: Office) -> None:
    number = office.unpaid()
    assert_thanked(
        office.post(*sent(office, Other("TRANSACTION.SUCCESS", None, order_object("SUCCESS")(number))))
    )
    assert (office.stored(number).status, kept(office)) == (Status.PAID, [])


def test_payments_and_refunds_go_through_the_same_door_and_are_not_kept_there(office: Office) -> None:
    number = office.unpaid()
    assert_thanked(
        office.post(
            *sent(office, Other("TRANSACTION.SUCCESS", "transaction", order_object("SUCCESS")(number)))
        )
    )
    assert (office.stored(number).status, kept(office)) == (Status.PAID, [])
    assert ("NotificationFailed", 0) in measured(office)
