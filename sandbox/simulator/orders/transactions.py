"""The endpoints under /v3/pay/transactions: create an order, query it by either number, close it."""

import re
import secrets
import string
from typing import Any

from sandbox.simulator.credentials import Credentials
from sandbox.simulator.openplatform.apps import Apps
from sandbox.simulator.orders.h5_link import h5_link, new_link_query
from sandbox.simulator.orders.ledger import Ledger
from sandbox.simulator.orders.order_request import (
    APP,
    CLOSE,
    H5,
    JSAPI,
    MCHID,
    NATIVE,
    OUT_TRADE_NO,
    TRANSACTION_ID,
)
from sandbox.simulator.orders.prepay_id import new_prepay_id
from sandbox.simulator.orders.transaction import transaction
from sandbox.simulator.protocol.call import Answer, Call, Endpoint
from sandbox.simulator.protocol.fields import Structure, extra, missing
from sandbox.simulator.protocol.json_body import posted
from sandbox.simulator.protocol.refusals import (
    appid_not_bound,
    mapped_twice,
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
            Endpoint("native", "POST", re.compile(f"{base}/native"), self.native),
            Endpoint("jsapi", "POST", re.compile(f"{base}/jsapi"), self.jsapi),
            Endpoint("h5", "POST", re.compile(f"{base}/h5"), self.h5),
            Endpoint("app", "POST", re.compile(f"{base}/app"), self.app),
            Endpoint(
                "query",
                "GET",
                re.compile(f"{base}/out-trade-no/(?P<out_trade_no>[^/]+)"),
                self.query_by_out_trade_no,
            ),
            Endpoint(
                "query",
                "GET",
                re.compile(f"{base}/id/(?P<transaction_id>[^/]+)"),
                self.query_by_transaction_id,
            ),
            Endpoint(
                "close",
                "POST",
                re.compile(f"{base}/out-trade-no/(?P<out_trade_no>[^/]+)/close"),
                self.close,
            ),
        ]

    def native(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Native order: 200 with a code_url that lives two hours."""
        request = self._order_request(call, NATIVE)
        return Answer({"code_url": self._ledger.place("NATIVE", request, _new_code_url).credential})

    def jsapi(self, call: Call) -> Answer:
        """WeChat Pay APIv3, JSAPI order: 200 with a prepay_id that lives two hours."""
        request = self._order_request(call, JSAPI)
        return Answer({"prepay_id": self._ledger.place("JSAPI", request, new_prepay_id).credential})

    def h5(self, call: Call) -> Answer:
        """WeChat Pay APIv3, H5 order: 200 with an h5_url that lives five minutes."""
        request = self._order_request(call, H5)
        query = self._ledger.place("MWEB", request, new_link_query).credential
        return Answer({"h5_url": h5_link(call.origin, query)})

    def app(self, call: Call) -> Answer:
        """WeChat Pay APIv3, App order: 200 with a prepay_id that lives two hours."""
        request = self._order_request(call, APP)
        return Answer({"prepay_id": self._ledger.place("APP", request, new_prepay_id).credential})

    def query_by_out_trade_no(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Query order by out_trade_no."""
        out_trade_no = call.path_parameters["out_trade_no"]
        OUT_TRADE_NO.check(out_trade_no, "out_trade_no", "uri_template")
        self._require_own_mchid(call)
        return Answer(transaction(self._ledger.by_out_trade_no(out_trade_no)))

    def query_by_transaction_id(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Query order by transaction_id: only what is paid has one."""
        transaction_id = call.path_parameters["transaction_id"]
        TRANSACTION_ID.check(transaction_id, "transaction_id", "uri_template")
        self._require_own_mchid(call)
        return Answer(transaction(self._ledger.by_transaction_id(transaction_id)))

    def close(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Close order: 204 for an unpaid, a closed and an unknown one."""
        out_trade_no = call.path_parameters["out_trade_no"]
        OUT_TRADE_NO.check(out_trade_no, "out_trade_no", "uri_template")
        request = posted(call)
        if "out_trade_no" in request:
            raise mapped_twice(OUT_TRADE_NO.title, "out_trade_no", "body")
        CLOSE.check(request, "")
        if request["mchid"] != self._mchid:
            raise mchid_differs("body")
        self._ledger.close(out_trade_no)
        return Answer(None, status=204)

    def _order_request(self, call: Call, structure: Structure) -> dict[str, Any]:
        """The checked body of a create call. Raises the refusals of a body, an mchid or an appid that will not do."""
        request = posted(call)
        structure.check(request, "")
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
        mchid: str | None = None
        for name, value in call.query:
            if name != "mchid" or mchid is not None:
                raise extra(name, "query")
            mchid = value
        if mchid is None:
            raise missing(MCHID, "mchid", "query")
        MCHID.check(mchid, "mchid", "query")
        if mchid != self._mchid:
            raise mchid_differs("query")


def _new_code_url(_now: float) -> str:
    return "weixin://wxpay/bizpayurl?pr=" + "".join(secrets.choice(_CODE_ALPHABET) for _ in range(11))
