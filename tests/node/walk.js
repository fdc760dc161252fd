// A client of npm makes every call that the simulator answers: node walk.js CLIENT SIMULATOR CREDENTIALS pubkey|cert
//
// Prints what it was told, as JSON. CLIENT is a file beside this one.
'use strict';

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const http = require('node:http');
const superagent = require('superagent');
const clock = require('./clock.js');

const [name, simulator, credentialsFile, mode] = process.argv.slice(2);
const mine = JSON.parse(readFileSync(credentialsFile, 'utf8'));
const client = require(`./${name}.js`).client(simulator, mine, mode);

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
    assert.equal(await client.verified(came), true, 'WeChat Pay signed it');
    assert.equal(await client.verified({ ...came, body: `${came.body} ` }), false, 'and nothing else');
    const { event_type: type, resource } = JSON.parse(came.body);
    return { type, serial: came.headers['wechatpay-serial'], resource: client.opened(resource) };
  }
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const url = `http://127.0.0.1:${server.address().port}/notify`;
      resolve({ url, next, close: () => server.close() });
    });
  });
}

async function control(what, body) {
  const answer = await superagent.post(`${simulator}/_sandbox/${what}`).send(body);
  return answer.body;
}

async function orders(told, merchant) {
  const wanted = { description: '测试商品', notify_url: merchant.url, attach: 'é微', amount: { total: 9999 } };
  told.native = await client.native({ ...wanted, out_trade_no: 'NODE-NATIVE' });
  told.unpaid = await client.query({ out_trade_no: 'NODE-NATIVE' });
  told.transactionId = (await control('pay', { codeUrl: told.native.data.code_url })).transaction_id;
  told.paymentNotification = await merchant.next();
  told.paid = await client.query({ out_trade_no: 'NODE-NATIVE' });
  told.paidById = await client.query({ transaction_id: told.transactionId });

  const payer = { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' };
  told.jsapi = await client.jsapi({ ...wanted, out_trade_no: 'NODE-JSAPI', payer });
  await control('pay', { payment: told.jsapi.data.payment });
  told.jsapiNotification = await merchant.next();
  const scene_info = { payer_client_ip: '203.0.113.7', h5_info: { type: 'Wap' } };
  told.h5 = await client.h5({ ...wanted, out_trade_no: 'NODE-H5', scene_info });
  await control('pay', { h5Url: told.h5.data.h5_url, ip: '203.0.113.7' });
  told.h5Notification = await merchant.next();
  told.app = await client.app({ ...wanted, out_trade_no: 'NODE-APP' });
  await control('pay', { payment: told.app.data.payment });
  told.appNotification = await merchant.next();
  await client.native({ ...wanted, out_trade_no: 'NODE-CLOSED' });
  told.close = await client.close('NODE-CLOSED');
  told.closed = await client.query({ out_trade_no: 'NODE-CLOSED' });
}

async function refunds(told, merchant) {
  await control('settings', { refundAfter: null });
  const refund = { out_trade_no: 'NODE-NATIVE', out_refund_no: 'NODE-REFUND', reason: '商品已售完' };
  const amount = { refund: 5000, total: 9999, currency: 'CNY' };
  told.refund = await client.refund({ ...refund, notify_url: merchant.url, amount });
  await control('refund', { outRefundNo: 'NODE-REFUND', status: 'ABNORMAL' });
  told.abnormalNotification = await merchant.next();
  told.sentOn = await client.abnormalRefund(told.refund.data.refund_id, {
    out_refund_no: 'NODE-REFUND',
    type: 'USER_BANK_CARD',
    bank_type: 'ICBC_DEBIT',
    bank_account: client.encrypt('6222020200112233455'),
    real_name: client.encrypt('张三'),
  });
  await control('refund', { outRefundNo: 'NODE-REFUND', status: 'SUCCESS' });
  told.refundNotification = await merchant.next();
  told.refunded = await client.queryRefund('NODE-REFUND');
  told.afterRefund = await client.query({ out_trade_no: 'NODE-NATIVE' });
}

async function echo(told, merchant) {
  const sent = { echo_message: 'hello', encrypted_echo_message: client.encrypt('秘密'), notify_url: merchant.url };
  told.echo = await client.echo(sent);
  told.echoDecrypted = client.decrypt(told.echo.data.encrypted_echo_message);
  told.echoNotification = await merchant.next();
}

// Yesterday's bills, with the clocks of both put forward to ten o'clock of tomorrow in Beijing.
async function bills(told) {
  const real = Date.now();
  const day = new Date(real + 8 * 3600_000).toISOString().slice(0, 10);
  const advance = Date.parse(`${day}T10:00:01+08:00`) / 1000 + 86400 - Math.floor(real / 1000);
  await control('clock', { advance });
  clock.ahead(advance);
  told.bills = [];
  for (const ask of [client.tradeBill, client.fundFlowBill]) {
    const { data } = await ask(day);
    const text = await client.download(data.download_url);
    assert.equal(createHash('sha1').update(text).digest('hex'), data.hash_value);
    told.bills.push(text.toString('utf8'));
  }
}

async function walk() {
  const told = {};
  const merchant = await listen();
  if (mode === 'cert') told.certificates = await client.certificates();
  await orders(told, merchant);
  if (mode === 'cert') {
    await refunds(told, merchant);
    await echo(told, merchant);
    await bills(told);
  } else {
    told.unknown = await client.query({ out_trade_no: 'NOBODY-KNOWS' });
    told.closedAfterPayment = await client.close('NODE-NATIVE');
    await control('faults', { rules: [{ on: 'query', effect: 'bad_signature' }] });
    told.notSigned = await client.query({ out_trade_no: 'NODE-NATIVE' }).then(
      () => 'believed',
      (problem) => `refused: ${problem.message}`,
    );
  }
  merchant.close();
  return { ...told, methods: client.methods() };
}

walk().then(
  (told) => console.log(JSON.stringify(told)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
