"""The endpoints of the bills: ask for a day's, and fetch it by the link that comes back."""

import gzip
import hashlib
import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from wechatpay_simulator.bills import trade_bill
from wechatpay_simulator.bills.bill_days import BILL_DATE, day_of
from wechatpay_simulator.bills.statements import Statements
from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.protocol.call import Answer, Call, Download, Endpoint, Fields
from wechatpay_simulator.protocol.fields import Text
from wechatpay_simulator.protocol.refusals import no_statement, no_such_file

LINK_LIFE_SECONDS = 300
DOWNLOAD_PATH = "/v3/billdownload/file"

_BILL_TYPE = Text("账单类型", 32, pattern=rf"^({'|'.join(trade_bill.COLUMNS)})$", required=False)
_ACCOUNT_TYPE = Text("资金账户类型", 32, pattern=r"^(BASIC|OPERATION|FEES)$", required=False)
_TAR_TYPE = Text("压缩类型", 32, pattern=r"^(GZIP)$", required=False)
_TOKEN = Text("下载凭证", 512)
_TARTYPE = Text("压缩类型", 32, required=False)

_TRADE_BILL = Fields(query={"bill_date": BILL_DATE, "bill_type": _BILL_TYPE, "tar_type": _TAR_TYPE})
_FUND_FLOW_BILL = Fields(query={"bill_date": BILL_DATE, "account_type": _ACCOUNT_TYPE, "tar_type": _TAR_TYPE})
_DOWNLOAD = Fields(query={"token": _TOKEN, "tartype": _TARTYPE})


@dataclass(frozen=True)
class _File:
    content: bytes
    content_type: str
    until: float


class Bills:
    """Answers out of `statements`. A link is good for five minutes, and for the one file that it was made for."""

    def __init__(self, statements: Statements, clock: Timepiece) -> None:
        self._statements = statements
        self._clock = clock
        self._lock = threading.Lock()
        self._files: dict[str, _File] = {}

    def endpoints(self) -> list[Endpoint]:
        """What the gateway routes here."""
        return [
            Endpoint("tradeBill", "GET", re.compile("/v3/bill/tradebill"), self.trade_bill, _TRADE_BILL),
            Endpoint(
                "fundFlowBill",
                "GET",
                re.compile("/v3/bill/fundflowbill"),
                self.fund_flow_bill,
                _FUND_FLOW_BILL,
            ),
            Endpoint("billDownload", "GET", re.compile(DOWNLOAD_PATH), self.download, _DOWNLOAD),
        ]

    def trade_bill(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Trade bill: a link to the bill, and the hash of it uncompressed."""
        query = call.query_members()
        day = day_of(query["bill_date"], self._clock.time())
        return self._linked(call, query, self._statements.trade_bill(day, query.get("bill_type", "ALL")))

    def fund_flow_bill(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Fund-flow bill: likewise. Only the basic account has movements here."""
        query = call.query_members()
        day = day_of(query["bill_date"], self._clock.time())
        if query.get("account_type", "BASIC") != "BASIC":
            raise no_statement()
        return self._linked(call, query, self._statements.fund_flow_bill(day))

    def download(self, call: Call) -> Download:
        """WeChat Pay APIv3, Download bill: the file itself, which nobody has signed."""
        token = call.query_members()["token"]
        with self._lock:
            file = self._files.get(token)
        if file is None or self._clock.time() >= file.until:
            raise no_such_file()
        return Download(file.content, content_type=file.content_type)

    def _linked(self, call: Call, query: Mapping[str, str], bill: bytes) -> Answer:
        now = self._clock.time()
        zipped = "tar_type" in query
        content = gzip.compress(bill, mtime=0) if zipped else bill
        token = secrets.token_urlsafe(32)
        file = _File(content, "application/x-gzip" if zipped else "text/plain", now + LINK_LIFE_SECONDS)
        with self._lock:
            self._files = {each: kept for each, kept in self._files.items() if now < kept.until}
            self._files[token] = file
        link = {"token": token, **({"tartype": "gzip"} if zipped else {})}
        return Answer(
            {
                "hash_type": "SHA1",
                "hash_value": hashlib.sha1(bill, usedforsecurity=False).hexdigest(),
                "download_url": f"{call.origin}{DOWNLOAD_PATH}?{urlencode(link)}",
            }
        )
