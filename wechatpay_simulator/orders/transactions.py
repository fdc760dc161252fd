"""The endpoints under /v3/pay/transactions: create an order, query it by either number, close it."""

import re
import secrets
import string
from typing import Any

from wechatpay_simulator.credentials import Credentials
from wechatpay_simulator.openplatform.apps import Apps
from wechatpay_simulator.orders.h5_link import h5_link, new_link_query
from wechatpay_simulator.orders.ledger import Ledger
from wechatpay_simulator.orders.order_request import (
    APP,
    CLOSE,
    H5,
    JSAPI,
    MCHID,
    NATIVE,
    OUT_TRADE_NO,
    TRANSACTION_ID,
)
from wechatpay_simulator.orders.prepay_id import new_prepay_id
from wechatpay_simulator.orders.transaction import transaction
from wechatpay_simulator.protocol.call import Answer, Call, Endpoint, Fields
from wechatpay_simulator.protocol.json_body import posted
from wechatpay_simulator.protocol.refusals import (
    appid_not_bound,
    mchid_differs,
    openid_differs,
)

_CODE_ALPHABET = string.ascii_letters + string.digits


class Transactions:
    """Answers for one merchant number, out of one ledger."""

    def __init__(self, credentials: Credentials, ledger: Ledger, apps: Apps) -> None:
        self._mchid = credentials.mchid
        self._apps = apps
        self._ledger = ledger

    def endpoints(self) -> list[Endpoint]:
        """What the gateway routes here."""
        base = "/v3/pay/transactions"
        return [
            Endpoint("native", "POST", re.compile(f"{base}/native"), self.native, Fields(body=NATIVE)),
            Endpoint("jsapi", "POST", re.compile(f"{base}/jsapi"), self.jsapi, Fields(body=JSAPI)),
            Endpoint("h5", "POST", re.compile(f"{base}/h5"), self.h5, Fields(body=H5)),
            Endpoint("app", "POST", re.compile(f"{base}/app"), self.app, Fields(body=APP)),
            Endpoint(
                "query",
                "GET",
                re.compile(f"{base}/out-trade-no/(?P<out_trade_no>[^/]+)"),
                self.query_by_out_trade_no,
                Fields(path={"out_trade_no": OUT_TRADE_NO}, query={"mchid": MCHID}),
            ),
            Endpoint(
                "query",
                "GET",
                re.compile(f"{base}/id/(?P<transaction_id>[^/]+)"),
                self.query_by_transaction_id,
                Fields(path={"transaction_id": TRANSACTION_ID}, query={"mchid": MCHID}),
            ),
            Endpoint(
                "close",
                "POST",
                re.compile(f"{base}/out-trade-no/(?P<out_trade_no>[^/]+)/close"),
                self.close,
                Fields(path={"out_trade_no": OUT_TRADE_NO}, body=CLOSE),
            ),
        ]

    def native(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Native order: 200 with a code_url that lives two hours."""
        request = self._order_request(call)
        return Answer({"code_url": self._ledger.place("NATIVE", request, _new_code_url).credential})

    def jsapi(self, call: Call) -> Answer:
        """WeChat Pay APIv3, JSAPI order: 200 with a prepay_id that lives two hours."""
        request = self._order_request(call)
        return Answer({"prepay_id": self._ledger.place("JSAPI", request, new_prepay_id).credential})

    def h5(self, call: Call) -> Answer:
        """WeChat Pay APIv3, H5 order: 200 with an h5_url that lives five minutes."""
        request = self._order_request(call)
        query = self._ledger.place("MWEB", request, new_link_query).credential
        return Answer({"h5_url": h5_link(call.origin, query)})

    def app(self, call: Call) -> Answer:
        """WeChat Pay APIv3, App order: 200 with a prepay_id that lives two hours."""
        request = self._order_request(call)
        return Answer({"prepay_id": self._ledger.place("APP", request, new_prepay_id).credential})

    def query_by_out_trade_no(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Query order by out_trade_no."""
        out_trade_no = call.path_member("out_trade_no")
        self._require_own_mchid(call)
        return Answer(transaction(self._ledger.by_out_trade_no(out_trade_no)))

    def query_by_transaction_id(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Query order by transaction_id: only what is paid has one."""
        transaction_id = call.path_member("transaction_id")
        self._require_own_mchid(call)
        return Answer(transaction(self._ledger.by_transaction_id(transaction_id)))

    def close(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Close order: 204 for an unpaid, a closed and an unknown one."""
        out_trade_no = call.path_member("out_trade_no")
        request = posted(call)
        if request["mchid"] != self._mchid:
            raise mchid_differs("body")
        self._ledger.close(out_trade_no)
        return Answer(None, status=204)

    def _order_request(self, call: Call) -> dict[str, Any]:
        """The checked body of a create call. Raises the refusals of a body, an mchid or an appid that will not do."""
        request = posted(call)
        if request["mchid"] != self._mchid:
            raise mchid_differs("body")
        if self._apps.find(request["appid"]) is None:
            raise appid_not_bound()
        openid = request.get("payer", {}).get("openid")
        if openid is not None and not self._apps.belongs(openid, request["appid"]):
            raise openid_differs()
        return request

    def _require_own_mchid(self, call: Call) -> None:
        """The query string must hold `mchid`, once, and nothing else; it must be the caller's own."""
        if call.query_members()["mchid"] != self._mchid:
            raise mchid_differs("query")


def _new_code_url(_now: float) -> str:
    return "weixin://wxpay/bizpayurl?pr=" + "".join(secrets.choice(_CODE_ALPHABET) for _ in range(11))
