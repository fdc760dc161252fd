/** What a call that did not succeed says. */

export interface Refusal {
  operation: string;
  /** The HTTP status; absent where nobody answered. */
  status?: number | undefined;
  code: string;
  message: string;
  details?: Record<string, unknown> | undefined;
  retryAfter?: number | undefined;
  idempotencyKey?: string | undefined;
  requestId?: string | undefined;
  cause?: unknown;
}

/**
 * A refusal, or an outcome that is not known.
 *
 * `code` is the backend's (docs/api.md, Refusals); `GATEWAY` where API Gateway refused before any function ran, `NO_ANSWER` where
 * nobody answered in time, `UNREADABLE` where the answer is none of the backend's.
 */
export class PaymentsError extends Error {
  override readonly name = 'PaymentsError';
  readonly operation: string;
  readonly status: number | undefined;
  readonly code: string;
  readonly details: Record<string, unknown>;
  /** Seconds after which the same call may be repeated, where the answer says so. */
  readonly retryAfter: number | undefined;
  /** The key that was sent: with it the same call finds what this one did. */
  readonly idempotencyKey: string | undefined;
  /** API Gateway's id of the request, for whoever reads the logs. */
  readonly requestId: string | undefined;

  constructor(refusal: Refusal) {
    super(`${refusal.operation}: ${refusal.code}: ${refusal.message}`, { cause: refusal.cause });
    this.operation = refusal.operation;
    this.status = refusal.status;
    this.code = refusal.code;
    this.details = refusal.details ?? {};
    this.retryAfter = refusal.retryAfter;
    this.idempotencyKey = refusal.idempotencyKey;
    this.requestId = refusal.requestId;
  }

  /**
   * Whether what was asked for may have been done, or may yet be done: repeat the same call with the same key, and do not do it
   * another way. False for what was refused: a 4xx, or a 502, is a definite word.
   */
  get outcomeUnknown(): boolean {
    return this.status === undefined || this.status < 400 || (this.status >= 500 && this.status !== 502);
  }
}
