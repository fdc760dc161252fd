// The page that the checkout returns to. It believes the shop's backend, never the way that the buyer came.
import { ask } from "/pages/ask.js";
import { say, sayInstead, start } from "/pages/language.js";
import { Repeating } from "/pages/repeating.js";

const LOOK = 2000; // milliseconds
const WORDS = {
  pending: "orderPending", succeeded: "paid", partially_refunded: "partlyRefunded", refunded: "refunded",
  closed: "closed", failed: "failed",
};
const part = (id) => document.getElementById(id);
const reference = new URLSearchParams(location.search).get("order") ?? "";
const looks = new Repeating(look, LOOK);

start(part("language"));
looks.start();

async function look() {
  try {
    const order = await ask(`/shop/orders/${encodeURIComponent(reference)}`);
    sayInstead("shopTitle", { en: "{en}", zh: "{zh}" }, order.merchant);
    say(part("status"), WORDS[order.status]);
    say(part("name"), order.product.name);
    part("glyph").textContent = order.product.glyph;
    part("glyph").hidden = false;
    part("amount").textContent = `¥${order.amount}`;
    say(part("number"), "orderNumber", { number: order.outTradeNo });
    return order.status === "pending" ? LOOK : false;
  } catch (failure) {
    say(part("status"), ...failure.words);
    return failure.status === 404 ? false : LOOK;
  }
}
