"""How WeChat Pay says no: HTTP status, code, Chinese message, detail, and the number behind the Request-ID."""

from collections.abc import Mapping

# The digits behind the last hyphen of a Request-ID (WeChat Pay APIv3, FAQ on error numbers); 0 is success.
PARAMETER = 268435461
OUT_OF_RANGE = 268435464
SIGNATURE = 268443699
APPID_AND_MCHID = 268445527
ORDER_NO_LONGER_VALID = 268447914
ALREADY_PAID = 268449538
TOO_OFTEN = 268447840
REPOSTED_DIFFERENTLY = 268498688
ORDER_MISSING = 268512771
EXTRA_PARAMETER = 270924358

UNKNOWN_PATH = "this simulator does not know the path: GET /_sandbox/coverage lists those that it knows"


class Refusal(Exception):  # noqa: N818 - an answer of the protocol, not an error of the simulator
    """An answer other than success. `number` is WeChat Pay's internal error number."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        number: int = PARAMETER,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.number = number
        self.body: dict[str, object] = {"code": code, "message": message}
        if detail is not None:
            self.body["detail"] = dict(detail)


def no_such_path(path: str) -> Refusal:
    """404: nothing is served there; a path of WeChat Pay's may be one that only the simulator does not know."""
    detail = {"issue": UNKNOWN_PATH, "location": "uri"} if path.startswith("/v3/") else None
    return Refusal(404, "NOT_FOUND", "请求的接口不存在，请检查请求路径", detail=detail)


def no_such_method() -> Refusal:
    """405: what is served there has other methods."""
    return Refusal(405, "METHOD_NOT_ALLOWED", "请求方法错误，请检查请求方法")


def sign_error(message: str, detail: Mapping[str, object] | None = None) -> Refusal:
    """401: the signature, or what it needs, is wrong (WeChat Pay APIv3, 401 Unauthorized)."""
    return Refusal(401, "SIGN_ERROR", message, number=SIGNATURE, detail=detail)


def parameter_error(
    message: str,
    *,
    pointer: str,
    issue: str,
    value: object = "",
    location: str = "body",
    number: int = PARAMETER,
) -> Refusal:
    """400 PARAM_ERROR: a member is not what its rule says. `pointer` is a JSON Pointer into the body, or the name of a query or path parameter."""
    detail = {"field": pointer, "value": value, "issue": issue, "location": location}
    return Refusal(400, "PARAM_ERROR", message, number=number, detail=detail)


def invalid_request(message: str, *, number: int = PARAMETER) -> Refusal:
    """400 INVALID_REQUEST: against a rule of the protocol or of the order's life."""
    return Refusal(400, "INVALID_REQUEST", message, number=number)


def serial_missing() -> Refusal:
    """400: nothing names the key that sensitive members are encrypted for (WeChat Pay APIv3, Encrypting sensitive members)."""
    return parameter_error(
        "HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)",
        pointer="Wechatpay-Serial",
        issue="required",
        location="header",
    )


def serial_unknown() -> Refusal:
    """400: Wechatpay-Serial is of no key that WeChat Pay uses with this merchant."""
    return parameter_error(
        "平台证书序列号Wechatpay-Serial错误",
        pointer="Wechatpay-Serial",
        issue="not a key of this merchant's",
        location="header",
    )


def mapped_twice(title: str, name: str, location: str) -> Refusal:
    """400: a parameter of the path stands in the body or the query string, too."""
    return parameter_error(
        f"无法将输入源“/{location}/{name}”映射到目标字段“{title}”中，此字段已由输入源“/uri_template/{name}”映射",
        pointer=f"/{name}" if location == "body" else name,
        issue=f"already mapped from /uri_template/{name}",
        location=location,
    )


def appid_not_bound() -> Refusal:
    """400: the appid is not bound to the merchant number."""
    return Refusal(400, "APPID_MCHID_NOT_MATCH", "商户号与appid不匹配", number=APPID_AND_MCHID)


def openid_differs() -> Refusal:
    """400: the openid is known, but to another app than the order's."""
    return parameter_error("appid和openid不匹配", pointer="/payer/openid", issue="openid is of another appid")


def mchid_differs(where: str) -> Refusal:
    """400: the caller named in Authorization is not the merchant that the request speaks of."""
    source = "post_payload" if where == "body" else "query_param"
    return parameter_error(
        f"Http头Authorization中的mchid与{source}中的mchid不匹配",
        pointer="/mchid" if where == "body" else "mchid",
        issue="mchid differs from the one in Authorization",
        location=where,
    )


def reposted_differently() -> Refusal:
    """400: this out_trade_no was first posted with other parameters."""
    return invalid_request("201 商户订单号重复", number=REPOSTED_DIFFERENTLY)


def reentry_differs() -> Refusal:
    """400: the same, as other merchants have been told it; by the setting repostedDifferently."""
    return Refusal(400, "PARAM_ERROR", "订单重入参数校验失败", number=REPOSTED_DIFFERENTLY)


def out_trade_no_used() -> Refusal:
    """403: the same, as the documents list it (WeChat Pay APIv3, Native order: error codes); by the setting repostedDifferently."""
    return Refusal(403, "OUT_TRADE_NO_USED", "商户订单号重复", number=REPOSTED_DIFFERENTLY)


def order_paid() -> Refusal:
    """400: the order is paid already."""
    return Refusal(400, "ORDERPAID", "该订单已支付", number=ALREADY_PAID)


def paid_order_not_closed() -> Refusal:
    """400: a paid order is not closed but refunded. Here the code has its underscore (WeChat Pay APIv3, Close order)."""
    return Refusal(400, "ORDER_PAID", "该订单已支付", number=ALREADY_PAID)


def closed_too_early() -> Refusal:
    """403: the order is too young to be closed (WeChat Pay APIv3, Close order: error codes; the rule is in older editions)."""
    return Refusal(403, "RULE_LIMIT", "订单生成后不能马上关闭，请稍后再试")


def order_closed() -> Refusal:
    """400: the order is closed; it wants a new out_trade_no."""
    return Refusal(400, "ORDER_CLOSED", "订单已关闭", number=ORDER_NO_LONGER_VALID)


def order_expired() -> Refusal:
    """400: the last moment to pay has passed; close it, then take a new out_trade_no."""
    return invalid_request("订单已失效，请关闭订单后使用新的商户订单号重新下单", number=ORDER_NO_LONGER_VALID)


def order_missing() -> Refusal:
    """404: no such order of this merchant (for a transaction_id: not paid, either)."""
    return Refusal(404, "ORDER_NOT_EXIST", "订单不存在", number=ORDER_MISSING)


def refund_missing() -> Refusal:
    """404: no such refund of this merchant."""
    return Refusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在", number=ORDER_MISSING)


def nothing_to_refund() -> Refusal:
    """404: the order is unknown or nobody has paid it (WeChat Pay APIv3, Refund: error codes)."""
    return Refusal(404, "RESOURCE_NOT_EXISTS", "订单不存在", number=ORDER_MISSING)


def refund_amounts_differ() -> Refusal:
    """400: amount.total is not the order's, or an amount not that of the first request of this out_refund_no."""
    return invalid_request("订单金额或退款金额与之前请求不一致，请核实后再试", number=REPOSTED_DIFFERENTLY)


def refund_differs() -> Refusal:
    """400: this out_refund_no was first posted for another order or with other parameters."""
    return invalid_request("请求内容和上次请求不一致，请核实后再试。", number=REPOSTED_DIFFERENTLY)


def refund_impossible(message: str) -> Refusal:
    """400: the order is too old, or has no money or no refunds left."""
    return invalid_request(message)


def refund_numbers_differ() -> Refusal:
    """400: refund_id and out_refund_no are of two refunds."""
    return invalid_request("微信支付退款单号与商户退款单号不匹配，请核实后再试")


def refund_not_abnormal() -> Refusal:
    """400: only a refund that is ABNORMAL can be sent to another account."""
    return invalid_request("退款单状态不是退款异常，不支持发起异常退款")


def refund_too_soon() -> Refusal:
    """429: the refund before it of the same order is not a minute old."""
    return Refusal(
        429, "FREQUENCY_LIMITED", "同一订单的两次部分退款须间隔1分钟，请稍后再试", number=TOO_OFTEN
    )


def too_often() -> Refusal:
    """429: more calls within a second than WeChat Pay takes of one merchant; it was not done."""
    return Refusal(429, "FREQUENCY_LIMITED", "频率过高，请降低频率后重试", number=TOO_OFTEN)


def statement_creating() -> Refusal:
    """400: the bill is still being made; to be asked for again in half an hour (WeChat Pay APIv3, Trade bill: errors)."""
    return Refusal(400, "STATEMENT_CREATING", "账单生成中")


def no_statement() -> Refusal:
    """400: nothing happened on that day (WeChat Pay APIv3, Trade bill: errors)."""
    return Refusal(400, "NO_STATEMENT_EXIST", "请求的账单文件不存在")


def no_certificate() -> Refusal:
    """404: there is no platform certificate to be downloaded, for the WeChat Pay public key signs."""
    return Refusal(
        404,
        "RESOURCE_NOT_EXISTS",
        "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。可查看指引"
        "https://pay.weixin.qq.com/doc/v3/merchant/4012153196",
    )


def no_such_file() -> Refusal:
    """404: no bill is behind this link any more; a link lives five minutes."""
    return Refusal(404, "RESOURCE_NOT_EXISTS", "下载链接不存在或已过期")
