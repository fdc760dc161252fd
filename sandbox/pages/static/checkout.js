// The checkout: shows the code of one order and watches until it is paid, closed or given up.
import { now, remaining, synchronize } from "/pages/clock.js";
import { say } from "/pages/language.js";
import { Payment } from "/pages/payment.js";
import { forget } from "/pages/purchases.js";
import { Repeating } from "/pages/repeating.js";

const POLL = 1000; // milliseconds
const POLL_IN_TROUBLE = 3000;
const SYNCHRONIZE = 5000;
const ENDS = { SUCCESS: "paid", REFUND: "refunded", CLOSED: "closed", REVOKED: "closed", PAYERROR: "failed" };
const PAID = new Set(["SUCCESS", "REFUND"]);
// After these the same key gives the same refusal for ever; only a new order helps.
const FOR_EVER = new Set(["IDEMPOTENCY_MISMATCH", "WECHAT_REFUSED", "PRODUCT_NOT_FOUND"]);

const part = Object.fromEntries(
  [
    "checkout", "subject", "amount", "code", "qr", "countdown", "open-phone", "code-text",
    "status", "facts", "retry", "anew", "back",
  ].map((id) => [id, document.getElementById(id)]),
);

export class Checkout {
  #product;
  #payment;
  #expiresAt;
  #polls = new Repeating(() => this.#look(), POLL);
  #ticks = new Repeating(() => this.#tick(), 1000);
  #times = new Repeating(() => synchronize().catch(() => {}), SYNCHRONIZE);

  constructor({ leave }) {
    part.retry.addEventListener("click", () => this.#open());
    part.anew.addEventListener("click", () => {
      forget(this.#product.id);
      this.#open();
    });
    part.back.addEventListener("click", leave);
  }

  begin(product) {
    if (this.#product === product) return;
    this.#product = product;
    say(part.subject, product.name);
    part.amount.textContent = `¥${product.price}`;
    part.checkout.hidden = false;
    part.subject.focus();
    this.#open();
  }

  // Returns the product that was at the checkout, if any.
  end() {
    const product = this.#product;
    this.#rest();
    this.#product = undefined;
    this.#payment = undefined;
    part.checkout.hidden = true;
    return product;
  }

  async #open() {
    const payment = new Payment(this.#product.id);
    this.#payment = payment;
    this.#rest();
    this.#offer();
    this.#tell("ordering");
    part.facts.replaceChildren();
    try {
      await synchronize();
      const order = await payment.open();
      if (payment === this.#payment) this.#show(order);
    } catch (failure) {
      if (payment === this.#payment) this.#explain(failure);
    }
  }

  #show(order) {
    say(part.qr, "qrLabel", {}, "alt");
    part.qr.src = order.qrCode;
    part.amount.textContent = `¥${Number(order.amount).toFixed(2)}`;
    part["code-text"].textContent = order.codeUrl;
    const query = new URLSearchParams({ codeUrl: order.codeUrl, outTradeNo: order.outTradeNo });
    part["open-phone"].href = `/phone?${query}`;
    part.code.hidden = false;
    this.#expiresAt = Date.parse(order.expiresAt);
    this.#facts(order);
    this.#tell("waiting");
    this.#polls.start();
    this.#ticks.start();
    this.#times.start();
  }

  #explain(failure) {
    if (failure.code === "ORDERPAID" || failure.code === "ORDERCLOSED") {
      if (failure.code === "ORDERCLOSED") this.#expiresAt = 0; // its time is over, whether WeChat Pay has closed it or not
      this.#polls.start(); // the order itself tells the rest
      return;
    }
    this.#offer(failure.code === "WECHAT_REFUSED" || !FOR_EVER.has(failure.code), FOR_EVER.has(failure.code));
    this.#tell(...failure.words, "bad");
  }

  async #look() {
    const payment = this.#payment;
    let state;
    try {
      state = await payment.state();
    } catch {
      if (payment === this.#payment && !this.#expired) this.#tell("lostSight", {}, "bad");
      return POLL_IN_TROUBLE;
    }
    if (payment !== this.#payment) return false;
    const end = ENDS[state.tradeState];
    if (end === undefined) {
      if (this.#expired) this.#expire();
      else this.#tell("waiting");
      return POLL;
    }
    this.#finish(end, state);
    return false;
  }

  #finish(end, state) {
    const paid = PAID.has(state.tradeState);
    this.#rest();
    forget(this.#product.id);
    this.#offer(false, !paid);
    this.#facts(state);
    this.#tell(end, {}, paid ? "good" : "bad");
  }

  get #expired() {
    return this.#expiresAt !== undefined && now() >= this.#expiresAt;
  }

  // The polls go on: a payment of the last second may still arrive.
  #expire() {
    part.code.hidden = true;
    this.#offer(false, true);
    this.#tell("expired", {}, "bad");
  }

  #tick() {
    part.countdown.textContent = remaining(this.#expiresAt - now());
  }

  #rest() {
    for (const each of [this.#polls, this.#ticks, this.#times]) each.stop();
    this.#expiresAt = undefined;
    part.code.hidden = true;
    part.qr.removeAttribute("src");
  }

  #offer(retry = false, anew = false) {
    part.retry.hidden = !retry;
    part.anew.hidden = !anew;
  }

  #tell(what, values = {}, mood = "") {
    part.status.className = `status ${mood}`;
    say(part.status, what, values);
  }

  #facts({ outTradeNo, transactionId, successTime }) {
    const facts = { order: outTradeNo, transaction: transactionId, paidAt: successTime && inWords(successTime) };
    const rows = Object.entries(facts).filter(([, value]) => value !== undefined);
    part.facts.replaceChildren(
      ...rows.map(([name, value]) => {
        const row = document.createElement("div");
        const term = document.createElement("dt");
        const fact = document.createElement("dd");
        say(term, name);
        say(fact, typeof value === "string" ? { en: value, zh: value } : value);
        row.append(term, fact);
        return row;
      }),
    );
  }
}

// A moment as each language writes it, in the buyer's own time zone.
function inWords(moment) {
  const style = { dateStyle: "medium", timeStyle: "medium" };
  const [en, zh] = ["en", "zh-Hans"].map((language) => new Date(moment).toLocaleString(language, style));
  return { en, zh };
}
