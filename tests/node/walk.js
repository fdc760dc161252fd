// The npm package wechatpay-node-v3 orders, closes, refunds and is notified: node walk.js SIMULATOR CREDENTIALS pubkey|cert
//
// The package is used as it is but for one thing: it names WeChat Pay's host in every call and drops the answers' headers.
// Its own hook for another transport (createHttp) changes the host and keeps what a signature is checked with.
'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const http = require('node:http');
const superagent = require('superagent');
const WxPay = require('wechatpay-node-v3');

const HOST = 'https://api.mch.weixin.qq.com';
const [simulator, credentialsFile, mode] = process.argv.slice(2);
const mine = JSON.parse(readFileSync(credentialsFile, 'utf8'));

class Transport {
  answers = []; // whose signatures have not been checked yet

  get(url, headers) {
    return this.take(superagent.get(url.replace(HOST, simulator)).set(headers));
  }

  post(url, params, headers) {
    return this.take(superagent.post(url.replace(HOST, simulator)).send(params).set(headers));
  }

  async take(request) {
    const answer = await request.ok(() => true).retry(0);
    this.answers.push({ headers: answer.headers, body: answer.text ?? '' });
    return { status: answer.status, data: answer.body };
  }
}

const transport = new Transport();
const pay = new WxPay({
  appid: mine.appid,
  mchid: mine.mchid,
  publicKey: Buffer.from(mine.merchantCertificate),
  privateKey: Buffer.from(mine.merchantPrivateKey),
  key: mine.apiV3Key,
  userAgent: 'wechatpay-node-v3',
});
pay.createHttp(transport);
// The package knows certificates only, which it downloads; a public key goes where it keeps them.
if (mode === 'pubkey') WxPay.certificates[mine.wechatPublicKeyId] = mine.wechatPublicKey;

const serials = new Set();
let verified = 0;

async function verify({ headers, body }) {
  const signed = {
    timestamp: headers['wechatpay-timestamp'],
    nonce: headers['wechatpay-nonce'],
    serial: headers['wechatpay-serial'],
    signature: headers['wechatpay-signature'],
  };
  assert.equal(await pay.verifySign({ ...signed, body }), true, 'WeChat Pay signed it');
  assert.equal(await pay.verifySign({ ...signed, body: body + ' ' }), false, 'and nothing else');
  serials.add(signed.serial);
  verified += 1;
}

// One call of the package; its answer counts once its signature has been checked, and so has every other one on the way.
async function checked(call) {
  const { status, data } = await call;
  while (transport.answers.length) await verify(transport.answers.shift());
  return { status, data };
}

// The merchant's web server: every notification that arrives, verified and decrypted by the package.
function listen() {
  const arrived = [];
  let wake = () => {};
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    arrived.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
    response.writeHead(204).end();
    wake();
  });
  async function next() {
    while (!arrived.length) await new Promise((resolve) => (wake = resolve));
    const came = arrived.shift();
    await verify(came);
    const { event_type: type, resource } = JSON.parse(came.body);
    const { ciphertext, associated_data: associated, nonce } = resource;
    return { type, resource: pay.decipher_gcm(ciphertext, associated, nonce, mine.apiV3Key) };
  }
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const url = `http://127.0.0.1:${server.address().port}/notify`;
      resolve({ url, next, close: () => server.close() });
    });
  });
}

async function phone(what) {
  const { body } = await superagent.post(`${simulator}/_sandbox/pay`).send(what);
  return body.transaction_id;
}

async function walk() {
  const told = {};
  const merchant = await listen();
  const wanted = { description: '测试商品', notify_url: merchant.url, attach: 'é微', amount: { total: 9999 } };

  told.native = await checked(pay.transactions_native({ ...wanted, out_trade_no: 'NODE-NATIVE' }));
  told.unpaid = await checked(pay.query({ out_trade_no: 'NODE-NATIVE' }));
  told.transactionId = await phone({ codeUrl: told.native.data.code_url });
  told.paymentNotification = await merchant.next();
  told.paid = await checked(pay.query({ out_trade_no: 'NODE-NATIVE' }));
  told.paidById = await checked(pay.query({ transaction_id: told.transactionId }));

  const refund = { out_trade_no: 'NODE-NATIVE', out_refund_no: 'NODE-REFUND', reason: '商品已售完' };
  const amount = { refund: 5000, total: 9999, currency: 'CNY' };
  told.refund = await checked(pay.refunds({ ...refund, notify_url: merchant.url, amount }));
  told.refundNotification = await merchant.next();
  told.refunded = await checked(pay.find_refunds('NODE-REFUND'));
  told.afterRefund = await checked(pay.query({ out_trade_no: 'NODE-NATIVE' }));

  const payer = { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' };
  told.jsapi = await checked(pay.transactions_jsapi({ ...wanted, out_trade_no: 'NODE-JSAPI', payer }));
  const scene_info = { payer_client_ip: '203.0.113.7', h5_info: { type: 'Wap' } };
  told.h5 = await checked(pay.transactions_h5({ ...wanted, out_trade_no: 'NODE-H5', scene_info }));
  await phone({ h5Url: told.h5.data.h5_url, ip: '203.0.113.7' });
  told.h5Notification = await merchant.next();
  told.app = await checked(pay.transactions_app({ ...wanted, out_trade_no: 'NODE-APP' }));
  await phone({ payment: told.app.data });
  told.appNotification = await merchant.next();
  told.close = await checked(pay.close('NODE-JSAPI'));
  told.closed = await checked(pay.query({ out_trade_no: 'NODE-JSAPI' }));
  told.unknown = await checked(pay.query({ out_trade_no: 'NOBODY-KNOWS' }));
  told.closedAfterPayment = await checked(pay.close('NODE-NATIVE'));

  merchant.close();
  return { ...told, verified, serials: [...serials] };
}

walk().then(
  (told) => console.log(JSON.stringify(told)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
