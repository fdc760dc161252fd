// The phone's page: scan a code or choose an order, see whom and how much, confirm, cancel, or pay late.
import { ask, Failure, post } from "/pages/ask.js";
import { say, start } from "/pages/language.js";
import { drawLedger } from "/pages/ledger.js";
import { Repeating } from "/pages/repeating.js";

const LOOK = 2000; // milliseconds
const WIDEST = 1600; // pixels of a picture that is sent to be read
// How the simulator is told that the browser comes; an address for documentation, and a name that nobody has.
const VISITS = {
  browser: {},
  wechat: { insideWeChat: true },
  network: { ip: "198.51.100.7" },
  silent: { referer: "" },
  foreign: { referer: "//example.invalid/" },
};
const REFUSED = { SUCCESS: "ORDER_PAID", REFUND: "ORDER_PAID", CLOSED: "ORDER_CLOSED" };

const part = Object.fromEntries(
  [
    "choose", "choose-title", "drop", "picture", "scan-status", "ledger-status", "orders", "confirm", "merchant",
    "merchant-number", "amount", "description", "number", "kind", "visiting", "visit", "status", "pay", "late", "cancel", "back",
  ].map((id) => [id, document.getElementById(id)]),
);
let ledger = { orders: [] };
let chosen; // what is sent to WeChat Pay: {codeUrl}, {outTradeNo} or {h5Url}
const looks = new Repeating(() => look(), LOOK);

start(document.getElementById("language"));
part.picture.addEventListener("change", () => scan(part.picture.files[0]));
for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  part.drop.addEventListener(name, (event) => {
    event.preventDefault();
    part.drop.classList.toggle("over", over);
    if (name === "drop") scan(event.dataTransfer.files[0]);
  });
}
part.pay.addEventListener("click", () => pay(false));
part.late.addEventListener("click", () => pay(true));
part.cancel.addEventListener("click", () => {
  ended("cancelled");
});
part.back.addEventListener("click", choose);
look().then(choose);

// The ledger is drawn anew only while it is looked at.
async function look() {
  try {
    ledger = await ask("/phone/orders");
    say(part["ledger-status"], ledger.orders.length === 0 ? "noOrders" : undefined);
    drawLedger(part.orders, ledger.orders, (order) =>
      review(order.h5Url ? { h5Url: order.h5Url } : { outTradeNo: order.outTradeNo }, order),
    );
  } catch (failure) {
    say(part["ledger-status"], ...failure.words);
  }
}

async function scan(file) {
  if (!file) return;
  say(part["scan-status"], undefined);
  try {
    const { text, order } = await post("/phone/scan", await asPng(file));
    part.picture.value = "";
    if (order) review({ codeUrl: text }, order);
    else say(part["scan-status"], "otherCode", { text });
  } catch (failure) {
    part.picture.value = "";
    say(part["scan-status"], ...(failure instanceof Failure ? failure.words : ["NO_CODE"]));
  }
}

async function asPng(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, WIDEST / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function review(what, order) {
  looks.stop();
  chosen = what;
  part.choose.hidden = true;
  part.confirm.hidden = false;
  part.merchant.textContent = ledger.merchant?.name ?? "";
  say(part["merchant-number"], "merchantNumber", { number: ledger.merchant?.number });
  part.amount.textContent = `¥${order.amount}`;
  part.description.textContent = order.description;
  say(part.number, "orderNumber", { number: order.outTradeNo });
  say(part.kind, order.kind);
  part.visit.value = "browser";
  const refused = REFUSED[order.state];
  offer(refused === undefined);
  tell(refused, {}, refused && "bad");
  part.merchant.focus();
}

async function pay(late) {
  const what = chosen;
  for (const button of [part.pay, part.late]) button.disabled = true;
  tell("paying");
  try {
    const visit = what.h5Url ? VISITS[part.visit.value] : {};
    const { transactionId } = await ask("/phone/pay", { body: { ...what, ...visit, late } });
    if (what === chosen) ended(late ? "phonePaidLate" : "phonePaid", { transaction: transactionId }, "good");
  } catch (failure) {
    if (what === chosen) tell(...failure.words, "bad");
    // Whom WeChat Pay turns away at its door may come again another way.
    const over = failure.status >= 400 && failure.status < 500 && failure.status !== 403;
    if (what === chosen && over) offer(false);
  } finally {
    for (const button of [part.pay, part.late]) button.disabled = false;
  }
}

function ended(what, values = {}, mood = "") {
  tell(what, values, mood);
  offer(false);
  part.back.focus();
}

function offer(payable) {
  for (const button of [part.pay, part.late, part.cancel]) button.hidden = !payable;
  part.visiting.hidden = !(payable && chosen?.h5Url);
  part.back.hidden = payable;
}

function choose() {
  chosen = undefined;
  part.confirm.hidden = true;
  part.choose.hidden = false;
  part["choose-title"].focus();
  looks.start();
}

function tell(what, values = {}, mood = "") {
  part.status.className = `status ${mood}`;
  say(part.status, what, values);
}
