"""A million payments: order numbers lie evenly over whatever a table is cut into, due payments evenly over their shards.

Every request names its payment by the whole key; nothing walks a table, however many lie in it.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

import pytest

from payments.core import identifiers
from payments.core.schedule import SENDS, shard
from sandbox.cloudformation.template import transformed
from tests.kit.parameters import TEMPLATE
from tests.thorough import many

MANY = many(100_000, instead=20_000)  # numbers of a kind
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def keyed() -> list[str]:
    """As they come of one backend that counts its orders in its Idempotency-Keys."""
    return [
        identifiers.out_trade_no(scope="prod", route="native", caller="shop", key=f"order-{place}")
        for place in range(MANY)
    ]


def unkeyed() -> list[str]:
    """As they are drawn where no key was sent."""
    chance = Random(20270115)
    return [identifiers.random_number("WX", chance.randbytes(17)) for _ in range(MANY)]


@pytest.fixture(scope="module", params=[keyed, unkeyed], ids=lambda made: str(made.__name__))
def numbers(request: pytest.FixtureRequest) -> list[str]:
    made: Callable[[], list[str]] = request.param
    return made()


def is_even(places: Iterable[object], of: int) -> bool:
    """Whether so many places are hit about equally often: chi-square, which even draws pass but for one time in a million."""
    hits = Counter(places)
    expected = hits.total() / of
    chi_square = sum((count - expected) ** 2 for count in hits.values()) / expected
    chi_square += (of - len(hits)) * expected
    freedom = of - 1
    # Wilson and Hilferty's normal approximation of the distribution; 4.75 is the quantile of a millionth.
    bound = freedom * (1 - 2 / (9 * freedom) + 4.75 * math.sqrt(2 / (9 * freedom))) ** 3
    return len(hits) <= of and chi_square < bound


def partition(number: str, of: int) -> int:
    """Of a table that is cut by a hash of its key, as DynamoDB's are."""
    return int.from_bytes(hashlib.md5(number.encode(), usedforsecurity=False).digest()[:8]) * of >> 64


@pytest.mark.parametrize("of", [2, 16, 64, 1000])
def test_order_numbers_lie_evenly_over_the_partitions_of_their_table(numbers: list[str], of: int) -> None:
    assert is_even((partition(number, of) for number in numbers), of)


def test_order_numbers_are_even_in_themselves_for_whoever_cuts_by_their_characters(
    numbers: list[str],
) -> None:
    """An export or another table that is cut by ranges of the number is spread as well; no number comes twice."""
    assert {number[:2] for number in numbers} == {"WX"}
    for place in range(2, 28):
        assert is_even((number[place] for number in numbers), len(BASE32))
    assert is_even((number[2:4] for number in numbers), len(BASE32) ** 2)
    assert len(set(numbers)) == MANY


@pytest.mark.parametrize("of", [4, 16, 64])
def test_due_payments_lie_evenly_over_their_shards_whatever_partition_they_are_in(
    numbers: list[str], of: int
) -> None:
    assert is_even((shard(number, of) for number in numbers), of)
    assert is_even(((shard(number, of), partition(number, 16)) for number in numbers), of * 16)


def test_the_payments_of_one_shard_are_no_others_by_their_first_characters(numbers: list[str]) -> None:
    one = [number for number in numbers if shard(number, 4, SENDS) == f"{SENDS}#0"]
    assert is_even((number[2] for number in one), len(BASE32))


def test_an_uneven_spread_is_seen() -> None:
    chance = Random(1)
    bytes_ = list(chance.randbytes(MANY))
    assert is_even(bytes_, 256)
    assert not is_even((each % 240 for each in bytes_), 240)
    assert not is_even(bytes_, 255)
    assert not is_even((each for each in bytes_ if each > 7), 256)


def test_no_function_may_walk_a_table() -> None:
    """Only keys, and the sparse indexes: a request costs the same with ten payments as with ten million."""
    resources = transformed(TEMPLATE)["Resources"].values()
    statements = [
        statement
        for resource in resources
        if resource["Type"] == "AWS::IAM::Role"
        for policy in resource["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    allowed = set[str]()
    for statement in statements:
        actions = statement["Action"]
        allowed |= {actions} if isinstance(actions, str) else set(actions)
    of_tables = {action for action in allowed if action.startswith("dynamodb:") and "Stream" not in action}
    assert of_tables == {
        *(
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:Query",
            "dynamodb:DeleteItem",
        ),
        *("dynamodb:GetShardIterator", "dynamodb:GetRecords"),
    }
    assert not any("*" in action for action in allowed)
