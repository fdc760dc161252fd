"""Policies are judged as IAM judges them: actions, ARNs, wildcards, Deny and the conditions that are understood."""

import pytest

from sandbox.aws.iam import Need, UnsupportedPolicyError, allowed, statements_of, trusts

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/payments"


def policy(**statement):
    return statements_of({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


@pytest.mark.parametrize(
    ("action", "resource", "need", "expected"),
    [
        ("dynamodb:GetItem", TABLE, Need("dynamodb:GetItem", TABLE), True),
        ("DynamoDB:getitem", TABLE, Need("dynamodb:GetItem", TABLE), True),
        ("dynamodb:GetItem", TABLE, Need("dynamodb:PutItem", TABLE), False),
        ("dynamodb:GetItem", TABLE, Need("dynamodb:GetItem", TABLE + "2"), False),
        ("dynamodb:GetItem", TABLE.upper(), Need("dynamodb:GetItem", TABLE), False),
        ("dynamodb:*Item", TABLE, Need("dynamodb:PutItem", TABLE), True),
        ("dynamodb:?etItem", TABLE, Need("dynamodb:GetItem", TABLE), True),
        ("*", "*", Need("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:q"), True),
        ("dynamodb:Query", f"{TABLE}/index/*", Need("dynamodb:Query", f"{TABLE}/index/due"), True),
        ("dynamodb:Query", f"{TABLE}/index/*", Need("dynamodb:Query", TABLE), False),
        ("dynamodb:Query", TABLE, Need("dynamodb:Query", f"{TABLE}/index/due"), False),
        ("dynamodb:[GP]etItem", TABLE, Need("dynamodb:GetItem", TABLE), False),
        (["dynamodb:PutItem", "dynamodb:GetItem"], ["x", TABLE], Need("dynamodb:GetItem", TABLE), True),
    ],
)
def test_an_allow_covers_its_actions_on_its_resources_only(action, resource, need, expected):
    assert allowed(policy(Action=action, Resource=resource), need) is expected


def test_a_deny_outweighs_every_allow_wherever_it_stands():
    need = Need("dynamodb:DeleteItem", TABLE)
    allow = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": "*"}
    for statements in ([allow, deny], [deny, allow]):
        assert not allowed(statements_of({"Statement": statements}), need)
        assert allowed(statements_of({"Statement": statements}), Need("dynamodb:GetItem", TABLE))


def test_not_action_and_not_resource_select_everything_else():
    statements = policy(NotAction="iam:*", NotResource=TABLE)
    assert allowed(statements, Need("dynamodb:GetItem", TABLE + "2"))
    assert not allowed(statements, Need("dynamodb:GetItem", TABLE))
    assert not allowed(statements, Need("iam:GetRole", "x"))


@pytest.mark.parametrize(
    ("operator", "wanted", "have", "expected"),
    [
        ("StringEquals", "a", ("a",), True),
        ("StringEquals", "a", ("b",), False),
        ("StringEquals", "a", (), False),
        ("StringLike", "order-*", ("order-1",), True),
        ("StringLike", "order-*", ("refund-1",), False),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "b"), True),
        ("ForAllValues:StringEquals", ["a"], ("a", "b"), False),
        ("ForAllValues:StringEquals", ["a"], (), True),
        ("ForAllValues:StringLike", "a*", ("a1", "a2"), True),
        ("ForAllValues:StringLike", "a*", ("a1", "b"), False),
    ],
)
def test_conditions_compare_the_values_of_the_request(operator, wanted, have, expected):
    statements = policy(Action="*", Resource="*", Condition={operator: {"dynamodb:LeadingKeys": wanted}})
    need = Need("dynamodb:GetItem", TABLE, {"dynamodb:LeadingKeys": have})
    assert allowed(statements, need) is expected


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/x": "y"}}},
        {"Action": "*", "Resource": "*", "Principal": "*"},
        {"Action": "*"},
        {"Action": "*", "Resource": "arn:aws:s3:::b/${aws:username}"},
        {"Action": "*", "Resource": "*", "Effect": "Maybe"},
    ],
)
def test_what_cannot_be_judged_is_an_error_and_never_passes(statement):
    with pytest.raises(UnsupportedPolicyError):
        policy(**statement)


def test_only_a_role_that_trusts_lambda_may_be_a_functions():
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    service = "lambda.amazonaws.com"
    assert trusts({"Statement": [trust]}, service)
    assert not trusts({"Statement": [trust]}, "scheduler.amazonaws.com")
    assert not trusts({"Statement": [{**trust, "Principal": {"Service": "ec2.amazonaws.com"}}]}, service)
    assert not trusts({"Statement": [{**trust, "Effect": "Deny"}]}, service)
