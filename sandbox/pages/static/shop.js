// The shop's page: the shelf, and from there to the checkout.
import { ask } from "/pages/ask.js";
import { language, say, sayInstead, start } from "/pages/language.js";

const list = document.getElementById("products");
const status = document.getElementById("status");

start(document.getElementById("language"));
fill();
// Whoever comes back with the browser's own button finds every other button working again.
window.addEventListener("pageshow", () => ready(true));

async function fill() {
  try {
    const { buyer, merchant, products } = await ask("/shop/products");
    sayInstead("shopTitle", { en: "{en}", zh: "{zh}" }, merchant);
    list.replaceChildren(...products.map(card));
    say(document.getElementById("buyer"), "youAre", { buyer });
  } catch (failure) {
    say(status, ...failure.words);
  }
}

async function buy(product) {
  ready(false);
  say(status, undefined);
  try {
    const { checkoutUrl } = await ask("/shop/order", { body: { productId: product.id } });
    location.assign(`${checkoutUrl}?lang=${language()}`);
  } catch (failure) {
    say(status, ...failure.words);
    ready(true);
  }
}

function ready(yes) {
  for (const button of list.querySelectorAll("button")) button.disabled = !yes;
}

function card(product) {
  const item = document.createElement("li");
  item.className = "card";
  const glyph = piece(item, "div", "glyph");
  glyph.textContent = product.glyph;
  glyph.lang = "zh-Hans";
  glyph.ariaHidden = "true";
  const name = piece(item, "h2");
  name.id = `name-${product.id}`;
  say(name, product.name);
  say(piece(item, "p", "quiet"), product.about);
  piece(item, "p", "price").textContent = `¥${product.price}`;
  const button = piece(item, "button");
  button.type = "button";
  button.id = `buy-${product.id}`;
  button.setAttribute("aria-describedby", name.id);
  say(button, "buy");
  button.addEventListener("click", () => buy(product));
  return item;
}

function piece(parent, tag, className = "") {
  const element = document.createElement(tag);
  element.className = className;
  parent.append(element);
  return element;
}
