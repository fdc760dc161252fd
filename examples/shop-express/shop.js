// A shop with Express: one link that pays on every device, a webhook, a page to come back to, the history, refunds.
import { randomBytes } from 'node:crypto';
import express from 'express';
import { createClient, PaymentsError, verifyEvent, WebhookError } from 'wechatpay-backend';

const { API, WEBHOOK_SECRET, PORT = '3000', SHOP = `http://localhost:${PORT}` } = process.env;
if (!API || !WEBHOOK_SECRET) throw new Error('API and WEBHOOK_SECRET must be set');

const things = { tea: ['Longjing tea, 50 g', '48.00'], cup: ['A cup, white', '19.90'] };
// In a real shop three tables; what one event changes, it changes in one transaction.
const orders = new Map(); // number → { number, thing, checkoutUrl, delivered }
const payments = new Map(); // outTradeNo → { outTradeNo, number, fen, refunded, status, version }
const handled = new Set(); // ids of events

// The sandbox hands tokens out; deployed, ask your identity provider by the client credentials grant (docs/identity.md).
function client(scope) {
  const accessToken = async () => {
    const asked = { method: 'POST', body: JSON.stringify({ sub: 'shop', scope }) };
    return (await (await fetch(`${API}/_sandbox/token`, asked)).json()).token;
  };
  return createClient({ baseUrl: API, accessToken });
}
const shop = client('payments:charge');
const backOffice = client('payments:refund');

const app = express();

// ---- what the backend tells: before any parser, for the signature is over the bytes as they came ----

app.post('/webhook', express.raw({ type: () => true }), async (request, response) => {
  let event;
  try {
    event = await verifyEvent(request.body ?? '', request.headers, WEBHOOK_SECRET);
  } catch (problem) {
    if (!(problem instanceof WebhookError)) throw problem;
    return response.sendStatus(400);
  }
  const { data } = event;
  // It may come twice, and an older one after a newer one. What has no outTradeNo is about no order: the books, other products.
  if (!handled.has(data.id) && 'outTradeNo' in data) {
    const known = payments.get(data.outTradeNo);
    if (!known || known.version < data.version) {
      const { outTradeNo, status, version, refundedAmount = 0 } = data;
      payments.set(outTradeNo, { outTradeNo, number: data.metadata.order, fen: data.amount.total, refunded: refundedAmount, status, version });
    }
    if (event.type === 'PaymentSucceeded') deliver(data.metadata.order);
    handled.add(data.id);
  }
  response.sendStatus(204);
});

// Hand the thing over, once, whoever finds out first that it is paid.
function deliver(number) {
  const order = orders.get(number);
  if (!order || order.delivered) return;
  order.delivered = true;
  console.log(`order ${number} is paid: send it`);
}

app.use(express.urlencoded({ extended: false }));

// ---- what a buyer sees ----

app.get('/', (request, response) => {
  // The number of the order to come makes a double click one order.
  const forms = Object.entries(things).map(
    ([thing, [subject, amount]]) => `<form method="post" action="/orders"><input type="hidden" name="number" value="${unique()}">
<button name="thing" value="${thing}">${text(subject)}, ¥${amount}</button></form>`,
  );
  response.send(page('Shop', forms.join('\n')));
});

app.post('/orders', async (request, response) => {
  const { number, thing } = request.body;
  if (!/^[0-9a-z]{8,32}$/.test(number) || !Object.hasOwn(things, thing)) return response.sendStatus(400);
  const [subject, amount] = things[thing]; // the price is ours to say, never the browser's
  if (!orders.has(number)) orders.set(number, { number, thing, delivered: false });
  const kept = await shop.keepCheckout(
    // `metadata` comes back with each event.
    { contentId: thing, amount, subject, metadata: { order: number }, returnUrl: `${SHOP}/orders/${number}` },
    { idempotencyKey: `order-${number}` }, // whoever clicks twice, or asks again after a crash, finds the same checkout
  );
  orders.get(number).checkoutUrl = kept.checkoutUrl;
  response.redirect(303, kept.checkoutUrl);
});

// Coming back proves nothing, so the backend is asked.
app.get('/orders/:number', async (request, response) => {
  const order = orders.get(request.params.number);
  if (!order?.checkoutUrl) return response.sendStatus(404);
  const view = await shop.showCheckout({ token: order.checkoutUrl.split('/').at(-1) });
  if (view.status === 'paid') deliver(order.number);
  const open = ['ready', 'identify', 'waiting', 'elsewhere'].includes(view.status);
  const paid = view.status === 'paid' ? `Paid: ¥${view.amount}. Thank you!` : text(view.status);
  const said = open ? `Not paid yet. <a href="${text(order.checkoutUrl)}">Pay</a>` : paid;
  response.send(page(`Order ${order.number}`, `<p id="status">${said}</p>`));
});

// ---- the back office; yours lets nobody else in ----

// All orders and what was paid for each. Two paid payments of one order: the second one is to be refunded.
app.get('/history', (request, response) => {
  const rows = [...orders.values()].flatMap(({ number, thing }) => {
    const found = [...payments.values()].filter((payment) => payment.number === number);
    return (found.length ? found : [{ status: 'not paid' }]).map((payment) => row(number, thing, payment));
  });
  response.send(page('History', `<table>${rows.join('\n')}</table>`));
});

function row(number, thing, { outTradeNo = '', fen, refunded, status }) {
  const cells = [number, thing, status, outTradeNo].map((cell) => `<td>${text(cell)}`).join('');
  if (!['succeeded', 'partially_refunded', 'refunded'].includes(status)) return `<tr>${cells}`;
  return `<tr>${cells}<td>¥${yuan(fen)}, back: ¥${yuan(refunded)}
<td><form method="post" action="/refunds"><input type="hidden" name="wish" value="${unique()}">
<input type="hidden" name="out_trade_no" value="${text(outTradeNo)}">
<input name="amount" value="${yuan(fen - refunded)}"><button>Refund</button></form>`;
}

// The wish's number, made with the page, makes a second click the same refund.
app.post('/refunds', async (request, response) => {
  const { wish, out_trade_no: outTradeNo, amount } = request.body;
  const taken = await backOffice.refundPayment(
    { outTradeNo, refundAmount: amount, refundReason: 'Asked for by the buyer' },
    { idempotencyKey: `refund-${wish}` },
  );
  response.send(`Refund ${taken.outRefundNo}: ${taken.status}. The history shows it once the money is back.`);
});

// What a person is told when a call did not succeed.
app.use((problem, request, response, next) => {
  if (!(problem instanceof PaymentsError)) return next(problem);
  if (!problem.outcomeUnknown) return response.status(409).send(text(`Refused: ${problem.message}`));
  response.status(503).send('Not known yet: it may be done by itself. Send the form again: it stays one order, or one refund.');
});

const unique = () => randomBytes(8).toString('hex');
const yuan = (fen) => `${Math.trunc(fen / 100)}.${String(fen % 100).padStart(2, '0')}`;
const text = (value) => String(value).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
const page = (title, body) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<h1>${title}</h1>\n${body}`;

app.listen(Number(PORT), 'localhost', () => console.log(`the shop is at ${SHOP}`));
