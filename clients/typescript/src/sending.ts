/** How one call goes out, when it is repeated, and what its refusal says (docs/api.md and docs/answers.md of the backend). */
import { PaymentsError, type Refusal } from './errors.js';

export interface Request {
  operation: string;
  url: URL;
  method: string;
  body: string | undefined;
  idempotencyKey: string | undefined;
  accessToken: string | (() => string | Promise<string>) | undefined;
  retryFor: number;
  timeout: number;
  signal: AbortSignal | undefined;
}

export interface Reply {
  about: Pick<Refusal, 'operation' | 'status' | 'idempotencyKey' | 'requestId'>;
  text: string;
  json: () => Record<string, unknown> | undefined;
}

/** Seconds before a repetition where no answer says how long: nobody answered, or API Gateway itself did. */
const PAUSE_SECONDS = 2;

/**
 * The answer, if it is a 2xx. A 503, a 429, and what nobody answered is repeated unchanged under the same key: after exactly the
 * answer's `Retry-After`, never before, as long as that lies within `retryFor`. Everything else is the last word on this call.
 */
export async function sent(request: Request, fetch: typeof globalThis.fetch): Promise<Reply> {
  const ends = performance.now() + request.retryFor * 1000;
  for (;;) {
    const outcome = await attempt(request, fetch);
    if (!(outcome instanceof PaymentsError)) return outcome;
    const repeatable = outcome.status === 503 || outcome.status === 429 || outcome.code === 'NO_ANSWER';
    const until = performance.now() + (outcome.retryAfter ?? PAUSE_SECONDS) * 1000;
    if (!repeatable || until > ends) throw outcome;
    await passed(until, request.signal);
  }
}

async function attempt(request: Request, fetch: typeof globalThis.fetch): Promise<Reply | PaymentsError> {
  const { operation, idempotencyKey } = request;
  const headers = new Headers({ accept: 'application/json' });
  if (request.body !== undefined) headers.set('content-type', 'application/json');
  if (idempotencyKey !== undefined) headers.set('idempotency-key', idempotencyKey);
  if (request.accessToken !== undefined) {
    const token = typeof request.accessToken === 'function' ? await request.accessToken() : request.accessToken;
    headers.set('authorization', `Bearer ${token}`);
  }
  const signals = [AbortSignal.timeout(request.timeout * 1000), ...(request.signal ? [request.signal] : [])];
  const { method, body } = request;
  let response: Response;
  let text: string;
  try {
    const init = { method, headers, redirect: 'manual' as const, signal: AbortSignal.any(signals) };
    response = await fetch(request.url, body === undefined ? init : { ...init, body });
    text = await response.text();
  } catch (cause) {
    request.signal?.throwIfAborted();
    return new PaymentsError({ operation, idempotencyKey, code: 'NO_ANSWER', message: 'nobody answered in time', cause });
  }
  const requestId = response.headers.get('apigw-requestid') ?? undefined;
  const about = { operation, idempotencyKey, requestId, status: response.status };
  const reply = { about, text, json: () => parsed(text) };
  return response.ok ? reply : refusal(reply, response.headers.get('retry-after'));
}

function refusal({ about, json }: Reply, retryAfter: string | null): PaymentsError {
  const given = json() ?? {};
  const told = { ...about, retryAfter: retryAfter && /^[0-9]+$/.test(retryAfter) ? Number(retryAfter) : undefined };
  if (typeof given['code'] === 'string' && typeof given['error'] === 'string') {
    const details = given['details'] as Record<string, unknown>;
    return new PaymentsError({ ...told, code: given['code'], message: given['error'], details });
  }
  const message = given['message'] ?? `HTTP ${about.status}`;
  return new PaymentsError({ ...told, code: 'message' in given ? 'GATEWAY' : 'UNREADABLE', message: String(message) });
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Not before `until`: a timer may ring a moment early. */
async function passed(until: number, signal: AbortSignal | undefined): Promise<void> {
  for (let left = until - performance.now(); left > 0; left = until - performance.now()) {
    signal?.throwIfAborted();
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.ceil(left));
      signal?.addEventListener('abort', wake, { once: true });
    });
  }
  signal?.throwIfAborted();
}
