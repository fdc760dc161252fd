"""What one warm call costs in round trips: DynamoDB, Secrets Manager, WeChat Pay, EventBridge (the design's table)."""

import json
import secrets
from urllib.parse import urlsplit

import pytest

from payments.storage.secrets import CACHE_SECONDS
from tests.http.port import Port
from tests.kit.shop import WECHAT, WITHIN_WECHAT

pytestmark = pytest.mark.share(2, of_file=True)

GET, PUT, UPDATE = "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"
BATCH = "dynamodb:BatchGetItem"


@pytest.fixture(scope="module", autouse=True)
def secrets_read_anew(shop):
    """What other files' calls have read is old by now, so that nothing is read again in between here."""
    shop.sandbox.clock.advance(CACHE_SECONDS)


@pytest.fixture
def warm(shop, wechat):
    """Every function has just been called, so that its process is there and its secrets are read."""
    number = shop.order()["outTradeNo"]
    shop.read("query", number)
    shop.read("payment", number)
    body = wechat.envelope(wechat.transaction(shop.item(number)))
    assert shop.notify(body, wechat.headers(body)).status == 200
    shop.sandbox.drain()


def test_native_writes_twice_and_sends_once(shop, warm):
    order = {"contentId": "content-1", "amount": 5, "subject": "A photograph"}
    with shop.spending("NativeFunction") as spent:
        number = shop.native(order).data["outTradeNo"]

    assert spent.aws == [PUT, UPDATE]
    assert spent.asked(number) == [("POST", 200)]


def test_a_named_buyers_limits_cost_one_write_more(shop, warm):
    with shop.spending("NativeFunction") as spent:
        number = shop.order()["outTradeNo"]

    assert spent.aws == [PUT, PUT, UPDATE]
    assert spent.asked(number) == [("POST", 200)]


def test_a_buyer_with_other_open_orders_costs_a_write_besides(shop, warm):
    buyer = f"buyer-{secrets.token_hex(4)}"
    shop.order(userId=buyer)
    with shop.spending("NativeFunction") as spent:
        shop.order(userId=buyer, contentId="content-2")

    assert spent.aws == [PUT, PUT, PUT, UPDATE]  # the first finds the others, and tells them


def test_the_same_wish_again_is_found_and_read_and_nothing_else(shop, warm):
    buyer = f"buyer-{secrets.token_hex(4)}"
    number = shop.order(userId=buyer)["outTradeNo"]
    with shop.spending("NativeFunction") as spent:
        assert shop.order(userId=buyer)["outTradeNo"] == number

    assert spent.aws == [PUT, BATCH]
    assert spent.asked(number) == []


def test_a_buyer_at_the_limit_is_refused_in_two(shop, warm):
    buyer = f"buyer-{secrets.token_hex(4)}"
    for n in range(20):
        shop.order(userId=buyer, contentId=f"content-{n}")
    order = {"contentId": "content-20", "amount": 5, "subject": "A photograph", "userId": buyer}
    with shop.spending("NativeFunction") as spent:
        assert shop.native(order).status == 429

    assert spent.aws == [PUT, BATCH]


def test_native_of_a_buyer_with_a_quote_costs_the_same(shop, warm):
    buyer = f"buyer-{secrets.token_hex(4)}"
    order = {"contentId": "content-1", "amount": 5, "subject": "A photograph"}
    order["quote"] = shop.sandbox.tokens.quote(buyer, "content-1", 500)
    with shop.spending("NativeFunction") as spent:
        number = shop.native(order, token=shop.buyer(buyer)).data["outTradeNo"]

    assert spent.aws == [PUT, PUT, UPDATE]
    assert spent.asked(number) == [("POST", 200)]


def test_native_of_a_known_key_finds_its_order_and_sends_nothing(shop, warm):
    order, key = {"contentId": "content-1", "amount": 5, "subject": "A photograph"}, secrets.token_hex(8)
    number = shop.native(order, key=key).data["outTradeNo"]
    with shop.spending("NativeFunction") as spent:
        assert shop.native(order, key=key).status == 200

    assert spent.aws == [PUT]  # it finds the order there, and tells it
    assert spent.asked(number) == []


@pytest.fixture
def warm_too(shop, warm):
    """The functions that `warm` leaves out."""
    order = {"contentId": "content-1", "amount": 5, "subject": "A photograph", "openid": "oBuyer"}
    number = shop.post("jsapi", order).data["outTradeNo"]
    shop.post("close", {"outTradeNo": number})
    paid = shop.order()["outTradeNo"]
    shop.pay(paid)
    shop.post("refund", {"outTradeNo": paid, "refundAmount": 2}, token=shop.office)
    return order


def test_jsapi_writes_twice_and_sends_once(shop, warm_too):
    with shop.spending("JsapiFunction") as spent:
        number = shop.post("jsapi", warm_too).data["outTradeNo"]

    assert spent.aws == [PUT, UPDATE]
    assert spent.asked(number) == [("POST", 200)]


def test_app_writes_twice_and_sends_once(shop, warm_too):
    order = {name: value for name, value in warm_too.items() if name != "openid"}
    shop.post("app", order)
    with shop.spending("AppFunction") as spent:
        number = shop.post("app", order).data["outTradeNo"]

    assert spent.aws == [PUT, UPDATE]
    assert spent.asked(number) == [("POST", 200)]


def test_h5_writes_twice_and_sends_once(shop, warm_too):
    order = {name: value for name, value in warm_too.items() if name != "openid"} | {"clientIp": "127.0.0.1"}
    shop.post("h5", order)
    with shop.spending("H5Function") as spent:
        number = shop.post("h5", order).data["outTradeNo"]

    assert spent.aws == [PUT, UPDATE]
    assert spent.asked(number) == [("POST", 200)]


@pytest.fixture
def checkout(shop, warm_too):
    """The path of a fresh checkout; the functions of checkouts have just been called."""

    def kept():
        order = {"contentId": "content-1", "amount": 5, "subject": "A photograph"}
        return urlsplit(shop.post("checkout", order).data["checkoutUrl"]).path

    first = kept()
    assert open_on(shop, first).status == 200
    assert shop.port.send("GET", first, headers=[("Accept", "application/json")]).status == 200
    return kept()


def open_on(shop, path, kind="native", *, take_over=False):
    """A device opens a checkout, or takes it over."""
    body = json.dumps({"kind": kind, "takeOver": take_over}).encode()
    return shop.port.send("POST", f"{path}/open", body, [("Content-Type", "application/json")])


def test_a_checkout_costs_one_write_and_asks_nobody(shop, checkout):
    order = {"contentId": "content-1", "amount": 5, "subject": "A photograph"}
    with shop.spending("CheckoutIntentFunction") as spent:
        assert shop.post("checkout", order).status == 200
    assert spent.aws == [PUT]
    with shop.spending("CheckoutIntentFunction") as spent:
        assert shop.post("checkout", order | {"userId": f"buyer-{secrets.token_hex(4)}"}).status == 200
    assert spent.aws == [PUT, PUT]
    assert spent.outbound == []


def test_a_look_at_a_checkout_costs_one_read_and_one_of_its_order(shop, checkout):
    please = [("Accept", "application/json")]
    with shop.spending("CheckoutFunction") as spent:
        assert shop.port.send("GET", checkout, headers=please).json["status"] == "ready"
    assert spent.aws == [GET]
    assert open_on(shop, checkout).json["status"] == "waiting"
    with shop.spending("CheckoutFunction") as spent:
        assert shop.port.send("GET", f"{checkout}?kind=native", headers=please).json["status"] == "waiting"
    assert spent.aws == [GET, GET]
    assert spent.outbound == []


def test_opening_a_checkout_costs_what_an_order_does_and_a_read_and_a_write(shop, checkout):
    with shop.spending("CheckoutOpenFunction") as spent:
        assert open_on(shop, checkout).json["status"] == "waiting"
    assert spent.aws == [GET, UPDATE, PUT, UPDATE]
    assert len([one for one in spent.outbound if one.path.startswith("/v3/pay/transactions/native")]) == 1
    with shop.spending("CheckoutOpenFunction") as spent:
        assert open_on(shop, checkout).json["status"] == "waiting"
    assert spent.aws == [GET, GET]


def test_taking_over_costs_a_close_besides(shop, checkout):
    assert open_on(shop, checkout).json["status"] == "waiting"
    shop.sandbox.clock.advance(3)
    with shop.spending("CheckoutOpenFunction") as spent:
        assert open_on(shop, checkout, "h5", take_over=True).json["status"] == "waiting"
    assert spent.aws == [GET, GET, UPDATE, UPDATE, UPDATE, PUT, UPDATE]
    assert open_on(shop, checkout).json["heldBy"] == "h5"


def test_what_is_paid_costs_a_read_and_a_write(shop, checkout):
    path, please = checkout, [("Accept", "application/json")]
    assert open_on(shop, path).json["status"] == "waiting"
    number = next(
        one for one in shop.numbers() if shop.item(one).get("checkout_id", {}).get("S") == shop.opens(path)
    )
    with shop.spending("CheckoutPaidFunction") as spent:
        shop.pay(number)
        shop.sandbox.drain()
    assert spent.aws == [GET, UPDATE]
    assert shop.port.send("GET", path, headers=please).json["status"] == "paid"


def test_a_file_for_wechat_costs_nothing(shop):
    for _ in range(2):
        with shop.spending("VerifyFileFunction") as spent:
            assert shop.port.send("GET", "/MP_verify_0123456789abcdef.txt").status == 404
    assert (spent.aws, spent.outbound) == ([], [])


@pytest.mark.parametrize(("sub", "aws"), [("alice", [UPDATE]), (None, [])])
def test_openid_counts_a_buyers_code_and_asks_the_open_platform_once(shop, sub, aws):
    token = shop.buyer(sub) if sub else shop.backend
    for _ in range(2):
        login = shop.control("POST", "login", {}).json
        with shop.spending("OpenidFunction") as spent:
            body = {"code": login["code"], "app": "mini"}
            assert shop.post("openid", body, token=token).data == {"openid": login["openid"]}

    assert spent.aws == aws
    assert spent.outbound == []  # nothing of it is WeChat Pay's


def test_within_wechat_the_way_there_keeps_a_visit_and_the_way_back_asks_the_open_platform_once(shop):
    checkout = {"contentId": "content-1", "amount": 5, "subject": "A photograph"}
    for _ in range(2):
        address = urlsplit(shop.post("checkout", checkout).data["checkoutUrl"]).path
        phone = [("User-Agent", WITHIN_WECHAT)]
        with shop.spending("CheckoutWechatFunction") as there:
            sent = shop.port.send("GET", f"{address}/wechat", headers=phone)
        cookie = ("Cookie", sent.headers["set-cookie"].partition(";")[0])
        link = urlsplit(sent.headers["location"])
        platform = Port(f"{link.scheme}://{link.netloc}")
        back = platform.send("GET", f"{link.path}?{link.query}", headers=phone)
        platform.close()
        query = urlsplit(back.headers["location"]).query
        with shop.spending("CheckoutWechatFunction") as here:
            led = shop.port.send("GET", f"{address}/wechat?{query}", headers=[*phone, cookie])
        assert (led.status, led.headers["location"]) == (302, address)

    assert there.aws == [GET, UPDATE]
    assert here.aws == [UPDATE, UPDATE, UPDATE]
    assert there.outbound == here.outbound == []  # nothing of it is WeChat Pay's


def test_close_wants_and_confirms(shop, warm_too, unpaid):
    with shop.spending("CloseFunction") as spent:
        assert shop.post("close", {"outTradeNo": unpaid}).data["closed"] is True

    assert spent.aws == [UPDATE, UPDATE]
    assert spent.asked(unpaid) == [("POST", 204)]

    with shop.spending("CloseFunction") as spent:
        assert shop.post("close", {"outTradeNo": unpaid}).data["closed"] is True
    assert spent.aws == [UPDATE]  # refused, and told why
    assert spent.asked(unpaid) == []


def test_refund_reads_counts_reserves_and_records(shop, warm_too, unpaid):
    shop.pay(unpaid)
    with shop.spending("RefundFunction") as spent:
        assert shop.post("refund", {"outTradeNo": unpaid, "refundAmount": 1}, token=shop.office).status == 200

    assert spent.aws == [GET, UPDATE, UPDATE, UPDATE]  # the cap per caller lies in an item of its own
    sent = [exchange for exchange in spent.exchanges if exchange.path == "/v3/refund/domestic/refunds"]
    assert [exchange.answer.status for exchange in sent] == [200]


def test_a_refused_body_costs_nothing(shop, warm):
    with shop.spending("NativeFunction") as spent:
        assert shop.native(b"{}").status == 400

    known = shop.numbers()  # settle may be asking about these at the same time
    sent = [one for one in spent.outbound if not any(map(one.is_about, known))]
    assert (spent.aws, sent) == ([], [])


def test_query_of_an_open_order_asks_wechat_pay_once_in_two_seconds(shop, warm, unpaid):
    with shop.spending("QueryFunction") as spent:
        assert shop.read("query", unpaid).data["tradeState"] == "NOTPAY"
    assert spent.aws == [UPDATE]  # who asks writes that down first, and is told the order
    assert spent.asked(unpaid) == [("GET", 200)]

    with shop.spending("QueryFunction") as spent:
        for _ in range(5):
            assert shop.read("query", unpaid).data["tradeState"] == "NOTPAY"
    # Nobody may ask yet: that is known from the first refusal on, and a read costs less than another one.
    assert spent.aws == [UPDATE, *[GET] * 4]
    assert spent.asked(unpaid) == []


def test_query_that_finds_the_money_writes_it_down(shop, warm, unpaid):
    with shop.wire.notifications_lost():
        assert shop.control("POST", "pay", {"outTradeNo": unpaid}).status == 200
        with shop.spending("QueryFunction") as spent:
            assert shop.read("query", unpaid).data["tradeState"] == "SUCCESS"

    assert spent.aws == [UPDATE, UPDATE]
    assert spent.asked(unpaid) == [("GET", 200)]
    assert shop.item(unpaid)["status"] == {"S": "PAID"}
    assert shop.event_names(unpaid) == ["PaymentCreated", "PaymentSucceeded"]


def test_query_of_a_final_order_is_one_round_trip_and_asks_nobody(shop, warm, unpaid):
    shop.pay(unpaid)
    with shop.spending("QueryFunction") as spent:
        for _ in range(5):
            assert shop.read("query", unpaid).data["tradeState"] == "SUCCESS"

    assert spent.aws == [
        UPDATE,
        *[GET] * 4,
    ]  # refused, and told; from then on it is known that there is nothing to ask
    assert spent.asked(unpaid) == []


@pytest.mark.parametrize("paid", [False, True])
def test_payment_reads_once_and_never_writes(shop, warm, unpaid, paid):
    if paid:
        shop.pay(unpaid)
    with shop.spending("PaymentFunction") as spent:
        assert shop.read("payment", unpaid).status == 200

    assert spent.aws == [GET]
    assert spent.asked(unpaid) == []


@pytest.mark.parametrize(
    ("what", "function", "first"),
    [("query", "QueryFunction", [UPDATE, GET]), ("payment", "PaymentFunction", [GET])],
)
def test_an_order_that_is_not_there_costs_what_one_costs_that_is_not_yours(
    shop, warm, unpaid, what, function, first
):
    for number in (unpaid, "WXNOBODY"):
        for calls in (first, [GET]):
            with shop.spending(function) as spent:
                assert shop.read(what, number, token=shop.buyer("a-stranger")).status == 404
            assert spent.aws == calls
        assert spent.asked(number) == []


def test_notify_writes_once(shop, wechat, warm, unpaid):
    body = wechat.envelope(wechat.transaction(shop.item(unpaid)))
    with shop.spending("NotifyFunction") as spent:
        assert shop.notify(body, wechat.headers(body)).status == 200
    assert spent.aws == [UPDATE]
    assert spent.asked(unpaid) == []

    with shop.spending("NotifyFunction") as spent:
        assert shop.notify(body, wechat.headers(body)).status == 200
    assert spent.aws == [UPDATE]  # refused, and told why


def test_notify_that_does_not_fit_is_refused_and_set_aside_once(shop, wechat, warm, unpaid):
    body = wechat.envelope(wechat.transaction(shop.item(unpaid), mchid="1900000109"))
    with shop.spending("NotifyFunction") as spent:
        assert shop.notify(body, wechat.headers(body)).status == 200

    assert spent.aws == [UPDATE, PUT]


def test_a_notification_that_proves_nothing_costs_nothing(shop, wechat, warm, unpaid):
    body = wechat.envelope(wechat.transaction(shop.item(unpaid)))
    forged = wechat.headers(body, key=wechat.credentials.merchant_private_key)
    with shop.spending("NotifyFunction") as spent:
        assert shop.notify(body, forged).status == 401

    assert spent.aws == []


def test_publish_tells_each_event_once_and_asks_nobody(shop, warm):
    shop.sandbox.drain()  # of orders of before
    with shop.spending("PublishFunction") as spent:
        number = shop.order()["outTradeNo"]
        assert shop.event_names(number) == ["PaymentCreated"]
    assert spent.aws == ["events:PutEvents"]

    with shop.spending("PublishFunction") as spent:
        shop.pay(number)
        assert shop.event_names(number) == ["PaymentCreated", "PaymentSucceeded"]
    assert spent.aws == ["events:PutEvents"]


def test_the_books_of_a_payment_cost_a_write_for_each_row_that_changes(shop, warm):
    shop.sandbox.drain()  # of orders of before
    with shop.spending("JournalFunction") as spent:
        number = shop.order()["outTradeNo"]
        shop.sandbox.drain()
    assert set(spent.aws) == {PUT}
    assert len(spent.aws) <= 2  # the order; with its credential, unless both came in one batch

    with shop.spending("JournalFunction") as spent:
        shop.pay(number)
        shop.sandbox.drain()
    assert spent.aws == [PUT, PUT]  # the order, and that it is paid

    with shop.spending("JournalFunction") as spent:
        shop.read("query", number)
        shop.sandbox.drain()
    assert spent.aws == []


def test_publish_sends_ten_events_in_one_call(shop, warm, unpaid):
    image = shop.item(unpaid)
    younger = image | {"history": {"L": image["history"]["L"][:1]}}
    records = [
        {
            "eventName": "MODIFY",
            "dynamodb": {"SequenceNumber": str(n), "OldImage": younger, "NewImage": image},
        }
        for n in range(25)
    ]
    shop.sandbox.drain()
    before = len(shop.sandbox.lambdas.logs("PublishFunction"))
    assert shop.sandbox.lambdas.invoke("PublishFunction", {"Records": records}) == {"batchItemFailures": []}

    lines = shop.sandbox.lambdas.logs("PublishFunction")[before:].splitlines()
    assert [
        line["events"] for line in map(json.loads, lines) if line.get("message") == "events published"
    ] == [
        10,
        10,
        5,
    ]
    assert shop.event_names(unpaid) == ["PaymentCreated"] * 26


@pytest.mark.parametrize(("query", "reads"), [("day=2024-01-01", 8), ("userId=alice", 1), ("contentId=c", 1)])
def test_a_list_is_a_query_of_each_shard_of_a_day_or_one_of_an_index(shop, query, reads):
    token = shop.token("support", "payments:read")
    for _ in range(2):
        with shop.spending("OrdersFunction") as spent:
            assert shop.port.send("GET", f"{WECHAT}/orders?{query}", b"", bearer(token)).status == 200

    assert spent.aws == ["dynamodb:Query"] * reads


def test_an_export_is_kept_and_sent_once_and_told_of_by_one_read(shop):
    wanted, token = (
        {"from": "2024-01-01", "to": "2024-01-01", "kind": "orders"},
        shop.token("support", "payments:read"),
    )
    for _ in range(2):
        with shop.spending("ExportBeginFunction") as spent:
            begun = shop.post("exports", wanted, token=token)
            assert begun.status == 202
    assert spent.aws == ["dynamodb:PutItem", "sqs:SendMessage"]

    shop.sandbox.drain()
    for _ in range(2):
        with shop.spending("ExportStatusFunction") as spent:
            path = f"{WECHAT}/exports/{begun.json['data']['exportId']}"
            assert shop.port.send("GET", path, b"", bearer(token)).data["status"] == "done"
    assert spent.aws == ["dynamodb:GetItem"]


@pytest.mark.parametrize(
    ("function", "path", "status", "reads"),
    [
        ("BillDaysFunction", "/bills", 200, ["dynamodb:BatchGetItem"]),
        ("BillDayFunction", "/bills/2020-01-01", 404, ["dynamodb:GetItem"]),
    ],
)
def test_the_days_of_the_books_are_one_read(shop, function, path, status, reads):
    token = shop.token("books", "payments:reconcile")
    for _ in range(2):
        with shop.spending(function) as spent:
            assert shop.port.send("GET", WECHAT + path, b"", bearer(token)).status == status
    assert spent.aws == reads


def bearer(token):
    return [("Authorization", f"Bearer {token}")]
