"""Each switch of the template, on and off: what is there, what it says, and that nothing refers to what is not there."""

from functools import cache
from typing import Any

import pytest

from sandbox.cloudformation.intrinsics import NO_VALUE, Resolver
from sandbox.cloudformation.template import checked, parameters_of, translate
from tests.kit.parameters import NEEDED, TEMPLATE

DECLARED = parameters_of(TEMPLATE)
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"
TOPIC = "arn:aws:sns:us-east-1:123456789012:night"
SWITCHES = {
    "HasApiDomain": {"ApiDomain": "pay.example.com", "ApiDomainCertificateArn": CERTIFICATE},
    "HasLiveDomain": {"LiveDomain": "live.example.com", "LiveDomainCertificateArn": CERTIFICATE},
    "HasAlarmEmail": {"AlarmEmail": "night@example.com"},
    "HasAlarmTopic": {"AlarmTopicArn": TOPIC},
    "HasOrigins": {"AllowedOrigins": "https://a.example, https://b.example"},
    "IsProtected": {"DeletionProtection": "true"},
    "HasStackScope": {"StackScope": "prod"},
    "HasSettleReserve": {"SettleReservedConcurrency": "6"},
    "HasNotifyReserve": {"NotifyReservedConcurrency": "5"},
}
"""Each condition of the template, and the parameters that switch it on."""
OFF = {"DeletionProtection": "false"}  # the one that is on by itself
TABLES_OF_MONEY = ("PaymentsTable", "CheckoutsTable", "QuarantineTable", "NotificationsTable", "BillsTable")


class Stack:
    """The template under these parameters, as CloudFormation would make it: no condition and no intrinsic is left."""

    def __init__(self, **given: str) -> None:
        values = checked(DECLARED, NEEDED | OFF | given)
        template, _ = translate(TEMPLATE, values)
        own = {"AWS::Region": "us-east-1", "AWS::AccountId": "123456789012", "AWS::Partition": "aws"}
        own |= {"AWS::URLSuffix": "amazonaws.com", "AWS::StackName": "stack"}
        resolver = Resolver(
            {**values, **own},
            conditions=template["Conditions"],
            mappings={},
            ref=self._there,
            attribute=lambda name, attribute: f"{self._there(name)}.{attribute}",
        )
        self.conditions = {name for name in template["Conditions"] if resolver.condition(name)}
        self._wanted = {
            name
            for name, resource in template["Resources"].items()
            if resource.get("Condition") in (None, *self.conditions)
        }
        self.resources: dict[str, Any] = {
            name: resolver.value(resource.get("Properties", {}))
            for name, resource in template["Resources"].items()
            if name in self._wanted
        }
        self.types = {name: template["Resources"][name]["Type"] for name in self._wanted}
        self.outputs = {
            name: resolver.value(output["Value"])
            for name, output in template["Outputs"].items()
            if "Condition" not in output or output["Condition"] in self.conditions
        }
        assert NO_VALUE not in self.outputs.values()

    def _there(self, name: str) -> str:
        assert name in self._wanted, f"{name} is referred to, and is not there"
        return name

    def environments(self, variable: str) -> set[str]:
        """What all functions have in that variable."""
        functions = [name for name, kind in self.types.items() if kind == "AWS::Lambda::Function"]
        all_of_them = (self.resources[name]["Environment"]["Variables"] for name in functions)
        return {variables[variable] for variables in all_of_them if variable in variables}


@cache
def stack(*switches: str) -> Stack:
    """With these conditions on, and all others off."""
    return Stack(**{name: value for switch in switches for name, value in SWITCHES[switch].items()})


def test_every_condition_has_its_switch() -> None:
    assert stack(*SWITCHES).conditions == set(SWITCHES)
    assert stack().conditions == set()


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_is_one_condition_and_leaves_no_reference_open(switch: str) -> None:
    assert stack(switch).conditions == {switch}
    assert stack(*(set(SWITCHES) - {switch})).conditions == set(SWITCHES) - {switch}


@pytest.mark.parametrize(
    ("condition", "resources", "outputs"),
    [
        ("HasApiDomain", {"Domain", "DomainMapping"}, {"ApiDomainTarget"}),
        ("HasLiveDomain", {"LiveApiDomain", "LiveApiDomainMapping"}, {"LiveDomainTarget"}),
        ("HasAlarmEmail", {"AlarmTopic"}, set()),
        *(
            (name, set(), set())
            for name in SWITCHES
            if name[3:] not in ("ApiDomain", "LiveDomain", "AlarmEmail")
        ),
    ],
)
def test_what_a_switch_brings_is_there_with_it_alone(
    condition: str, resources: set[str], outputs: set[str]
) -> None:
    assert stack(condition).types.keys() - stack().types.keys() == resources
    assert stack(condition).outputs.keys() - stack().outputs.keys() == outputs


def test_addresses_are_the_domains_or_api_gateways_own() -> None:
    own, path = "https://Api.execute-api.us-east-1.amazonaws.com", "/api/v1/payments/wechat/notify"
    assert (stack().outputs["ApiUrl"], stack().outputs["NotifyUrl"]) == (own, own + path)
    named = stack("HasApiDomain").outputs
    assert (named["ApiUrl"], named["NotifyUrl"]) == (
        "https://pay.example.com",
        f"https://pay.example.com{path}",
    )
    assert stack().outputs["LiveUrl"] == "wss://LiveApi.execute-api.us-east-1.amazonaws.com/live"
    assert stack("HasLiveDomain").outputs["LiveUrl"] == "wss://live.example.com"


@pytest.mark.parametrize(
    ("switches", "told"),
    [
        ((), []),
        (("HasAlarmEmail",), ["AlarmTopic"]),
        (("HasAlarmTopic",), [TOPIC]),
        (("HasAlarmEmail", "HasAlarmTopic"), ["AlarmTopic", TOPIC]),
    ],
)
def test_every_alarm_speaks_to_whom_it_is_told_and_to_nobody_else(
    switches: tuple[str, ...], told: list[str]
) -> None:
    made = stack(*switches)
    alarms = [made.resources[name] for name, kind in made.types.items() if kind == "AWS::CloudWatch::Alarm"]
    assert alarms
    for alarm in alarms:
        assert (alarm["AlarmActions"], alarm["OKActions"]) == (told, told)
        assert alarm.get("InsufficientDataActions", told) == told


def test_browsers_may_call_from_the_origins_that_are_given_and_from_none_by_default() -> None:
    def cors(made: Stack) -> Any:
        return made.resources["Api"]["Body"].get("x-amazon-apigateway-cors")

    assert cors(stack("HasOrigins"))["allowOrigins"] == ["https://a.example", "https://b.example"]
    assert not cors(stack())


def test_tables_of_money_are_protected_when_it_is_on_and_no_other_table_ever() -> None:
    for made, protected in ((stack("IsProtected"), set(TABLES_OF_MONEY)), (stack(), set())):
        tables = [name for name, kind in made.types.items() if kind == "AWS::DynamoDB::Table"]
        assert {name for name in tables if made.resources[name].get("DeletionProtectionEnabled")} == protected


def test_numbers_derive_from_the_stage_or_from_the_scope_and_the_stack_says_from_which() -> None:
    for made, scope in ((stack(), "test"), (stack("HasStackScope"), "prod")):
        assert made.environments("STACK_SCOPE") == {scope}
        assert made.outputs["StackScope"] == scope


def test_concurrency_is_kept_for_whom_it_is_asked_and_for_nobody_by_default() -> None:
    def reserved(made: Stack) -> dict[str, Any]:
        member = "ReservedConcurrentExecutions"
        return {name: one[member] for name, one in made.resources.items() if member in one}

    assert reserved(stack()) == {}
    assert reserved(stack("HasSettleReserve")) == {"SettleFunction": "6"}
    assert reserved(stack("HasNotifyReserve")) == {"NotifyFunction": "5"}


@pytest.mark.parametrize("rate", DECLARED["EchoSchedule"]["AllowedValues"])
def test_the_echo_is_asked_for_as_often_as_it_is_said(rate: str) -> None:
    assert Stack(EchoSchedule=rate).resources["EchoFunctionRegularly"]["ScheduleExpression"] == rate
