// The list of orders on the phone, one button each; what has not changed is left alone, so that nobody loses their place.
import { say } from "/pages/language.js";

export function drawLedger(list, orders, choose) {
  const drawn = new Map([...list.children].map((item) => [item.dataset.order, item]));
  const items = orders.map((order) => {
    const item = drawn.get(order.outTradeNo) ?? blank(order.outTradeNo);
    fill(item, order, choose);
    return item;
  });
  for (const item of drawn.values()) if (!items.includes(item)) item.remove();
  items.forEach((item, place) => {
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
  });
}

function blank(outTradeNo) {
  const item = document.createElement("li");
  item.dataset.order = outTradeNo;
  const button = document.createElement("button");
  button.type = "button";
  for (const name of ["description", "money", "number", "state"]) {
    const text = document.createElement("span");
    text.className = name;
    button.append(text);
  }
  item.append(button);
  return item;
}

function fill(item, order, choose) {
  const [button] = item.children;
  const [description, money, number, state] = button.children;
  button.onclick = () => choose(order);
  description.textContent = order.description;
  money.textContent = `¥${order.amount}`;
  number.className = "number quiet small";
  number.textContent = order.outTradeNo;
  state.className = `small ${order.state === "NOTPAY" ? "payable" : "quiet"}`;
  say(state, order.state);
}
