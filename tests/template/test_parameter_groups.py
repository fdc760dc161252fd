"""The console shows every parameter of the stack, each in one group."""

from pathlib import Path

from sandbox.cloudformation.template import transformed

TEMPLATE = transformed(Path(__file__).parents[2] / "template.yaml")
GROUPS = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]


def test_each_parameter_is_in_exactly_one_group() -> None:
    shown = [name for group in GROUPS for name in group["Parameters"]]
    assert sorted(shown) == sorted(TEMPLATE["Parameters"])


def test_no_two_groups_have_one_label() -> None:
    labels = [group["Label"]["default"] for group in GROUPS]
    assert all(labels)
    assert len(set(labels)) == len(labels)
