"""A second judge of the store: the same requests to moto, to dynalite and to the DynamoDB in memory come out alike.

    make judge [STEPS=1250] [SEED=4]

prints how many steps were compared, and how many of them were refused. A failure names the operation, and what was said.
"""

import os
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.dynalite.draws import FairDraws, WideDraws
from tests.dynalite.words import in_words_of_dynalite
from tests.dynalite.world import World
from tests.kit.verbs import Verbs

STEPS = int(os.environ.get("STEPS", "1250"))
MAX_STEPS = 10 * STEPS  # until each verb has been done and refused
SEED = os.environ.get("SEED", "4")
CANNOT_BE_REFUSED = {
    "allowances.found",
    "allowances.get",
    "checkouts.found",
    "checkouts.get",
    "checkouts.get_all",
    "connections.close",
    "connections.forget",
    "connections.waiting_for",
    "quarantine.keep",
    "store.found",
    "store.get_all",
    "store.reread",
    "looks.find_due",
    "store.get",
}


def test_every_verb_of_the_store_and_its_refusals_come_out_alike(world: World) -> None:
    twins, verbs = world.judged(), Verbs(SEED, world.db.environment)
    twins.follow(verbs, STEPS)
    while (
        verbs.never_done or set(verbs.never_refused) != CANNOT_BE_REFUSED
    ) and twins.compared.total() < MAX_STEPS:
        twins.follow(verbs, twins.compared.total() + 50)
    print(f"\nverbs of the store: {twins}")
    assert verbs.never_done == []
    assert set(verbs.never_refused) == CANNOT_BE_REFUSED


def test_drawn_operations_come_out_alike(world: World) -> None:
    twins = world.judged(empty_texts=True)
    twins.operate(FairDraws(SEED, **world.drawn_from), STEPS // 2)
    print(f"\ndrawn operations: {twins}")
    assert twins.refused > STEPS / 8


def test_what_moto_cannot_judge_comes_out_alike_in_dynalite(world: World) -> None:
    twins = world.judged(by_moto=False, empty_texts=True)
    twins.operate(WideDraws(SEED, **world.drawn_from), STEPS // 2)
    print(f"\nforms beyond moto: {twins}")
    assert twins.refused > STEPS / 8


# ---- dynalite's own faults: once it has lost one, what goes around it can go too ----

ITEM = {
    "out_trade_no": {"S": "WX1"},
    "empty": {"S": ""},
    "list": {"L": [{"S": "a"}]},
    "number": {"N": "1"},
}


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("#list = :v", {":v": ITEM["list"]}),
        ("#empty IN (:v)", {":v": {"S": ""}}),
        ("#empty BETWEEN :v AND :w", {":v": {"S": ""}, ":w": {"S": "a"}}),
    ],
)
def test_a_condition_that_holds_is_refused_by_dynalite_until_it_is_said_otherwise(
    world: World, condition: str, values: dict[str, Any]
) -> None:
    name = re.findall(r"\w+", condition)[0]
    request = {"TableName": world.names["PaymentsTable"], "Item": ITEM, "ConditionExpression": condition}
    request |= {"ExpressionAttributeNames": {f"#{name}": name}, "ExpressionAttributeValues": values}
    for client in (world.moto, world.dynalite):
        client.put_item(TableName=request["TableName"], Item=ITEM)
    world.db.call("PutItem", {"TableName": request["TableName"], "Item": ITEM})
    assert world.db.call("PutItem", request)
    assert world.moto.put_item(**request)
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        world.dynalite.put_item(**request)
    assert world.dynalite.put_item(**in_words_of_dynalite(request, empty_texts=True))


def test_a_refusal_does_not_show_the_item_in_dynalite(world: World) -> None:
    request = {"TableName": world.names["PaymentsTable"], "Item": ITEM}
    request |= {"ConditionExpression": "attribute_not_exists(out_trade_no)"}
    request |= {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    shown = []
    for client in (world.moto, world.dynalite):
        client.put_item(TableName=request["TableName"], Item=ITEM)
        with pytest.raises(ClientError) as refused:
            client.put_item(**request)
        shown.append(refused.value.response.get("Item"))
    assert shown == [ITEM, None]


def test_a_copy_within_one_update_is_the_original_in_dynalite(world: World) -> None:
    request = {"TableName": world.names["PaymentsTable"], "Key": {"out_trade_no": {"S": "WX1"}}}
    request |= {"UpdateExpression": "SET #copy = #number ADD #number :v", "ReturnValues": "ALL_NEW"}
    request |= {"ExpressionAttributeNames": {"#copy": "copy", "#number": "number"}}
    request |= {"ExpressionAttributeValues": {":v": {"N": "5"}}}
    for client in (world.moto, world.dynalite):
        client.put_item(TableName=request["TableName"], Item=ITEM)
    world.db.call("PutItem", {"TableName": request["TableName"], "Item": ITEM})
    told = [world.db.call("UpdateItem", request), world.dynalite.update_item(**request)]
    assert [answer["Attributes"]["copy"] for answer in told] == [{"N": "1"}, {"N": "6"}]
