/** How each operation is called. Generated from docs/openapi.yaml by `make generated`. */
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
  /** Whether it has a body, takes an Idempotency-Key, needs an access token, answers JSON. */
  readonly body: boolean;
  readonly key: boolean;
  readonly token: boolean;
  readonly json: boolean;
}

export const table = {
  /** Open a payment that the buyer pays by scanning a QR code */
  openNativePayment: { method: 'POST', path: '/api/v1/payments/wechat/native', query: [], body: true, key: true, token: true, json: true },
  /** Open a payment within WeChat, on a page or in a mini program */
  openJsapiPayment: { method: 'POST', path: '/api/v1/payments/wechat/jsapi', query: [], body: true, key: true, token: true, json: true },
  /** Open a payment that the merchant's own mobile app hands to WeChat */
  openAppPayment: { method: 'POST', path: '/api/v1/payments/wechat/app', query: [], body: true, key: true, token: true, json: true },
  /** Open a payment that a phone's browser outside WeChat pays */
  openH5Payment: { method: 'POST', path: '/api/v1/payments/wechat/h5', query: [], body: true, key: true, token: true, json: true },
  /** Keep what is to be paid, and get one address that pays on every device */
  keepCheckout: { method: 'POST', path: '/api/v1/payments/wechat/checkout', query: [], body: true, key: true, token: true, json: true },
  /** Exchange a code of WeChat's for the buyer's openid */
  exchangeCode: { method: 'POST', path: '/api/v1/payments/wechat/openid', query: [], body: true, key: false, token: true, json: true },
  /** Where an order stands; asked of WeChat Pay unless its end is known, or it was asked in the last two seconds */
  queryPayment: { method: 'GET', path: '/api/v1/payments/wechat/query/{outTradeNo}', query: [], body: false, key: false, token: true, json: true },
  /** The payment and its refunds, as the table has them */
  getPayment: { method: 'GET', path: '/api/v1/payments/wechat/payment/{outTradeNo}', query: [], body: false, key: false, token: true, json: true },
  /** End an unpaid order */
  closePayment: { method: 'POST', path: '/api/v1/payments/wechat/close', query: [], body: true, key: false, token: true, json: true },
  /** Give money back, all of it or a part */
  refundPayment: { method: 'POST', path: '/api/v1/payments/wechat/refund', query: [], body: true, key: true, token: true, json: true },
  /** Send on a refund that the bank did not take */
  sendAbnormalRefundOn: { method: 'POST', path: '/api/v1/payments/wechat/refund/abnormal', query: [], body: true, key: false, token: true, json: true },
  /** Days that were compared with WeChat Pay's bills, the newest first */
  listBillDays: { method: 'GET', path: '/api/v1/payments/wechat/bills', query: ['from', 'to'], body: false, key: false, token: true, json: true },
  /** What a day's bills and the payments differ in, and links to both bills */
  getBillDay: { method: 'GET', path: '/api/v1/payments/wechat/bills/{date}', query: ['cursor', 'limit'], body: false, key: false, token: true, json: true },
  /** Orders of a day, of days, of a user or of a content, the newest first */
  listOrders: { method: 'GET', path: '/api/v1/payments/wechat/orders', query: ['day', 'from', 'to', 'status', 'method', 'userId', 'contentId', 'cursor', 'limit'], body: false, key: false, token: true, json: true },
  /** Where an export stands, and once it is done a link to its file */
  getExport: { method: 'GET', path: '/api/v1/payments/wechat/exports/{exportId}', query: [], body: false, key: false, token: true, json: true },
  /** The page on which an order is paid, or what it shows as JSON */
  showCheckout: { method: 'GET', path: '/checkout/{token}', query: ['lang', 'returned', 'asked', 'kind'], body: false, key: false, token: false, json: true },
  /** Have an order of a checkout open for the device that asks */
  openCheckout: { method: 'POST', path: '/checkout/{token}/open', query: [], body: true, key: false, token: false, json: true },
  /** A file of an earlier version's page; today's page holds all that it needs */
  getCheckoutFile: { method: 'GET', path: '/checkout/assets/{name}', query: [], body: false, key: false, token: false, json: false },
} as const satisfies Record<string, Route>;

export type Name = keyof typeof table;
