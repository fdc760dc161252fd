"""Every write may happen twice: the SDK sends it again when its first answer was lost. Twice is as good as once."""

import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from payments.core.errors import RefusedUpdate
from payments.core.events import SOURCE
from payments.core.lifecycle import Status
from payments.storage.aws import client
from payments.storage.certificates import CertificateStore
from payments.storage.connections import Connection
from payments.storage.tables import AllowanceItem, ConnectionItem, PaymentItem, QuarantineItem
from payments.storage.unpublished import Unpublished
from payments.use_cases.admission import check_limits
from payments.use_cases.evidence import apply_order
from payments.use_cases.refunds.refund_evidence import apply_refund
from payments.wiring import Wiring
from sandbox.aws.access_control import ADMIN_ACCESS_KEY
from sandbox.aws.aws import Aws
from sandbox.deployed import Deployed
from tests.kit.aws_line import begin_anew, new_line
from tests.kit.payments import facts_of, put
from tests.payments.calls import Calls
from tests.payments.lost_answers import LostAnswers, client_of
from tests.payments.test_refunds import facts

pytestmark = pytest.mark.usefixtures("over_http")

DAY = 20_000  # since 1970

Item = Callable[[], dict[str, Any]]
Playing = Callable[[str], Wiring]
Made = Callable[[str], Any]


@pytest.fixture
def playing(deployed: tuple[Aws, Deployed], monkeypatch: pytest.MonkeyPatch) -> Iterator[Playing]:
    """What a function has by its name in the template: its environment, its role, and connections of its own."""
    aws, stack = deployed

    def play(name: str) -> Wiring:
        function = stack.functions[name]
        where = {"AWS_ENDPOINT_URL": aws.url, "AWS_REGION": aws.region, "AWS_DEFAULT_REGION": aws.region}
        for variable, value in (aws.session_credentials(function.role_arn) | where).items():
            monkeypatch.setenv(variable, value)
        begin_anew()
        return Wiring(function.environment)

    with new_line():
        yield play


def count(wiring: Wiring, caller: str, number: str, *, most: int = 200, now: int | None = None) -> bool:
    """Whether one refund more of this caller was let in."""
    now = int(wiring.now()) if now is None else now
    try:
        wiring.allowances.count_refund(caller, number, most=most, day=DAY, now=now)
    except RefusedUpdate:
        return False
    return True


@pytest.fixture
def refunding(playing: Playing) -> Wiring:
    """What the function has that refunds."""
    wiring = playing("RefundFunction")
    _ = wiring.allowances
    return wiring


@pytest.fixture
def caller() -> str:
    return f"office-{secrets.token_hex(4)}"


@pytest.fixture
def item(deployed: tuple[Aws, Deployed], caller: str) -> Callable[[], dict[str, Any]]:
    """What lies in the table about the caller's day."""
    aws, stack = deployed

    def read() -> dict[str, Any]:
        key = {"allowance_id": {"S": f"refunds#{DAY}#{caller}"}}
        found: dict[str, Any] = aws.client("dynamodb").get_item(
            TableName=stack.refs["BuyersTable"], Key=key, ConsistentRead=True
        )["Item"]
        return {name: next(iter(value.values())) for name, value in found.items()}

    return read


# ---- refunds a day ----


def test_a_refund_whose_count_was_repeated_counts_once(refunding: Wiring, caller: str, item: Item) -> None:
    with LostAnswers(client_of(AllowanceItem)) as lost:
        assert count(refunding, caller, "RF1")

    assert lost.repeated[0] == "UpdateItem"
    assert int(item()["created"]) == 1


def test_the_last_refund_of_a_day_is_let_in_though_its_count_was_repeated(
    refunding: Wiring, caller: str, item: Item
) -> None:
    assert count(refunding, caller, "RF1", most=2)
    with LostAnswers(client_of(AllowanceItem)):
        assert count(refunding, caller, "RF2", most=2)
        assert not count(refunding, caller, "RF3", most=2)

    assert int(item()["created"]) == 2


def test_in_a_crowd_with_lost_answers_exactly_so_many_are_let_in(
    refunding: Wiring, caller: str, item: Item
) -> None:
    with LostAnswers(client_of(AllowanceItem)), ThreadPoolExecutor(8) as crowd:
        let_in = list(crowd.map(lambda n: count(refunding, caller, f"RF{n}", most=20), range(24)))

    assert (let_in.count(True), int(item()["created"])) == (20, 20)


def test_the_same_wish_repeated_at_once_counts_once(refunding: Wiring, caller: str, item: Item) -> None:
    now = 17 * 10_000_000 - 1  # a moment before the next set of numbers begins
    assert count(refunding, caller, "RF1", now=now)
    assert count(refunding, caller, "RF1", now=now + 1)

    assert int(item()["created"]) == 1


def test_a_days_refunds_do_not_make_the_item_grow(refunding: Wiring, caller: str, item: Item) -> None:
    """400 KB is DynamoDB's limit for an item, and every write costs what its item is large."""
    for n in range(120):
        assert count(refunding, caller, f"RF{n:026}", now=1_800_000_000 + 10 * n)

    kept = [number for n in range(4) for number in item().get(f"counted_{n}", ())]
    assert int(item()["created"]) == 120
    assert 3 <= len(kept) <= 8


# ---- every other write ----


def test_a_buyer_whose_orders_were_let_in_twice_has_each_once(playing: Playing) -> None:
    wiring, buyer = playing("NativeFunction"), f"buyer-{secrets.token_hex(4)}"
    _ = wiring.allowances
    wanted = put(wiring, Status.CREATING)
    orders = [
        replace(wanted, out_trade_no=f"WX{n:026}", user_id=buyer, content_id=f"c-{n}") for n in range(3)
    ]
    with LostAnswers(client_of(AllowanceItem)) as lost:
        assert [check_limits(order, keyed=True, wiring=wiring) for order in orders] == [None] * 3

    assert lost.repeated == ["PutItem"] * len(lost.repeated)
    used = wiring.allowances.get(buyer)
    assert ([order.out_trade_no for order in used.orders], used.created) == (
        [order.out_trade_no for order in orders],
        3,
    )


def test_a_quote_whose_use_was_repeated_opens_its_order_and_no_other(playing: Playing) -> None:
    wiring, buyer = playing("NativeFunction"), f"buyer-{secrets.token_hex(4)}"
    now = int(wiring.now())
    _ = wiring.allowances
    with LostAnswers(client_of(AllowanceItem)) as lost:
        wiring.allowances.use_quote(buyer, "q-1", "WX1", expires_at=now + 600, now=now)
        with pytest.raises(RefusedUpdate):
            wiring.allowances.use_quote(buyer, "q-1", "WX2", expires_at=now + 600, now=now)

    assert lost.repeated == ["PutItem", "PutItem"]


def test_a_ticket_whose_use_was_repeated_is_used_by_one_connection(playing: Playing) -> None:
    wiring, number = playing("LiveConnectFunction"), f"WX{secrets.token_hex(13)}"
    one = Connection(number, "ticket", "one", int(wiring.now()))
    _ = wiring.connections
    with LostAnswers(client_of(ConnectionItem)) as lost:
        wiring.connections.open(one)
        with pytest.raises(RefusedUpdate):
            wiring.connections.open(replace(one, connection_id="another"))

    assert lost.repeated == ["PutItem", "PutItem"]


def test_a_connection_that_was_forgotten_twice_is_gone_and_its_ticket_stays_used(playing: Playing) -> None:
    connecting, number = playing("LiveConnectFunction"), f"WX{secrets.token_hex(13)}"
    one = Connection(number, "ticket", "one", int(connecting.now()))
    connecting.connections.open(one)
    pushing = playing("LivePushFunction")
    _ = pushing.connections
    with LostAnswers(client_of(ConnectionItem)) as lost:
        pushing.connections.forget(one)
    assert (lost.repeated, pushing.connections.waiting_for(number)) == (["UpdateItem"], [])

    again = playing("LiveConnectFunction").connections
    with pytest.raises(RefusedUpdate):
        again.open(replace(one, connection_id="another"))


def test_evidence_that_was_put_twice_lies_in_quarantine_once(
    playing: Playing, quarantined: Callable[[str], list[dict[str, str]]]
) -> None:
    wiring, number = playing("NotifyFunction"), f"WX{secrets.token_hex(13)}"
    _ = wiring.quarantine
    with LostAnswers(client_of(QuarantineItem)) as lost:
        wiring.quarantine.keep(reason="other_amount", source="query", out_trade_no=number, facts={}, now=7)

    assert lost.repeated == ["PutItem"]
    assert [kept["seen_at"] for kept in quarantined(number)] == ["7"]


def test_what_wechat_pay_says_is_applied_once_though_each_write_was_repeated(playing: Playing) -> None:
    payment = put(playing("NativeFunction"), Status.PENDING)
    wiring = playing("NotifyFunction")
    _ = wiring.store
    with LostAnswers(client_of(PaymentItem)) as lost:
        apply_order(facts_of(payment.out_trade_no), source="notification", wiring=wiring)
        known = wiring.store.get(payment.out_trade_no)
        assert known is not None
        for number, amount, end in (("A", 300, "SUCCESS"), ("B", 200, "CLOSED"), ("C", 700, "SUCCESS")):
            for status in ("PROCESSING", "ABNORMAL", end):
                apply_refund(facts(known, number, amount, status), source="notification", wiring=wiring)

    after = wiring.store.get(payment.out_trade_no)
    assert after is not None
    assert len(lost.repeated) == after.version - payment.version == 13
    assert (after.status, after.paid, after.refunded) == (Status.REFUNDED, 1000, 1000)


@pytest.fixture
def administrator(playing: Playing, deployed: tuple[Aws, Deployed], monkeypatch: pytest.MonkeyPatch) -> Made:
    """Makes clients as the product makes them, with every right."""
    playing("CertificatesFunction")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ADMIN_ACCESS_KEY)
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    begin_anew()
    return client


def test_certificates_that_were_written_twice_are_kept_once_and_nothing_is_lost(administrator: Made) -> None:
    manager = administrator("secretsmanager")
    secret_id = manager.create_secret(Name=f"certificates-{secrets.token_hex(4)}")["ARN"]
    store = CertificateStore(client=manager, secret_id=secret_id)
    with LostAnswers(manager) as lost:
        for text in "abc":
            store.update(lambda held, text=text: tuple(sorted({*held, text})))  # type: ignore[misc]

    kept = json.loads(manager.get_secret_value(SecretId=secret_id)["SecretString"])
    assert kept == {"WECHAT_PLATFORM_CERTIFICATES": ["a", "b", "c"]}
    assert lost.repeated == ["PutSecretValue", *["PutSecretValue", "UpdateSecretVersionStage"] * 2]


def test_a_secret_that_an_operator_writes_has_one_new_version_though_the_write_was_repeated(
    administrator: Made,
) -> None:
    manager = administrator("secretsmanager")
    secret_id = manager.create_secret(Name=f"signing-{secrets.token_hex(4)}", SecretString="{}")["ARN"]
    with LostAnswers(manager) as lost:
        manager.put_secret_value(SecretId=secret_id, SecretString='{"WECHAT_API_KEY": "k"}')

    assert lost.repeated == ["PutSecretValue"]
    assert len(manager.describe_secret(SecretId=secret_id)["VersionIdsToStages"]) == 2


def test_a_record_that_was_put_aside_twice_lies_in_the_bucket_once(
    administrator: Made, deployed: tuple[Aws, Deployed]
) -> None:
    bucket, storage = deployed[1].refs["UnpublishedBucket"], administrator("s3")
    record = {"dynamodb": {"SequenceNumber": secrets.token_hex(8)}}
    with LostAnswers(storage) as lost:
        key = Unpublished(bucket=bucket, client=storage).keep(record, reason="KeyError", now=1_800_000_000)

    assert lost.repeated == ["PutObject"]
    assert storage.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 1


def test_events_that_were_put_twice_have_the_same_ids(
    playing: Playing, deployed: tuple[Aws, Deployed]
) -> None:
    """At least once is what is promised; the id tells a repetition."""
    wiring, event_id = playing("PublishFunction"), f"WX{secrets.token_hex(13)}#1"
    entry = {"Source": SOURCE, "DetailType": "PaymentCreated", "EventBusName": wiring.settings.event_bus}
    with LostAnswers(wiring.events):
        wiring.events.put_events(Entries=[entry | {"Detail": json.dumps({"id": event_id})}])

    took = [event["detail"] for event in deployed[0].events if event["detail"].get("id") == event_id]
    assert took == [{"id": event_id}] * 2


@pytest.mark.parametrize("key", ["one", None])
def test_an_order_whose_every_write_was_repeated_is_answered_at_once_with_its_code(
    calls: Calls, key: str | None
) -> None:
    _ = calls.wiring.store
    body = {"contentId": "content-1", "amount": 1, "subject": "A thing"}
    with LostAnswers(client_of(PaymentItem)) as lost:
        status, answer = calls.as_(
            f"shop-{secrets.token_hex(4)}", "payments:charge", "native", body=body, key=key
        )

    assert (status, len(calls.asked)) == (200, 1)
    assert answer["data"]["codeUrl"]
    assert lost.repeated == ["PutItem", "UpdateItem"]
    stored = calls.wiring.store.get(answer["data"]["outTradeNo"])
    assert stored is not None
    assert (stored.status, stored.version) == (Status.PENDING, 2)
