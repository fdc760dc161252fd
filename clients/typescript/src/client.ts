/** One method for each operation of the backend, with its types from docs/openapi.yaml. */
import { PaymentsError } from './errors.js';
import type { operations } from './generated/openapi.js';
import { table, type Name, type Route } from './generated/operations.js';
import { sent, type Request } from './sending.js';

type Parameters<N extends Name, P extends 'path' | 'query'> = [NonNullable<operations[N]['parameters'][P]>] extends [never]
  ? unknown
  : NonNullable<operations[N]['parameters'][P]>;
type Body<N extends Name> = operations[N] extends { requestBody: { content: { 'application/json': infer Given } } }
  ? Given
  : unknown;
type Success<N extends Name> = operations[N]['responses'] extends { 200: { content: infer Content } } ? Content : never;

/** What an operation is given: its path's and query's parameters, and its body's members, all side by side. */
export type Input<N extends Name> = Body<N> & Parameters<N, 'path'> & Parameters<N, 'query'>;
/** What an operation answers: `data` where there is one, JSON as it came otherwise, text where it is no JSON. */
export type Answer<N extends Name> =
  Success<N> extends { 'application/json': infer Json } ? (Json extends { data: infer Data } ? Data : Json) : string;

export interface ClientOptions {
  /** The stack's `ApiUrl`, or the sandbox's address. */
  baseUrl: string;
  /** An access token, or what gives one; asked for each attempt. It must stay the same caller's: a key belongs to its caller. */
  accessToken: string | (() => string | Promise<string>);
  /** Seconds within which a call is repeated where that is safe; default 30, 0 for never. */
  retryFor?: number;
  /** Seconds that one attempt may take; default 35, for the backend answers within 30. */
  timeout?: number;
  fetch?: typeof globalThis.fetch;
}

export interface CallOptions {
  /** Names the order or refund that is wanted, for ever: say your own order's number. One is made where none is given. */
  idempotencyKey?: string;
  retryFor?: number;
  signal?: AbortSignal;
}

export type Client = { [N in Name]: (input: Input<N>, options?: CallOptions) => Promise<Answer<N>> };

export function createClient(options: ClientOptions): Client {
  const methods = Object.entries(table).map(([name, route]) => [
    name,
    (input: Record<string, unknown>, call: CallOptions = {}) => called(name, route, input, options, call),
  ]);
  return Object.fromEntries(methods) as Client;
}

async function called(
  name: string,
  route: Route,
  input: Record<string, unknown>,
  { baseUrl, accessToken, retryFor = 30, timeout = 35, fetch = globalThis.fetch }: ClientOptions,
  call: CallOptions,
): Promise<unknown> {
  const { idempotencyKey = crypto.randomUUID() } = call;
  if (!/^[!-~]{1,255}$/.test(idempotencyKey)) throw new TypeError('idempotencyKey must be 1 to 255 visible ASCII characters');
  const rest = { ...input };
  const path = route.path.replace(/\{(\w+)\}/g, (_, member: string) => {
    const value = rest[member];
    delete rest[member];
    if (typeof value !== 'string' || value === '') throw new TypeError(`${name}: ${member} must be a text that is not empty`);
    return encodeURIComponent(value);
  });
  const url = new URL(baseUrl.replace(/\/$/, '') + path);
  for (const member of route.query) {
    if (rest[member] != null) url.searchParams.set(member, String(rest[member]));
    delete rest[member];
  }
  const request: Request = {
    operation: name,
    url,
    method: route.method,
    // Written once: a repetition sends the same bytes under the same key.
    body: route.body ? JSON.stringify(rest) : undefined,
    idempotencyKey: route.key ? idempotencyKey : undefined,
    accessToken: route.token ? accessToken : undefined,
    retryFor: call.retryFor ?? retryFor,
    timeout,
    signal: call.signal,
  };
  const answer = await sent(request, fetch);
  if (!route.json) return answer.text;
  const json = answer.json();
  if (json === undefined) {
    throw new PaymentsError({ ...answer.about, code: 'UNREADABLE', message: 'the answer is not JSON' });
  }
  return 'data' in json ? json['data'] : json;
}
