"""Least privilege, both ways: over every path that a function has, each grant is used and nothing is refused.

A function that is new, or a grant that is, has to be walked here: `test_every_grant_is_used` names what nobody used.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect

from payments.api.tokens import live_ticket
from sandbox.aws.iam import Need, allowed
from tests.kit.books import SCOPE, Books
from tests.kit.running import Running
from tests.kit.shop import Shop

pytestmark = pytest.mark.in_turn

HOUR = 3600
BEYOND_THE_SANDBOX = {
    # The Lambda service writes a function's log lines, with the function's role; here they stay in memory
    # (Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs").
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    # Asked for when the mapping is made, not when it delivers: the sandbox refuses to deploy without it
    # (Lambda Developer Guide, "Retain discarded records for a DynamoDB event source").
    "s3:ListBucket",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """One of its own: rows are tampered with, and its bus vanishes."""
    with Running(schedules=False) as running:
        running.warm()
        yield running


def row(shop: Shop, number: str, change: str, **values: dict[str, Any]) -> None:
    """Change a payment's row behind everybody's back."""
    shop.sandbox.aws.client("dynamodb").update_item(
        TableName=shop.sandbox.deployed.refs["PaymentsTable"],
        Key={"out_trade_no": {"S": number}},
        UpdateExpression=change,
        ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
        **({"ExpressionAttributeNames": {"#s": "status"}} if "#s" in change else {}),
    )


def forget(shop: Shop, number: str) -> None:
    """As if the table had been restored to before this payment."""
    shop.sandbox.aws.client("dynamodb").delete_item(
        TableName=shop.sandbox.deployed.refs["PaymentsTable"], Key={"out_trade_no": {"S": number}}
    )


def quarantined(shop: Shop) -> int:
    table = shop.sandbox.deployed.refs["QuarantineTable"]
    count: int = shop.sandbox.aws.client("dynamodb").scan(TableName=table)["Count"]
    return count


def number_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    number: str = answer.json()["data"]["outTradeNo"]
    return number


def a_merchant_whose_platform_certificate_is_replaced(shop: Shop) -> None:
    """From here on WeChat Pay signs with what was downloaded: whoever verifies has to read that, too."""
    sandbox, mine = shop.sandbox, shop.sandbox.credentials
    secret = {"SecretId": sandbox.deployed.refs["VerificationSecret"]}
    client = sandbox.aws.client("secretsmanager")
    members = json.loads(client.get_secret_value(**secret)["SecretString"])
    del members["WECHAT_PUBLIC_KEY"], members["WECHAT_PUBLIC_KEY_ID"]
    members["WECHAT_PLATFORM_CERTIFICATES"] = [mine.platform_certificate]
    client.put_secret_value(**secret, SecretString=json.dumps(members))
    (renewal,) = (timer for name, timer in sandbox.schedules.items() if name.startswith("Certificates"))
    for mode in ("cert", "two-certs"):
        assert shop.control("keys", {"mode": mode, "percentage": 0}).status_code == 200
        renewal.run_now()
    assert shop.control("keys", {"percentage": 100}).status_code == 200


def buyers_with_several_orders(shop: Shop) -> None:
    for call in (shop.native, shop.jsapi, shop.app, shop.h5):
        for content in ("content-1", "content-2"):
            body = {
                "userId": f"buyer of {call.__name__}",
                "contentId": content,
                "amount": 1,
                "subject": "A thing",
            }
            body |= {"openid": "oBuyer-1"} if call == shop.jsapi else {}
            body |= {"clientIp": "127.0.0.1"} if call == shop.h5 else {}
            number = number_of(shop.call("POST", f"/{call.__name__}", body))
        assert number_of(shop.call("POST", f"/{call.__name__}", body)) == number
        forget(shop, number)  # counted, and not written down yet
        assert shop.call("POST", f"/{call.__name__}", body).status_code == 503


def retries(shop: Shop) -> None:
    for call in (shop.native, shop.jsapi, shop.app, shop.h5):
        assert number_of(call(key="again")) == number_of(call(key="again"))


def orders_that_somebody_else_still_sends(shop: Shop) -> None:
    calls = (shop.native, shop.jsapi, shop.app, shop.h5)
    shop.faults(*({"on": call.__name__, "effect": "reset_before"} for call in calls))
    for call in calls:
        assert call(key="under-way").status_code == 503
    shop.faults()
    with ThreadPoolExecutor(len(calls)) as side:  # each waits for the first one's end
        again = [side.submit(call, key="under-way") for call in calls]
        assert [told.result().status_code for told in again] == [503] * len(calls)


def a_buyer_with_a_code(shop: Shop) -> None:
    login = shop.control("login", {}).json()
    body = {"code": login["code"], "app": "mini"}
    told = shop.call("POST", "/openid", body, sub="alice", scope="payments:pay")
    assert told.json()["data"] == {"openid": login["openid"]}


def a_buyer_within_wechat(shop: Shop) -> None:
    body = {"contentId": "content-1", "amount": "3.00", "subject": "A thing"}
    shop.within_wechat(shop.call("POST", "/checkout", body).json()["data"]["checkoutUrl"])


def orders_that_nobody_has(shop: Shop) -> None:
    assert shop.call("GET", "/query/WXNOBODY").status_code == 404
    assert shop.close("WXNOBODY").status_code == 404


def a_number_that_wechat_pay_knows_otherwise(shop: Shop) -> None:
    for call in (shop.native, shop.jsapi, shop.app, shop.h5):
        number = number_of(call("5.00", key="restored"))
        assert shop.control("pay", {"outTradeNo": number}).status_code == 200
        shop.sandbox.wait_until(lambda number=number: shop.details(number)["status"] == "succeeded")
        before = quarantined(shop)
        forget(shop, number)
        assert call("6.00", key="restored").status_code == 503
        assert quarantined(shop) > before


def an_order_whose_row_says_another_amount(shop: Shop) -> None:
    number = number_of(shop.native("7.00"))
    row(shop, number, "SET amount = :a", a={"N": "1"})
    before = quarantined(shop)
    assert shop.control("pay", {"outTradeNo": number}).status_code == 200
    shop.sandbox.wait_until(lambda: quarantined(shop) > before)  # notify
    assert shop.call("GET", f"/query/{number}").status_code == 503
    assert shop.close(number).status_code == 503
    shop.sandbox.clock.advance(HOUR)
    for timer in shop.sandbox.schedules.values():  # sweep, queue, settle
        timer.run_now()
    assert shop.sandbox.drain(20)


def a_checkout_of_an_order_that_wechat_pay_knows_otherwise(shop: Shop) -> None:
    """Its code is about to end, so a fresh one is asked for; WeChat Pay says that the order is paid, at another amount."""
    opened = shop.native("8.00")
    number, page = number_of(opened), urlsplit(opened.json()["data"]["checkoutUrl"]).path
    now = int(shop.sandbox.clock.time())
    soon, earlier = {"N": str(now + 60)}, {"N": str(now - 60)}
    row(
        shop,
        number,
        "SET amount = :a, credential_expires_at = :e, sent_at = :s",
        a={"N": "1"},
        e=soon,
        s=earlier,
    )
    before = quarantined(shop)
    assert shop.control("pay", {"outTradeNo": number}).status_code == 200
    shop.sandbox.wait_until(lambda: quarantined(shop) > before)  # notify
    before = quarantined(shop)
    assert shop.http.get(shop.sandbox.api + page, timeout=30).status_code == 200
    assert quarantined(shop) > before


def a_payment_from_the_first_notification_to_the_last_refund(shop: Shop) -> None:
    number = shop.paid_order("100.00")
    for note in shop.http.get(f"{shop.sandbox.simulator}/_sandbox/notifications", timeout=30).json()[
        "notifications"
    ]:
        again = f"{shop.sandbox.simulator}/_sandbox/notifications/{note['id']}"
        assert shop.http.post(again, timeout=30).ok
    assert shop.close(number).status_code == 409
    refund = shop.refund(number, "1.00").json()["data"]["outRefundNo"]
    row(
        shop,
        number,
        f"SET refunds.{refund}.#s = :s, refunds.{refund}.refund_id = :r",
        s={"S": "REQUESTED"},
        r={"S": "another"},
    )
    before = quarantined(shop)
    assert shop.refund(number, "1.00").status_code == 503
    assert quarantined(shop) > before


def a_refund_that_wechat_pay_never_received(shop: Shop) -> None:
    """A question finds that it must be sent again, and a send sends it."""
    number = shop.paid_order("100.00")
    shop.faults({"on": "refund", "effect": "reset_before"})
    assert shop.refund(number, "1.00").status_code == 503
    shop.faults()
    (sweep,) = (timer for name, timer in shop.sandbox.schedules.items() if name.startswith("Sweep"))
    for _ in range(3):
        shop.sandbox.clock.advance(60)
        sweep.run_now()
        assert shop.sandbox.drain(20)
    assert len((shop.book(number) or {})["refunds"]) == 1


def refunds_that_the_bank_did_not_take(shop: Shop) -> None:
    """One is sent on; of another WeChat Pay's answer is about a payment that we know otherwise."""
    for known_otherwise in (False, True):
        number = shop.paid_order("10.00")
        shop.faults({"on": "refund", "effect": "result", "result": "ABNORMAL", "times": 1})
        refund = shop.refund(number, 4).json()["data"]["outRefundNo"]
        shop.sandbox.clock.advance(1)
        shop.sandbox.wait_until(
            lambda number=number: shop.details(number)["refunds"][0]["status"] == "ABNORMAL"
        )
        if known_otherwise:
            row(shop, number, "SET amount = :a", a={"N": "1"})
        before = quarantined(shop)
        body = {"outTradeNo": number, "outRefundNo": refund, "type": "MERCHANT_BANK_CARD"}
        told = shop.call("POST", "/refund/abnormal", body, scope="payments:refund").status_code
        assert (told, quarantined(shop) > before) == (503 if known_otherwise else 200, known_otherwise)


def an_order_that_is_closed(shop: Shop) -> None:
    assert shop.close(number_of(shop.native())).status_code == 200


def events_that_nobody_takes_for_a_day(shop: Shop) -> None:
    refs, aws = shop.sandbox.deployed.refs, shop.sandbox.aws
    assert shop.sandbox.drain(20)
    aws.client("events").delete_event_bus(Name=refs["Bus"])
    shop.native()
    shop.sandbox.clock.advance(24 * HOUR)
    where = {"Bucket": refs["UnpublishedBucket"], "Prefix": "aws/lambda/"}
    shop.sandbox.wait_until(lambda: aws.client("s3").list_objects_v2(**where).get("KeyCount"), 60)
    aws.client("events").create_event_bus(Name=refs["Bus"])


def a_record_that_nobody_can_read(shop: Shop) -> None:
    refs, aws = shop.sandbox.deployed.refs, shop.sandbox.aws
    broken = {"out_trade_no": {"S": "WXBROKEN"}, "history": {"S": "none"}}
    aws.client("dynamodb").put_item(TableName=refs["PaymentsTable"], Item=broken)
    where = {"Bucket": refs["UnpublishedBucket"], "Prefix": "unreadable/"}
    shop.sandbox.wait_until(lambda: aws.client("s3").list_objects_v2(**where).get("KeyCount"))


def a_complaint_that_nobody_handles(shop: Shop) -> None:
    told = {"eventType": "COMPLAINT.CREATE", "plaintext": {"complaint_id": "1"}}
    assert shop.control("notify", told).status_code == 200
    shop.sandbox.wait_until(
        lambda: any(event["detail-type"] == "NotificationReceived" for event in shop.sandbox.events())
    )


def pages_that_wait_for_news(shop: Shop) -> None:
    refs, aws, now = shop.sandbox.deployed.refs, shop.sandbox.aws, shop.sandbox.clock.time()
    number = number_of(shop.native())
    gone = {"out_trade_no": number, "ticket_id": "of a page that is gone", "connection_id": "gone="}
    row = {name: {"S": value} for name, value in gone.items()} | {"opened_at": {"N": str(int(now) - 600)}}
    aws.client("dynamodb").put_item(TableName=refs["ConnectionsTable"], Item=row)
    secret = aws.client("secretsmanager").get_secret_value(SecretId=refs["CheckoutSecret"])["SecretString"]
    ticket = live_ticket(
        out_trade_no=number, ticket_id="one", keys=[json.loads(secret)["CHECKOUT_KEY"]], now=now
    )
    origin = "ws" + shop.sandbox.api.removeprefix("http")
    with connect(f"{origin}/live", subprotocols=["live", ticket], proxy=None) as page:  # type: ignore[list-item]
        assert shop.control("pay", {"outTradeNo": number}).status_code == 200
        assert json.loads(page.recv(timeout=30))["status"] == "paid"
    shop.sandbox.wait_until(lambda: "disconnected" in shop.sandbox.lambdas.logs("LiveDisconnectFunction"), 30)


def kept(shop: Shop, content: str = "content-1", **given: Any) -> dict[str, Any]:
    """What a backend is told of a checkout that it wants for a buyer."""
    extra: dict[str, Any] = {
        name: given.pop(name) for name in ("quote", "userId", "expiresAt") if name in given
    }
    body: dict[str, Any] = {"contentId": content, "amount": 1, "subject": "A thing", **extra}
    answer = shop.call("POST", "/checkout", body, **given)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def opened(shop: Shop, checkout: dict[str, Any], kind: str = "native") -> dict[str, Any]:
    """What a device is shown that opens it, or takes it over."""
    path = urlsplit(checkout["checkoutUrl"]).path
    body = {"kind": kind, "takeOver": True}
    answer = shop.http.post(f"{shop.sandbox.api}{path}/open", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


def checkouts(shop: Shop, checkout: dict[str, Any], change: str | None = None, **values: Any) -> Any:
    """The checkout's row, after a change behind everybody's back."""
    client = shop.sandbox.aws.client("dynamodb")
    table: dict[str, Any] = {"TableName": shop.sandbox.deployed.refs["CheckoutsTable"]}
    key: dict[str, Any] = {"Key": {"checkout_id": {"S": checkout["checkoutId"]}}}
    if change is not None:
        named = {f":{name}": value for name, value in values.items()}
        client.update_item(
            **table,
            **key,
            UpdateExpression=change,
            ExpressionAttributeValues=named,
            ExpressionAttributeNames={"#c": "current"},
        )
    return client.get_item(**table, **key)["Item"]


def order_of(shop: Shop, checkout: dict[str, Any]) -> str:
    number: str = checkouts(shop, checkout)["current"]["M"]["out_trade_no"]["S"]
    return number


def checkouts_of_a_buyer(shop: Shop) -> None:
    quote = shop.sandbox.tokens.quote("alice", "content-1", 100)
    kept(shop, quote=quote, sub="alice", scope="payments:pay")
    first = kept(shop, userId="buyer of checkouts")
    assert kept(shop, userId="buyer of checkouts")["checkoutId"] == first["checkoutId"]
    table = shop.sandbox.deployed.refs["CheckoutsTable"]
    row = {"checkout_id": {"S": first["checkoutId"]}}
    shop.sandbox.aws.client("dynamodb").delete_item(TableName=table, Key=row)  # not written down yet
    body = {"contentId": "content-1", "amount": 1, "subject": "A thing", "userId": "buyer of checkouts"}
    assert shop.call("POST", "/checkout", body).status_code == 503
    soon = datetime.fromtimestamp(int(shop.sandbox.clock.time()) + 150, UTC).isoformat()
    short = kept(shop, key="short", expiresAt=soon)
    shop.sandbox.clock.advance(60)
    assert kept(shop, key="short", expiresAt=soon)["checkoutId"] == short["checkoutId"]


def a_checkout_that_is_taken_over(shop: Shop) -> None:
    """Twice; WeChat Pay knows the order of the second otherwise."""
    for known_otherwise in (False, True):
        checkout = kept(shop)
        page = shop.sandbox.api + urlsplit(checkout["checkoutUrl"]).path
        assert shop.http.get(page, headers={"Accept": "application/json"}, timeout=30).ok
        assert opened(shop, checkout)["status"] == "waiting"
        shop.sandbox.clock.advance(3)
        before = quarantined(shop)
        if known_otherwise:
            row(shop, order_of(shop, checkout), "SET amount = :a", a={"N": "1"})
            shop.faults({"on": "notification", "effect": "drop"})
            assert shop.control("pay", {"outTradeNo": order_of(shop, checkout)}).status_code == 200
        assert opened(shop, checkout, "h5")["status"] == ("closing" if known_otherwise else "waiting")
        assert (quarantined(shop) > before) == known_otherwise
        shop.faults()


def checkouts_that_another_order_pays_than_the_current_one(shop: Shop) -> None:
    """The current one is not there yet; is open; is paid, and known otherwise."""
    left = number_of(shop.native())
    otherwise = number_of(shop.native())
    for current in ("WXABSENT00000000000000000001", left, otherwise):
        checkout = kept(shop)
        assert opened(shop, checkout)["status"] == "waiting"
        number = order_of(shop, checkout)
        checkouts(shop, checkout, "SET attempt = :n, #c.out_trade_no = :c", n={"N": "2"}, c={"S": current})
        before = quarantined(shop)
        if current == otherwise:
            shop.faults({"on": "notification", "effect": "drop", "times": 1})
            assert shop.control("pay", {"outTradeNo": otherwise}).status_code == 200
            row(shop, otherwise, "SET amount = :a", a={"N": "1"})
        assert shop.control("pay", {"outTradeNo": number}).status_code == 200
        shop.sandbox.wait_until(lambda one=checkout: "paid_by" in checkouts(shop, one))
        assert shop.sandbox.drain(20)
        assert (quarantined(shop) > before) == (current == otherwise)
    shop.faults()


def orders_that_are_listed_and_exported(shop: Shop) -> None:
    day = time.strftime("%Y-%m-%d", time.gmtime(shop.sandbox.clock.time() + 8 * HOUR))
    for query in (f"day={day}", "userId=alice", "contentId=content-1"):
        assert shop.call("GET", f"/orders?{query}", scope="payments:read").status_code == 200
    for kind in ("orders", "movements"):
        wanted = {"from": day, "to": day, "kind": kind}
        for _ in range(2):
            begun = shop.call("POST", "/exports", wanted, scope="payments:read", key=kind)
            assert begun.status_code == 202, begun.text
        path = f"/exports/{begun.json()['data']['exportId']}"

        def told(path: str = path) -> dict[str, Any]:
            data: dict[str, Any] = shop.call("GET", path, scope="payments:read").json()["data"]
            return data

        shop.sandbox.wait_until(lambda told=told: told()["status"] == "done")
        assert shop.http.get(told()["url"], timeout=30).content.startswith(b"\xef\xbb\xbfday,")


def a_day_that_is_compared_with_its_bills(shop: Shop) -> None:
    """It is late; then it has what nobody told us of, and what contradicts; then it is compared once more."""
    books, sandbox = Books(shop), shop.sandbox
    books.wait_until(12)
    day = books.today
    shop.paid_order()
    shop.faults({"on": "notification", "effect": "drop"})
    for known_otherwise in (False, True):
        number = number_of(shop.native())
        assert shop.control("pay", {"outTradeNo": number}).status_code == 200
        if known_otherwise:
            row(shop, number, "SET amount = :a", a={"N": "1"})
    books.wait_until(20.7)
    shop.faults()
    (schedule,) = (timer for name, timer in sandbox.schedules.items() if name.startswith("Bills"))
    before = quarantined(shop)
    schedule.run_now()
    sandbox.wait_until(lambda: books.day(day)["status"] == "differs")
    assert any(event["detail-type"] == "BillMissing" for event in sandbox.events())
    assert quarantined(shop) > before
    assert books.compare(day)["status"] == "differs"
    shown = shop.call("GET", f"/bills?from={day}&to={day}", scope=SCOPE)
    assert len(shown.json()["data"]["days"]) == 1
    assert shop.http.get(books.day(day)["links"]["trade"], timeout=30).ok


WALKS = (
    a_merchant_whose_platform_certificate_is_replaced,
    buyers_with_several_orders,
    retries,
    a_buyer_with_a_code,
    a_buyer_within_wechat,
    orders_that_somebody_else_still_sends,
    orders_that_nobody_has,
    a_number_that_wechat_pay_knows_otherwise,
    an_order_whose_row_says_another_amount,
    a_checkout_of_an_order_that_wechat_pay_knows_otherwise,
    a_payment_from_the_first_notification_to_the_last_refund,
    a_refund_that_wechat_pay_never_received,
    refunds_that_the_bank_did_not_take,
    an_order_that_is_closed,
    orders_that_are_listed_and_exported,
    a_day_that_is_compared_with_its_bills,
    checkouts_of_a_buyer,
    a_checkout_that_is_taken_over,
    checkouts_that_another_order_pays_than_the_current_one,
    a_record_that_nobody_can_read,
    a_complaint_that_nobody_handles,
    pages_that_wait_for_news,
    events_that_nobody_takes_for_a_day,
)


@pytest.fixture(scope="module")
def walked(sandbox: Running) -> Running:
    shop = Shop(sandbox)
    for walk in WALKS:
        walk(shop)
    return sandbox


def grants(sandbox: Running) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Function, its role, and one statement for each action on each resource that its role is granted, unconditionally."""
    for name, function in sandbox.deployed.functions.items():
        for statement in sandbox.aws.statements(function.role_arn):
            actions, resources = (_list(statement[element]) for element in ("Action", "Resource"))
            for action in actions:
                for resource in resources:
                    grant = {"Effect": statement["Effect"], "Action": action, "Resource": resource}
                    yield name, function.role_arn, grant


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_every_grant_is_used(walked: Running) -> None:
    uses = walked.aws.uses
    unused = [
        f"{function}: {statement['Action']} on {statement['Resource']}"
        for function, role, statement in grants(walked)
        if statement["Action"] not in BEYOND_THE_SANDBOX
        and not any(
            use.principal == role and allowed([statement], Need(use.action, use.resource)) for use in uses
        )
    ]
    assert not unused, (
        "granted in template.yaml and used on no path that is walked here; drop the grant, or add a walk that needs it "
        f"to WALKS: {json.dumps(unused, indent=1)}"
    )


def test_nothing_was_asked_for_that_is_not_granted(walked: Running) -> None:
    refused = [
        f"{use.principal}: {use.action} on {use.resource}" for use in walked.aws.uses if not use.allowed
    ]
    assert not refused, f"a function asked for what template.yaml does not grant: {refused}"


def test_what_counts_as_used_beyond_the_sandbox_is_used_by_nobody_within(walked: Running) -> None:
    assert {use.action for use in walked.aws.uses} & BEYOND_THE_SANDBOX == set()


def test_a_grant_that_nobody_needs_would_be_found(walked: Running) -> None:
    role = walked.deployed.functions["PaymentFunction"].role_arn
    statement = {"Effect": "Allow", "Action": "dynamodb:Scan", "Resource": "*"}
    name = role.rsplit("/", 1)[-1]
    iam = walked.aws.client("iam")
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(RoleName=name, PolicyName="seeded", PolicyDocument=json.dumps(policy))
    try:
        with pytest.raises(AssertionError, match=r"PaymentFunction: dynamodb:Scan on \*"):
            test_every_grant_is_used(walked)
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="seeded")
