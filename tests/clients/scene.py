"""What each operation of docs/openapi.yaml is called with: its own example, about orders and refunds that are there."""

import copy
import hashlib
import secrets
from typing import Any

from payments.core.books.bill_day import days_before
from tests.kit.books import SCOPE, Books
from tests.kit.document import DOCUMENT
from tests.kit.parameters import ROOT
from tests.kit.shop import Shop

_SCOPES = ("payments:charge", "payments:refund", "payments:read", "payments:reconcile")
BY_WECHAT_PAY = "wechat"  # the tag of what no shop calls


class Scene:
    """A shop with an open order, one that is paid, and a refund that the bank did not take."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        opened = shop.native().json()["data"]
        file = ROOT / "functions/checkout/page/checkout.css"
        self.parameters = {
            "outTradeNo": opened["outTradeNo"],
            "token": opened["checkoutUrl"].rpartition("/")[2],
            "file": "MP_verify_0123456789abcdef.txt",
            "date": self._compared_day(),
            "exportId": self._export(),
            "name": f"checkout.{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}.css",
        }

    def calls(self, *, by_wechat_pay: bool = False) -> list[dict[str, Any]]:
        """A call of each operation that a shop makes, or also of those that WeChat Pay makes."""
        return [
            self._call(operation)
            for operation in DOCUMENT.operations.values()
            if "200" in operation["responses"] and (by_wechat_pay or BY_WECHAT_PAY not in operation["tags"])
        ]

    def _call(self, operation: dict[str, Any]) -> dict[str, Any]:
        name = operation["operationId"]
        given = self._example(operation) | getattr(self, f"_for_{name}", dict)()
        scopes = {scope for one in operation["security"] for scope in one["accessToken"]}
        scope = next((each for each in _SCOPES if each in scopes), "")
        token = self.shop.sandbox.tokens.token("shop", scope)
        return {"name": name, "input": given, "token": token} if scopes else {"name": name, "input": given}

    def _example(self, operation: dict[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if "requestBody" in operation:
            examples = operation["requestBody"]["content"]["application/json"]["examples"]
            given = copy.deepcopy(next(iter(examples.values()))["value"])
            if "contentId" in given:
                given["contentId"] = secrets.token_hex(4)
        for one in map(DOCUMENT.resolved, operation.get("parameters", [])):
            if one["in"] == "path":
                given[one["name"]] = self.parameters[one["name"]]
            elif one["in"] == "header" and one.get("required"):
                given[one["name"]] = "1"
        return given

    def _compared_day(self) -> str:
        yesterday = days_before(Books(self.shop).today, 1)
        assert self.shop.call("POST", f"/bills/{yesterday}", scope=SCOPE).status_code in (202, 409)
        return yesterday

    def _export(self) -> str:
        day = Books(self.shop).today
        wanted = {"from": day, "to": day, "kind": "orders"}
        begun = self.shop.call("POST", "/exports", wanted, scope="payments:read")
        number: str = begun.json()["data"]["exportId"]
        return number

    def _for_listOrders(self) -> dict[str, Any]:  # noqa: N802
        return {"day": Books(self.shop).today}

    def _for_exchangeCode(self) -> dict[str, Any]:  # noqa: N802
        return {"code": self.shop.control("login", {"person": "alice"}).json()["code"], "app": "mini"}

    def _for_openCheckout(self) -> dict[str, Any]:  # noqa: N802
        thing = {"contentId": secrets.token_hex(4), "amount": "77.77", "subject": "A thing"}
        kept = self.shop.call("POST", "/checkout", thing).json()["data"]
        return {"token": kept["checkoutUrl"].rpartition("/")[2]}

    def _for_closePayment(self) -> dict[str, Any]:  # noqa: N802
        return {"outTradeNo": self.shop.native().json()["data"]["outTradeNo"]}

    def _for_refundPayment(self) -> dict[str, Any]:  # noqa: N802
        return {"outTradeNo": self.shop.paid_order("99.99")}

    def _for_sendAbnormalRefundOn(self) -> dict[str, Any]:  # noqa: N802
        number = self.shop.paid_order("99.99")
        self.shop.faults({"on": "refund", "effect": "result", "result": "ABNORMAL", "times": 1})
        refund = self.shop.refund(number, 50, key="stuck").json()["data"]["outRefundNo"]

        def stuck() -> bool:
            return bool(self.shop.details(number)["refunds"][0]["status"] == "ABNORMAL")

        self.shop.sandbox.wait_until(stuck)
        return {"outTradeNo": number, "outRefundNo": refund}
