"""Every write may happen twice: the SDK sends it again when its first answer was lost. Twice is as good as once."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from payments.items import RefusedUpdate
from payments.tables import AllowanceItem
from payments.wiring import Wiring
from sandbox.aws import Aws
from sandbox.deployed import Deployed
from tests.payments.lost_answers import TABLES, LostAnswers, client_of

DAY = 20_000  # since 1970

Item = Callable[[], dict[str, Any]]
Playing = Callable[[str], Wiring]


@pytest.fixture
def playing(deployed: tuple[Aws, Deployed], monkeypatch: pytest.MonkeyPatch) -> Playing:
    """What a function has by its name in the template: its environment, its role, and connections of its own."""
    aws, stack = deployed

    def play(name: str) -> Wiring:
        function = stack.functions[name]
        where = {"AWS_ENDPOINT_URL": aws.url, "AWS_REGION": aws.region, "AWS_DEFAULT_REGION": aws.region}
        for variable, value in (aws.session_credentials(function.role_arn) | where).items():
            monkeypatch.setenv(variable, value)
        for table in TABLES:
            monkeypatch.setattr(table, "_connection", None)
        return Wiring(function.environment)

    return play


def count(wiring: Wiring, caller: str, number: str, *, most: int = 200, now: int | None = None) -> bool:
    """Whether one refund more of this caller was let in."""
    now = int(wiring.now()) if now is None else now
    try:
        wiring.allowances.count_refund(caller, number, most=most, day=DAY, now=now)
    except RefusedUpdate:
        return False
    return True


@pytest.fixture
def wiring(playing: Playing) -> Wiring:
    """The function that refunds."""
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


def test_a_refund_whose_count_was_repeated_counts_once(wiring: Wiring, caller: str, item: Item) -> None:
    with LostAnswers(client_of(AllowanceItem)) as lost:
        assert count(wiring, caller, "RF1")

    assert lost.repeated[0] == "UpdateItem"
    assert int(item()["created"]) == 1


def test_the_last_refund_of_a_day_is_let_in_though_its_count_was_repeated(
    wiring: Wiring, caller: str, item: Item
) -> None:
    assert count(wiring, caller, "RF1", most=2)
    with LostAnswers(client_of(AllowanceItem)):
        assert count(wiring, caller, "RF2", most=2)
        assert not count(wiring, caller, "RF3", most=2)

    assert int(item()["created"]) == 2


def test_in_a_crowd_with_lost_answers_exactly_so_many_are_let_in(
    wiring: Wiring, caller: str, item: Item
) -> None:
    with LostAnswers(client_of(AllowanceItem)), ThreadPoolExecutor(8) as crowd:
        let_in = list(crowd.map(lambda n: count(wiring, caller, f"RF{n}", most=20), range(24)))

    assert (let_in.count(True), int(item()["created"])) == (20, 20)


def test_the_same_wish_repeated_at_once_counts_once(wiring: Wiring, caller: str, item: Item) -> None:
    now = 17 * 10_000_000 - 1  # a moment before the next set of numbers begins
    assert count(wiring, caller, "RF1", now=now)
    assert count(wiring, caller, "RF1", now=now + 1)

    assert int(item()["created"]) == 1


def test_a_days_refunds_do_not_make_the_item_grow(wiring: Wiring, caller: str, item: Item) -> None:
    """400 KB is DynamoDB's limit for an item, and every write costs what its item is large."""
    for n in range(120):
        assert count(wiring, caller, f"RF{n:026}", now=1_800_000_000 + 10 * n)

    kept = [number for n in range(4) for number in item().get(f"counted_{n}", ())]
    assert int(item()["created"]) == 120
    assert 3 <= len(kept) <= 8
