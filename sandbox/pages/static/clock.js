// The sandbox's time, which may have been moved ahead of this browser's.
import { ask } from "/pages/ask.js";

let ahead = 0; // milliseconds

export function now() {
  return Date.now() + ahead;
}

export async function synchronize() {
  ahead = (await ask("/shop/time")).now * 1000 - Date.now();
}

// 1:59:58, or 4:05 in the last hour.
export function remaining(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, place) => (place === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
