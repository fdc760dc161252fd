// One request and its JSON answer; whatever goes wrong is a Failure with a code and a sentence.
import { knows } from "/pages/language.js";

export class Failure extends Error {
  constructor(status, code, sentence, details = {}) {
    super(sentence);
    this.status = status;
    this.code = code;
    this.details = details;
  }

  // The arguments for say().
  get words() {
    const values = { sentence: this.message, status: this.status, detail: this.details.wechatCode ?? this.message };
    return [knows(this.code) ? this.code : "OTHER", values];
  }
}

export function ask(path, { body } = {}) {
  if (body === undefined) return answered(path, { method: "GET" });
  return answered(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

export function post(path, picture) {
  return answered(path, { method: "POST", headers: { "Content-Type": picture.type }, body: picture });
}

async function answered(path, request) {
  let answer;
  try {
    answer = await fetch(path, { ...request, cache: "no-store", signal: AbortSignal.timeout(35000) });
  } catch {
    throw new Failure(0, "NETWORK", "");
  }
  const members = await answer.json().catch(() => null);
  if (answer.ok && members !== null) return members;
  if (members === null || answer.ok) throw new Failure(answer.status, "UNREADABLE", "");
  const sentence = members.error ?? members.message ?? "";
  throw new Failure(answer.status, members.code ?? codeOf(answer.status), sentence, members.details);
}

// The gateway's own refusals carry no code.
function codeOf(status) {
  if (status === 429) return "RATE_LIMITED";
  return status >= 502 ? "SYSTEMERROR" : "OTHER";
}
