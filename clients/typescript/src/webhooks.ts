/** Forwarded events, signed as Standard Webhooks are (standardwebhooks.com, specification 1.0.0). */
import type { components } from './generated/openapi.js';

export type PaymentsEvent = components['schemas']['Event'];

/** Why a request is no event of the backend's. Answer it with 400. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';
}

const PREFIX = 'whsec_';
const TOLERANCE_SECONDS = 300;

/**
 * The event that was posted. Throws WebhookError unless `secret` (`whsec_…`) has signed exactly this body within five minutes of now.
 *
 * `body` is the request's body as it came, before any JSON parser. An event may come twice: act once on each `event.data.id`.
 */
export async function verifyEvent(
  body: string | Uint8Array,
  headers: Headers | Record<string, string | string[] | undefined>,
  secret: string,
): Promise<PaymentsEvent> {
  const id = header(headers, 'webhook-id');
  const timestamp = header(headers, 'webhook-timestamp');
  const signatures = header(headers, 'webhook-signature');
  if (!/^[0-9]{1,15}$/.test(timestamp)) throw new WebhookError('webhook-timestamp is not a number of seconds');
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) {
    throw new WebhookError('webhook-timestamp is more than five minutes away from now');
  }
  const content = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const signed = concatenated(new TextEncoder().encode(`${id}.${timestamp}.`), content);
  const key = await crypto.subtle.importKey('raw', keyOf(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  for (const signature of signatures.split(' ')) {
    const [version, value] = signature.split(',', 2);
    const bytes = version === 'v1' && value ? decoded(value) : undefined;
    // `verify` compares in constant time.
    if (bytes && (await crypto.subtle.verify('HMAC', key, bytes, signed))) {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content)) as PaymentsEvent;
    }
  }
  throw new WebhookError('no signature is of this secret');
}

function header(headers: Headers | Record<string, string | string[] | undefined>, name: string): string {
  const value =
    headers instanceof Headers
      ? headers.get(name)
      : Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1];
  if (typeof value !== 'string' || value === '') throw new WebhookError(`the header ${name} is missing`);
  return value;
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const key = secret.startsWith(PREFIX) ? decoded(secret.slice(PREFIX.length)) : undefined;
  if (!key || key.length < 24 || key.length > 64) {
    throw new TypeError('the secret must be whsec_ and 24 to 64 bytes in base64');
  }
  return key;
}

function decoded(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function concatenated(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
