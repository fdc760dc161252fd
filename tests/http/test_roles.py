"""What each function may ask of AWS: all that it needs, and nothing that an intruder in it would like to have."""

import json
from fnmatch import fnmatchcase

import pytest
from botocore.exceptions import ClientError

from tests.http.intruder import RESOURCES, Attempts

FUNCTIONS = sorted(
    name for name, resource in RESOURCES.items() if resource["Type"] == "AWS::Lambda::Function"
)


def granted(shop, function):
    """Whether the function's role is granted an action on a resource: its policies, read here once more."""
    statements = shop.sandbox.aws.statements(shop.role(function))

    def listed(value):
        return value if isinstance(value, list) else [value]

    return lambda action, resource: any(
        action in listed(one["Action"])
        and any(fnmatchcase(resource, each) for each in listed(one["Resource"]))
        for one in statements
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_refused_all_that_it_has_no_business_with(shop, unpaid, function):
    role, may = shop.role(function), granted(shop, function)
    credentials = shop.sandbox.aws.session_credentials(role)
    shop.sandbox.drain()
    item, orders, told = shop.item(unpaid), shop.census(), len(shop.sandbox.events())
    uses = len(shop.sandbox.aws.uses)
    tried = Attempts(shop, unpaid).all()
    forbidden = {name: call for name, call in tried.items() if not may(*call[3:])}

    for name, (service, call, arguments, *_) in forbidden.items():
        client = shop.sandbox.aws.client(service, credentials)
        with pytest.raises(ClientError) as refused:
            getattr(client, call)(**arguments)
        assert refused.value.response["Error"]["Code"].startswith("AccessDenied"), name

    seen = [use for use in shop.sandbox.aws.uses[uses:] if use.principal == role and not use.allowed]
    shop.refused_on_purpose += seen
    assert len(seen) == len(forbidden) >= 30
    assert (shop.item(unpaid), shop.census(), len(shop.sandbox.events())) == (item, orders, told)


# Whatever else the template grants some day: who may have these is decided here.
ONLY = {
    "read SigningSecret": {
        *(
            "NativeFunction",
            "JsapiFunction",
            "AppFunction",
            "H5Function",
            "QueryFunction",
            "CloseFunction",
            "RefundFunction",
        ),
        *("AbnormalRefundFunction", "SettleFunction", "CertificatesFunction"),
        *("CheckoutOpenFunction", "CheckoutPaidFunction"),  # opens and closes; closes
        "CheckoutFunction",  # renews codes that end, and signs for WeChat's cashier
        *("EchoFunction", "ReconcileFunction"),
    },
    "read AppsSecret": {"OpenidFunction", "CheckoutWechatFunction"},
    "write NotificationsTable": {"NotifyFunction", "EchoFunction"},
    "read NotificationsTable": {"EchoFunction"},
    "replace CertificatesSecret": {"CertificatesFunction"},
    "write a payment": {
        *("NativeFunction", "JsapiFunction", "AppFunction", "H5Function", "CheckoutOpenFunction"),
        "CheckoutPaidFunction",  # one that is closed, in the place of one that was never sent
    },
    "read CheckoutsTable": {
        *("CheckoutFunction", "CheckoutIntentFunction", "CheckoutOpenFunction", "CheckoutPaidFunction"),
        "CheckoutWechatFunction",
    },
    "write JournalTable": {"JournalFunction"},
    "write CheckoutsTable": {"CheckoutIntentFunction"},
    "tell an event": {"PublishFunction", "BillsFunction", "ReconcileFunction"},
    "have a payment settled": {"SweepFunction"},
}
NOBODY = (
    *(
        "delete a payment",
        "write several",
        "delete in a transaction",
        "unprotect the table",
        "drop the table",
        "delete from CheckoutsTable",
        "list CheckoutsTable",
        "drop CheckoutsTable",
    ),
    *("back the table up", "list tables", "list QuarantineTable", "delete from QuarantineTable"),
    *("list NotificationsTable", "delete from NotificationsTable", "drop NotificationsTable"),
    *("drop QuarantineTable", "list secrets", "replace SigningSecret", "delete SigningSecret"),
    *("replace VerificationSecret", "delete CertificatesSecret"),
    *("replace AppsSecret", "delete AppsSecret"),
    *("delete VerificationSecret", "tell it elsewhere", "tell it nowhere in particular", "drop the bus"),
    *("empty the queue", "delete it", "give itself more", "become another role"),
)


def test_what_matters_most_is_granted_to_those_alone_that_need_it(shop):
    tried = Attempts(shop, "WX000000").all()
    may = {function: granted(shop, function) for function in FUNCTIONS}
    for name, functions in {**ONLY, **{name: set() for name in NOBODY}}.items():
        assert {function for function in FUNCTIONS if may[function](*tried[name][3:])} == functions, name


@pytest.mark.parametrize("function", ["NativeFunction", "QueryFunction", "PaymentFunction", "NotifyFunction"])
def test_a_function_may_read_what_its_work_is_about(shop, unpaid, function):
    credentials = shop.sandbox.aws.session_credentials(shop.role(function))
    tried, may = Attempts(shop, unpaid).all(), granted(shop, function)

    for name in ("read a payment", "read SigningSecret", "read VerificationSecret"):
        service, call, arguments, *grant = tried[name]
        if may(*grant):
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
    for function in (
        "NativeFunction",
        "QueryFunction",
        "PaymentFunction",
        "NotifyFunction",
        "PublishFunction",
    ):
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
