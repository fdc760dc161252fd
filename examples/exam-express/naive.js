// WRONG ON PURPOSE, do not copy: a merchant's backend with Express as it is often written, for `wechatpay-simulator exam` to find out.
//
// What can be decrypted is believed ("only WeChat Pay has the key"), each notification credits the buyer, and all are answered
// with success. In a demonstration all goes well. The rows that it fails, and what right.js does instead: ../exam.md.
import { readFileSync } from 'node:fs';
import express from 'express';
import WxPay from 'wechatpay-node-v3';
import { PayRequest } from 'wechatpay-node-v3/dist/lib/pay-request.js';

const { WECHATPAY_URL, WECHATPAY_CREDENTIALS, NOTIFY_URL, PORT } = process.env;
const mine = JSON.parse(readFileSync(WECHATPAY_CREDENTIALS, 'utf8'));
const pay = new WxPay({
  appid: mine.appid,
  mchid: mine.mchid,
  publicKey: Buffer.from(mine.merchantCertificate),
  privateKey: Buffer.from(mine.merchantPrivateKey),
  key: mine.apiV3Key,
});
// The package has WeChat Pay's own address built in.
const plain = new PayRequest();
const here = (url) => url.replace('https://api.mch.weixin.qq.com', WECHATPAY_URL);
pay.createHttp({
  get: (url, headers) => plain.get(here(url), headers),
  post: (url, params, headers) => plain.post(here(url), params, headers),
});

const orders = {};
const newNumber = () => `${Date.now()}${Math.floor(Math.random() * 1000000)}`;

const app = express();
app.use(express.json({ type: () => true }));

app.post('/orders', async (request, response) => {
  const number = newNumber();
  const amount = { total: request.body.amount };
  const result = await pay.transactions_native({ description: 'A cup of tea', out_trade_no: number, notify_url: NOTIFY_URL, amount });
  orders[number] = { total: amount.total, status: 'unpaid', credited: 0 };
  response.type('text').send(`${result.data.code_url}\n${number}\n`);
});

app.post('/notify', (request, response) => {
  try {
    const { ciphertext, associated_data, nonce } = request.body.resource;
    const result = pay.decipher_gcm(ciphertext, associated_data, nonce, mine.apiV3Key);
    if (request.body.event_type === 'TRANSACTION.SUCCESS') {
      orders[result.out_trade_no].status = 'paid';
      orders[result.out_trade_no].credited += result.amount.total;
    }
  } catch (error) {
    console.error(error.message);
  }
  response.json({ code: 'SUCCESS', message: '成功' }); // or it comes again and again
});

app.get('/orders/:number', (request, response) => {
  const { status, credited } = orders[request.params.number] ?? { status: 'unknown', credited: 0 };
  response.type('text').send(`${status} ${credited}\n`);
});

app.post('/orders/:number/refunds', async (request, response) => {
  const number = request.params.number;
  const amount = { refund: request.body.amount, total: orders[number].total, currency: 'CNY' };
  const result = await pay.refunds({ out_trade_no: number, out_refund_no: newNumber(), amount });
  response.status(result.status).json(result.data ?? {});
});

app.post('/orders/:number/close', async (request, response) => {
  await pay.close(request.params.number);
  orders[request.params.number].status = 'closed';
  response.send('closed\n');
});

app.listen(Number(PORT || new URL(NOTIFY_URL).port || 80), '127.0.0.1');
