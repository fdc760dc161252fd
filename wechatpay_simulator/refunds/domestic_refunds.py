"""The endpoints under /v3/refund/domestic/refunds: refund a paid order, query a refund."""

import re

from wechatpay_simulator.protocol.call import Answer, Call, Endpoint, Fields
from wechatpay_simulator.protocol.fields import extra
from wechatpay_simulator.protocol.json_body import posted
from wechatpay_simulator.protocol.refusals import mapped_twice
from wechatpay_simulator.refunds import refund_request
from wechatpay_simulator.refunds.refund_ledger import RefundLedger
from wechatpay_simulator.refunds.refund_request import OUT_REFUND_NO
from wechatpay_simulator.refunds.refund_shapes import refund_object


class Refunds:
    """Answers out of one ledger. The merchant is the one in Authorization: no request here names it again."""

    def __init__(self, refund_ledger: RefundLedger) -> None:
        self._refund_ledger = refund_ledger

    def endpoints(self) -> list[Endpoint]:
        """What the gateway routes here."""
        base = "/v3/refund/domestic/refunds"
        return [
            Endpoint("refund", "POST", re.compile(base), self.refund, Fields(body=refund_request.REFUND)),
            Endpoint(
                "refundQuery",
                "GET",
                re.compile(f"{base}/(?P<out_refund_no>[^/]+)"),
                self.query,
                Fields(path={"out_refund_no": OUT_REFUND_NO}),
            ),
        ]

    def refund(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Refund: 200 is accepted, not refunded."""
        request = posted(call)
        refund_request.check(request)
        return Answer(refund_object(self._refund_ledger.accept(request)))

    def query(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Query refund by out_refund_no. There is no mchid in its query string, nor anything else."""
        out_refund_no = call.path_member("out_refund_no")
        for name, _ in call.query:
            if name == "out_refund_no":
                raise mapped_twice(OUT_REFUND_NO.title, name, "query")
            raise extra(name, "query")
        return Answer(refund_object(self._refund_ledger.by_out_refund_no(out_refund_no)))
