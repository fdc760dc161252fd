// The shop's one page: what there is, the cashier, and the buyer's own orders.
const BACKEND = 'http://localhost:5001'; // backend.py; deployed, an https domain that is registered for the mini program

let session = '';
const numbers = {}; // thing → the number of the order under way, so that a second tap finds the same order

const promised = (method, options) =>
  new Promise((success, fail) => method.call(wx, { ...options, success, fail }));

async function call(method, path, data) {
  const header = { authorization: session };
  const { statusCode, data: answer } = await promised(wx.request, { url: BACKEND + path, method, data, header });
  if (statusCode === 200) return answer;
  const message = answer.unknown ? 'Not known yet: tap again, it stays one order.' : `Refused: ${answer.error || statusCode}`;
  throw Object.assign(new Error(message), { unknown: answer.unknown });
}

// What the cashier reports proves nothing: ask, and once more a second later while the news may be on its way.
async function isPaid(number, tries) {
  const { paid } = await call('GET', `/orders/${number}`);
  if (paid || tries === 1) return paid;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return isPaid(number, tries - 1);
}

Page({
  data: { things: [], orders: [], note: '', busy: false },

  async onLoad() {
    const { code } = await promised(wx.login);
    const answer = await call('POST', '/login', { code });
    session = answer.session;
    const things = Object.entries(answer.things).map(([thing, [subject, amount]]) => ({ thing, subject, amount }));
    this.setData({ things, orders: await call('GET', '/orders') });
  },

  async onPullDownRefresh() {
    this.setData({ orders: await call('GET', '/orders') });
    wx.stopPullDownRefresh();
  },

  async buy({ currentTarget: { dataset: { thing } } }) {
    this.setData({ busy: true, note: '' });
    numbers[thing] = numbers[thing] || Math.random().toString(36).slice(2, 10) + Date.now().toString(36);
    try {
      const { paymentParams } = await call('POST', '/orders', { number: numbers[thing], thing });
      const { appId, ...params } = paymentParams; // a mini program takes its own appId
      const reported = await promised(wx.requestPayment, params).then(() => true, () => false);
      const paid = await isPaid(numbers[thing], reported ? 5 : 1);
      this.setData({ note: paid ? 'Paid. Thank you!' : 'Not paid yet.', orders: await call('GET', '/orders') });
      if (paid) delete numbers[thing];
    } catch (problem) {
      this.setData({ note: problem.message });
      if (problem.unknown === false) delete numbers[thing]; // a definite no: the next tap is a new order
    } finally {
      this.setData({ busy: false });
    }
  },
});
