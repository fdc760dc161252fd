"""Types of bodies, answers and events. Generated from docs/openapi.yaml by `make generated`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

Amount: TypeAlias = float | str


OrderNumber: TypeAlias = str


ContentId: TypeAlias = str


UserId: TypeAlias = str | None


Subject: TypeAlias = str


Body: TypeAlias = str | None


Metadata: TypeAlias = dict[str, Any] | None


Quote: TypeAlias = str | None


ReturnUrl: TypeAlias = str | None


AppName: TypeAlias = str | None


Attach: TypeAlias = str | None


GoodsTag: TypeAlias = str | None


class GoodsItem(TypedDict):
    merchantGoodsId: str
    wechatpayGoodsId: NotRequired[str | None]
    goodsName: NotRequired[str | None]
    quantity: int
    unitPrice: Amount


class StoreInfo(TypedDict):
    """
    Your shop in which the order is made. WeChat Pay is told the caller's address beside it, that of the first request of a key.

    """

    id: str
    name: NotRequired[str | None]
    areaCode: NotRequired[str | None]
    address: NotRequired[str | None]


Fapiao: TypeAlias = bool | None


ProfitSharing: TypeAlias = bool | None


class OpenCheckout(TypedDict):
    kind: NotRequired[Literal['h5', 'jsapi', 'native'] | None]
    takeOver: NotRequired[bool | None]


class WantedOpenid(TypedDict):
    code: str
    app: NotRequired[str | None]


RefundNumber: TypeAlias = str


class NewRefund(TypedDict):
    outTradeNo: OrderNumber
    refundAmount: Amount
    refundReason: NotRequired[str | None]
    confirmRefundedElsewhere: NotRequired[bool | None]


class AbnormalRefundToCard(TypedDict):
    type: Literal['USER_BANK_CARD']
    outTradeNo: OrderNumber
    outRefundNo: RefundNumber
    bankType: str
    bankAccount: str
    realName: str


class AbnormalRefundToMerchant(TypedDict):
    type: Literal['MERCHANT_BANK_CARD']
    outTradeNo: OrderNumber
    outRefundNo: RefundNumber


NewExport = TypedDict(
    'NewExport',
    {
        'from': str,
        'to': str,
        'kind': Literal['movements', 'orders'],
    },
)


class Close(TypedDict):
    outTradeNo: OrderNumber


class NotificationResource(TypedDict):
    original_type: NotRequired[str]
    algorithm: Literal['AEAD_AES_256_GCM']
    ciphertext: str
    associated_data: NotRequired[str]
    nonce: str


class Notification(TypedDict):
    """
    WeChat Pay's envelope, the same for every kind (APIv3, "Payment notification", "Refund result notification" and others).
    Which kind it is, both types say together; some kinds come without `original_type`.

    """

    id: str
    create_time: NotRequired[str]
    resource_type: Literal['encrypt-resource']
    event_type: str
    summary: NotRequired[str]
    resource: NotificationResource


OurOrderNumber: TypeAlias = str


Yuan: TypeAlias = float


YuanText: TypeAlias = str


Moment: TypeAlias = str


Currency: TypeAlias = Literal['CNY']


TradeState: TypeAlias = Literal['NOTPAY', 'SUCCESS', 'REFUND', 'CLOSED', 'PAYERROR']


RefundStatus: TypeAlias = Literal['PROCESSING', 'SUCCESS', 'CLOSED', 'ABNORMAL']


Status: TypeAlias = Literal['pending', 'succeeded', 'partially_refunded', 'refunded', 'closed', 'failed']


class ExchangedData(TypedDict):
    openid: str


class Exchanged(TypedDict):
    success: Literal[True]
    data: ExchangedData


class AppParams(TypedDict):
    """
    For `PayReq` of WeChat's OpenSDK, in its spelling; on iOS `packageValue` is `package`.
    """

    appId: str
    partnerId: str
    prepayId: str
    packageValue: Literal['Sign=WXPay']
    nonceStr: str
    timeStamp: str
    sign: str


CheckoutUrl: TypeAlias = str


class PaymentParams(TypedDict):
    """
    For `WeixinJSBridge` and `wx.requestPayment`, in WeChat's spelling.
    """

    appId: str
    timeStamp: str
    nonceStr: str
    package: str
    signType: Literal['RSA']
    paySign: str


class CheckoutViewLive(TypedDict):
    """
    Opens a live connection, `new WebSocket(url, ["live", ticket])`, within a minute and once; it hears `version` and `status` of each change, as text of a JSON object, in the words of this view.
    """

    url: str
    ticket: str


class CheckoutView(TypedDict):
    """
    What anybody with the address may know.
    """

    outTradeNo: OurOrderNumber
    version: int
    status: Literal['waiting', 'paid', 'partially_refunded', 'refunded', 'closing', 'closed', 'expired', 'failed']
    amount: YuanText
    currency: Currency
    subject: str
    method: Literal['native', 'jsapi', 'h5']
    expiresAt: Moment
    now: Moment
    merchantName: NotRequired[str]
    returnUrl: NotRequired[str]
    refundedAmount: NotRequired[YuanText]
    codeExpiresAt: NotRequired[Moment]
    codeUrl: NotRequired[str]
    h5Url: NotRequired[str]
    qrCode: NotRequired[str]
    paymentParams: NotRequired[PaymentParams]
    live: NotRequired[CheckoutViewLive]


AskedId: TypeAlias = str


Day: TypeAlias = str


Method: TypeAlias = Literal['native', 'jsapi', 'app', 'h5']


ExportKind: TypeAlias = Literal['orders', 'movements']


CheckoutId: TypeAlias = str


class CheckoutKeptData(TypedDict):
    checkoutId: CheckoutId
    checkoutUrl: CheckoutUrl
    expiresAt: Moment


class CheckoutKept(TypedDict):
    success: Literal[True]
    data: CheckoutKeptData


class DeviceViewLive(TypedDict):
    """
    As of an order's view; it hears of all orders of the checkout.
    """

    url: str
    ticket: str


class DeviceView(TypedDict):
    """
    What anybody with a checkout's address may know, for the device that asks (docs/checkout.md).
    """

    checkoutId: CheckoutId
    version: int
    status: Literal['ready', 'identify', 'waiting', 'elsewhere', 'closing', 'paid', 'partially_refunded', 'refunded', 'closed', 'expired']
    kind: Literal['native', 'jsapi', 'h5']
    amount: YuanText
    currency: Currency
    subject: str
    expiresAt: Moment
    now: Moment
    merchantName: NotRequired[str]
    returnUrl: NotRequired[str]
    refundedAmount: NotRequired[YuanText]
    heldBy: NotRequired[Literal['native', 'jsapi', 'h5']]
    takeOver: NotRequired[bool]
    refused: NotRequired[Literal['native', 'jsapi', 'h5']]
    retryAfter: NotRequired[int]
    identifyUrl: NotRequired[str]
    codeExpiresAt: NotRequired[Moment]
    codeUrl: NotRequired[str]
    qrCode: NotRequired[str]
    h5Url: NotRequired[str]
    paymentParams: NotRequired[PaymentParams]
    live: NotRequired[DeviceViewLive]


class QueriedDataPayer(TypedDict):
    openid: str


class Promotion(TypedDict):
    couponId: str
    name: NotRequired[str]
    scope: NotRequired[str]
    type: NotRequired[str]
    amount: YuanText
    stockId: NotRequired[str]
    wechatpayContribute: NotRequired[YuanText]
    merchantContribute: NotRequired[YuanText]
    otherContribute: NotRequired[YuanText]
    currency: NotRequired[str]


BillDate: TypeAlias = str


BillStatus: TypeAlias = Literal['pending', 'running', 'empty', 'balanced', 'differs', 'failed']


SignedYuan: TypeAlias = str


class BillDayMembersOurs(TypedDict):
    """
    The same, as our payments have it
    """

    orders: int
    amount: YuanText
    refunds: int
    refundAmount: YuanText


class BillDayMembersOtherMovement(TypedDict):
    kind: str
    rows: int
    net: SignedYuan


class BillDayDataOurs(TypedDict):
    """
    The same, as our payments have it
    """

    orders: int
    amount: YuanText
    refunds: int
    refundAmount: YuanText


class BillDayDataOtherMovement(TypedDict):
    kind: str
    rows: int
    net: SignedYuan


class BillDayDataLinks(TypedDict):
    """
    The bills that were fetched, as .csv.gz
    """

    trade: NotRequired[str]
    fund: NotRequired[str]


DifferenceKind: TypeAlias = Literal['unknown_here', 'unknown_there', 'amount', 'state', 'refund_unknown_here', 'coupon', 'other_day', 'fee', 'sum']


class BillDifference(TypedDict):
    kind: DifferenceKind
    outTradeNo: NotRequired[str]
    outRefundNo: NotRequired[str]
    wechatNumber: NotRequired[str]
    line: NotRequired[int]
    bill: NotRequired[str]
    ours: NotRequired[str]
    repaired: bool
    awaits: NotRequired[BillDate]


FeeText: TypeAlias = str


SettledOn: TypeAlias = str


class DetailsDataRefund(TypedDict):
    outRefundNo: str
    amount: YuanText
    payerAmount: NotRequired[YuanText]
    status: RefundStatus
    userReceivedAccount: NotRequired[str]
    reason: NotRequired[str]
    fee: NotRequired[FeeText]
    settledOn: NotRequired[SettledOn]
    createdAt: Moment


class DetailsDataMetadata(TypedDict):
    """
    The order's own, and ours, which win.
    """

    outTradeNo: OurOrderNumber
    transactionId: NotRequired[str]
    tradeState: TradeState


class DetailsData(TypedDict):
    id: str
    userId: str
    contentId: str
    checkoutId: NotRequired[CheckoutId]
    amount: YuanText
    payerAmount: NotRequired[YuanText]
    promotions: NotRequired[list[Promotion]]
    currency: Currency
    paymentMethod: Literal['wechat']
    status: Status
    refundedAmount: YuanText
    refunds: list[DetailsDataRefund]
    fee: NotRequired[FeeText]
    settledOn: NotRequired[SettledOn]
    duplicateOf: NotRequired[OurOrderNumber]
    refundedElsewhere: NotRequired[Literal[True]]
    metadata: DetailsDataMetadata
    createdAt: Moment
    completedAt: NotRequired[Moment]


class Details(TypedDict):
    success: Literal[True]
    data: DetailsData


class ClosedData(TypedDict):
    outTradeNo: OurOrderNumber
    closed: Literal[True]


class Closed(TypedDict):
    success: Literal[True]
    data: ClosedData


class RefundedData(TypedDict):
    outTradeNo: OurOrderNumber
    outRefundNo: str
    refundId: NotRequired[str]
    refundAmount: Yuan
    payerAmount: NotRequired[Yuan]
    status: RefundStatus
    duplicate: NotRequired[Literal[True]]
    createdAt: NotRequired[Moment]
    note: NotRequired[str]


class Refunded(TypedDict):
    success: Literal[True]
    data: RefundedData


class SentOnData(TypedDict):
    outTradeNo: OurOrderNumber
    outRefundNo: str
    refundId: str
    refundAmount: Yuan
    payerAmount: NotRequired[Yuan]
    status: RefundStatus
    userReceivedAccount: NotRequired[str]


class SentOn(TypedDict):
    success: Literal[True]
    data: SentOnData


Fen: TypeAlias = int


FenSoFar: TypeAlias = int


class FenAmount(TypedDict):
    total: Fen
    currency: Currency


PaymentId: TypeAlias = str


PaidStatus: TypeAlias = Literal['succeeded', 'partially_refunded', 'refunded']


EventId: TypeAlias = str


EventVersion: TypeAlias = int


Attempt: TypeAlias = int


EventMetadata: TypeAlias = dict[str, Any]
"""
As the order was given it
"""


class PaymentCreated(TypedDict):
    """
    The buyer can pay.
    """

    id: EventId
    version: EventVersion
    outTradeNo: OurOrderNumber
    paymentId: PaymentId
    userId: str
    contentId: str
    checkoutId: NotRequired[CheckoutId]
    attempt: NotRequired[Attempt]
    amount: FenAmount
    status: Literal['pending']
    previousStatus: Literal['pending']
    occurredAt: Moment
    metadata: EventMetadata


class PaymentSucceeded(TypedDict):
    """
    The money is there.
    """

    id: EventId
    version: EventVersion
    outTradeNo: OurOrderNumber
    paymentId: PaymentId
    userId: str
    contentId: str
    checkoutId: NotRequired[CheckoutId]
    attempt: NotRequired[Attempt]
    amount: FenAmount
    status: Literal['succeeded']
    previousStatus: Literal['pending', 'closed', 'failed']
    transactionId: str
    latePaid: NotRequired[Literal[True]]
    refundedElsewhere: NotRequired[Literal[True]]
    occurredAt: Moment
    metadata: EventMetadata


class PaymentClosed(TypedDict):
    """
    Nobody can pay any more.
    """

    id: EventId
    version: EventVersion
    outTradeNo: OurOrderNumber
    paymentId: PaymentId
    userId: str
    contentId: str
    checkoutId: NotRequired[CheckoutId]
    attempt: NotRequired[Attempt]
    amount: FenAmount
    status: Literal['closed']
    previousStatus: Literal['pending']
    expired: NotRequired[Literal[True]]
    occurredAt: Moment
    metadata: EventMetadata


class PaymentFailed(TypedDict):
    """
    WeChat Pay refused the order.
    """

    id: EventId
    version: EventVersion
    outTradeNo: OurOrderNumber
    paymentId: PaymentId
    userId: str
    contentId: str
    checkoutId: NotRequired[CheckoutId]
    attempt: NotRequired[Attempt]
    amount: FenAmount
    status: Literal['failed']
    previousStatus: Literal['pending']
    occurredAt: Moment
    metadata: EventMetadata


class BillBalanced(TypedDict):
    """
    A day's bills agree with the payments, or what did not was repaired.
    """

    id: str
    billDate: BillDate
    status: Literal['balanced', 'differs']
    orders: int
    amount: FenSoFar
    refunds: int
    refundAmount: FenSoFar
    fee: FeeText
    differences: int
    repaired: int
    kinds: dict[str, int]
    occurredAt: Moment


class BillDiffers(TypedDict):
    """
    A day's bills and the payments differ: `GET …/bills/{date}` lists in what.
    """

    id: str
    billDate: BillDate
    status: Literal['balanced', 'differs']
    orders: int
    amount: FenSoFar
    refunds: int
    refundAmount: FenSoFar
    fee: FeeText
    differences: int
    repaired: int
    kinds: dict[str, int]
    occurredAt: Moment


class BillMissing(TypedDict):
    """
    A day's bills were not compared by 20:30 of the next, Beijing time.
    """

    id: str
    billDate: BillDate
    status: Literal['pending', 'running', 'failed']
    reason: NotRequired[str]
    occurredAt: Moment


class PaymentDuplicated(TypedDict):
    """
    The order's checkout had been paid by another order before; its own `PaymentSucceeded` came first.
    """

    id: EventId
    version: EventVersion
    outTradeNo: OurOrderNumber
    paymentId: PaymentId
    userId: str
    contentId: str
    checkoutId: CheckoutId
    attempt: Attempt
    amount: FenAmount
    status: PaidStatus
    previousStatus: PaidStatus
    transactionId: str
    duplicateOf: OurOrderNumber
    occurredAt: Moment
    metadata: EventMetadata


class RefundRequestedRefund(TypedDict):
    outRefundNo: str
    amount: Fen
    status: Literal['PROCESSING']


class RefundRequested(TypedDict):
    """
    A refund is on its way.
    """

    id: EventId
    version: EventVersion
    outTradeNo: OurOrderNumber
    paymentId: PaymentId
    userId: str
    contentId: str
    checkoutId: NotRequired[CheckoutId]
    attempt: NotRequired[Attempt]
    amount: FenAmount
    status: PaidStatus
    previousStatus: PaidStatus
    transactionId: str
    refund: RefundRequestedRefund
    refundedAmount: FenSoFar
    occurredAt: Moment
    metadata: EventMetadata


class RefundSucceededRefund(TypedDict):
    outRefundNo: str
    amount: Fen
    status: Literal['SUCCESS']
    toMerchant: NotRequired[Literal[True]]


class RefundSucceeded(TypedDict):
    """
    The money has gone back.
    """

    id: EventId
    version: EventVersion
    outTradeNo: OurOrderNumber
    paymentId: PaymentId
    userId: str
    contentId: str
    checkoutId: NotRequired[CheckoutId]
    attempt: NotRequired[Attempt]
    amount: FenAmount
    status: PaidStatus
    previousStatus: PaidStatus
    transactionId: str
    refund: RefundSucceededRefund
    refundedAmount: FenSoFar
    occurredAt: Moment
    metadata: EventMetadata


class RefundClosedRefund(TypedDict):
    outRefundNo: str
    amount: Fen
    status: Literal['CLOSED']


class RefundClosed(TypedDict):
    """
    The refund will not happen; its money can be refunded again.
    """

    id: EventId
    version: EventVersion
    outTradeNo: OurOrderNumber
    paymentId: PaymentId
    userId: str
    contentId: str
    checkoutId: NotRequired[CheckoutId]
    attempt: NotRequired[Attempt]
    amount: FenAmount
    status: PaidStatus
    previousStatus: PaidStatus
    transactionId: str
    refund: RefundClosedRefund
    refundedAmount: FenSoFar
    occurredAt: Moment
    metadata: EventMetadata


class RefundAbnormalRefund(TypedDict):
    outRefundNo: str
    amount: Fen
    status: Literal['ABNORMAL']


class RefundAbnormal(TypedDict):
    """
    The buyer's bank did not take the money.
    """

    id: EventId
    version: EventVersion
    outTradeNo: OurOrderNumber
    paymentId: PaymentId
    userId: str
    contentId: str
    checkoutId: NotRequired[CheckoutId]
    attempt: NotRequired[Attempt]
    amount: FenAmount
    status: PaidStatus
    previousStatus: PaidStatus
    transactionId: str
    refund: RefundAbnormalRefund
    refundedAmount: FenSoFar
    occurredAt: Moment
    metadata: EventMetadata


class NotificationReceived(TypedDict):
    """
    WeChat Pay told something of another product of the merchant's; about no payment.
    """

    id: str
    eventType: str
    originalType: NotRequired[str]
    createTime: NotRequired[str]
    occurredAt: Moment


class PaymentCreatedEvent(TypedDict):
    type: Literal['PaymentCreated']
    timestamp: Moment
    data: PaymentCreated


class PaymentSucceededEvent(TypedDict):
    type: Literal['PaymentSucceeded']
    timestamp: Moment
    data: PaymentSucceeded


class PaymentClosedEvent(TypedDict):
    type: Literal['PaymentClosed']
    timestamp: Moment
    data: PaymentClosed


class PaymentFailedEvent(TypedDict):
    type: Literal['PaymentFailed']
    timestamp: Moment
    data: PaymentFailed


class PaymentDuplicatedEvent(TypedDict):
    type: Literal['PaymentDuplicated']
    timestamp: Moment
    data: PaymentDuplicated


class RefundRequestedEvent(TypedDict):
    type: Literal['RefundRequested']
    timestamp: Moment
    data: RefundRequested


class RefundSucceededEvent(TypedDict):
    type: Literal['RefundSucceeded']
    timestamp: Moment
    data: RefundSucceeded


class RefundClosedEvent(TypedDict):
    type: Literal['RefundClosed']
    timestamp: Moment
    data: RefundClosed


class RefundAbnormalEvent(TypedDict):
    type: Literal['RefundAbnormal']
    timestamp: Moment
    data: RefundAbnormal


class NotificationReceivedEvent(TypedDict):
    type: Literal['NotificationReceived']
    timestamp: Moment
    data: NotificationReceived


class BillBalancedEvent(TypedDict):
    type: Literal['BillBalanced']
    timestamp: Moment
    data: BillBalanced


class BillDiffersEvent(TypedDict):
    type: Literal['BillDiffers']
    timestamp: Moment
    data: BillDiffers


class BillMissingEvent(TypedDict):
    type: Literal['BillMissing']
    timestamp: Moment
    data: BillMissing


Event: TypeAlias = PaymentCreatedEvent | PaymentSucceededEvent | PaymentClosedEvent | PaymentFailedEvent | PaymentDuplicatedEvent | RefundRequestedEvent | RefundSucceededEvent | RefundClosedEvent | RefundAbnormalEvent | NotificationReceivedEvent | BillBalancedEvent | BillDiffersEvent | BillMissingEvent


class ParamErrorDetails(TypedDict):
    field: str
    issue: str
    wechatCode: NotRequired[str]


class ParamError(TypedDict):
    error: str
    code: Literal['PARAM_ERROR']
    details: ParamErrorDetails


class InvalidRequest(TypedDict):
    error: str
    code: Literal['INVALID_REQUEST']
    details: dict[str, Any]


class NoAuthDetails(TypedDict):
    field: str
    issue: str
    wechatCode: NotRequired[str]


class NoAuth(TypedDict):
    error: str
    code: Literal['NOAUTH']
    details: dict[str, Any] | NoAuthDetails


class OrderNotFound(TypedDict):
    """
    No such order, or not the caller's. The same bytes in both cases.
    """

    error: str
    code: Literal['ORDER_NOT_FOUND']
    details: dict[str, Any]


class ExportNotFound(TypedDict):
    """
    No such export, or none any more.
    """

    error: str
    code: Literal['EXPORT_NOT_FOUND']
    details: dict[str, Any]


class OrderPaidDetails(TypedDict):
    outTradeNo: OurOrderNumber


class OrderPaid(TypedDict):
    error: str
    code: Literal['ORDERPAID']
    details: OrderPaidDetails


class OrderClosedDetails(TypedDict):
    outTradeNo: OurOrderNumber


class OrderClosed(TypedDict):
    error: str
    code: Literal['ORDERCLOSED']
    details: OrderClosedDetails


class BillNotFound(TypedDict):
    """
    Nobody has looked at the bills of that day yet.
    """

    error: str
    code: Literal['BILL_NOT_FOUND']
    details: dict[str, Any]


class BillRunningDetails(TypedDict):
    status: Literal['running']


class BillRunning(TypedDict):
    """
    The day is being compared.
    """

    error: str
    code: Literal['BILL_RUNNING']
    details: BillRunningDetails


class RefundNotFound(TypedDict):
    """
    The order is there, and has no such refund.
    """

    error: str
    code: Literal['REFUND_NOT_FOUND']
    details: dict[str, Any]


class RefundNotAbnormalDetails(TypedDict):
    status: RefundStatus


class RefundNotAbnormal(TypedDict):
    error: str
    code: Literal['REFUND_NOT_ABNORMAL']
    details: RefundNotAbnormalDetails


class RefundNotAllowedDetails(TypedDict):
    status: Status
    refundedElsewhere: NotRequired[Literal[True]]


class RefundNotAllowed(TypedDict):
    error: str
    code: Literal['REFUND_NOT_ALLOWED']
    details: RefundNotAllowedDetails


class RefundExceedsDetails(TypedDict):
    field: Literal['refundAmount']
    refundable: YuanText


class RefundExceeds(TypedDict):
    error: str
    code: Literal['REFUND_EXCEEDS']
    details: RefundExceedsDetails


class IdempotencyMismatch(TypedDict):
    error: str
    code: Literal['IDEMPOTENCY_MISMATCH']
    details: dict[str, Any]


class RateLimited(TypedDict):
    error: str
    code: Literal['RATE_LIMITED']
    details: dict[str, Any]


class WeChatRefusedDetails(TypedDict):
    wechatCode: str
    requestId: NotRequired[str]
    outRefundNo: NotRequired[str]


class WeChatRefused(TypedDict):
    error: str
    code: Literal['WECHAT_REFUSED']
    details: WeChatRefusedDetails


class SystemErrorDetails(TypedDict):
    wechatCode: NotRequired[str]
    outRefundNo: NotRequired[str]
    outTradeNo: NotRequired[OurOrderNumber]
    closing: NotRequired[Literal[True]]
    requestId: NotRequired[str]


class SystemError(TypedDict):
    error: str
    code: Literal['SYSTEMERROR']
    details: SystemErrorDetails


class InternalError(TypedDict):
    error: str
    code: Literal['INTERNAL_ERROR']
    details: dict[str, Any]


class GatewayRefusal(TypedDict):
    """
    API Gateway's own form; no function ran, or none answered.
    """

    message: Literal['Unauthorized', 'Forbidden', 'Not Found', 'Request Entity Too Large', 'Too Many Requests', 'Internal Server Error', 'Service Unavailable']


class NotifyRefusal(TypedDict):
    """
    WeChat Pay's own form of no.
    """

    code: Literal['FAIL']
    message: str


class QuoteClaims(TypedDict):
    """
    What a quote says; what else it claims is not looked at.
    """

    sub: str
    contentId: str
    amount: Fen
    exp: int
    nbf: NotRequired[int]
    metadata: NotRequired[dict[str, Any]]
    jti: NotRequired[str]


class Goods(TypedDict):
    """
    WeChat Pay's `detail`, for coupons on single goods: at least one member, at most 6144 bytes as WeChat Pay is sent it (compact JSON, amounts
    in fen).

    """

    costPrice: NotRequired[Amount | None]
    invoiceId: NotRequired[str | None]
    goodsDetail: NotRequired[list[GoodsItem] | None]


class NewOrder(TypedDict):
    contentId: ContentId
    amount: Amount
    subject: Subject
    userId: NotRequired[UserId]
    body: NotRequired[Body]
    metadata: NotRequired[Metadata]
    quote: NotRequired[Quote]
    returnUrl: NotRequired[ReturnUrl]
    app: NotRequired[AppName]
    attach: NotRequired[Attach]
    goodsTag: NotRequired[GoodsTag]
    goods: NotRequired[Goods | None]
    storeInfo: NotRequired[StoreInfo | None]
    fapiao: NotRequired[Fapiao]
    profitSharing: NotRequired[ProfitSharing]


class NewJsapiOrder(TypedDict):
    contentId: ContentId
    amount: Amount
    subject: Subject
    userId: NotRequired[UserId]
    body: NotRequired[Body]
    metadata: NotRequired[Metadata]
    quote: NotRequired[Quote]
    returnUrl: NotRequired[ReturnUrl]
    app: NotRequired[AppName]
    attach: NotRequired[Attach]
    goodsTag: NotRequired[GoodsTag]
    goods: NotRequired[Goods | None]
    storeInfo: NotRequired[StoreInfo | None]
    fapiao: NotRequired[Fapiao]
    profitSharing: NotRequired[ProfitSharing]
    openid: str


class NewH5Order(TypedDict):
    contentId: ContentId
    amount: Amount
    subject: Subject
    userId: NotRequired[UserId]
    body: NotRequired[Body]
    metadata: NotRequired[Metadata]
    quote: NotRequired[Quote]
    returnUrl: NotRequired[ReturnUrl]
    app: NotRequired[AppName]
    attach: NotRequired[Attach]
    goodsTag: NotRequired[GoodsTag]
    goods: NotRequired[Goods | None]
    storeInfo: NotRequired[StoreInfo | None]
    fapiao: NotRequired[Fapiao]
    profitSharing: NotRequired[ProfitSharing]
    clientIp: NotRequired[str | None]
    h5Type: NotRequired[Literal['Android', 'Wap', 'iOS'] | None]


class NewCheckout(TypedDict):
    contentId: ContentId
    amount: Amount
    subject: Subject
    userId: NotRequired[UserId]
    body: NotRequired[Body]
    metadata: NotRequired[Metadata]
    quote: NotRequired[Quote]
    returnUrl: NotRequired[ReturnUrl]
    app: NotRequired[AppName]
    attach: NotRequired[Attach]
    goodsTag: NotRequired[GoodsTag]
    goods: NotRequired[Goods | None]
    storeInfo: NotRequired[StoreInfo | None]
    fapiao: NotRequired[Fapiao]
    profitSharing: NotRequired[ProfitSharing]
    expiresAt: NotRequired[str | None]


class NativeOpenedData(TypedDict):
    paymentId: str
    outTradeNo: OurOrderNumber
    amount: Yuan
    currency: Currency
    expiresAt: Moment
    checkoutUrl: CheckoutUrl
    codeUrl: str
    qrCode: str


class NativeOpened(TypedDict):
    success: Literal[True]
    data: NativeOpenedData


class JsapiOpenedData(TypedDict):
    paymentId: str
    outTradeNo: OurOrderNumber
    amount: Yuan
    currency: Currency
    expiresAt: Moment
    checkoutUrl: CheckoutUrl
    prepayId: str
    paymentParams: PaymentParams


class JsapiOpened(TypedDict):
    success: Literal[True]
    data: JsapiOpenedData


class AppOpenedData(TypedDict):
    paymentId: str
    outTradeNo: OurOrderNumber
    amount: Yuan
    currency: Currency
    expiresAt: Moment
    prepayId: str
    paymentParams: AppParams


class AppOpened(TypedDict):
    success: Literal[True]
    data: AppOpenedData


class H5OpenedData(TypedDict):
    paymentId: str
    outTradeNo: OurOrderNumber
    amount: Yuan
    currency: Currency
    expiresAt: Moment
    h5Url: str
    clientIp: str
    checkoutUrl: CheckoutUrl


class H5Opened(TypedDict):
    success: Literal[True]
    data: H5OpenedData


class OrderListDataOrder(TypedDict):
    outTradeNo: OurOrderNumber
    paymentId: str
    userId: str
    contentId: str
    checkoutId: NotRequired[CheckoutId]
    method: Method
    subject: str
    amount: YuanText
    currency: Currency
    status: Status
    refundingAmount: NotRequired[YuanText]
    refundedAmount: YuanText
    transactionId: NotRequired[str]
    successTime: NotRequired[str]
    createdAt: Moment


class OrderListData(TypedDict):
    orders: list[OrderListDataOrder]
    cursor: NotRequired[str]


class OrderList(TypedDict):
    success: Literal[True]
    data: OrderListData


ExportData = TypedDict(
    'ExportData',
    {
        'exportId': str,
        'kind': ExportKind,
        'from': Day,
        'to': Day,
        'status': Literal['running', 'done', 'failed'],
        'reason': NotRequired[str],
        'rows': NotRequired[int],
        'url': NotRequired[str],
        'createdAt': Moment,
        'expiresAt': Moment,
    },
)


class Export(TypedDict):
    success: Literal[True]
    data: ExportData


class QueriedData(TypedDict):
    outTradeNo: OurOrderNumber
    transactionId: NotRequired[str]
    tradeState: TradeState
    tradeStateDesc: str
    amount: FenAmount
    payer: NotRequired[QueriedDataPayer]
    successTime: NotRequired[str]


class Queried(TypedDict):
    success: Literal[True]
    data: QueriedData


class BillDayMembers(TypedDict):
    date: BillDate
    status: BillStatus
    reason: NotRequired[str]
    updatedAt: Moment
    orders: NotRequired[int]
    amount: NotRequired[YuanText]
    refunds: NotRequired[int]
    refundAmount: NotRequired[YuanText]
    fee: NotRequired[FeeText]
    ours: NotRequired[BillDayMembersOurs]
    income: NotRequired[YuanText]
    expense: NotRequired[YuanText]
    otherMovements: NotRequired[list[BillDayMembersOtherMovement]]
    differences: NotRequired[int]
    repaired: NotRequired[int]


class BillDaysData(TypedDict):
    days: list[BillDayMembers]


class BillDays(TypedDict):
    success: Literal[True]
    data: BillDaysData


class BillDayWaiting(TypedDict):
    success: Literal[True]
    data: BillDayMembers


class BillDayData(TypedDict):
    date: BillDate
    status: BillStatus
    reason: NotRequired[str]
    updatedAt: Moment
    orders: NotRequired[int]
    amount: NotRequired[YuanText]
    refunds: NotRequired[int]
    refundAmount: NotRequired[YuanText]
    fee: NotRequired[FeeText]
    ours: NotRequired[BillDayDataOurs]
    income: NotRequired[YuanText]
    expense: NotRequired[YuanText]
    otherMovements: NotRequired[list[BillDayDataOtherMovement]]
    differences: NotRequired[int]
    repaired: NotRequired[int]
    listed: NotRequired[list[BillDifference]]
    nextCursor: NotRequired[str]
    links: BillDayDataLinks


class BillDay(TypedDict):
    success: Literal[True]
    data: BillDayData
