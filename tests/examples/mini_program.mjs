// The mini program's page with a `wx` that goes to the sandbox: node mini_program.mjs PAGE BACKEND SIMULATOR
import { readFileSync } from 'node:fs';
import vm from 'node:vm';

const [file, backend, simulator] = process.argv.slice(2);
const control = async (name, body) =>
  (await fetch(`${simulator}/_sandbox/${name}`, { method: 'POST', body: JSON.stringify(body) })).json();

const sent = [];
let session;
let leaves = true; // the buyer closes the cashier

async function request(path, { method = 'GET', data, header = {} }) {
  const body = data === undefined ? undefined : JSON.stringify(data);
  const headers = { 'content-type': 'application/json', ...header };
  const answer = await fetch(backend + path, { method, headers, body });
  return { statusCode: answer.status, data: await answer.json().catch(() => ({})) };
}

const wx = {
  login({ success }) {
    control('login', { person: 'alice' }).then(({ code }) => success({ code }));
  },
  request({ url, method, data, header, success, fail }) {
    session = header.authorization || session;
    if (data) sent.push(data);
    request(new URL(url).pathname, { method, data, header }).then(success, fail);
  },
  requestPayment({ success, fail, ...params }) {
    if (leaves) return fail({ errMsg: 'requestPayment:fail cancel' });
    control('pay', { payment: params }).then((told) => (told.transaction_id ? success() : fail(told)));
  },
  stopPullDownRefresh() {},
};

let page;
const Page = (made) => {
  page = made;
  page.setData = (data) => Object.assign(page.data, data);
};
vm.runInNewContext(readFileSync(file, 'utf8'), { wx, Page, Date, Math, setTimeout });

const copy = (value) => JSON.parse(JSON.stringify(value));
const statuses = () => copy(page.data.orders.map((order) => order.status));
async function shows(status) {
  for (let tries = 0; tries < 300 && !statuses().includes(status); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    await page.onPullDownRefresh();
  }
  return statuses();
}

const told = {};
await page.onLoad();
told.opened = copy(page.data);
const tap = { currentTarget: { dataset: { thing: 'tea' } } };
await page.buy(tap);
told.left = copy(page.data);
leaves = false;
await page.buy(tap);
told.paid = copy(page.data);
told.numbers = sent.filter((data) => data.number).map((data) => data.number);
told.heard = await shows('succeeded');
const wish = { wish: 'w1', number: told.numbers[0], amount: '10.00' };
told.refunds = [];
for (let clicks = 0; clicks < 2; clicks += 1) {
  told.refunds.push((await request('/refunds', { method: 'POST', data: wish })).data.refund);
}
told.refunded = await shows('partially_refunded');
const { statusCode } = await request('/orders', { header: { authorization: 'nobody' } });
const { code } = await control('login', { person: 'bob' });
const other = (await request('/login', { method: 'POST', data: { code } })).data.session;
told.stranger = { statusCode, others: (await request('/orders', { header: { authorization: other } })).data };
console.log(JSON.stringify(told));
