"""What each function may ask of AWS: all that it needs, and nothing that an intruder in it would like to have."""

import json

import pytest
from botocore.exceptions import ClientError

FUNCTIONS = ("NativeFunction", "QueryFunction", "PaymentFunction", "NotifyFunction", "PublishFunction")


def key(number="WX000000"):
    return {"out_trade_no": {"S": number}}


def mark_paid(table, number):
    return {
        "TableName": table,
        "Key": key(number),
        "UpdateExpression": "SET #s = :s",
        "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": {":s": {"S": "PAID"}},
    }


def attempts(shop, number):
    """Name → the service and how it would be called."""
    refs, evidence = shop.sandbox.deployed.refs, {"evidence_id": {"S": "x"}}
    event = {"Source": "wechatpay.payments", "DetailType": "PaymentSucceeded", "Detail": "{}"}
    return {
        "read a payment": ("dynamodb", "get_item", {"TableName": shop.payments, "Key": key(number)}),
        "write a payment": ("dynamodb", "put_item", {"TableName": shop.payments, "Item": key(number)}),
        "move a payment": ("dynamodb", "update_item", mark_paid(shop.payments, number)),
        "delete a payment": ("dynamodb", "delete_item", {"TableName": shop.payments, "Key": key(number)}),
        "list payments": ("dynamodb", "scan", {"TableName": shop.payments}),
        "drop the table": ("dynamodb", "delete_table", {"TableName": shop.payments}),
        "read evidence": ("dynamodb", "get_item", {"TableName": shop.quarantine, "Key": evidence}),
        "list evidence": ("dynamodb", "scan", {"TableName": shop.quarantine}),
        "delete evidence": ("dynamodb", "delete_item", {"TableName": shop.quarantine, "Key": evidence}),
        "keep evidence": ("dynamodb", "put_item", {"TableName": shop.quarantine, "Item": evidence}),
        "read the signing key": ("secretsmanager", "get_secret_value", {"SecretId": refs["SigningSecret"]}),
        "read the verification keys": (
            "secretsmanager",
            "get_secret_value",
            {"SecretId": refs["VerificationSecret"]},
        ),
        "replace the verification keys": (
            "secretsmanager",
            "put_secret_value",
            {"SecretId": refs["VerificationSecret"], "SecretString": "{}"},
        ),
        "list secrets": ("secretsmanager", "list_secrets", {}),
        "tell an event": ("events", "put_events", {"Entries": [event | {"EventBusName": refs["Bus"]}]}),
        "tell it elsewhere": ("events", "put_events", {"Entries": [event | {"EventBusName": "default"}]}),
        "tell it nowhere in particular": ("events", "put_events", {"Entries": [event]}),
        "become another role": (
            "sts",
            "assume_role",
            {"RoleArn": shop.role("NativeFunction"), "RoleSessionName": "intruder"},
        ),
    }


MAY = {
    "NativeFunction": {
        *("read a payment", "write a payment", "move a payment", "keep evidence"),
        *("read the signing key", "read the verification keys"),
    },
    "QueryFunction": {
        *("read a payment", "move a payment", "keep evidence"),
        *("read the signing key", "read the verification keys"),
    },
    "PaymentFunction": {"read a payment"},
    "NotifyFunction": {"read a payment", "move a payment", "keep evidence", "read the verification keys"},
    "PublishFunction": {"tell an event"},
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_refused_all_that_it_has_no_business_with(shop, unpaid, function):
    role = shop.role(function)
    credentials = shop.sandbox.aws.session_credentials(role)
    shop.sandbox.drain()
    item, orders, told = shop.item(unpaid), shop.census(), len(shop.sandbox.events())
    uses = len(shop.sandbox.aws.uses)
    forbidden = {name: call for name, call in attempts(shop, unpaid).items() if name not in MAY[function]}

    for name, (service, call, arguments) in forbidden.items():
        client = shop.sandbox.aws.client(service, credentials)
        with pytest.raises(ClientError) as refused:
            getattr(client, call)(**arguments)
        assert refused.value.response["Error"]["Code"].startswith("AccessDenied"), name

    seen = [use for use in shop.sandbox.aws.uses[uses:] if use.principal == role and not use.allowed]
    shop.refused_on_purpose += seen
    assert len(seen) == len(forbidden)
    assert (shop.item(unpaid), shop.census(), len(shop.sandbox.events())) == (item, orders, told)


@pytest.mark.parametrize("function", ["NativeFunction", "QueryFunction", "PaymentFunction", "NotifyFunction"])
def test_a_function_may_read_what_its_work_is_about(shop, unpaid, function):
    credentials = shop.sandbox.aws.session_credentials(shop.role(function))
    reads = {"read a payment", "read the signing key", "read the verification keys"} & MAY[function]

    for name in reads:
        service, call, arguments = attempts(shop, unpaid)[name]
        assert getattr(shop.sandbox.aws.client(service, credentials), call)(**arguments)


def test_no_function_has_more_in_its_environment_than_names(shop):
    secret = [
        shop.sandbox.credentials.api_v3_key,
        shop.sandbox.tokens.quote_key,
        shop.sandbox.credentials.merchant_private_key,
    ]
    for function in shop.sandbox.deployed.functions.values():
        text = json.dumps(function.environment)
        assert not [value for value in secret if value in text or json.dumps(value)[1:-1] in text]


def test_no_function_logs_a_key_a_token_or_a_payer(shop, wechat, unpaid):
    facts = wechat.transaction(shop.item(unpaid))
    body = wechat.envelope(facts)
    assert shop.notify(body, wechat.headers(body)).status == 200
    shop.read("query", unpaid)
    shop.read("payment", unpaid)
    shop.native(b"{")
    quote = shop.sandbox.tokens.quote("buyer-1", "content-1", 1)
    shop.native(
        {"contentId": "content-1", "amount": 2, "subject": "x", "quote": quote}, token=shop.buyer("buyer-1")
    )

    credentials = shop.sandbox.credentials
    never = [
        *(
            credentials.api_v3_key,
            shop.sandbox.tokens.quote_key,
            facts["payer"]["openid"],
            quote,
            shop.backend,
        ),
        *(credentials.merchant_private_key.splitlines()[5], "BEGIN", "WECHATPAY2-SHA256-RSA2048", "ASIA"),
        json.loads(body)["resource"]["ciphertext"],
    ]
    for function in FUNCTIONS:
        logs = shop.sandbox.lambdas.logs(function)
        assert logs
        assert [text for text in never if text in logs] == []


def test_over_the_whole_session_no_function_was_refused_what_it_needs(shop):
    deliberate = list(shop.refused_on_purpose)
    for use in shop.sandbox.aws.uses:
        if not use.allowed:
            assert use in deliberate, use
            deliberate.remove(use)
    assert deliberate == []


def test_over_the_whole_session_every_order_of_ours_is_wechat_pays_and_none_is_besides(shop):
    assert set(shop.ledger()) == shop.numbers()


def test_over_the_whole_session_nothing_was_our_fault(shop):
    for function in shop.sandbox.deployed.functions:
        logs = shop.sandbox.lambdas.logs(function)
        assert "INTERNAL_ERROR" not in logs
        assert "Traceback" not in logs
