"""WeChat Pay by a script, in place of the product's client: what each kind of call is answered next."""

import json
from collections.abc import Callable
from typing import Any

from wechatpay.answers import Answer
from wechatpay.errors import RefusedError, UnknownOutcomeError

SILENCE = UnknownOutcomeError("ReadTimeout")
UNCLEAR = UnknownOutcomeError("HTTP 500", code="SYSTEM_ERROR", http_status=500)


Send = Exception | Callable[[dict[str, Any]], dict[str, object]] | None


class Script:
    """`sends` are the next answers to what is sent: success (None), a refusal, or what is made of the refund's request.

    `query` and `refund_query` answer all questions; `refunds` are the refund requests as they came, `asked` the refund
    numbers that were asked about.
    """

    def __init__(self) -> None:
        self.sends: list[Send] = []
        self.query: Callable[[str], dict[str, object]] | Exception = SILENCE
        self.refund_query: Callable[[dict[str, Any]], dict[str, object]] | Exception = SILENCE
        self.refunds: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.elsewhere: dict[str, Any] = {}  # refunds of others by their numbers, as they are answered
        self.keys: object = None  # of the line that this stands for, where what is sent is encrypted
        self.sent_on: list[dict[str, Any]] = []  # bodies of abnormal-refund calls, as they came

    def _next(self) -> Send:
        answer = self.sends.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def order_native(self, _request: bytes) -> str:
        self._next()
        return "weixin://wxpay/bizpayurl?pr=1"

    def close(self, _out_trade_no: str) -> None:
        self._next()

    def refund(self, request: bytes) -> dict[str, object]:
        self.refunds.append(json.loads(request))
        answered: Any = self._next() or refund_object
        return answered(self.refunds[-1])

    def request(self, operation: str, method: str, path: str, body: bytes, serial: str) -> Answer:
        """The abnormal-refund call alone."""
        assert (operation, method) == ("abnormal_refund", "POST")
        self.sent_on.append(json.loads(body) | {"path": path, "serial": serial})
        answered: Any = self._next() or refund_object
        refund = next(r for r in self.refunds if r["out_refund_no"] == self.sent_on[-1]["out_refund_no"])
        return Answer(200, answered(refund), None)

    def query_by_out_trade_no(self, out_trade_no: str) -> dict[str, object]:
        if isinstance(self.query, Exception):
            raise self.query
        return self.query(out_trade_no)

    def query_refund(self, out_refund_no: str) -> dict[str, object]:
        self.asked.append(out_refund_no)
        if out_refund_no in self.elsewhere:
            known = self.elsewhere[out_refund_no]
            if isinstance(known, Exception):
                raise known
            return dict(known)
        if isinstance(self.refund_query, Exception):
            raise self.refund_query
        return self.refund_query(next(r for r in self.refunds if r["out_refund_no"] == out_refund_no))


def order_object(state: str, **changed: object) -> Callable[[str], dict[str, object]]:
    def members(out_trade_no: str) -> dict[str, object]:
        found: dict[str, object] = {
            "out_trade_no": out_trade_no,
            "mchid": "1900000109",
            "appid": "wx8888888888888888",
            "trade_state": state,
        }
        if state in ("SUCCESS", "REFUND"):
            found |= {
                "transaction_id": f"42{out_trade_no[2:]}",
                "amount": {"total": 1000, "currency": "CNY"},
                "payer": {"openid": "o-buyer"},
            }
        return found | changed

    return members


def refund_object(request: dict[str, Any], **changed: object) -> dict[str, object]:
    """WeChat Pay's answer to a refund request that it takes."""
    members: dict[str, object] = {
        "out_trade_no": f"WX{request['transaction_id'][2:]}",
        "out_refund_no": request["out_refund_no"],
        "refund_id": f"50{request['out_refund_no']}",
        "transaction_id": request["transaction_id"],
        "create_time": "2027-01-15T15:59:59+08:00",
        "status": "PROCESSING",
        "amount": {"refund": request["amount"]["refund"], "total": request["amount"]["total"]},
    }
    return members | changed


def missing(code: str) -> RefusedError:
    return RefusedError(code=code, message="", http_status=404, request_id=None)
