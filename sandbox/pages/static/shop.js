// The shop's page: the shelf, and from there to one checkout at a time.
import { ask } from "/pages/ask.js";
import { Checkout } from "/pages/checkout.js";
import { say, start } from "/pages/language.js";
import { known } from "/pages/purchases.js";

const shelf = document.getElementById("shelf");
const list = document.getElementById("products");
const products = new Map();
const checkout = new Checkout({
  leave: () => {
    location.hash = "";
  },
});

start(document.getElementById("language"));
window.addEventListener("hashchange", () => follow());
fill();

async function fill() {
  const status = document.getElementById("shelf-status");
  try {
    const { buyer, products: sold } = await ask("/shop/products");
    for (const product of sold) products.set(product.id, product);
    list.replaceChildren(...sold.map(card));
    say(document.getElementById("buyer"), "youAre", { buyer });
    say(status, undefined);
  } catch (failure) {
    say(status, ...failure.words);
    return;
  }
  follow();
}

// The address names the product at the checkout, so that reload and the browser's back button do what they say.
function follow(wished = false) {
  const product = products.get(location.hash.slice(1));
  const buying = product !== undefined && (wished || known(product.id) !== undefined);
  shelf.hidden = buying;
  if (buying) {
    checkout.begin(product);
  } else {
    const left = checkout.end();
    if (left !== undefined) document.getElementById(`buy-${left.id}`)?.focus();
  }
}

function buy(product) {
  history.pushState(null, "", `#${product.id}`);
  follow(true);
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
