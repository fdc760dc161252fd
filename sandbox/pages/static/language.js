// English or Chinese: puts words on the page, and changes all of them when the buyer switches.
import { WORDS } from "/pages/words.js";

const STORED = "language";
const spoken = new Map(); // element → Map of property → [what, values]
const listeners = [];
let chinese = preferred() === "zh";

export function language() {
  return chinese ? "zh" : "en";
}

// `what` is a name in WORDS or an object {en, zh}; undefined takes the words away.
export function say(element, what, values = {}, property = "textContent") {
  if (!spoken.has(element)) spoken.set(element, new Map());
  spoken.get(element).set(property, [what, values]);
  put(element, property, what, values);
}

// The same on every element that the page marked with this word.
export function sayInstead(word, what, values) {
  for (const element of document.querySelectorAll(`[data-word="${word}"]`)) say(element, what, values);
}

export function knows(name) {
  return Object.hasOwn(WORDS, name);
}

export function onSwitch(listener) {
  listeners.push(listener);
}

export function start(button) {
  for (const element of document.querySelectorAll("[data-word]")) say(element, element.dataset.word);
  show(button);
  button.addEventListener("click", () => {
    chinese = !chinese;
    remember();
    show(button);
    for (const [element, properties] of spoken) {
      if (!element.isConnected) spoken.delete(element);
      else for (const [property, [what, values]] of properties) put(element, property, what, values);
    }
    for (const listener of listeners) listener();
  });
}

function put(element, property, what, values) {
  const text = what === undefined ? "" : phrase(what, values);
  if (element[property] !== text) element[property] = text; // a status that says the same is not said again
}

function phrase(what, values) {
  const words = typeof what === "string" ? WORDS[what][chinese ? 1 : 0] : what[language()];
  return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

function show(button) {
  document.documentElement.lang = chinese ? "zh-Hans" : "en";
  button.textContent = chinese ? "English" : "中文";
  button.lang = chinese ? "en" : "zh-Hans";
}

function preferred() {
  try {
    const stored = localStorage.getItem(STORED);
    if (stored === "en" || stored === "zh") return stored;
  } catch {
    // Storage may be switched off; the browser's own language decides then.
  }
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function remember() {
  try {
    localStorage.setItem(STORED, language());
  } catch {
    // Then it is forgotten with the page.
  }
}
