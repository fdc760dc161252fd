/** Typed client of the WeChat Pay backend. */
export { createClient } from './client.js';
export type { Answer, CallOptions, Client, ClientOptions, Input } from './client.js';
export { PaymentsError } from './errors.js';
export { verifyEvent, WebhookError } from './webhooks.js';
export type { PaymentsEvent } from './webhooks.js';
export type { components, operations, paths } from './generated/openapi.js';
