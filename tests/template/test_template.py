"""Code and infrastructure agree: what template.yaml names exists, and what exists is named there."""

import json
import tomllib
from pathlib import Path

import pytest

from payments.core.events import SOURCE
from payments.core.lifecycle import EDGES, REFUND_SUCCEEDED
from sandbox.cloudformation.template import transformed

ROOT = Path(__file__).parents[2]
TRANSFORMED = transformed(ROOT / "template.yaml")
RESOURCES = TRANSFORMED["Resources"]


def of_type(kind: str) -> dict[str, dict]:
    return {name: resource for name, resource in RESOURCES.items() if resource["Type"] == kind}


FUNCTIONS = of_type("AWS::Lambda::Function")
FOLDERS = sorted(folder.name for folder in (ROOT / "functions").iterdir() if (folder / "app.py").exists())


def test_every_function_folder_is_deployed_and_every_deployed_function_has_a_folder() -> None:
    named = ["".join(map(str.capitalize, folder.split("_"))) + "Function" for folder in FOLDERS]
    assert sorted(FUNCTIONS) == sorted(named)


def test_a_function_folder_holds_one_module() -> None:
    for folder in FOLDERS:
        assert [file.name for file in (ROOT / "functions" / folder).rglob("*.py")] == ["app.py"]
        files = {file.name for file in (ROOT / "functions" / folder).iterdir()} - {"__pycache__"}
        assert files == ({"app.py", "page"} if folder == "checkout" else {"app.py"})


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_function_has_a_sample_event(folder: str) -> None:
    assert isinstance(json.loads((ROOT / "events" / f"{folder}.json").read_text()), dict)


def test_every_sample_event_belongs_to_a_function() -> None:
    names = {file.stem.split("-")[0] for file in (ROOT / "events").glob("*.json")} - {"env"}
    assert names == set(FOLDERS)


def test_local_invocation_overrides_declared_variables_only() -> None:
    overrides = json.loads((ROOT / "events/env.json").read_text())
    assert set(overrides) == set(FUNCTIONS)
    for name, variables in overrides.items():
        assert set(variables) <= set(FUNCTIONS[name]["Properties"]["Environment"]["Variables"])


def test_only_notify_the_checkout_and_the_files_at_the_root_are_open() -> None:
    body = RESOURCES["Api"]["Properties"]["Body"]
    open_routes = [
        (method, path)
        for path, methods in body["paths"].items()
        for method, operation in methods.items()
        if not operation.get("security")
    ]
    assert sorted(open_routes) == [
        ("get", "/checkout/assets/{name}"),
        ("get", "/checkout/{token}"),
        ("get", "/checkout/{token}/wechat"),
        ("get", "/{file}"),
        ("post", "/api/v1/payments/wechat/notify"),
        ("post", "/checkout/{token}/open"),
    ]
    for methods in body["paths"].values():
        for operation in methods.values():
            for requirement in operation.get("security", []):
                assert requirement["Jwt"], "a route without scopes takes any token"


# A resource with a wildcard, and why it cannot be named more exactly.
WIDE = {
    "${PaymentsTable.Arn}/stream/*": "ListStreams names a table, and its permission is on the table's streams",
    "${NotificationsTable.Arn}/stream/*": "the same",
    "${UnpublishedBucket.Arn}/*": "Lambda makes the names of the objects up, and of the one it tries the grant with",
    "${BillsBucket.Arn}/exports/*": "each export's file has its id, and its own, for a name",
    "${BillsBucket.Arn}/bills/*": "one object for each day and bill, and its index",
    "${BillsBucket.Arn}/work/*": "objects of a run, by its name",
    "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${LiveApi}/live/POST/@connections/*": (
        "API Gateway makes the names of the connections up"
    ),
}


def test_no_grant_has_a_wildcard_without_a_written_reason() -> None:
    wide = {
        next(iter(resource.values())) if isinstance(resource, dict) else resource
        for role in of_type("AWS::IAM::Role").values()
        for policy in role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for resource in _listed(statement["Resource"])
        if "*" in json.dumps(resource)
    }
    assert wide == set(WIDE)
    for role in of_type("AWS::IAM::Role").values():
        for policy in role["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                assert statement["Effect"] == "Allow"
                assert set(statement) <= {
                    "Effect",
                    "Action",
                    "Resource",
                    "Condition",
                }  # no NotAction, no NotResource


def _listed(value: object) -> list:
    return value if isinstance(value, list) else [value]


def test_each_function_has_a_role_of_its_own_with_exact_actions() -> None:
    roles = [function["Properties"]["Role"]["Fn::GetAtt"][0] for function in FUNCTIONS.values()]
    assert len(set(roles)) == len(roles)
    assert sorted(roles) == sorted(of_type("AWS::IAM::Role"))
    for role in of_type("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role["Properties"]
        for policy in role["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                assert not any("*" in action for action in _listed(statement["Action"]))


def test_money_cannot_be_deleted_by_deleting_the_stack() -> None:
    tables = of_type("AWS::DynamoDB::Table")
    passing = {
        "BuyersTable",
        "ConnectionsTable",
        "ExportsTable",
    }  # of the last hours or days: they end by themselves
    assert {
        name for name, table in tables.items() if "TimeToLiveSpecification" in table["Properties"]
    } == passing | {
        "JournalTable",  # of which marks end; the rest stays
        "NotificationsTable",  # which is kept for its 90 days, whatever becomes of the stack
    }
    derived = {"JournalTable"}  # made anew from the payments
    for table in (tables[name] for name in tables.keys() - passing - derived):
        assert table["DeletionPolicy"] == "RetainExceptOnCreate"  # a first create that fails leaves nothing
        assert table["UpdateReplacePolicy"] == "Retain"
        assert table["Properties"]["DeletionProtectionEnabled"] == {"Fn::If": ["IsProtected", True, False]}
        assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    for secret in of_type("AWS::SecretsManager::Secret").values():
        assert secret["DeletionPolicy"] == "RetainExceptOnCreate"
        assert "SecretString" not in secret["Properties"]


def test_tables_are_protected_unless_somebody_says_otherwise() -> None:
    assert TRANSFORMED["Parameters"]["DeletionProtection"]["Default"] == "true"
    assert TRANSFORMED["Conditions"]["IsProtected"] == {"Fn::Equals": [{"Ref": "DeletionProtection"}, "true"]}


def test_no_routed_functions_environment_refers_to_the_api() -> None:
    for function in FUNCTIONS.values():
        assert '"Api"' not in json.dumps(function["Properties"]["Environment"])


def test_one_python_version_runs_builds_and_is_linted_for() -> None:
    runtimes = {function["Properties"]["Runtime"] for function in FUNCTIONS.values()}
    layers = {
        runtime
        for layer in of_type("AWS::Lambda::LayerVersion").values()
        for runtime in layer["Properties"]["CompatibleRuntimes"]
    }
    assert runtimes == layers == {"python3.13"}
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["python_version"]
    assert oldest == "3.11"


def test_every_route_is_throttled_and_a_crowd_of_callers_leaves_room_for_notifications() -> None:
    stages = of_type("AWS::ApiGatewayV2::Stage")
    stage = next(stage for stage in stages.values() if stage["Properties"]["ApiId"] == {"Ref": "Api"})
    ordinary = stage["Properties"]["DefaultRouteSettings"]
    notify = stage["Properties"]["RouteSettings"]["POST /api/v1/payments/wechat/notify"]

    usual = {"ThrottlingRateLimit": {"Ref": "RouteRate"}, "ThrottlingBurstLimit": {"Ref": "RouteBurst"}}
    assert [stage["Properties"]["DefaultRouteSettings"] for stage in stages.values()] == [usual, usual]
    assert ordinary == usual
    # Numbers, for the schema of RouteSettings says "object" and nothing of what is in it: the text of a Ref would stay text.
    assert notify == {"ThrottlingRateLimit": 1000, "ThrottlingBurstLimit": 1000}
    assert all(type(value) is int for value in notify.values())


def test_open_pages_are_told_of_every_event_that_changes_what_they_show_and_of_no_other() -> None:
    pattern = RESOURCES["LivePushFunctionNews"]["Properties"]["EventPattern"]
    changing = {edge.event for edge in EDGES if {edge.target.word} != {old.word for old in edge.sources}}
    assert pattern["source"] == [SOURCE]
    assert set(pattern["detail-type"]) == {event for event in changing if event} | {REFUND_SUCCEEDED.event}


def test_what_opens_a_live_connection_can_post_to_none_and_what_posts_can_open_none() -> None:
    def actions(role: str) -> set[str]:
        (policy,) = RESOURCES[role]["Properties"]["Policies"]
        listed = [statement["Action"] for statement in policy["PolicyDocument"]["Statement"]]
        return {action for some in listed for action in (some if isinstance(some, list) else [some])}

    assert "execute-api:ManageConnections" not in actions("LiveConnectRole") | actions("LiveDisconnectRole")
    assert not {"dynamodb:PutItem", "secretsmanager:GetSecretValue"} & actions("LivePushRole")
