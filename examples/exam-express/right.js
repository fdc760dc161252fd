// A merchant's backend with Express that takes WeChat Pay: `wechatpay-simulator exam` finds nothing wrong with it.
//
// What it does that naive.js beside it does not: ../exam.md. The environment: WECHATPAY_URL, WECHATPAY_CREDENTIALS (a file), NOTIFY_URL.
import { createDecipheriv, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import express from 'express';

const { WECHATPAY_URL, WECHATPAY_CREDENTIALS, NOTIFY_URL, PORT, SWEEP_SECONDS = '60' } = process.env;
const mine = JSON.parse(readFileSync(WECHATPAY_CREDENTIALS, 'utf8'));
const publicKey = createPublicKey(mine.wechatPublicKey);
const OPEN_SECONDS = 1800; // so long an order can be paid
// In a real shop two tables. Here each function that changes one is synchronous, without an await, and Node runs one at a time:
// that is a transaction. With a database it has to be said: `update … where transaction_id is null`, and rows counted.
const orders = new Map(); // number → { number, fen, status, created, credited, transactionId }
const refunds = new Map(); // key of a wish → { outRefundNo, number, fen, total, status }

const app = express();

// ---- signatures ----

// Whether WeChat Pay signed these very bytes in the last five minutes, with the key that we know it by.
function isWeChatPays(headers, bytes) {
  const { 'wechatpay-timestamp': time, 'wechatpay-nonce': nonce, 'wechatpay-signature': signature = '' } = headers;
  const fresh = Math.abs(Date.now() / 1000 - Number(time)) < 300; // false for what is no number, too
  if (!fresh || headers['wechatpay-serial'] !== mine.wechatPublicKeyId) return false;
  const signed = Buffer.concat([Buffer.from(`${time}\n${nonce}\n`), bytes, Buffer.from('\n')]);
  return verify('sha256', signed, publicKey, Buffer.from(signature, 'base64'));
}

function decrypted({ ciphertext, nonce, associated_data: associated = '' }) {
  const bytes = Buffer.from(ciphertext, 'base64');
  const gcm = createDecipheriv('aes-256-gcm', mine.apiV3Key, nonce, { authTagLength: 16 });
  gcm.setAuthTag(bytes.subarray(-16)).setAAD(Buffer.from(associated));
  return JSON.parse(Buffer.concat([gcm.update(bytes.subarray(0, -16)), gcm.final()]).toString('utf8'));
}

// It may be done, or not: whoever asked is answered 503 and may ask again, for one wish keeps its one number.
class Unclear extends Error {
  status = 503;
}

// WeChat Pay's answer: { status, told }. Unclear without one, and where it is not signed.
async function called(method, path, content) {
  const body = content ? JSON.stringify(content) : '';
  const [time, nonce] = [Math.floor(Date.now() / 1000), randomBytes(16).toString('hex')];
  const signature = sign('sha256', Buffer.from([method, path, time, nonce, body, ''].join('\n')), mine.merchantPrivateKey);
  const said = { mchid: mine.mchid, serial_no: mine.merchantSerialNo, nonce_str: nonce, timestamp: time, signature: signature.toString('base64') };
  const headers = {
    Authorization: `WECHATPAY2-SHA256-RSA2048 ${Object.entries(said).map(([name, value]) => `${name}="${value}"`)}`,
    'Wechatpay-Serial': mine.wechatPublicKeyId, // it shall sign its answer with this key
    'Content-Type': 'application/json',
    Accept: 'application/json',
  };
  let answer, bytes;
  try {
    answer = await fetch(WECHATPAY_URL + path, { method, headers, body: body || undefined, signal: AbortSignal.timeout(10_000) });
    bytes = Buffer.from(await answer.arrayBuffer());
  } catch (problem) {
    throw new Unclear(`${method} ${path}: no answer`, { cause: problem });
  }
  const { status } = answer;
  if (status >= 500 || status === 429 || !isWeChatPays(Object.fromEntries(answer.headers), bytes)) throw new Unclear(`${method} ${path}: ${status}`);
  return { status, told: bytes.length ? JSON.parse(bytes) : {} };
}

// ---- what WeChat Pay tells: before any parser, for the signature is over the bytes as they came ----

// 204 is for ever: it is said once it is in the books. Nobody is called here, so it is quick.
app.post('/notify', express.raw({ type: () => true }), (request, response) => {
  const bytes = request.body ?? Buffer.alloc(0);
  if (!isWeChatPays(request.headers, bytes)) return response.sendStatus(401); // a probe of WeChat Pay's, too: it comes again, rightly signed
  const { event_type: type, resource } = JSON.parse(bytes);
  const content = decrypted(resource);
  // Both types together say what it is: profit sharing has the former, too.
  if (type === 'TRANSACTION.SUCCESS' && resource.original_type === 'transaction') {
    if (!credit(content)) return response.sendStatus(500); // it comes again, and by then somebody may have looked
  }
  if (resource.original_type === 'refund') refundMoved(content.out_refund_no, content.amount.refund, content.refund_status);
  response.sendStatus(204); // of other kinds nothing is wanted here
});

// Write a payment down, once; false, and nothing, if it is not what was ordered here.
function credit({ out_trade_no: number, transaction_id: transactionId, amount, mchid, appid }) {
  const order = orders.get(number);
  const fits = amount.total === order?.fen && amount.currency === 'CNY' && mchid === mine.mchid && appid === mine.appid;
  if (!fits) {
    console.error('a payment that nobody here ordered so, look at it:', number, amount, mchid, appid);
    return false;
  }
  if (!order.transactionId) {
    order.credited += order.fen;
    Object.assign(order, { status: 'paid', transactionId }); // one that was closed, too: the money is here
    console.log(`${number} is paid: send the goods`);
  }
  return true;
}

// Write a refund's status down. One of another number or amount was made by hand in WeChat Pay's console.
function refundMoved(outRefundNo, fen, status) {
  const refund = [...refunds.values()].find((one) => one.outRefundNo === outRefundNo && one.fen === fen);
  if (refund && !['SUCCESS', 'CLOSED'].includes(refund.status)) refund.status = status;
}

// ---- what WeChat Pay is asked ----

// Let the books say of an order what WeChat Pay says of it.
async function ask(order) {
  const { told } = await called('GET', `/v3/pay/transactions/out-trade-no/${order.number}?mchid=${mine.mchid}`);
  if (['SUCCESS', 'REFUND'].includes(told.trade_state)) credit(told);
  else if (told.trade_state === 'CLOSED' && order.status === 'unpaid') order.status = 'closed';
}

// Close an order. Whether it was paid at the last moment only a query tells, whatever this is answered.
async function closeAndAsk(order) {
  await called('POST', `/v3/pay/transactions/out-trade-no/${order.number}/close`, { mchid: mine.mchid }).catch(noted);
  await ask(order);
}

// Ask for a refund, or what became of it, by its one number; false if WeChat Pay refuses it.
async function send({ outRefundNo, number, fen, total }) {
  const amount = { refund: fen, total, currency: 'CNY' };
  const wanted = { out_trade_no: number, out_refund_no: outRefundNo, amount, notify_url: NOTIFY_URL };
  const { status, told } = await called('POST', '/v3/refund/domestic/refunds', wanted);
  refundMoved(outRefundNo, fen, status === 200 ? told.status : 'REFUSED');
  return status === 200;
}

const noted = (problem) => console.warn(problem.message);

// Ask about all that is open: notifications and answers get lost, buyers do not come back. Close what is too old.
async function sweep() {
  for (const order of orders.values()) {
    const old = order.created < Date.now() / 1000 - OPEN_SECONDS;
    if (order.status === 'unpaid') await (old ? closeAndAsk(order) : ask(order)).catch(noted);
  }
  for (const refund of refunds.values()) if (['WISHED', 'PROCESSING'].includes(refund.status)) await send(refund).catch(noted);
  setTimeout(sweep, Number(SWEEP_SECONDS) * 1000);
}

// ---- what the shop's own pages call; yours lets nobody else in ----

app.use(express.json({ type: () => true }));

// `{"amount": fen}`: the code that the buyer scans, and on the last line the order's number.
app.post('/orders', async (request, response) => {
  const [number, fen] = [`EX${randomBytes(14).toString('hex')}`, request.body.amount];
  const order = { number, fen, status: 'ordering', created: Date.now() / 1000, credited: 0 };
  orders.set(number, order); // first: the notification may be here before the answer is
  const amount = { total: fen, currency: 'CNY' };
  const wanted = { appid: mine.appid, mchid: mine.mchid, description: 'A cup of tea', out_trade_no: number, notify_url: NOTIFY_URL, amount };
  const { status, told } = await called('POST', '/v3/pay/transactions/native', wanted);
  if (status !== 200) return response.status(409).send(told.code);
  if (order.status === 'ordering') order.status = 'unpaid';
  response.type('text').send(`${told.code_url}\n${number}\n`);
});

// `unpaid`, `paid`, `closed`, `refunded` or `unknown`, and how many fen were credited. Who looks need not wait for the sweep.
app.get('/orders/:number', async (request, response) => {
  const order = orders.get(request.params.number);
  if (order?.status === 'unpaid') await ask(order).catch(noted);
  response.type('text').send(standing(order));
});

function standing(order) {
  if (!order) return 'unknown\n';
  const refunded = sum(order.number, (status) => status === 'SUCCESS');
  return `${refunded > 0 && refunded === order.credited ? 'refunded' : order.status} ${order.credited}\n`;
}

// Fen of an order's refunds.
function sum(number, counts) {
  return [...refunds.values()].reduce((fen, one) => fen + (one.number === number && counts(one.status) ? one.fen : 0), 0);
}

// `{"amount": fen, "key": of this wish}`: money back. The same key again is the same refund, whatever came of it before.
app.post('/orders/:number/refunds', async (request, response) => {
  const { key, amount: fen } = request.body;
  const order = orders.get(request.params.number);
  const left = order ? order.credited - sum(order.number, (status) => status !== 'CLOSED') : 0;
  if (!refunds.has(key) && fen > 0 && fen <= left) {
    // Its number is kept before it is sent.
    refunds.set(key, { outRefundNo: `RF${randomBytes(15).toString('hex')}`, number: order.number, fen, total: order.fen, status: 'WISHED' });
  }
  const kept = refunds.get(key);
  const right = kept && kept.number === request.params.number && kept.fen === fen;
  if (!right || !(await send(kept))) return response.status(409).send('more than is left, the key of another wish, or WeChat Pay refuses it\n');
  response.type('text').send(`${kept.outRefundNo}\n`);
});

// Close an order, unless it was paid meanwhile; what it is then.
app.post('/orders/:number/close', async (request, response) => {
  const order = orders.get(request.params.number);
  if (order?.status === 'unpaid') await closeAndAsk(order);
  response.type('text').send(standing(order));
});

// Express knows it by its four parameters. Its own would show the stack.
app.use((problem, request, response, next) => {
  console.error(problem.message);
  response.status(problem.status ?? 500).send(problem instanceof Unclear ? 'not known yet, ask again\n' : '');
});

setTimeout(sweep, Number(SWEEP_SECONDS) * 1000);
app.listen(Number(PORT || new URL(NOTIFY_URL).port || 80), '127.0.0.1');
