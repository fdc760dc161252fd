"""One log line for each payment operation: when, whose, which payment, how much, how it stands, and what went wrong."""

import json
import secrets

import pytest

SAID = {"timestamp", "out_trade_no", "payment_id", "user_id", "amount", "status"}
BACKGROUND = {"level", "location", "message", "service", "caller", "xray_trace_id"}


def only(lines):
    (line,) = lines
    return line


def about(lines, number):
    """The one line about this order; others may be under way."""
    return only([line for line in lines if line.get("out_trade_no") == number])


def says(line, *, user_id, amount, status, number):
    assert set(line) >= SAID, SAID - set(line)
    assert line["payment_id"]
    seen = (line["out_trade_no"], line["user_id"], line["amount"], line["status"])
    assert seen == (number, user_id, amount, status)


def test_opening_and_reading_a_payment_leave_one_line_each(shop):
    user = f"user-{secrets.token_hex(4)}"
    with shop.logged("NativeFunction") as lines:
        number = shop.order(userId=user)["outTradeNo"]
    says(only(lines), user_id=user, amount=1999, status="pending", number=number)
    assert set(only(lines)) <= SAID | BACKGROUND
    for function, what in (("QueryFunction", "query"), ("PaymentFunction", "payment")):
        with shop.logged(function) as lines:
            assert shop.read(what, number).status == 200
        says(only(lines), user_id=user, amount=1999, status="pending", number=number)
        assert set(only(lines)) <= SAID | BACKGROUND


def test_opening_one_within_wechat_leaves_one_line_that_names_no_payer(shop):
    user, openid = f"user-{secrets.token_hex(4)}", "o" + secrets.token_hex(13)
    body = {"userId": user, "contentId": "c", "amount": 1, "subject": "x", "openid": openid}
    with shop.logged("JsapiFunction") as lines:
        number = shop.post("jsapi", body).data["outTradeNo"]
    says(only(lines), user_id=user, amount=100, status="pending", number=number)
    assert openid not in json.dumps(lines)


def test_closing_leaves_one_line(shop):
    user = f"user-{secrets.token_hex(4)}"
    number = shop.order(userId=user)["outTradeNo"]
    with shop.logged("CloseFunction") as lines:
        assert shop.post("close", {"outTradeNo": number}).status == 200
    says(only(lines), user_id=user, amount=1999, status="closed", number=number)


def test_paying_and_refunding_leave_one_line_in_each_function_that_has_a_part_in_it(shop):
    user = f"user-{secrets.token_hex(4)}"
    number = shop.order(userId=user)["outTradeNo"]
    with shop.logged("NotifyFunction") as lines, shop.logged("PublishFunction") as told:
        shop.pay(number)
        assert shop.event_names(number)[-1] == "PaymentSucceeded"
    line = about(lines, number)
    says(line, user_id=user, amount=1999, status="succeeded", number=number)
    assert (line["applied"], line["event_type"]) == ("changed", "TRANSACTION.SUCCESS")
    version = int(shop.item(number)["version"]["N"])
    assert f"{number}#{version}" in [one for line in told for one in line.get("event_ids", [])]

    with shop.logged("RefundFunction") as lines:
        wanted = {"outTradeNo": number, "refundAmount": "5.00", "refundReason": "wanted"}
        assert shop.post("refund", wanted, token=shop.office).status == 200
    says(only(lines), user_id=user, amount=1999, status=only(lines)["status"], number=number)


def test_a_notification_that_contradicts_the_order_names_the_order_and_what_is_wrong(shop, wechat, unpaid):
    item = shop.item(unpaid)
    body = wechat.envelope(wechat.transaction(item, amount={"total": 1, "currency": "CNY"}))
    with shop.logged("NotifyFunction") as lines:
        assert shop.notify(body, wechat.headers(body)).status == 200
    line = about(lines, unpaid)
    says(line, user_id=item["user_id"]["S"], amount=1999, status="pending", number=unpaid)
    assert (line["applied"], line["level"]) == ("contradiction", "ERROR")


def test_a_notification_that_is_not_proven_leaves_one_line_with_the_reason_alone(shop, wechat, unpaid):
    body = wechat.envelope(wechat.transaction(shop.item(unpaid)))
    with shop.logged("NotifyFunction") as lines:
        assert shop.notify(body, wechat.headers(body) | {"Wechatpay-Signature": "A" * 344}).status == 401
    line = only([line for line in lines if line.get("error") == "SIGN_ERROR"])
    assert line["reason"] == "signature"
    assert SAID & set(line) == {"timestamp"}


def test_settling_leaves_one_line_whether_or_not_wechat_pay_answers(shop):
    user = f"user-{secrets.token_hex(4)}"
    number = shop.order(userId=user)["outTradeNo"]

    def settled():
        due = int(shop.item(number)["due_at"]["N"])
        message = {"messageId": "m", "body": json.dumps({"out_trade_no": number, "lease": due})}
        with shop.logged("SettleFunction") as lines:
            answer = shop.sandbox.lambdas.invoke("SettleFunction", {"Records": [message]})
        assert answer == {"batchItemFailures": []}
        return about(lines, number)

    says(settled(), user_id=user, amount=1999, status="pending", number=number)
    with shop.wire.wechat_pay_down():
        line = settled()
    says(line, user_id=user, amount=1999, status="pending", number=number)
    assert (line["message"], line["error"]) == ("not settled", "SYSTEMERROR")


@pytest.mark.parametrize(
    ("what", "body", "error"),
    [
        ("native", {"contentId": "c", "amount": -1, "subject": "x"}, "PARAM_ERROR"),
        ("close", {"outTradeNo": "WX" + "0" * 26}, "ORDER_NOT_FOUND"),
        ("refund", {"outTradeNo": "WX" + "0" * 26, "refundAmount": 1}, "ORDER_NOT_FOUND"),
    ],
)
def test_a_refusal_leaves_one_line_with_its_code(shop, what, body, error):
    with shop.logged(f"{what.title()}Function") as lines:
        answer = shop.post(what, body, token=shop.office if what == "refund" else None)
    assert answer.json["code"] == error
    assert (only(lines)["error"], only(lines)["http_status"]) == (error, answer.status)


def test_t35_nothing_that_a_caller_sends_breaks_a_line_or_reaches_a_terminal(shop):
    evil = 'a\r\n{"level":"ERROR"}\x1b[31m\x00\x85\x9b\u2028\u202e\ufeff照片'
    with shop.logged("NativeFunction") as lines, shop.written_by("NativeFunction") as written:
        for field in ("userId", "contentId", "subject", "body", evil):
            body = {"contentId": "c", "amount": 1, "subject": "x", "userId": "u"} | {field: evil}
            shop.native(body)
        shop.native({"contentId": "c", "amount": 1, "subject": "x", "userId": "用户\u2028\u202e"})
    assert len(lines) == len(written) == 6
    assert all(" " <= letter <= "~" for line in written for letter in line)
