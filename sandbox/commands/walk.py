"""The walk: one payment through every endpoint, as a shop, its buyers and its back office would take it."""

import io
import time
from typing import Any

import qrcode

from sandbox.commands.narrator import StepFailedError, Teller, as_json, short


class Walk(Teller):
    """Walks one payment through the API as a shop, its buyer and its back office would, and says what happens."""

    def run(self) -> None:
        """All steps. Raises StepFailedError, or requests.RequestException when something does not answer."""
        order = self.order()
        self.show_code(order)
        self.pay(order)
        self.notified(order, "TRANSACTION.SUCCESS")
        self.settled(order)
        self.refund(order)
        self.refunded(order)
        self.told(order)
        self.within_wechat()
        self.say("")
        self.say(
            "Every step went as it must: requests and answers were signed and checked, notifications were"
        )
        self.say("encrypted, and each function ran under its own role.")

    def order(self) -> dict[str, Any]:
        """A buyer orders at the price that the shop's backend has quoted."""
        self.title("The shop quotes 99.99 yuan, and the buyer's browser asks for a code")
        wanted = {"sub": "buyer-1", "contentId": "content-456", "amount": 9999}
        quote = self.sandbox_call("/_sandbox/quote", wanted)["quote"]
        body = {
            "contentId": "content-456",
            "amount": 99.99,
            "subject": "Premium Content Purchase",
            "metadata": {"custom": "data"},
            "quote": quote,
        }
        data: dict[str, Any] = self.call(
            "POST", "/native", body, {"Idempotency-Key": f"demo-{time.time_ns()}"}
        )
        self.expect(data["amount"] == 99.99, "the order is over the quoted amount")
        return data

    def show_code(self, order: dict[str, Any]) -> None:
        """The QR code, as the shop's page would show it."""
        self.title("The buyer sees this code")
        code = qrcode.QRCode(border=2)
        code.add_data(order["codeUrl"])
        drawn = io.StringIO()
        code.print_ascii(out=drawn, invert=True)
        for row in drawn.getvalue().rstrip().splitlines():
            self.say("   " + row.replace("\xa0", " "))
        self.say(f"   {order['codeUrl']}, good until {order['expiresAt']}")
        self.say(f"   or on the hosted checkout, in a browser: {order['checkoutUrl']}")
        page = self.http.get(order["checkoutUrl"], headers={"Accept": "application/json"}, timeout=10)
        self.expect(
            page.status_code == 200 and page.json()["codeUrl"] == order["codeUrl"],
            "the checkout shows the same code",
        )

    def pay(self, order: dict[str, Any]) -> None:
        """The phone scans and confirms."""
        self.title("The buyer's phone scans it and pays")
        answer = self.http.post(
            f"{self.sandbox.simulator}/_sandbox/pay", json={"codeUrl": order["codeUrl"]}, timeout=10
        )
        if answer.status_code != 200:
            raise StepFailedError(f"the phone pays (it was told: {answer.text})")
        self.say(f"   ✓ WeChat Pay took the money: transaction {answer.json()['transaction_id']}")

    def notified(self, order: dict[str, Any], event_type: str) -> None:
        """WeChat Pay's notification, as it went over the wire."""
        self.title(f"WeChat Pay notifies us ({event_type}), signed and encrypted")
        sent = self.wait_for("the notification is answered", lambda: self.delivered(event_type))
        headers = {name.lower(): value for name, value in sent["headers"].items()}
        self.say(f"   → POST {sent['url']}")
        for name in ("Wechatpay-Serial", "Wechatpay-Timestamp", "Wechatpay-Signature"):
            self.say(f"     {name}: {short(headers[name.lower()])}")
        self.say(f"     {short(sent['body'], 140)}")
        self.say(f"   ← {sent['status']}")
        self.expect(sent["status"] == 200, "our notify function accepts it")
        self.expect(order["outTradeNo"] not in sent["body"], "nothing about the order is readable on the way")

    def settled(self, order: dict[str, Any]) -> None:
        """Query and details agree with WeChat Pay's own books."""
        self.title("The status has changed; query, details and WeChat Pay's books agree")
        number = order["outTradeNo"]
        query = self.call("GET", f"/query/{number}")
        details = self.call("GET", f"/payment/{number}")
        books = self.http.get(f"{self.sandbox.simulator}/_sandbox/orders", timeout=10).json()["orders"]
        (book,) = [entry for entry in books if entry["out_trade_no"] == number]
        self.expect(details["status"] == "succeeded", "the payment has succeeded")
        self.expect(query["tradeState"] == book["trade_state"] == "SUCCESS", "the trade states agree")
        self.expect(query["amount"]["total"] == book["amount"]["total"] == 9999, "the amounts agree")
        self.expect(query["transactionId"] == book["transaction_id"], "the transaction numbers agree")
        self.expect(details["metadata"]["custom"] == "data", "the shop's own metadata is there")

    def refund(self, order: dict[str, Any]) -> None:
        """The back office gives a part of the money back."""
        self.title("The back office refunds 50.00 of it")
        body = {
            "outTradeNo": order["outTradeNo"],
            "refundAmount": 50,
            "refundReason": "User requested refund",
        }
        key = {"Idempotency-Key": f"demo-refund-{time.time_ns()}"}
        refund = self.call("POST", "/refund", body, key, scope="payments:refund")
        self.expect(refund["refundAmount"] == 50, "WeChat Pay has taken the refund")
        self.notified(order, "REFUND.SUCCESS")

    def refunded(self, order: dict[str, Any]) -> None:
        """What details say after the refund."""
        details = self.call("GET", f"/payment/{order['outTradeNo']}")
        self.expect(details["status"] == "partially_refunded", "the payment is partially refunded")
        self.expect(details["refundedAmount"] == "50.00", "50.00 has gone back")

    def told(self, order: dict[str, Any]) -> None:
        """The events that the rest of the product hears."""
        self.title("The rest of the product heard of all that from EventBridge")
        wanted = ["PaymentCreated", "PaymentSucceeded", "RefundRequested", "RefundSucceeded"]
        events = self.wait_for("the events are published", lambda: self.events(order, wanted))
        for event in events:
            self.say(f"   {event['detail-type']}  {as_json(event['detail'])}")
        self.expect([event["detail-type"] for event in events] == wanted, "each was told once")

    def within_wechat(self) -> None:
        """A second order, opened within WeChat and then given up."""
        self.title("Another buyer opens an order within WeChat (JSAPI) and then gives up")
        body = {
            "userId": "buyer-2",
            "contentId": "content-457",
            "amount": "88.88",
            "subject": "Another thing",
        }
        body["openid"] = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
        order = self.call("POST", "/jsapi", body, scope="payments:charge")
        package = order["paymentParams"]["package"]
        self.expect(
            package == f"prepay_id={order['prepayId']}", "the cashier can be opened with paymentParams"
        )
        closed = self.call("POST", "/close", {"outTradeNo": order["outTradeNo"]}, scope="payments:charge")
        self.expect(closed["closed"] is True, "the order is closed")
        answer = self.http.post(
            f"{self.sandbox.simulator}/_sandbox/pay", json={"prepayId": order["prepayId"]}, timeout=10
        )
        self.expect(answer.status_code == 409, "nobody can pay it any more")
