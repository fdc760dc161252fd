// The buyer's open purchases, one for each product: a wish has one key, and keeps it until it is paid or closed.
const STORED = "purchases";

export function known(productId) {
  return all()[productId];
}

export function begin(productId) {
  return known(productId) ?? keep(productId, { key: crypto.randomUUID() });
}

export function keep(productId, purchase) {
  store({ ...all(), [productId]: purchase });
  return purchase;
}

export function forget(productId) {
  const others = all();
  delete others[productId];
  store(others);
}

let here = {}; // when the browser stores nothing

function all() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED)) ?? here;
  } catch {
    return here;
  }
}

function store(purchases) {
  here = purchases;
  try {
    sessionStorage.setItem(STORED, JSON.stringify(purchases));
  } catch {
    // Then a reload begins a new order; the old one expires unpaid.
  }
}
