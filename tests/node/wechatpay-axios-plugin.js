// The npm package wechatpay-axios-plugin as a client of the simulator, for walk.js, receiver.js and mistaken.js.
//
// It has no methods but paths: any call is a chain of its names. It verifies each 2xx answer itself, and throws.
'use strict';

const { gunzipSync } = require('node:zlib');
const { Aes: { AesGcm }, Formatter, Rsa, Wechatpay } = require('wechatpay-axios-plugin');

exports.client = function client(simulator, mine, mode, changes = {}) {
  const privateKey = Rsa.from(changes.privateKey ?? mine.merchantPrivateKey);

  function made(certs) {
    const config = { baseURL: `${simulator}/`, mchid: mine.mchid, serial: mine.merchantSerialNo, certs };
    return new Wechatpay({ ...config, ...changes, privateKey });
  }

  let known = { [mine.wechatPublicKeyId]: mine.wechatPublicKey };
  let ready = mode === 'pubkey' ? made(known) : null;

  async function told(call) {
    try {
      const { status, data } = await call;
      return { status, data };
    } catch (error) {
      if (!error.response || error.response.status < 400) throw error;
      return { status: error.response.status, data: error.response.data };
    }
  }

  // It does not download certificates by itself: whoever makes a client has to have them. The answer that brings the first
  // cannot be verified before it is read; that it could be decrypted proves whose they are.
  async function certificates() {
    const answer = await told(made({ none: undefined }).v3.certificates.get({ transformResponse: [JSON.parse] }));
    known = Object.fromEntries(
      answer.data.data.map(({ serial_no, encrypt_certificate: { ciphertext, nonce, associated_data } }) => [
        serial_no,
        AesGcm.decrypt(ciphertext, mine.apiV3Key, nonce, associated_data),
      ]),
    );
    ready = made(known);
    return answer;
  }

  async function called(make) {
    if (!ready) await certificates();
    return told(make(ready.v3));
  }

  const serial = () => Object.keys(known)[0];

  function signed(appId, ...lines) {
    return Rsa.sign(Formatter.joinedByLineFeed(appId, ...lines), privateKey);
  }

  function stamped() {
    return { timestamp: `${Formatter.timestamp()}`, nonce: Formatter.nonce() };
  }

  const filled = (order) => ({ appid: mine.appid, mchid: mine.mchid, ...order });
  const secret = () => ({ headers: { 'Wechatpay-Serial': serial() } });

  return {
    async verified({ headers, body }) {
      const key = known[headers['wechatpay-serial']];
      if (!key) throw new Error('no key of this serial number');
      const text = Formatter.response(headers['wechatpay-timestamp'], headers['wechatpay-nonce'], body);
      return Rsa.verify(text, headers['wechatpay-signature'], Rsa.from(key, Rsa.KEY_TYPE_PUBLIC));
    },
    methods: () => [],
    native: (order) => called(({ pay }) => pay.transactions.native.post(filled(order))),
    async jsapi(order) {
      const { status, data } = await called(({ pay }) => pay.transactions.jsapi.post(filled(order)));
      if (status !== 200) return { status, data };
      const { timestamp: timeStamp, nonce: nonceStr } = stamped();
      const payment = { appId: mine.appid, timeStamp, nonceStr, package: `prepay_id=${data.prepay_id}`, signType: 'RSA' };
      const paySign = signed(payment.appId, timeStamp, nonceStr, payment.package);
      return { status, data: { payment: { ...payment, paySign } } };
    },
    h5: (order) => called(({ pay }) => pay.transactions.h5.post(filled(order))),
    async app(order) {
      const { status, data } = await called(({ pay }) => pay.transactions.app.post(filled(order)));
      if (status !== 200) return { status, data };
      const { timestamp, nonce: noncestr } = stamped();
      const sign = signed(mine.appid, timestamp, noncestr, data.prepay_id);
      const payment = { appid: mine.appid, partnerid: mine.mchid, prepayid: data.prepay_id, package: 'Sign=WXPay' };
      return { status, data: { payment: { ...payment, timestamp, noncestr, sign } } };
    },
    query: ({ out_trade_no, transaction_id }) =>
      called(({ pay: { transactions } }) =>
        transaction_id
          ? transactions.id.$transaction_id$.get({ params: { mchid: mine.mchid }, transaction_id })
          : transactions.outTradeNo.$out_trade_no$.get({ params: { mchid: mine.mchid }, out_trade_no }),
      ),
    close: (out_trade_no) =>
      called(({ pay }) =>
        pay.transactions.outTradeNo.$out_trade_no$.close.post({ mchid: mine.mchid }, { out_trade_no }),
      ),
    refund: (refund) => called((v3) => v3.refund.domestic.refunds.post(refund)),
    queryRefund: (out_refund_no) => called((v3) => v3.refund.domestic.refunds.$out_refund_no$.get({ out_refund_no })),
    abnormalRefund: (refund_id, body) =>
      called((v3) =>
        v3.refund.domestic.refunds.$refund_id$.applyAbnormalRefund.post(body, { refund_id, ...secret() }),
      ),
    echo: (body) => called((v3) => v3.security.echo.post(body, secret())),
    certificates,
    tradeBill: (bill_date) => called((v3) => v3.bill.tradebill.get({ params: { bill_date, tar_type: 'GZIP' } })),
    fundFlowBill: (bill_date) =>
      called((v3) => v3.bill.fundflowbill.get({ params: { bill_date, tar_type: 'GZIP' } })),
    async download(url) {
      const params = Object.fromEntries(new URL(url).searchParams);
      const { data } = await called((v3) => v3.billdownload.file.get({ params, responseType: 'arraybuffer' }));
      return gunzipSync(data);
    },
    encrypt: (text) => Rsa.encrypt(text, Rsa.from(known[serial()], Rsa.KEY_TYPE_PUBLIC)),
    decrypt: (text) => Rsa.decrypt(text, privateKey),
    opened: ({ ciphertext, associated_data, nonce }) =>
      JSON.parse(AesGcm.decrypt(ciphertext, mine.apiV3Key, nonce, associated_data)),
  };
};
