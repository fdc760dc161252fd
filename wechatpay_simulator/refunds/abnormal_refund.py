"""POST …/refunds/{refund_id}/apply-abnormal-refund: an ABNORMAL refund is sent to a bank card, or back to the merchant."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from wechatpay_simulator.protocol.call import Answer, Call, Endpoint, Fields
from wechatpay_simulator.protocol.fields import Structure, Text, missing
from wechatpay_simulator.protocol.json_body import posted
from wechatpay_simulator.protocol.keys import Keys
from wechatpay_simulator.protocol.refusals import parameter_error
from wechatpay_simulator.protocol.sensitive import named_key, opened
from wechatpay_simulator.refunds.refund import RefundStatus
from wechatpay_simulator.refunds.refund_ledger import RefundLedger
from wechatpay_simulator.refunds.refund_request import OUT_REFUND_NO
from wechatpay_simulator.refunds.refund_shapes import refund_object

TO_USER, TO_MERCHANT = "USER_BANK_CARD", "MERCHANT_BANK_CARD"

# The debit cards of these banks, and nothing else (WeChat Pay APIv3, Abnormal refund: bank_type).
_BANKS = {
    "CMB_DEBIT": "招商银行",
    "COMM_DEBIT": "交通银行",
    "ABC_DEBIT": "农业银行",
    "CCB_DEBIT": "建设银行",
    "ICBC_DEBIT": "工商银行",
    "BOC_DEBIT": "中国银行",
    "PAB_DEBIT": "平安银行",
    "SPDB_DEBIT": "浦发银行",
    "CITIC_DEBIT": "中信银行",
    "CEB_DEBIT": "光大银行",
    "CMBC_DEBIT": "民生银行",
    "CIB_DEBIT": "兴业银行",
    "GDB_DEBIT": "广发银行",
    "PSBC_DEBIT": "邮储银行",
    "NBCB_DEBIT": "宁波银行",
}

_REFUND_ID = Text("微信支付退款单号", 32)
_BANK_TYPE = Text("开户银行", 16, required=False)
_SECRETS = {
    "bank_account": Text("收款银行卡号", 1024, required=False),
    "real_name": Text("收款用户姓名", 1024, required=False),
}
_REQUEST = Structure(
    "请求",
    {
        "out_refund_no": OUT_REFUND_NO,
        "type": Text("异常退款处理方式", 32, pattern=f"^({TO_USER}|{TO_MERCHANT})$"),
        "bank_type": _BANK_TYPE,
        **_SECRETS,
    },
)


class AbnormalRefunds:
    """Answers out of one ledger. `outcome` says how the next refund that is sent on will end by itself."""

    def __init__(
        self, refund_ledger: RefundLedger, *, keys: Keys, outcome: Callable[[], RefundStatus]
    ) -> None:
        self._refund_ledger = refund_ledger
        self._keys = keys
        self._outcome = outcome

    def endpoints(self) -> list[Endpoint]:
        """What the gateway routes here."""
        fields = Fields(path={"refund_id": _REFUND_ID}, body=_REQUEST)
        path = "/v3/refund/domestic/refunds/(?P<refund_id>[^/]+)/apply-abnormal-refund"
        return [Endpoint("abnormalRefund", "POST", re.compile(path), self.apply, fields)]

    def apply(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Abnormal refund: 200 with the refund, PROCESSING again.

        Raises the refusals of a body that will not do, of a refund that is unknown or another one than out_refund_no says,
        and of one that is not ABNORMAL.
        """
        refund_id = call.path_member("refund_id")
        request = posted(call)
        secrets = self._opened(call, request)
        received_by = "商户结算银行账户"
        if request["type"] == TO_USER:
            received_by = _card(request, secrets)
        refund = self._refund_ledger.send_on(
            refund_id,
            out_refund_no=request["out_refund_no"],
            received_by=received_by,
            outcome=self._outcome,
        )
        return Answer(refund_object(refund))

    def _opened(self, call: Call, request: Mapping[str, Any]) -> dict[str, str]:
        """The sensitive members that are there, in clear. Only they need a Wechatpay-Serial."""
        there = {name: rule for name, rule in _SECRETS.items() if name in request}
        if not there:
            return {}
        key = named_key(call, self._keys)
        return {
            name: opened(request[name], rule, f"/{name}", key).decode("utf-8", "replace")
            for name, rule in there.items()
        }


def _card(request: Mapping[str, Any], secrets: Mapping[str, str]) -> str:
    """What the answer calls the buyer's card. Raises PARAM_ERROR refusals of a card that is not described, or of no such bank."""
    for name, rule in {"bank_type": _BANK_TYPE, **_SECRETS}.items():
        if name not in request:
            raise missing(rule, f"/{name}", "body")
    if request["bank_type"] not in _BANKS:
        raise parameter_error(
            "仅支持指定银行的借记卡",
            pointer="/bank_type",
            issue="not a debit card of one of the banks",
            value=request["bank_type"],
        )
    for name, secret in secrets.items():
        if not secret.strip() or (name == "bank_account" and not re.fullmatch(r"[0-9]{8,30}", secret)):
            raise parameter_error(
                f"{_SECRETS[name].title}不正确",
                pointer=f"/{name}",
                issue="not what it should be once decrypted",
            )
    return f"{_BANKS[request['bank_type']]}借记卡{secrets['bank_account'][-4:]}"
