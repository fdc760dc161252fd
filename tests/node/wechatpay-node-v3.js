// The npm package wechatpay-node-v3 as a client of the simulator, for walk.js, receiver.js and mistaken.js.
//
// The package is used as it is but for one thing: it names WeChat Pay's host in every call and drops the answers' headers.
// Its own hook for another transport (createHttp) changes the host and keeps what a signature is checked with.
'use strict';

const superagent = require('superagent');
const WxPay = require('wechatpay-node-v3');

const HOST = 'https://api.mch.weixin.qq.com';

function transport(simulator) {
  const answers = []; // whose signatures have not been checked yet
  const here = (url) => url.replace(HOST, simulator);
  async function take(request) {
    const answer = await request.ok(() => true).retry(0);
    const body = answer.text ?? '';
    answers.push({ headers: answer.headers, body });
    return { status: answer.status, data: answer.type === 'text/plain' ? body : answer.body };
  }
  return {
    answers,
    get: (url, headers) => take(superagent.get(here(url)).set(headers)),
    post: (url, params, headers) => take(superagent.post(here(url)).send(params).set(headers)),
  };
}

exports.client = function client(simulator, mine, mode, changes = {}) {
  const http = transport(simulator);
  const pay = new WxPay({
    appid: mine.appid,
    mchid: mine.mchid,
    publicKey: Buffer.from(mine.merchantCertificate),
    privateKey: Buffer.from(mine.merchantPrivateKey),
    key: mine.apiV3Key,
    userAgent: 'wechatpay-node-v3',
    ...changes,
  });
  pay.createHttp(http);
  // The package knows certificates only, which it downloads; a public key goes where it keeps them.
  if (mode === 'pubkey') WxPay.certificates[mine.wechatPublicKeyId] = mine.wechatPublicKey;

  async function verified({ headers, body }) {
    return pay.verifySign({
      timestamp: headers['wechatpay-timestamp'],
      nonce: headers['wechatpay-nonce'],
      serial: headers['wechatpay-serial'],
      signature: headers['wechatpay-signature'],
      body,
    });
  }

  // One call of the package; its answer counts once its signature has been checked, and so has every other one on the way.
  async function checked(call) {
    const { status, data } = await call;
    while (http.answers.length) {
      const answer = http.answers.shift();
      if (!(await verified(answer))) throw new Error('WeChat Pay has not signed this answer');
    }
    return { status, data };
  }

  // For calls that the package has no method for: its README signs any request so.
  function posted(path, body) {
    const [nonce, timestamp] = [Math.random().toString(36).slice(2, 17), `${Math.floor(Date.now() / 1000)}`];
    const authorization = pay.getAuthorization(nonce, timestamp, pay.getSignature('POST', nonce, timestamp, path, body));
    const serial = Object.keys(WxPay.certificates)[0];
    const headers = { Accept: 'application/json', 'Content-Type': 'application/json', 'User-Agent': 'x' };
    return http.post(HOST + path, body, { ...headers, Authorization: authorization, 'Wechatpay-Serial': serial });
  }

  return {
    verified,
    methods: () => Object.getOwnPropertyNames(WxPay.prototype),
    native: (order) => checked(pay.transactions_native(order)),
    async jsapi(order) {
      const { status, data } = await checked(pay.transactions_jsapi(order));
      return { status, data: { payment: data } }; // the package signs what the cashier needs
    },
    h5: (order) => checked(pay.transactions_h5(order)),
    async app(order) {
      const { status, data } = await checked(pay.transactions_app(order));
      return { status, data: { payment: data } };
    },
    query: (number) => checked(pay.query(number)),
    close: (number) => checked(pay.close(number)),
    refund: (refund) => checked(pay.refunds(refund)),
    queryRefund: (number) => checked(pay.find_refunds(number)),
    abnormalRefund: (id, body) => checked(posted(`/v3/refund/domestic/refunds/${id}/apply-abnormal-refund`, body)),
    echo: (body) => checked(posted('/v3/security/echo', body)),
    certificates: () => checked(pay.get_certificates(mine.apiV3Key).then((data) => ({ status: 200, data }))),
    tradeBill: (bill_date) => checked(pay.tradebill({ bill_date, bill_type: 'ALL' })),
    fundFlowBill: (bill_date) => checked(pay.fundflowbill({ bill_date, account_type: 'BASIC' })),
    async download(url) {
      const { data } = await pay.downloadBill(url.replace(simulator, HOST)); // it signs what follows this host
      http.answers.length = 0; // a bill is the one answer that nobody signs
      return Buffer.from(data);
    },
    encrypt: (text) => pay.publicEncrypt(text, Object.values(WxPay.certificates)[0]),
    decrypt: (text) => pay.privateDecrypt(text),
    opened: ({ ciphertext, associated_data, nonce }) => pay.decipher_gcm(ciphertext, associated_data, nonce, mine.apiV3Key),
  };
};
