// The phone's page: choose what to pay, see whom and how much, confirm.
import { ask } from "/pages/ask.js";
import { say, start } from "/pages/language.js";
import { drawLedger } from "/pages/ledger.js";
import { Repeating } from "/pages/repeating.js";

const LOOK = 2000; // milliseconds
const REFUSED = { SUCCESS: "ORDER_PAID", REFUND: "ORDER_PAID", CLOSED: "ORDER_CLOSED" };

const part = Object.fromEntries(
  [
    "choose", "choose-title", "paste", "code", "ledger-status", "orders", "confirm", "merchant",
    "merchant-number", "amount", "description", "number", "status", "pay", "back",
  ].map((id) => [id, document.getElementById(id)]),
);
let ledger = { orders: [] };
let chosen; // what is sent to WeChat Pay: {codeUrl} or {outTradeNo}
const looks = new Repeating(() => look(), LOOK);

start(document.getElementById("language"));
part.paste.addEventListener("submit", (event) => {
  event.preventDefault();
  openCode(part.code.value.trim());
});
part.back.addEventListener("click", choose);
part.pay.addEventListener("click", pay);
begin();

async function begin() {
  const asked = new URLSearchParams(location.search);
  await look();
  if (asked.get("codeUrl")) await openCode(asked.get("codeUrl"), asked.get("outTradeNo"));
  else choose();
}

// The ledger is drawn anew only while it is looked at.
async function look() {
  try {
    ledger = await ask("/phone/orders");
    say(part["ledger-status"], ledger.orders.length === 0 ? "noOrders" : undefined);
    drawLedger(part.orders, ledger.orders, (order) => review({ outTradeNo: order.outTradeNo }, order));
  } catch (failure) {
    say(part["ledger-status"], ...failure.words);
  }
}

async function openCode(codeUrl, outTradeNo) {
  await look();
  const order =
    ledger.orders.find((each) => each.codeUrl === codeUrl) ??
    ledger.orders.find((each) => each.codeUrl === undefined && each.outTradeNo === outTradeNo);
  review({ codeUrl }, order);
}

function review(what, order) {
  looks.stop();
  chosen = what;
  part.choose.hidden = true;
  part.confirm.hidden = false;
  part.merchant.textContent = ledger.merchant?.name ?? "";
  say(part["merchant-number"], "merchantNumber", { number: ledger.merchant?.number });
  part.amount.textContent = order ? `¥${order.amount}` : "";
  part.description.textContent = order?.description ?? what.codeUrl;
  say(part.number, order ? "orderNumber" : undefined, { number: order?.outTradeNo });
  const refused = REFUSED[order?.state];
  if (refused) tell(refused, {}, "bad");
  else tell(order ? undefined : "amountUnknown");
  part.pay.hidden = refused !== undefined;
  part.merchant.focus();
}

async function pay() {
  const what = chosen;
  part.pay.disabled = true;
  tell("paying");
  try {
    const { transactionId } = await ask("/phone/pay", { body: what });
    if (what === chosen) tell("phonePaid", { transaction: transactionId }, "good");
    if (what === chosen) part.pay.hidden = true;
  } catch (failure) {
    if (what === chosen) tell(...failure.words, "bad");
    if (what === chosen) part.pay.hidden = failure.status >= 400 && failure.status < 500;
  } finally {
    part.pay.disabled = false;
  }
  if (part.pay.hidden) part.back.focus();
}

function choose() {
  chosen = undefined;
  part.confirm.hidden = true;
  part.choose.hidden = false;
  part.code.value = "";
  if (location.search) history.replaceState(null, "", "/phone");
  part["choose-title"].focus();
  looks.start();
}

function tell(what, values = {}, mood = "") {
  part.status.className = `status ${mood}`;
  say(part.status, what, values);
}
